"""The interval bifurcation diagram: every interspike interval over a parameter."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hhfast.errors import InputError, unknown
from hhfast.figures.canvas import new_figure
from hhfast.figures.grid_axes import name_ticks
from hhfast.figures.text import label_of, plain, symbol
from hhfast.sweep.store import ResultFile


def plot_intervals(result: ResultFile, *, x: str | None = None, transient: float = 0.0) -> Figure:
    """The intervals between spikes of every row, against the parameter x: one branch is tonic, several are bursts.

    transient : spikes before this time (ms) are left out. The result needs spike times (`spikes = true` in [record]).

    Huber & Braun 1998, Phys Lett A 248:327-334, draw the cold receptor's period doublings so.
    """
    if "spike_time" not in result.names:
        raise InputError(f"{result.path}: holds no spike times; record them with `spikes = true` in [record]")
    names = list(result.parameters)
    if x is not None and x not in names:
        raise unknown("parameter", x, names, where="x")
    varying = [n for n in names if len(np.unique(result.read(n))) > 1]
    x = x or (varying[0] if varying else names[0])
    counts, times = result.read("spike_count"), result.read("spike_time")
    rows = np.repeat(np.arange(result.n_rows), counts)
    kept = times >= transient
    rows, times = rows[kept], times[kept]
    same = rows[1:] == rows[:-1]
    intervals, at = np.diff(times)[same], result.read(x)[rows[1:][same]]
    if not intervals.size:
        raise InputError(f"{result.path}: no row has two spikes after {transient:g} ms")
    figure = new_figure(7.0, 4.8)
    axes = figure.add_subplot()
    axes.plot(at, intervals, ".", markersize=float(np.clip(2e3 / len(at), 1.0, 5.0)), color="black", rasterized=True)
    if intervals.max() > 10 * intervals.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel=label_of(symbol(x), result.unit(x)), ylabel="interval between spikes (ms)")
    name_ticks(axes.xaxis, result, x)
    figure.suptitle(f"{plain(result.attributes['title'])}, {len(intervals):,} intervals", fontsize=11)
    return figure
