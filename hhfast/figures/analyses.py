"""Pictures of analyses: f-I curves, strength-duration curves, recovery curves, and maps over two parameters.

Every function draws into the Axes given, or new ones, and returns them; `axes.figure.savefig(path)` saves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.fi_curve import FICurve
from hhfast.analysis.recovery_curve import RecoveryCurve
from hhfast.analysis.strength_duration import StrengthDuration, StrengthDurationFit
from hhfast.errors import InputError
from hhfast.figures.canvas import MISSING, label_of, new_axes

_BRANCH = {"rest": ("o-", "each current from rest"), "up": ("^-", "current rising"), "down": ("v-", "current falling")}


def plot_fi(curves: FICurve | Sequence[FICurve], cell: int = 0, axes: Axes | None = None) -> Axes:
    """The firing rate of one cell against current; several curves (up and down) show both branches."""
    axes = axes or new_axes()
    curves = [curves] if isinstance(curves, FICurve) else list(curves)
    for k, curve in enumerate(curves):
        style, label = _BRANCH[curve.direction]
        size = 3 if len(curve.current) > 40 else 5
        axes.plot(curve.current, curve.rate[cell], style, color=f"C{k}", markersize=size, linewidth=1.2,
                  label=f"{label} (class {curve.excitability[cell]})")  # fmt: skip
        if np.isfinite(curve.onset[cell]):
            axes.axvline(curve.onset[cell], color=f"C{k}", linestyle=":", linewidth=1)
            axes.annotate(f"onset {curve.onset[cell]:.4g}", (curve.onset[cell], 0.12 + 0.07 * k),
                          xycoords=("data", "axes fraction"), xytext=(4, 0), textcoords="offset points",
                          color=f"C{k}", fontsize=9)  # fmt: skip
    axes.set(xlabel=label_of("applied current", curves[0].unit), ylabel="firing rate (Hz)")
    axes.legend(fontsize=9)
    axes.grid(alpha=0.3)
    return axes


def plot_strength_duration(result: StrengthDuration, cell: int = 0, axes: Axes | None = None) -> Axes:
    """Threshold against pulse width on logarithmic axes, with the fits of Weiss and Lapicque and the chronaxie."""
    axes = axes or new_axes()
    width, amplitude = result.width, result.amplitude[cell]
    fine = np.geomspace(width.min(), width.max(), 200)
    rheobase, chronaxie = result.rheobase[cell], result.chronaxie[cell]
    axes.loglog(width, amplitude, "ko", markersize=5, label="threshold", zorder=3)
    weiss = result.weiss.rheobase[cell] * (1.0 + result.weiss.chronaxie[cell] / fine)
    tau = result.lapicque.chronaxie[cell] / np.log(2.0)
    lapicque = -result.lapicque.rheobase[cell] / np.expm1(-fine / tau)
    axes.loglog(fine, weiss, label=_fit_label("Weiss", result.weiss, cell))
    axes.loglog(fine, lapicque, "--", label=_fit_label("Lapicque", result.lapicque, cell))
    axes.axhline(rheobase, color="0.5", linestyle=":", linewidth=1, label=f"rheobase {rheobase:.4g}")
    axes.plot([chronaxie], [2.0 * rheobase], "s", color="C3", markersize=7, label=f"chronaxie {chronaxie:.3g} ms",
              zorder=4)  # fmt: skip
    axes.set(xlabel="pulse width (ms)", ylabel=label_of("threshold", result.unit))
    axes.legend(fontsize=9)
    axes.grid(alpha=0.3, which="both")
    return axes


def plot_recovery(result: RecoveryCurve, cell: int = 0, axes: Axes | None = None) -> Axes:
    """The threshold of a second pulse, in units of the resting one, against the interval after the first."""
    axes = axes or new_axes()
    ratio = result.ratio[cell]
    axes.semilogy(result.interval, ratio, "o-", markersize=4, linewidth=1.2)
    axes.axhline(1.0, color="0.5", linestyle=":", linewidth=1)
    unknown = np.isnan(ratio)
    if unknown.any():
        first = result.interval[~unknown].min() if (~unknown).any() else result.interval.max()
        axes.axvspan(result.interval.min(), first, color="0.9", zorder=0, label="no second spike")
    axes.fill_between(result.interval, ratio, 1.0, where=ratio < 1.0, color="C2", alpha=0.3, interpolate=True,
                      label="supernormal")  # fmt: skip
    axes.set(xlabel="interval, onset to onset (ms)", ylabel="threshold / resting threshold")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=9)
    axes.grid(alpha=0.3, which="both")
    return axes


def plot_map(
    x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], values: tuple[str, np.ndarray], axes: Axes | None = None
) -> Axes:
    """One number per cell over two parameters that form a grid; each argument is (label, (n,) values).

    Cells without a number stay grey. Raises `InputError` where the cells do not form a full grid.
    """
    axes = axes or new_axes()
    at_x, columns = np.unique(x[1], return_inverse=True)
    at_y, rows = np.unique(y[1], return_inverse=True)
    if len(at_x) * len(at_y) != len(values[1]) or len(np.unique(rows * len(at_x) + columns)) != len(values[1]):
        raise InputError(f"{x[0]} and {y[0]} do not form a grid of {len(values[1])} different cells")
    grid = np.empty((len(at_y), len(at_x)))
    grid[rows, columns] = values[1]
    axes.set_facecolor(MISSING)
    mesh = axes.pcolormesh(at_x, at_y, grid, shading="nearest", cmap="viridis", rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label=values[0])
    axes.set(xlabel=x[0], ylabel=y[0])
    return axes


def _fit_label(name: str, fit: StrengthDurationFit, cell: int) -> str:
    return f"{name}: {fit.rheobase[cell]:.3g}, {fit.chronaxie[cell]:.3g} ms (rms {100 * fit.residual[cell]:.1f} %)"
