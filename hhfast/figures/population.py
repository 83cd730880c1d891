"""A population in its parameter space: accepted rows against rejected ones, parameter by parameter and pair by pair."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from hhfast.errors import InputError
from hhfast.figures.arguments import of_kind
from hhfast.figures.canvas import new_figure
from hhfast.figures.scales import edges_of, logarithmic
from hhfast.figures.text import label_of, plain, symbol
from hhfast.sweep.scale import is_logarithmic
from hhfast.sweep.select import Selection
from hhfast.sweep.store import ResultFile

MAX_PARAMETERS = 8
_BINS = 24
_ACCEPTED, _REJECTED = "#0072B2", "#999999"  # of Okabe and Ito, told apart in any kind of sight
_MAPS = tuple(LinearSegmentedColormap.from_list(colour, ["white", colour]) for colour in (_ACCEPTED, _REJECTED))


class _Bins(NamedTuple):
    """Edges of the bins of a parameter, and whether its axis is logarithmic."""

    edges: np.ndarray
    log: bool

    @property
    def widths(self) -> np.ndarray:
        return np.diff(np.log(self.edges) if self.log else self.edges)


def plot_population(selection: Selection) -> Figure:
    """Densities of the accepted rows of a selection, and of the rejected ones.

    selection : of `select`. Raises `InputError` where no parameter varies.

    On the diagonal, each parameter by itself; below it, pairs among the accepted rows; above, among the rejected. Of
    more than eight parameters those are shown in whose densities the two differ most. Rows are counted in bins, so that
    a million of them are as quick to draw as a hundred.
    """
    of_kind("plot_population: selection", selection, Selection, "what hhfast.select returns")
    if not len(selection.rows):
        raise InputError("the population is empty: no row meets the criteria, so there is nothing to draw")
    with ResultFile(selection.path) as result:
        bins = {}
        for name in (parameter for parameter in result.parameters if parameter in result.names):
            values, on_grid = _values(result, name)
            if len(values) > 1:
                bins[name] = _bins(values, is_logarithmic(result, name, values), on_grid)
        if not bins:
            raise InputError(f"{selection.path}: no parameter varies, so there is nothing to draw")
        single, pairs = _counts(result, selection.rows, bins)
        names = _most_different(single)
        units = {name: result.unit(name) for name in names}
        title = plain(result.attributes["title"])
        meanings = {name: result.codes(name) for name in names}
    figure = new_figure(1.6 + 1.7 * len(names), 1.6 + 1.6 * len(names))
    grid = figure.subplots(len(names), len(names), squeeze=False)
    for i, name in enumerate(names):
        _diagonal(grid[i, i], bins[name], single[name])
        for j, other in enumerate(names):
            if i != j:
                _pair(grid[i, j], bins[other], bins[name], pairs, (other, name), rejected=int(j > i))
    for k, name in enumerate(names):
        if told := meanings[name]:
            grid[-1, k].set_xticks(range(len(told)), labels=[plain(one) for one in told], rotation=30)
            if k:
                grid[k, 0].set_yticks(range(len(told)), labels=[plain(one) for one in told])
    _label_outer(grid, [label_of(symbol(name), units[name]).replace(" (", "\n(") for name in names])
    shown = "" if len(names) == len(bins) else f"; {len(names)} of {len(bins)} parameters, those that differ most"
    accepted = f"{len(selection.rows):,} of {selection.n_rows:,} rows accepted ({100 * selection.acceptance:.3g} %)"
    figure.suptitle(f"{title}\n{accepted}: blue, below the diagonal; rejected: grey, above{shown}", fontsize=10)
    return figure


def _label_outer(grid: np.ndarray, labels: list[str]) -> None:
    """Labels below and to the left of a square of panels; its first panel has no y axis to name."""
    for k, label in enumerate(labels):
        grid[-1, k].set_xlabel(label)
        if k:
            grid[k, 0].set_ylabel(label)
    for axes in grid[:-1].flat:
        axes.set_xticklabels([])
    for axes in grid[:, 1:].flat:
        axes.set_yticklabels([])


def _values(result: ResultFile, name: str) -> tuple[np.ndarray, bool]:
    """(the different values of a parameter, ascending; whether they are those of an axis of a grid)."""
    is_axis = result.parameters[name] in result.grid and list(result.grid) != ["run"]
    return np.unique(result.axis_values(name) if is_axis else result.read(name)), is_axis


def _bins(values: np.ndarray, log: bool, on_grid: bool) -> _Bins:
    """Bins of a parameter: one for each of its values, if these are few; of many of a grid, for every second, third ...

    (Bins that hold now one, now two values of a grid would make stripes.) Of other values equal ones on its axis.
    """
    if len(values) > _BINS and not on_grid:
        return _Bins(edges_of(values, _BINS, log), log)
    at = np.log(values) if log else values
    middle = 0.5 * (at[1:] + at[:-1])
    edges = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
    edges = np.unique([*edges[:: -(-len(values) // _BINS)], edges[-1]])
    return _Bins(np.exp(edges) if log else edges, log)


Counts = dict[str, Any]  # (2, bins): accepted, rejected
PairCounts = dict[tuple[str, str], Any]  # (2, bins of the first, bins of the second)


def _counts(result: ResultFile, rows: np.ndarray, along: dict[str, _Bins]) -> tuple[Counts, PairCounts]:
    """How many rows are in each bin, of the accepted and the rejected."""
    edges = {name: found.edges for name, found in along.items()}
    single = {name: np.zeros((2, len(e) - 1)) for name, e in edges.items()}
    pairs = {(a, b): np.zeros((2, len(edges[a]) - 1, len(edges[b]) - 1)) for a, b in combinations(edges, 2)}
    for start, stop in result.spans():
        rejected = np.ones(stop - start, dtype=np.int64)
        rejected[rows[(rows >= start) & (rows < stop)] - start] = 0
        bins = {n: _bin(result.read(n, start, stop), edges[n]) for n in edges}
        for name, found in single.items():
            np.add.at(found, (rejected, bins[name]), 1)
        for (a, b), pair in pairs.items():
            flat = (rejected * pair.shape[1] + bins[a]) * pair.shape[2] + bins[b]
            np.add(pair, np.bincount(flat, minlength=pair.size).reshape(pair.shape), out=pair)
    return single, pairs


def _bin(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _most_different(single: Counts) -> list[str]:
    """The parameters to show, in their order: those in which accepted and rejected rows differ most."""
    apart = {name: float(np.abs(_shares(n[0]) - _shares(n[1])).sum()) for name, n in single.items()}
    chosen = set(sorted(apart, key=lambda name: -apart[name])[:MAX_PARAMETERS])
    return [name for name in single if name in chosen]


def _shares(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts / max(counts.sum(), 1.0))


def _diagonal(axes: Axes, x: _Bins, counts: np.ndarray) -> None:
    for number, colour in ((1, _REJECTED), (0, _ACCEPTED)):
        density = _shares(counts[number]) / x.widths
        axes.stairs(density, x.edges, fill=number == 1, color=colour, alpha=0.5 if number else 1.0, linewidth=1.5)
    _scale(axes, "x", x)
    axes.set_ylim(0, None)
    axes.set_yticks([])


def _pair(axes: Axes, x: _Bins, y: _Bins, pairs: PairCounts, names: tuple[str, str], *, rejected: int) -> None:
    counts = pairs[names][rejected].T if names in pairs else pairs[names[::-1]][rejected]
    density = _shares(counts) / np.outer(y.widths, x.widths)
    axes.pcolormesh(x.edges, y.edges, density, vmin=0, cmap=_MAPS[rejected], rasterized=True)
    _scale(axes, "x", x)
    _scale(axes, "y", y)


def _scale(axes: Axes, axis: str, along: _Bins) -> None:
    if along.log:
        logarithmic(axes, axis, along.edges)
    axes.set(**{f"{axis}lim": (along.edges[0], along.edges[-1])})
