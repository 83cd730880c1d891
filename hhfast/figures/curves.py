"""Curves of a feature of a result: over its only axis, or over a current, one for each value of another axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.errors import InputError
from hhfast.figures.canvas import MARKERS, colour, legend_beside, new_figure, scale_of_colours
from hhfast.figures.grid_axes import axis_of, name_ticks, ordered, place_text, spread_over, values_along
from hhfast.figures.quantity import Quantity
from hhfast.figures.scales import logarithmic
from hhfast.figures.shown_feature import label_in
from hhfast.figures.text import value_text
from hhfast.sweep.scale import is_geometric
from hhfast.sweep.store import ResultFile

MAX_LINES = 10  # with a legend; more are told apart by a colour bar
_MOST_CURVES = 200  # in a panel
_CURRENTS = ("uA cm-2", "pA")


def line(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    if y is not None:
        raise InputError(f"--y {y}: only one parameter varies, so there is nothing for a second axis; leave it out")
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    parameter = axis_of(result, x)[1] if x is not None else next(iter(result.parameters))
    at = result.axis_values(parameter)
    if len(at) != len(shown.values):
        raise InputError(f"--x {x}: has a single value; name the parameter that varies")
    order = np.argsort(at)
    axes.plot(at[order], shown.values[order], "o-", markersize=3 if len(at) > 30 else 5, color=colour(0), linewidth=1.3)
    if shown.spread is not None:
        _band(axes, at[order], shown.values[order], shown.spread[order], colour(0))
    _finish_lines(result, axes, shown, parameter)
    return figure


def _band(axes: Axes, x: np.ndarray, mean: np.ndarray, spread: np.ndarray, shade: Any) -> None:
    """One standard deviation either way."""
    axes.fill_between(x, mean - spread, mean + spread, color=shade, alpha=0.15, linewidth=0)


def wants_lines(result: ResultFile, shown: Quantity, x: str | None, y: str | None, varying: Sequence[str]) -> bool:
    """Whether curves over a current say more than a map: of numbers, and unless the user names both axes."""
    if y is not None or shown.codes:
        return False
    axis, parameter = axis_of(result, x or varying[0])
    if result.unit(parameter) not in _CURRENTS or result.grid[axis] < 2:
        return False
    return x is not None or (len(varying) == 2 and result.grid[varying[1]] <= MAX_LINES)


def lines(result: ResultFile, shown: Quantity, x: str, varying: Sequence[str]) -> Figure:
    """The feature over a current: a curve for each value of the next axis, a panel for a few of the others."""
    x_axis, parameter = axis_of(result, x)
    curve_axis = next(axis for axis in varying if axis != x_axis)
    others, values = ordered(result, shown.values, (curve_axis, x_axis))
    spreads = None if shown.spread is None else ordered(result, shown.spread, (curve_axis, x_axis))[1]
    places = spread_over(math.prod(values.shape[:-2]), 4)
    figure = new_figure(1.6 + 4.8 * min(len(places), 2), 0.6 + 3.6 * -(-len(places) // 2))
    grid = figure.subplots(-(-len(places) // 2), min(len(places), 2), sharex=True, sharey=True, squeeze=False)
    at = result.axis_values(parameter)
    order = np.argsort(at)
    looks, has_legend = _looks(result, axis_of(result, curve_axis)[1], list(grid.flat), len(at))
    for axes, flat in zip(grid.flat, places, strict=False):
        place = tuple(np.unravel_index(flat, values.shape[:-2])) if others else ()
        for k, look in looks.items():
            axes.plot(at[order], values[place][k][order], **look)
            if spreads is not None and has_legend:
                _band(axes, at[order], values[place][k][order], spreads[place][k][order], look["color"])
        axes.set_title(place_text(result, others, place), fontsize=10)
        _finish_lines(result, axes, shown, parameter)
    for axes in list(grid.flat)[len(places) :]:
        axes.remove()
    if has_legend:
        legend_beside(grid[0, -1])
    return figure


def _looks(
    result: ResultFile, parameter: str, panels: list[Axes], n_points: int
) -> tuple[dict[int, dict[str, Any]], bool]:
    """(number of a curve -> how it is drawn, whether a legend tells curves apart); of many a colour bar does."""
    levels, told = result.axis_values(parameter), values_along(result, parameter)
    drawn = spread_over(len(levels), _MOST_CURVES)
    if len(levels) > MAX_LINES:
        shades = scale_of_colours(panels, (levels.min(), levels.max()), label_in(result, parameter))
        return {k: {"color": shades.to_rgba(levels[k]), "linewidth": 0.8} for k in drawn}, False
    size, unit = 2.5 if n_points > 30 else 4, result.unit(parameter)
    return {
        k: {"color": colour(k), "linewidth": 1.3, "marker": MARKERS[k % len(MARKERS)], "markersize": size,
            "label": value_text(parameter, told[k], unit)}
        for k in drawn
    }, True  # fmt: skip


def _finish_lines(result: ResultFile, axes: Axes, shown: Quantity, parameter: str) -> None:
    axes.set(xlabel=label_in(result, parameter), ylabel=shown.label)
    shown.name_codes(axes)
    if shown.logarithmic:
        axes.set_yscale("log")
    if is_geometric(result.axis_values(parameter)):
        logarithmic(axes, "x", result.axis_values(parameter))
    name_ticks(axes.xaxis, result, parameter)
    axes.grid(alpha=0.3)
    axes.label_outer()
