"""Traces against time: potential, applied current, conductances, currents, gates and pools of one or several cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.figures.arguments import chosen_cells, labels_of_cells, of_kind, text_of
from hhfast.figures.canvas import colour, legend_beside, new_figure
from hhfast.figures.text import count_text, label_of, plain, symbol, value_text
from hhfast.model.quantities import APPLIED_CURRENT, CONDUCTANCE, CURRENT, POTENTIAL
from hhfast.parts.variable import Variable
from hhfast.sweep.resimulate import Resimulated

_IN_FULL = 3  # cells of which everything is drawn, side by side; of more the potential alone
MOST = 12  # cells in a picture
_STYLES = ("-", "--", ":", "-.")
_HEIGHTS = {POTENTIAL: 3.0, APPLIED_CURRENT: 1.0}
_GROUPS = (POTENTIAL, APPLIED_CURRENT, CONDUCTANCE, CURRENT)  # each has its axes; gates, too, and all else its own
_GATES = "gates"


@dataclass(frozen=True)
class Neuron:
    """A cell of a result, with what stands above its traces."""

    result: Result
    cell: int
    label: str = ""

    @property
    def traces(self) -> dict[str, Variable]:
        """What was recorded against time, by name."""
        return {name: v for name, v in self.result.variables.items() if v.dims == ("cell", "time")}

    def span(self, name: str) -> tuple[float, float]:
        """The smallest and the largest value of a trace; (0, 0) if it has none."""
        values = self.result[name][self.cell]
        known = values[np.isfinite(values)]
        return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)

    @property
    def title(self) -> str:
        """The label, and the number of spikes if they are known."""
        if "spike_count" not in self.result:
            return self.label
        spikes = count_text(int(self.result.spike_count[self.cell]), "spike")
        return f"{self.label}: {spikes}" if self.label else spikes


def plot_traces(
    result: Result, *, cells: Sequence[int] | None = None, labels: Sequence[str] | None = None, title: str = ""
) -> Figure:
    """The traces of cells of a result: up to 3 in full, side by side; of more the potentials, below each other.

    result : of a run that recorded a `Trace`. cells : their numbers; None: all, at most 12 of them, spread evenly.
    labels : one per cell of the result. title : of the whole picture.

    Raises `InputError` where the result has no traces, or not these cells.
    """
    of_kind("plot_traces: result", result, Result, "what hhfast.simulate returns")
    title = text_of("title", title)
    if cells is None:
        cells = np.unique(np.linspace(0, result.n_cells - 1, min(result.n_cells, MOST)).astype(int)).tolist()
    names = labels_of_cells(result.n_cells, labels, None, None) if labels is not None or result.n_cells > 1 else [""]
    return plot_neurons([Neuron(result, cell, names[cell]) for cell in chosen_cells(cells, result.n_cells)], title)


def plot_rows(rows: Sequence[Resimulated]) -> Figure:
    """The traces of rows of a sweep, which were simulated again."""
    model = rows[0].sweep.model
    return plot_neurons([Neuron(row.traces, 0, row_label(row)) for row in rows], plain(model.title or model.name))


def row_label(row: Resimulated) -> str:
    """The number of a row, and its values of what varies."""
    told = ", ".join(value_text(name, value, row.sweep.units[name]) for name, value in row.values.items())
    return f"row {row.row} ({told})"


def plot_neurons(neurons: Sequence[Neuron], title: str = "") -> Figure:
    """The traces of some cells, with what they have in common as title."""
    groups = _groups(neurons)
    if not groups:
        raise InputError("no traces: record them, as with hhfast.Trace('V', every=0.1)")
    figure = (_in_full if len(neurons) <= _IN_FULL else _potentials)(neurons, groups)
    if len(neurons) == 1:
        title = ", ".join(filter(None, (title, neurons[0].title)))
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _groups(neurons: Sequence[Neuron]) -> dict[str, list[str]]:
    """What is drawn together, by the label of its axis; an applied current that is always 0 is left out."""
    groups: dict[str, list[str]] = {}
    for name, trace in neurons[0].traces.items():
        spans = [neuron.span(name) for neuron in neurons]
        if trace.quantity != APPLIED_CURRENT or any(span != (0.0, 0.0) for span in spans):
            groups.setdefault(_group(name, trace, spans), []).append(name)
    order = [*_GROUPS, _GATES]
    return {g: groups[g] for g in sorted(groups, key=lambda g: order.index(g) if g in order else len(order))}


def _group(name: str, trace: Variable, spans: Sequence[tuple[float, float]]) -> str:
    if trace.quantity in _GROUPS:
        return trace.quantity
    # A pool may be a fraction, as a gate is: between 0 and 1, up to the integrator's error.
    return _GATES if trace.unit == "1" and all(low > -0.05 and high < 1.05 for low, high in spans) else name


def _in_full(neurons: Sequence[Neuron], groups: dict[str, list[str]]) -> Figure:
    heights = [_HEIGHTS.get(group, 1.5) for group in groups]
    figure = new_figure(1.2 + (6.2 if len(neurons) == 1 else 3.8 * len(neurons)), 0.8 + 0.8 * sum(heights))
    room = {"height_ratios": heights, "wspace": 0.06}
    grid = figure.subplots(len(groups), len(neurons), sharex=True, sharey="row", squeeze=False, gridspec_kw=room)
    for column, neuron in zip(grid.T, neurons, strict=True):
        for axes, (group, names) in zip(column, groups.items(), strict=True):
            _draw(axes, neuron, names)
            if neuron is neurons[0]:
                axes.set_ylabel(_axis_label(group, names, neuron.traces))
            if neuron is neurons[-1] and len(names) > 1:
                legend_beside(axes, columns_of=max(4, int(5 * _HEIGHTS.get(group, 1.5))))
        if len(neurons) > 1:
            column[0].set_title(neuron.title, fontsize=10)
        column[-1].set_xlabel("time (ms)")
    figure.align_ylabels(grid[:, 0])
    return figure


def _potentials(neurons: Sequence[Neuron], groups: dict[str, list[str]]) -> Figure:
    """The potential of each cell, and below the applied currents, if these were recorded."""
    first, shown = next(iter(groups.items()))
    currents = groups.get(APPLIED_CURRENT, []) if first != APPLIED_CURRENT else []
    rows = len(neurons) + bool(currents)
    figure = new_figure(7.4, 0.8 + 1.15 * rows)
    grid = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for k, (axes, neuron) in enumerate(zip(grid, neurons, strict=False)):
        _draw(axes, neuron, shown, colour(k) if len(shown) == 1 else None)
        axes.set_title(neuron.title, fontsize=9, loc="left", pad=3)
        if k:
            axes.sharey(grid[0])
    middle = grid[(len(neurons) - 1) // 2]
    middle.set_ylabel(_axis_label(first, shown, neurons[0].traces))
    if len(shown) > 1:
        legend_beside(grid[0])
    for name in currents:
        for k, neuron in enumerate(neurons):
            grid[-1].plot(neuron.result.time, neuron.result[name][neuron.cell], linewidth=1.1, color=colour(k),
                          linestyle=_STYLES[k // 7 % 4])  # fmt: skip
        grid[-1].set_ylabel(label_of("current", neurons[0].traces[name].unit))
        grid[-1].grid(alpha=0.3)
    grid[-1].set_xlabel("time (ms)")
    return figure


def _draw(axes: Axes, neuron: Neuron, names: Sequence[str], line: str | None = None) -> None:
    for k, name in enumerate(names):
        black = len(names) == 1 and neuron.traces[name].quantity in (POTENTIAL, APPLIED_CURRENT)
        axes.plot(
            neuron.result.time, neuron.result[name][neuron.cell], linewidth=1.1,
            color=line or ("k" if black else colour(k)),
            linestyle=_STYLES[k // 7 % 4], label=symbol(name),
        )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.margins(x=0)


def _axis_label(group: str, names: Sequence[str], traces: Mapping[str, Variable]) -> str:
    first = traces[names[0]]
    if first.derivative is not None:
        state, parameter = map(symbol, first.derivative)
        return label_of(f"∂{state}/∂{parameter}", first.unit)
    alone = len(names) == 1 and group in (POTENTIAL, _GATES, names[0])
    return label_of(symbol(names[0]) if alone else group, first.unit)
