"""The threshold against pulse width, with the fits of Weiss and Lapicque."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.strength_duration import StrengthDuration, StrengthDurationFit
from hhfast.figures.arguments import axes_or_new, of_kind
from hhfast.figures.canvas import colour
from hhfast.figures.cell_lines import add_legend, line_styles, plain_numbers_along
from hhfast.figures.text import label_of, shown_number
from hhfast.tables import unit_text


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
    styles = line_styles(axes, len(result.amplitude), cells, params, labels, units)
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
    plain_numbers_along(axes, result.width, result.amplitude)
    add_legend(axes)
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


def _fit_label(name: str, fit: StrengthDurationFit, cell: int, unit: str) -> str:
    both = f"{fit.rheobase[cell]:.3g} {unit}, {fit.chronaxie[cell]:.3g} ms"
    return f"{name}: {both} (rms {100 * fit.residual[cell]:.1f} %)"
