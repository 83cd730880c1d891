"""The firing rate against current, a line per cell and branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.fi_curve import FICurve
from hhfast.errors import InputError
from hhfast.figures.arguments import axes_or_new, of_kind
from hhfast.figures.canvas import colour
from hhfast.figures.cell_lines import IN_LEGEND, add_legend, line_styles
from hhfast.figures.text import label_of, shown_number

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
    styles = line_styles(axes, len(curves[0].rate), cells, params, labels, units)
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
            axes.plot(curve.current, curve.rate[cell], form, markersize=size if len(styles) <= IN_LEGEND else 0,
                      linewidth=1.2, **look)  # fmt: skip
    axes.set(xlabel=label_of("applied current", curves[0].unit), ylabel="firing rate (Hz)")
    if len(styles) > 1 and len(curves) > 1:
        for curve in curves:  # a key of the branches, which is no title, since that is the user's
            form, branch = _BRANCH[curve.direction]
            axes.plot([], [], form, color="0.35", markersize=5, linewidth=1.2, label=branch)
    add_legend(axes)
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
