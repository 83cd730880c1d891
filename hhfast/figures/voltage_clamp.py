"""The picture of a voltage clamp: a family of currents, I-V curves, activation and inactivation, time constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.curve_fits import Boltzmann
from hhfast.analysis.voltage_clamp import VoltageClampFamily
from hhfast.figures.arguments import chosen_cells, labels_of_cells, of_kind
from hhfast.figures.canvas import colour, new_figure, scale_of_colours
from hhfast.figures.text import label_of, symbol

MOST = 10  # cells whose curves can be told apart


def plot_voltage_clamp(
    result: VoltageClampFamily,
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Axes:
    """Four panels: the currents of the first of the cells, and the curves of all of them; the first panel is returned.

    result : of `voltage_clamp`. cells : their numbers, at most 10; None: the first 10. params, labels, units, errors
    (`InputError`) : as in `plot_fi`.
    """
    of_kind("plot_voltage_clamp: result", result, VoltageClampFamily, "what hhfast.voltage_clamp returns")
    n = len(result.peak)
    chosen, told = chosen_cells(cells, n)[:MOST], labels_of_cells(n, labels, params, units)
    panels = new_figure(10.0, 7.2).subplots(2, 2)
    names = {cell: told[cell] if n > 1 else None for cell in chosen}
    _currents(panels[0, 0], result, chosen[0], names[chosen[0]])
    _current_voltage(panels[0, 1], result, names)
    _gating(panels[1, 0], result, names)
    _time_constants(panels[1, 1], result, names)
    first: Axes = panels[0, 0]
    return first


def _currents(axes: Axes, result: VoltageClampFamily, cell: int, name: str | None) -> None:
    shades = scale_of_colours(axes, (float(result.level[0]), float(result.level[-1])), "level (mV)")
    for k, level in enumerate(result.level):
        axes.plot(result.time, result.current[cell, k], linewidth=1, color=shades.to_rgba(level))
    what = "clamp current" if result.channel is None else symbol(f"i_{result.channel}")
    axes.set(xlabel="time from the test step (ms)", ylabel=label_of(what, result.unit))
    axes.set_title(name or "", fontsize=9)
    axes.grid(alpha=0.3)


def _current_voltage(axes: Axes, result: VoltageClampFamily, names: Mapping[int, str | None]) -> None:
    several = len(names) > 1
    for j, (cell, name) in enumerate(names.items()):
        axes.plot(result.level, result.peak[cell], "o-", markersize=4, linewidth=1.2, color=colour(j),
                  label=name or "peak")  # fmt: skip
        axes.plot(result.level, result.steady[cell], "s--", markersize=4, linewidth=1.2,
                  color=colour(j if several else 1), label=None if several else "end of the step")  # fmt: skip
    axes.axhline(0.0, color="0.5", linewidth=0.8)
    axes.set(xlabel="level (mV)", ylabel=label_of("current", result.unit))
    if several:
        axes.set_title("solid: peak, dashed: end of the step", fontsize=9)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _gating(axes: Axes, result: VoltageClampFamily, names: Mapping[int, str | None]) -> None:
    several = len(names) > 1
    for curve, what, mark, line in ((result.activation, "activation", "o", "-"),
                                    (result.inactivation, "inactivation", "s", "--")):  # fmt: skip
        for j, cell in enumerate(names):
            if not np.isfinite(curve.V_half[cell]):
                continue
            fine = np.linspace(curve.V[0], curve.V[-1], 200)
            shade = colour(j if several else int(what == "inactivation"))
            axes.plot(curve.V, curve.normalised[cell], mark, markersize=4, color=shade)
            told = None if several else _fit_text(what, curve, cell)
            axes.plot(fine, (curve.at(fine) / curve.maximum[:, None])[cell], line, linewidth=1.2, color=shade,
                      label=told)  # fmt: skip
    axes.set(xlabel="level (mV)", ylabel="conductance / maximum")
    if several:
        axes.set_title("circles: activation, squares: inactivation", fontsize=9)
    elif axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    axes.grid(alpha=0.3)


def _fit_text(what: str, curve: Boltzmann, cell: int) -> str:
    return f"{what}: {curve.V_half[cell]:.1f} mV, slope {curve.slope[cell]:.1f} mV"


def _time_constants(axes: Axes, result: VoltageClampFamily, names: Mapping[int, str | None]) -> None:
    for j, (cell, name) in enumerate(names.items()):
        axes.plot(result.level, result.tau[cell], "o-", markersize=4, linewidth=1.2, color=colour(j), label=name)
    axes.set(xlabel="level (mV)", ylabel="time constant (ms)")
    axes.set_ylim(bottom=0.0)
    axes.grid(alpha=0.3)
