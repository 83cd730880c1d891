"""Pictures of analyses: f-I curves, strength-duration curves, recovery curves, and maps over two parameters.

Every function draws into the Axes given, or new ones, and returns them; `axes.figure.savefig(path)` saves. Of several
cells each has a colour: up to 10 are in the legend, more are told apart by a colour bar of the first parameter that
differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.fi_curve import FICurve
from hhfast.analysis.recovery_curve import RecoveryCurve
from hhfast.analysis.strength_duration import StrengthDuration, StrengthDurationFit
from hhfast.errors import InputError
from hhfast.figures.arguments import (
    axes_or_new,
    chosen_cells,
    labels_of_cells,
    of_kind,
    text_of,
    units_of,
    values_of_cells,
)
from hhfast.figures.canvas import COLOUR_MAP, MISSING, colour, scale_of_colours
from hhfast.figures.phase_response import plot_phase_response
from hhfast.figures.scales import plain_numbers
from hhfast.figures.text import label_of, shown_number, symbol
from hhfast.figures.trials import plot_trials
from hhfast.figures.voltage_clamp import plot_voltage_clamp
from hhfast.inputs import per_cell, what
from hhfast.tables import unit_text

__all__ = [
    "plot_fi", "plot_map", "plot_phase_response", "plot_recovery", "plot_strength_duration", "plot_trials",
    "plot_voltage_clamp",
]  # fmt: skip

MOST = 200  # cells in a picture
_IN_LEGEND = 10
_BRANCH = {"rest": ("o-", "each current from rest"), "up": ("^-", "current rising"), "down": ("v--", "current falling")}


def plot_fi(
    curves: FICurve | Sequence[FICurve],
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """The firing rate against current; several curves (up and down) show both branches of each cell.

    cells : their numbers; None: all, at most 200. params : those given to `fi_curve`, to tell cells apart. labels :
    for the legend, one per cell. units : of the parameters. axes : to draw into; None: new ones. Raises `InputError`
    for what are no curves, and cells that are not there.
    """
    curves = _curves_of(curves)
    axes = axes_or_new(axes)
    styles = _styles(axes, len(curves[0].rate), cells, params, labels, units)
    for j, curve in enumerate(curves):
        form, branch = _BRANCH[curve.direction]
        size = 3 if len(curve.current) > 40 else 5
        for cell, style in styles.items():
            look = style
            if len(styles) == 1:
                look = {"color": colour(j), "label": f"{branch} (class {curve.excitability[cell]})"}
                _mark_onset(axes, curve.onset[cell], j)
            elif j or style["label"] is None:
                look = {**style, "label": None}
            axes.plot(curve.current, curve.rate[cell], form, markersize=size if len(styles) <= _IN_LEGEND else 0,
                      linewidth=1.2, **look)  # fmt: skip
    axes.set(xlabel=label_of("applied current", curves[0].unit), ylabel="firing rate (Hz)")
    if len(styles) > 1 and len(curves) > 1:
        for curve in curves:  # a key of the branches, which is no title, since that is the user's
            form, branch = _BRANCH[curve.direction]
            axes.plot([], [], form, color="0.35", markersize=5, linewidth=1.2, label=branch)
    _legend(axes)
    axes.grid(alpha=0.3)
    return axes


def _curves_of(curves: Any) -> list[FICurve]:
    """One or several curves of the same number of cells."""
    found = list(curves) if isinstance(curves, Sequence) and len(curves) else [curves]
    for curve in found:
        of_kind("plot_fi: curves", curve, FICurve, "what hhfast.fi_curve returns, or a list of such")
    if len({len(curve.rate) for curve in found}) > 1:
        raise InputError("plot_fi: curves have different numbers of cells; give those of the same cells")
    return found


def _mark_onset(axes: Axes, onset: float, k: int) -> None:
    if np.isfinite(onset):
        axes.axvline(onset, color=colour(k), linestyle=":", linewidth=1)
        axes.annotate(f"onset {shown_number(onset)}", (onset, 0.12 + 0.07 * k), xycoords=("data", "axes fraction"),
                      xytext=(4, 0), textcoords="offset points", color=colour(k), fontsize=9)  # fmt: skip


def plot_strength_duration(
    result: StrengthDuration,
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Threshold against pulse width on logarithmic axes; of one cell with both fits (Weiss, Lapicque) and chronaxie.

    Of several cells with Weiss's fit. result : of `strength_duration`. cells, params, labels, units, axes, errors
    (`InputError`) : as in `plot_fi`.
    """
    of_kind("plot_strength_duration: result", result, StrengthDuration, "what hhfast.strength_duration returns")
    axes = axes_or_new(axes)
    styles = _styles(axes, len(result.amplitude), cells, params, labels, units)
    fine = np.geomspace(result.width.min(), result.width.max(), 200)
    for cell, style in styles.items():
        if len(styles) == 1:
            _threshold_with_fits(axes, result, cell, fine)
        else:
            axes.loglog(result.width, result.amplitude[cell], "o", markersize=4, zorder=3, **style)
            axes.loglog(fine, _weiss(result, cell, fine), linewidth=1, color=style["color"])
    if len(styles) > 1:
        axes.plot([], [], color="0.35", linewidth=1, label="fits (Weiss)")
    axes.set(xlabel="pulse width (ms)", ylabel=label_of("threshold", result.unit))
    _plain_numbers(axes, result.width, result.amplitude)
    _legend(axes)
    axes.grid(alpha=0.3, which="both")
    return axes


def _threshold_with_fits(axes: Axes, result: StrengthDuration, cell: int, fine: np.ndarray) -> None:
    rheobase, chronaxie, unit = result.rheobase[cell], result.chronaxie[cell], unit_text(result.unit)
    axes.loglog(result.width, result.amplitude[cell], "ko", markersize=5, label="threshold", zorder=3)
    tau = result.lapicque.chronaxie[cell] / np.log(2.0)
    lapicque = -result.lapicque.rheobase[cell] / np.expm1(-fine / tau)
    axes.loglog(fine, _weiss(result, cell, fine), color=colour(0), label=_fit_label("Weiss", result.weiss, cell, unit))
    axes.loglog(fine, lapicque, "--", color=colour(1), label=_fit_label("Lapicque", result.lapicque, cell, unit))
    axes.axhline(rheobase, color="0.5", linestyle=":", linewidth=1, label=f"rheobase {shown_number(rheobase)} {unit}")
    axes.plot([chronaxie], [2.0 * rheobase], "s", color=colour(2), markersize=7, label=f"chronaxie {chronaxie:.3g} ms",
              zorder=4)  # fmt: skip


def _weiss(result: StrengthDuration, cell: int, width: np.ndarray) -> np.ndarray:
    return np.asarray(result.weiss.rheobase[cell] * (1.0 + result.weiss.chronaxie[cell] / width))


def plot_recovery(
    result: RecoveryCurve,
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """The threshold of a second pulse, in units of the resting one, against the interval after the first.

    result : of `recovery_curve`. cells, params, labels, units, axes, errors (`InputError`) : as in `plot_fi`.
    """
    of_kind("plot_recovery: result", result, RecoveryCurve, "what hhfast.recovery_curve returns")
    axes = axes_or_new(axes)
    styles = _styles(axes, len(result.ratio), cells, params, labels, units)
    for cell, style in styles.items():
        axes.semilogy(result.interval, result.ratio[cell], "o-", markersize=4, linewidth=1.2, **style)
    axes.axhline(1.0, color="0.5", linestyle=":", linewidth=1)
    if len(styles) == 1:
        _mark_phases(axes, result, next(iter(styles)))
    axes.set(xlabel="interval, onset to onset (ms)", ylabel="threshold / resting threshold")
    _plain_numbers(axes, np.array([1.0, 2.0]), result.ratio)
    _legend(axes)
    axes.grid(alpha=0.3, which="both")
    return axes


def _mark_phases(axes: Axes, result: RecoveryCurve, cell: int) -> None:
    ratio, unknown = result.ratio[cell], np.isnan(result.ratio[cell])
    if unknown.any():
        first = result.interval[~unknown].min() if (~unknown).any() else result.interval.max()
        axes.axvspan(result.interval.min(), first, color="0.9", zorder=0, label="no second spike")
    axes.fill_between(result.interval, ratio, 1.0, where=ratio < 1.0, color=colour(2), alpha=0.3, interpolate=True,
                      label="supernormal")  # fmt: skip


def _styles(
    axes: Axes,
    n: int,
    cells: int | Sequence[int] | None,
    params: Mapping[str, Any] | None,
    labels: Sequence[str] | None,
    units: Mapping[str, str] | None,
) -> dict[int, dict[str, Any]]:
    """Cell -> the colour and label of its line; a colour bar is added where there are many."""
    chosen = chosen_cells(range(min(n, MOST)) if cells is None else cells, n)
    names = labels_of_cells(n, labels, params, units)
    if len(chosen) <= _IN_LEGEND:
        return {cell: {"color": colour(k), "label": names[cell] if n > 1 else None} for k, cell in enumerate(chosen)}
    values, known = values_of_cells(n, params), units_of(units)
    varied = [
        (label_of(symbol(name), known.get(name, "1")), v) for name, v in values.items() if len(set(v.tolist())) > 1
    ]
    name, at = varied[0] if varied else ("cell", np.arange(n, dtype=np.float64))
    shades = scale_of_colours(axes, (float(at.min()), float(at.max())), name)
    return {cell: {"color": shades.to_rgba(at[cell]), "label": None} for cell in chosen}


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8)


def _plain_numbers(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Plain numbers along logarithmic axes."""
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        known = values[np.isfinite(values) & (values > 0)]
        if axis.get_scale() == "log" and known.size:
            plain_numbers(axis, known)


def plot_map(
    x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], values: tuple[str, np.ndarray], axes: Axes | None = None
) -> Axes:
    """One number per cell over two parameters that form a grid: x, y and values are (label, (n,) values).

    axes : to draw into; None: new ones.

    Cells without a number stay grey. Raises `InputError` where the cells do not form a full grid.
    """
    x, y, values = _labelled("x", x), _labelled("y", y), _labelled("values", values)
    axes = axes_or_new(axes)
    n = len(values[1])
    if not len(x[1]) == len(y[1]) == n:
        raise InputError(f"x, y, values: have {len(x[1])}, {len(y[1])} and {n} numbers; give one of each for a cell")
    at_x, columns = np.unique(x[1], return_inverse=True)
    at_y, rows = np.unique(y[1], return_inverse=True)
    if len(at_x) * len(at_y) != n or len(np.unique(rows * len(at_x) + columns)) != n:
        raise InputError(f"{x[0]} and {y[0]} do not form a grid of {n} different cells")
    grid = np.empty((len(at_y), len(at_x)))
    grid[rows, columns] = values[1]
    axes.set_facecolor(MISSING)
    mesh = axes.pcolormesh(at_x, at_y, grid, shading="nearest", cmap=COLOUR_MAP, rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label=values[0])
    axes.set(xlabel=x[0], ylabel=y[0])
    return axes


def _labelled(name: str, value: Any) -> tuple[str, np.ndarray]:
    """A label, and one number for each of some cells."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(f"{name}: is {what(value)}; give a label and an array, as ('g_Na (mS/cm2)', g_Na)")
    values = per_cell(f"{name}: the second of its two", value[1])
    if not np.size(values):
        raise InputError(f"{name}: has no numbers, so there is nothing to draw")
    return text_of(f"{name}: the first of its two", value[0]), np.atleast_1d(values)


def _fit_label(name: str, fit: StrengthDurationFit, cell: int, unit: str) -> str:
    both = f"{fit.rheobase[cell]:.3g} {unit}, {fit.chronaxie[cell]:.3g} ms"
    return f"{name}: {both} (rms {100 * fit.residual[cell]:.1f} %)"
