"""Pictures of analyses: f-I curves, strength-duration curves, recovery curves, and maps over two parameters.

Every function draws into the Axes given, or new ones, and returns them; `axes.figure.savefig(path)` saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.analysis.fi_curve import FICurve
from hhfast.analysis.recovery_curve import RecoveryCurve
from hhfast.analysis.strength_duration import StrengthDuration, StrengthDurationFit
from hhfast.errors import InputError
from hhfast.figures.sweeps import PRETTY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hhfast.analysis.work_precision.result import Benchmark, BenchmarkRow, IntegratorLimits

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
    axes.set(xlabel=_with_unit("applied current", curves[0].unit), ylabel="firing rate (Hz)")
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
    axes.set(xlabel="pulse width (ms)", ylabel=_with_unit("threshold", result.unit))
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
    axes.set_facecolor("0.85")
    mesh = axes.pcolormesh(at_x, at_y, grid, shading="nearest", cmap="viridis", rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label=values[0])
    axes.set(xlabel=x[0], ylabel=y[0])
    return axes


def plot_benchmark(found: Benchmark) -> Figure:
    """Error of spike times against cost, measured and counted, of every integrator, on logarithmic axes.

    Hollow: settings with which some cells diverge or have a wrong spike count. In the grey band below, the error is
    that of the reference.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.6), layout="constrained", dpi=150)
    panels = figure.subplots(1, 2, sharey=True)
    columns = (("cost", "cost (ns per neuron and ms)"), ("evaluations", "rate evaluations (per neuron and ms)"))
    for axes, (x, label) in zip(panels, columns, strict=True):
        for k, limit in enumerate(found.limits):
            _plot_precision(axes, [row for row in found.rows if row.integrator == limit.integrator], x, limit, k)
        axes.axhspan(0.0, found.floor, color="0.88", zorder=0)
        axes.grid(alpha=0.25)
        axes.set(xscale="log", yscale="log", xlabel=label)
    panels[0].set_ylabel("error of spike times (ms; 95 % are below)")
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(min(low, 0.1 * found.floor) if found.floor > 0 else low, high)
    if found.floor > 0:
        panels[0].annotate("error of the reference", (0.02, found.floor), xycoords=("axes fraction", "data"),
                           xytext=(0, -3), textcoords="offset points", va="top", fontsize=8, color="0.4")  # fmt: skip
    figure.suptitle(f"{found.model}: {found.sample.cells} cells, {found.t_stop:g} ms, {found.sample.spikes:,} spikes",
                    fontsize=10)  # fmt: skip
    _benchmark_legend(figure, panels[0], found)
    return figure


def _plot_precision(axes: Axes, rows: Sequence[BenchmarkRow], x: str, limit: IntegratorLimits, k: int) -> None:
    """One integrator: a line through its sound settings, the middle one of all rimmed."""
    style: dict[str, Any] = {"color": f"C{k % 10}", "marker": "osD^vPX*"[k % 8], "markersize": 5}
    line = "-" if np.isnan(rows[0].rtol) else "--"
    at, errors = np.array([(getattr(row, x), row.spike_p95) for row in rows]).T
    sound = np.array([row.sound for row in rows])
    label = f"{limit.integrator} (order {limit.order}, measured {limit.measured_order:.2f})"
    axes.plot(at[sound], errors[sound], line, linewidth=1.3, label=label, **style)
    axes.plot(at[~sound], errors[~sound], linestyle="", fillstyle="none", **style)
    middle = len(rows) // 2
    axes.plot(at[middle], errors[middle], linestyle="", markeredgecolor="k", markeredgewidth=1.1, zorder=3, **style)


def _benchmark_legend(figure: Figure, axes: Axes, found: Benchmark) -> None:
    """The integrators with fixed steps, then those with tolerances, each group under what varies in it."""
    from matplotlib.lines import Line2D

    lines = dict(zip((limit.integrator for limit in found.limits), axes.get_legend_handles_labels()[0], strict=True))
    handles: list[Any] = []
    for name, text in (("dt", "fixed steps, dt = {} ms"), ("rtol", "own steps, rtol = {}")):
        rows = [row for row in found.rows if np.isfinite(getattr(row, name))]
        if rows:
            values = [getattr(row, name) for row in rows if row.integrator == rows[0].integrator]
            heading = text.format(f"{values[0]:g} to {values[-1]:g}") + f"\n(black rim: {values[len(values) // 2]:g})"
            handles.append(Line2D([], [], linestyle="", label=heading))
            handles += [lines[integrator] for integrator in dict.fromkeys(row.integrator for row in rows)]
    if not all(row.sound for row in found.rows):
        handles.append(Line2D([], [], linestyle="", marker="o", fillstyle="none", color="0.4", markersize=5,
                              label="some spike counts wrong"))  # fmt: skip
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False)


def check_picture(path: Path) -> None:
    """Raise `InputError` where no picture can be saved: an unknown ending, a directory that is not there."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(f"{path}: the name of a picture ends in one of {', '.join(sorted(known))}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no directory {path.parent}")


def new_axes(width: float = 6.4, height: float = 4.2) -> Axes:
    """Axes in a figure of their own, without a window system."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=150).add_subplot()


def _with_unit(text: str, unit: str) -> str:
    return f"{text} ({PRETTY.get(unit, unit)})"


def _fit_label(name: str, fit: StrengthDurationFit, cell: int) -> str:
    return f"{name}: {fit.rheobase[cell]:.3g}, {fit.chronaxie[cell]:.3g} ms (rms {100 * fit.residual[cell]:.1f} %)"
