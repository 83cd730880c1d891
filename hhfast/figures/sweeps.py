"""Figures of results: lines, heat maps or points of one feature over the parameters, whichever suits the space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from hhfast.errors import InputError, unknown
from hhfast.figures.arguments import name_of
from hhfast.figures.curves import line, lines, wants_lines
from hhfast.figures.grid_axes import (
    axis_of,
    first_of,
    name_ticks,
    ordered,
    place_text,
    spread_over,
    values_along,
    varying,
)
from hhfast.figures.heat_maps import Panels, heat_maps
from hhfast.figures.points import Coordinate, points
from hhfast.figures.quantity import Quantity
from hhfast.figures.shown_feature import averaged, axis_of_means, label_in, quantity_of
from hhfast.figures.stacking import stacked
from hhfast.figures.text import plain
from hhfast.inputs import truth
from hhfast.sweep.averages import AveragedResult
from hhfast.sweep.results import open_finished
from hhfast.sweep.scale import is_logarithmic
from hhfast.sweep.store import ResultFile

MAX_PANELS = 8


def plot_result(
    result: ResultFile | str | Path,
    *,
    x: str | None = None,
    y: str | None = None,
    value: str | None = None,
    log: bool = False,
    over: str | None = None,
    spread: bool = False,
) -> Figure:
    """One feature of a result over its parameters.

    result : its path, or an open `ResultFile`. x, y : parameters along the axes. value : the feature; None: the firing
    rate, from the mean interval where that was recorded, as counts in a short window make stripes. log : logarithmic
    colours.

    A grid with one axis (of more than one value) gives a line; with two lines, if x is a current and the other has
    few values or x is named and y is not, else a heat map; with more axes a panel for each of a few values of the
    others. Any other space gives points, or means in bins of many; coloured by the feature.

    over : an axis to average over: what is drawn is the mean, in lines with a band of one standard deviation either
    way; with `spread` the standard deviation itself. Replicates are averaged unless they are x or y.

    Raises `InputError` for names that are not in the result.
    """
    if not isinstance(result, ResultFile):
        with open_finished(result) as file:
            return plot_result(file, x=x, y=y, value=value, log=log, over=over, spread=spread)
    x, y, value, over = name_of("x", x), name_of("y", y), name_of("value", value), name_of("over", over)
    log, spread = truth("log", log), truth("spread", spread)
    n_rows = result.n_rows
    shown, result = averaged(
        result, quantity_of(result, value, log), axis_of_means(result, over, (x, y), spread), spread
    )
    varied = varying(result)
    if list(result.grid) == ["run"] and result.n_rows > 1:
        figure = _points(result, shown, x, y)
    elif len(varied) < 2:
        figure = line(result, shown, x or first_of(varied), y)
    elif wants_lines(result, shown, x, y, varied):
        figure = lines(result, shown, x or varied[0], varied)
    else:
        figure = _heat_maps(result, shown, x, y, varied)
    told = f", averaged over {result.over}" if isinstance(result, AveragedResult) else ""
    figure.suptitle(f"{plain(result.attributes['title'])}, {n_rows:,} rows{told}", fontsize=11)
    return figure


def plot_stack(result: ResultFile, *, value: str | None = None, log: bool = False) -> Figure:
    """One feature of a grid over all its axes at once, by dimensional stacking: see `plot_stacking`.

    Raises `InputError` where the rows are no grid, or for names that are not in the result.
    """
    if list(result.grid) == ["run"]:
        raise InputError(f"{result.path}: its rows are no grid, so there are no axes to stack; sweep over [axes]")
    shown = quantity_of(result, value, log)
    grid = {}
    for axis in result.grid:
        parameter = axis_of(result, axis)[1]
        grid[parameter] = np.array(values_along(result, parameter))
    shape = tuple(result.grid.values())
    units = {name: result.unit(name) for name in grid}
    figure = stacked(replace(shown, values=shown.values.reshape(shape)), grid, units=units)
    figure.suptitle(f"{plain(result.attributes['title'])}, {result.n_rows:,} rows", fontsize=11)
    return figure


def _heat_maps(result: ResultFile, shown: Quantity, x: str | None, y: str | None, longest: Sequence[str]) -> Figure:
    x_axis, x_parameter = axis_of(result, x or next(a for a in longest if y is None or a != axis_of(result, y)[0]))
    y_axis, y_parameter = axis_of(result, y or next(a for a in longest if a != x_axis))
    if x_axis == y_axis:
        raise InputError(f"--x and --y are both the axis {x_axis}; name two that vary independently")
    for option, axis in (("--x", x_axis), ("--y", y_axis)):
        if result.grid[axis] < 2:
            raise InputError(f"{option} {axis}: has a single value; name a parameter that varies")
    others, values = ordered(result, shown.values, (y_axis, x_axis))
    places = [np.unravel_index(k, values.shape[:-2]) if others else () for k in
              spread_over(math.prod(values.shape[:-2]), MAX_PANELS)]  # fmt: skip
    panels = Panels(
        x=(label_in(result, x_parameter), result.axis_values(x_parameter)),
        y=(label_in(result, y_parameter), result.axis_values(y_parameter)),
        titles=[place_text(result, others, place) for place in places],
        values=[values[tuple(place)] for place in places],
    )
    figure = heat_maps(panels, shown)
    name_ticks(figure.axes[0].xaxis, result, x_parameter)
    name_ticks(figure.axes[0].yaxis, result, y_parameter)
    return figure


def _points(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    names = list(result.parameters)
    for option, name in (("--x", x), ("--y", y)):
        if name is not None and name not in names:
            raise unknown("parameter", name, names, where=option)
    x = x or next(name for name in names if name != y)
    y = y or next((name for name in names if name != x), None)
    figure = points(_column(result, x), None if y is None else _column(result, y), shown)
    name_ticks(figure.axes[0].xaxis, result, x)
    if y is not None:
        name_ticks(figure.axes[0].yaxis, result, y)
    return figure


def _column(result: ResultFile, name: str) -> Coordinate:
    values = result.read(name)
    return Coordinate(label_in(result, name), values, is_logarithmic(result, name, values))
