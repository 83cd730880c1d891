"""Rows that form no grid: a point for each, or of many the mean in each bin of a map."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from hhfast.figures.canvas import MISSING, colour, new_figure
from hhfast.figures.quantity import Quantity
from hhfast.figures.scales import edges_of, logarithmic

MAX_POINTS = 4_000  # more would hide each other
_PER_BIN = 8  # rows, on average
_MOST_BINS = 128  # along an axis


class Coordinate(NamedTuple):
    """A parameter of rows: its label, its value in each, and whether its axis is logarithmic."""

    label: str
    values: np.ndarray
    log: bool


def points(x: Coordinate, y: Coordinate | None, shown: Quantity) -> Figure:
    """A quantity of rows over one parameter, or as colour over two."""
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    if y is None:
        _along(axes, x, shown)
        axes.set(xlabel=x.label, ylabel=shown.label)
    else:
        if len(x.values) > MAX_POINTS:
            shown = replace(shown, is_count=False)  # means of counts are no whole numbers
            drawn, missing = _bins(axes, x, y, shown)
        else:
            drawn, missing = _scatter(axes, x.values, y.values, shown)
        shown.explain(figure, drawn, [axes], missing)
        axes.set(xlabel=x.label, ylabel=y.label)
        if y.log:
            logarithmic(axes, "y", y.values)
    if x.log:
        logarithmic(axes, "x", x.values)
    return figure


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray, shown: Quantity) -> tuple[object, bool]:
    size = float(np.clip(4e4 / len(x), 8, 40))
    # Rows without a value stay visible as grey points below the others.
    missing = ~np.isfinite(shown.values)
    axes.scatter(x[missing], y[missing], s=size, c=MISSING, edgecolors="0.5", linewidths=0.4)
    drawn = axes.scatter(x[~missing], y[~missing], s=size, c=shown.values[~missing], cmap=shown.colour_map,
                         norm=shown.norm)  # fmt: skip
    return drawn, bool(missing.any())


def _bins(axes: Axes, x: Coordinate, y: Coordinate, shown: Quantity) -> tuple[object, bool]:
    """The mean of the rows in each bin (of codes the commonest); grey where none has a value."""
    n = int(np.clip(math.sqrt(len(x.values) / _PER_BIN), 8, _MOST_BINS))
    edges = [edges_of(one.values, n, one.log) for one in (x, y)]
    column, row = (
        np.clip(np.searchsorted(e, one.values, "right") - 1, 0, n - 1) for e, one in zip(edges, (x, y), strict=True)
    )
    place = row * n + column
    known = np.isfinite(shown.values)
    rows_there = np.bincount(place, minlength=n * n)
    if shown.codes:
        counts = [np.bincount(place[known & (shown.values == k)], minlength=n * n) for k in range(len(shown.codes))]
        values = np.where(np.sum(counts, axis=0) > 0, np.argmax(counts, axis=0).astype(np.float64), np.nan)
    else:
        total = np.bincount(place[known], weights=shown.values[known], minlength=n * n)
        with np.errstate(invalid="ignore"):
            values = total / np.bincount(place[known], minlength=n * n)
    grey = np.where((rows_there > 0) & np.isnan(values), 0.0, np.nan)
    axes.pcolormesh(*edges, grey.reshape(n, n), cmap=ListedColormap([MISSING]), rasterized=True)
    drawn = axes.pcolormesh(*edges, values.reshape(n, n), norm=shown.norm, cmap=shown.colour_map, rasterized=True)
    what = "commonest" if shown.codes else "mean"
    axes.set_title(f"{what} in each of {n} x {n} bins", fontsize=9)
    return drawn, bool(np.isfinite(grey).any())


def _along(axes: Axes, x: Coordinate, shown: Quantity) -> None:
    """The values over one parameter; of many rows median and quartiles of bins."""
    if len(x.values) <= MAX_POINTS:
        axes.plot(x.values, shown.values, ".", markersize=4, color=colour(0))
    else:
        edges = edges_of(x.values, 64, x.log)
        which = np.clip(np.searchsorted(edges, x.values, "right") - 1, 0, 63)
        order = np.argsort(which, kind="stable")
        pieces = np.split(shown.values[order], np.searchsorted(which[order], np.arange(1, 64)))
        known = [piece[np.isfinite(piece)] for piece in pieces]
        nothing = [math.nan] * 3
        low, middle, high = np.array([np.percentile(p, (25, 50, 75)) if p.size else nothing for p in known]).T
        centres = 0.5 * (edges[1:] + edges[:-1])
        axes.fill_between(centres, low, high, color=colour(0), alpha=0.25, linewidth=0, label="quartiles")
        axes.plot(centres, middle, color=colour(0), linewidth=1.5, label="median")
        axes.legend(fontsize=8)
    shown.name_codes(axes)
    axes.grid(alpha=0.3)
