"""The threshold of a second pulse against the interval after the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.recovery_curve import RecoveryCurve
from hhfast.figures.arguments import axes_or_new, of_kind
from hhfast.figures.canvas import colour
from hhfast.figures.cell_lines import add_legend, line_styles, plain_numbers_along


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
    styles = line_styles(axes, len(result.ratio), cells, params, labels, units)
    for cell, style in styles.items():
        axes.semilogy(result.interval, result.ratio[cell], "o-", markersize=4, linewidth=1.2, **style)
    axes.axhline(1.0, color="0.5", linestyle=":", linewidth=1)
    if len(styles) == 1:
        _mark_phases(axes, result, next(iter(styles)))
    axes.set(xlabel="interval, onset to onset (ms)", ylabel="threshold / resting threshold")
    plain_numbers_along(axes, np.array([1.0, 2.0]), result.ratio)
    add_legend(axes)
    axes.grid(alpha=0.3, which="both")
    return axes


def _mark_phases(axes: Axes, result: RecoveryCurve, cell: int) -> None:
    ratio, unknown = result.ratio[cell], np.isnan(result.ratio[cell])
    if unknown.any():
        first = result.interval[~unknown].min() if (~unknown).any() else result.interval.max()
        axes.axvspan(result.interval.min(), first, color="0.9", zorder=0, label="no second spike")
    axes.fill_between(result.interval, ratio, 1.0, where=ratio < 1.0, color=colour(2), alpha=0.3, interpolate=True,
                      label="supernormal")  # fmt: skip
