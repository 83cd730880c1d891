"""The phase plane: V against one other state, with nullclines, the direction of motion, equilibria and a trajectory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.resting_state import resting_state
from hhfast.batch.simulate import simulate
from hhfast.errors import InputError, unknown
from hhfast.figures.arguments import axes_or_new, name_of, params_of, table_of
from hhfast.figures.canvas import colour
from hhfast.figures.text import label_of, plain, symbol, value_text
from hhfast.inputs import finite, positive
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.recorders import Trace
from hhfast.parts.stimuli import Step

_POINTS = 201  # of the grid along each axis
_FAST = 0.25  # of y's time constant at rest: a gate below it follows V


def plot_phase_plane(
    model: str | Path | Model,
    y: str | None = None,
    params: Mapping[str, float] | None = None,
    *,
    i_app: float = 0.0,
    t_stop: float = 100.0,
    held: Mapping[str, float | str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """The plane of V and the state `y`, at a constant current.

    model, params : as in `hhfast.simulate`, one cell. y : a state; None: the slowest gate that opens with V. i_app : in
    the model's unit. t_stop : ms, of the trajectory, which starts at rest without current; it is that of the whole
    model, of which the nullclines are a section: `held` gives for the other states a number, or "steady" where a gate
    follows V at once. By default gates whose time constant at rest is below a quarter of that of y follow V, and
    others stay where the model rests.

    The reduction of the squid axon to V and n: FitzHugh 1961, Biophys J 1:445-466; Rinzel 1985, Fed Proc 44:2944-2946.
    axes : to draw into; None: new ones. Raises `InputError` for the name of no state.
    """
    found, own = find_model(model), params_of(params)
    i_app, t_stop, y = finite("i_app", i_app), positive("t_stop", t_stop), name_of("y", y)
    fixed = table_of("held", held, "{'h': 0.5}")
    axes = axes_or_new(axes, 6.4, 5.0)
    rest = _resting(found, own)
    name = _slow_gate(found, own, rest["V"]) if y is None else y
    if name not in found.states or name == "V":
        raise unknown("state", name, found.states[1:], "y")
    others = _others(found, own, rest, name, fixed)
    run = simulate(found, own, stimulus=Step(amplitude=i_app), t_stop=t_stop, initial=rest, integrator="tsit5",
                   record=[Trace(*found.states, every=t_stop / 4000)])  # fmt: skip
    V, Y = _grid(found, name, run["V"][0], run[name][0])
    slope = found.derivatives(_section(found, own, others, V, Y, name), own, i_app)
    _nullclines(axes, V, Y, slope["V"], slope[name], name)
    axes.plot(run["V"][0], run[name][0], color="0.2", linewidth=1.1, label="trajectory")
    _equilibria(axes, found, own, i_app, name)
    axes.set(xlim=(V.min(), V.max()), ylim=(Y.min(), Y.max()), xlabel="$V$ (mV)")
    axes.set_ylabel(label_of(symbol(name), found.variables[name]))
    axes.set_title(_title(found, i_app, others), fontsize=10)
    # Below the axes: nullclines reach every corner.
    columns = min(4, len(axes.get_legend_handles_labels()[1]))
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=columns, frameon=False)
    return axes


def _resting(model: Model, params: Mapping[str, Any]) -> dict[str, float]:
    """Where the cell rests without current; where it would start, if it has no equilibrium."""
    state = resting_state(model, params)
    if len(state.V) != 1:
        raise InputError(f"params: have {len(state.V)} cells; a phase plane is that of one")
    if not np.isfinite(state.V[0]):
        raise InputError(f"{model.name}: has no equilibrium without current, at which other states could be held")
    return {name: float(values[0]) for name, values in state.states.items()}


def _slow_gate(model: Model, params: Mapping[str, float], rest: float) -> str:
    """The slowest gate that opens with V; else the first state that is not V."""
    V = np.linspace(rest, rest + 40.0, 2)
    opening = {n: tau[0] for n, (inf, tau) in model.gate_curves(V, params).items() if inf[1] > inf[0] and tau[0] > 0}
    if opening:
        return max(opening, key=lambda n: opening[n])
    if len(model.states) < 2:
        raise InputError(f"{model.name}: has no state but V, so there is no plane to draw")
    return model.states[1]


def _others(
    model: Model, params: Mapping[str, float], rest: Mapping[str, float], y: str, held: Mapping[str, float | str]
) -> dict[str, float | str]:
    """State -> where it is in the section: a number, or "steady"."""
    for name in held:
        if name not in model.states or name in ("V", y):
            raise unknown("state", name, [s for s in model.states if s not in ("V", y)], "held")
    tau = {name: float(t) for name, (_, t) in model.gate_curves(np.array(rest["V"]), params).items()}
    slow = tau.get(y, np.inf)
    section = [name for name in model.states if name not in ("V", y)]
    default = {name: "steady" if name in tau and tau[name] < _FAST * slow else rest[name] for name in section}
    for name, value in held.items():
        if isinstance(value, str) and (value != "steady" or name not in tau):
            raise InputError(f"held.{name} = '{value}': give a number" + (" or 'steady'" if name in tau else ""))
    return default | dict(held)


def _grid(model: Model, y: str, V: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V, y) over the plane: as far as the trajectory goes, and a gate from 0 to 1."""
    low, high = np.nanmin(V), np.nanmax(V)
    margin = max(10.0, 0.1 * (high - low))
    is_gate = y in {g.name for g in model.gates}
    ends = (0.0, 1.0) if is_gate else (np.nanmin(values), np.nanmax(values))
    slack = 0.0 if is_gate else 0.15 * max(ends[1] - ends[0], 1e-3 * abs(ends[1]), 1e-9)
    return tuple(np.meshgrid(np.linspace(low - margin, high + margin, _POINTS),
                             np.linspace(ends[0] - slack, ends[1] + slack, _POINTS)))  # type: ignore[return-value]  # fmt: skip


def _section(
    model: Model, params: Mapping[str, float], others: Mapping[str, float | str], V: np.ndarray, Y: np.ndarray, y: str
) -> dict[str, Any]:
    curves = model.gate_curves(V[0], params)
    there = {n: curves[n][0][None, :] + 0 * V if v == "steady" else np.full(V.shape, v) for n, v in others.items()}
    return {"V": V, y: Y} | there


def _nullclines(axes: Axes, V: np.ndarray, Y: np.ndarray, dV: np.ndarray, dy: np.ndarray, y: str) -> None:
    """Both curves, and arrows of one length along the motion."""
    for k, (slope, name) in enumerate(((dV, "V"), (dy, y))):
        axes.contour(V, Y, slope, levels=[0.0], colors=[colour(k)], linewidths=1.8)
        axes.plot([], [], color=colour(k), linewidth=1.8, label=f"d{symbol(name)}/d$t$ = 0")
    some = np.s_[:: _POINTS // 18, :: _POINTS // 18]
    across, upwards = dV[some] / np.ptp(V), dy[some] / np.ptp(Y)
    length = np.hypot(across, upwards)
    with np.errstate(all="ignore"):
        axes.quiver(V[some], Y[some], across / length, upwards / length, angles="uv", color="0.75", scale=32,
                    width=0.0025, zorder=0)  # fmt: skip


def _equilibria(axes: Axes, model: Model, params: Mapping[str, float], i_app: float, y: str) -> None:
    found = resting_state(model, params, i_app=i_app).equilibria
    for stable, fill in ((True, "full"), (False, "none")):
        some = found.stable == stable
        if some.any():
            axes.plot(found.V[some], found.states[y][some], "o", color="k", fillstyle=fill, markersize=7, zorder=4,
                      label=f"{'stable' if stable else 'unstable'} equilibrium")  # fmt: skip


def _title(model: Model, i_app: float, others: Mapping[str, float | str]) -> str:
    told = [value_text("i_app", i_app, model.variables["i_app"])]
    following = [symbol(name) for name, value in others.items() if value == "steady"]
    fixed = [value_text(name, value) for name, value in others.items() if not isinstance(value, str)]
    told += [f"{', '.join(following)} at steady state"] if following else []
    told += fixed if len(fixed) < 5 else [f"{len(fixed)} states held at rest"]
    return f"{plain(model.title or model.name)}: {'; '.join(told)}"
