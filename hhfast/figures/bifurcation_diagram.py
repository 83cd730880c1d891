"""The bifurcation diagram: equilibria against the current, stable and not, and how far the oscillations reach."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.bifurcations import Bifurcations, bifurcations
from hhfast.analysis.equilibrium_curve import EquilibriumCurve, equilibrium_curve
from hhfast.batch.simulate import simulate
from hhfast.figures.arguments import axes_or_new, params_of
from hhfast.figures.canvas import colour
from hhfast.figures.text import label_of, plain, shown_number
from hhfast.inputs import interval, positive
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.features import Features
from hhfast.parts.stimuli import Step

_RUNS = 81  # currents at which oscillations are sought
_STILL = 0.5  # mV: what moves less does not oscillate


def plot_bifurcation_diagram(
    model: str | Path | Model,
    params: Mapping[str, float] | None = None,
    *,
    i_app: tuple[float, float] = (0.0, 200.0),
    t_stop: float = 600.0,
    axes: Axes | None = None,
) -> Axes:
    """V at equilibrium against the current, and the largest and smallest V of what a cell does there.

    model, params : as in `hhfast.simulate`, one cell. i_app : lowest and highest current, in the model's unit. Solid
    lines are stable, dashed ones unstable; Hopf points (filled if supercritical, open if subcritical) and
    saddle-nodes are marked. Dots: extremes of V in the last third of runs of t_stop ms, from rest without current and
    from 40 mV above it, so that both of two states show.
    axes : to draw into; None: new ones. Raises `InputError` for a model or currents that are none.
    """
    limits, t_stop = interval("i_app", i_app), positive("t_stop", t_stop)
    found, own = find_model(model), params_of(params)
    axes = axes_or_new(axes, 6.8, 4.6)
    curve = equilibrium_curve(found, own)
    _branches(axes, curve, limits)
    current, low, high = _oscillations(found, own, limits, t_stop)
    axes.plot(np.tile(current, 2), np.concatenate([low, high]), ".", color=colour(1), markersize=3.5, zorder=2,
              label="extremes of oscillations")  # fmt: skip
    _points(axes, bifurcations(found, own, i_app=limits))
    axes.set(xlim=limits, xlabel=label_of("applied current", curve.unit), ylabel="$V$ (mV)")
    axes.set_title(plain(found.title or found.name), fontsize=11)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return axes


def _branches(axes: Axes, curve: EquilibriumCurve, limits: tuple[float, float]) -> None:
    """Stable and unstable pieces; neighbours share a point, so that there are no gaps."""
    inside = (curve.current >= limits[0]) & (curve.current <= limits[1])
    for stable, line in ((True, "-"), (False, "--")):
        shown = inside & (curve.stable == stable)
        shown[1:] |= shown[:-1].copy()
        V = np.where(shown & inside, curve.V, np.nan)
        if np.isfinite(V).any():
            axes.plot(curve.current, V, line, color=colour(0), linewidth=1.6 if stable else 1.2,
                      label=f"{'stable' if stable else 'unstable'} equilibrium")  # fmt: skip


def _oscillations(
    model: Model, params: Mapping[str, float], limits: tuple[float, float], t_stop: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(current, lowest V, highest V) of the runs that oscillate."""
    current = np.tile(np.linspace(*limits, _RUNS), 2)
    start: dict[str, Any] = {"V": np.repeat([model.V_init, model.V_init + 40.0], _RUNS)}
    run = simulate(model, params, stimulus=Step(amplitude=current), t_stop=t_stop, initial=start, integrator="tsit5",
                   record=[Features(("V_min", "V_max"), window=(2 / 3 * t_stop, t_stop))])  # fmt: skip
    moving = run["V_max"] - run["V_min"] > _STILL
    return current[moving], run["V_min"][moving], run["V_max"][moving]


def _points(axes: Axes, found: Bifurcations) -> None:
    """Hopf points, filled where the oscillation born there is stable (supercritical), and saddle-nodes."""
    kinds = found.hopf_criticality[0]
    for current, V, marker, face, name in (
        *((found.hopf[0][kinds == kind], found.hopf_V[0][kinds == kind], "s", face, name) for kind, face, name in (
            ("supercritical", "k", "supercritical Hopf"), ("subcritical", "w", "subcritical Hopf"),
            ("unknown", "0.6", "Hopf"))),
        (found.saddle_node[0], found.saddle_node_V[0], "D", "k", "saddle-node"),
    ):  # fmt: skip
        if len(current):
            axes.plot(current, V, marker, color="k", markerfacecolor=face, markersize=6, zorder=4,
                      label=f"{name}: {', '.join(map(shown_number, current[:4]))}")  # fmt: skip
