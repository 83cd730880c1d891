"""The picture of one row of a sweep: its traces against time."""

from __future__ import annotations

from matplotlib.figure import Figure

from hhfast.figures.canvas import label_of, new_figure
from hhfast.sweep.resimulate import Resimulated


def plot_trace(row: Resimulated) -> Figure:
    """The potential, the applied current, the gates and the pools of one row against time."""
    traces, model = row.traces, row.sweep.model
    panels = [["V"], ["i_app"], [g.name for g in model.gates], *([pool.name] for pool in model.pools)]
    panels = [names for names in panels if names]
    figure = new_figure(7.0, 1.2 + 1.5 * len(panels))
    ratios = [3 if names == ["V"] else 1.5 for names in panels]
    grid = figure.subplots(len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})
    for axes, names in zip(grid.flat, panels, strict=True):
        for name in names:
            axes.plot(traces.time, traces[name][0], linewidth=1, label=name)
        unit = traces.variables[names[0]].unit
        label = names[0] if len(names) == 1 else "gates"
        axes.set_ylabel(label_of(label, unit))
        axes.grid(alpha=0.3)
        if len(names) > 1:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, ncols=-(-len(names) // 8))
    grid.flat[-1].set_xlabel("time (ms)")
    spikes = int(traces.spike_count[0])
    figure.suptitle(f"{model.title or model.name}, {row.title}: {spikes} spike{'' if spikes == 1 else 's'}", fontsize=9)
    return figure
