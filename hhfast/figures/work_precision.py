"""The picture of a benchmark: error against cost of every integrator, a work-precision diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhfast.analysis.work_precision.result import Benchmark, BenchmarkRow, IntegratorLimits
from hhfast.figures.arguments import of_kind
from hhfast.figures.canvas import colour, new_figure


def plot_benchmark(found: Benchmark) -> Figure:
    """Error of spike times against cost, measured and counted, of every integrator, on logarithmic axes.

    found : of `benchmark_integrators`. Raises `InputError` where nothing was measured.

    Hollow: settings with which some cells diverge or have a wrong spike count. In the grey band below, the error is
    that of the reference.
    """
    of_kind("plot_benchmark: found", found, Benchmark, "what hhfast.benchmark_integrators returns")
    figure = new_figure(9.6, 4.6)
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
    style: dict[str, Any] = {"color": colour(k), "marker": "osD^vPX*"[k % 8], "markersize": 5}
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
