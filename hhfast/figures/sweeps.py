"""Figures of results: lines, heat maps or points of one feature over the parameters, whichever suits the space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.batch.result import CAP_REACHED, OF_THE_RUN, OK
from hhfast.errors import InputError, unknown
from hhfast.figures.canvas import MARKERS, colour, legend_beside, new_figure, scale_of_colours
from hhfast.figures.heat_maps import Panels, heat_maps, logarithmic_axis
from hhfast.figures.points import points
from hhfast.figures.quantity import Quantity
from hhfast.figures.stacking import stacked
from hhfast.figures.text import label_of, plain, symbol, value_text
from hhfast.sweep.averages import REPLICATE, AveragedResult
from hhfast.sweep.results import open_finished
from hhfast.sweep.store import ResultFile

MAX_PANELS = 8
MAX_LINES = 10  # with a legend; more are told apart by a colour bar
_PREFERRED = ("rate", "spike_count", "activity")  # what to show of a result if nothing is named
_CURRENTS = ("uA cm-2", "pA")


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
    n_rows = result.n_rows
    shown, result = _averaged(result, _quantity(result, value, log), _over(result, over, (x, y), spread), spread)
    varying = _varying(result)
    if list(result.grid) == ["run"] and result.n_rows > 1:
        figure = _points(result, shown, x, y)
    elif len(varying) < 2:
        figure = _line(result, shown, x or _first(varying), y)
    elif _wants_lines(result, shown, x, y, varying):
        figure = _lines(result, shown, x or varying[0], varying)
    else:
        figure = _heat_maps(result, shown, x, y, varying)
    told = f", averaged over {result.over}" if isinstance(result, AveragedResult) else ""
    figure.suptitle(f"{plain(result.attributes['title'])}, {n_rows:,} rows{told}", fontsize=11)
    return figure


def plot_stack(result: ResultFile, *, value: str | None = None, log: bool = False) -> Figure:
    """One feature of a grid over all its axes at once, by dimensional stacking: see `plot_stacking`.

    Raises `InputError` where the rows are no grid, or for names that are not in the result.
    """
    if list(result.grid) == ["run"]:
        raise InputError(f"{result.path}: its rows are no grid, so there are no axes to stack; sweep over [axes]")
    shown = _quantity(result, value, log)
    grid = {}
    for axis in result.grid:
        parameter = _axis(result, axis)[1]
        grid[parameter] = result.axis_values(parameter)
    shape = tuple(result.grid.values())
    figure = stacked(replace(shown, values=shown.values.reshape(shape)), grid)
    figure.suptitle(f"{plain(result.attributes['title'])}, {result.n_rows:,} rows", fontsize=11)
    return figure


# --- means ----------------------------------------------------------------------------------------------------------
def _over(result: ResultFile, over: str | None, shown: Sequence[str | None], spread: bool) -> str | None:
    """The axis to average over: the one that is named, or replicates where something else varies."""
    several = sum(n > 1 for n in result.grid.values()) > 1
    if over is None and REPLICATE in result.grid and REPLICATE not in shown and several:
        return REPLICATE
    if over is None and spread:
        raise InputError("spread: over which axis? name it with over, as over = 'replicate'")
    return over


def _averaged(result: ResultFile, shown: Quantity, over: str | None, spread: bool) -> tuple[Quantity, ResultFile]:
    """What is shown and its result, averaged over an axis."""
    if over is None:
        return shown, result
    if shown.codes:
        raise InputError(f"over: {shown.label} is a class, which has no mean; choose another value")
    averaged = AveragedResult(result, over)
    mean, deviation = averaged.mean_and_spread(shown.values)
    label = f"standard deviation of {shown.label}" if spread else f"mean {shown.label}"
    values = deviation if spread else mean
    return replace(shown, label=label, values=values, is_count=False, spread=None if spread else deviation), averaged


# --- what is shown --------------------------------------------------------------------------------------------------
def _quantity(result: ResultFile, value: str | None, log: bool) -> Quantity:
    """A feature of every row, NaN where the row is not "ok" (status 0); but what a row did that did not settle."""
    if value is None and "isi_mean" in result.features and {"rate", "spike_count"} & {*result.features}:
        return Quantity("firing rate, 1 / mean interval (Hz)", _ok(result, _rate(result)), logarithmic=log)
    name = _feature(result, value)
    dtype = result.dtype(name)
    codes = tuple(str(result.attributes_of(name).get("flag_meanings", "")).split())
    values = _ok(result, result.read(name).astype(np.float64), (OK, CAP_REACHED) if codes else (OK,))
    return Quantity(_label(result, name), values, codes, name.endswith("_error"), dtype.kind in "iu", log)


def _feature(result: ResultFile, value: str | None) -> str:
    if value is not None:
        if value not in result.features:
            raise unknown("feature", value, result.features, where="--value")
        return value
    if not result.features:
        raise InputError(f"{result.path}: holds no feature to draw; record features in the sweep")
    features = [name for name in result.features if name not in OF_THE_RUN] or result.features
    return next((name for name in _PREFERRED if name in features), features[0])


def _ok(result: ResultFile, values: np.ndarray, statuses: Sequence[int] = (OK,)) -> np.ndarray:
    values[~np.isin(result.read("status"), statuses)] = math.nan
    return values


def _rate(result: ResultFile) -> np.ndarray:
    """(n_rows,) Hz: from the mean interval; 0 where there are fewer than two spikes, and so no interval."""
    mean = result.read("isi_mean").astype(np.float64)
    return np.where(np.isnan(mean), 0.0, 1000.0 / np.where(mean > 0, mean, np.nan))


def _label(result: ResultFile, name: str) -> str:
    # A parameter is known by its symbol, a feature by its description.
    text = symbol(name) if name in result.parameters else plain(result.long_name(name))
    return label_of(text, result.unit(name))


# --- the axes of a grid ---------------------------------------------------------------------------------------------
def _varying(result: ResultFile) -> list[str]:
    """Axes of the grid with more than one value, the longest first."""
    return sorted((axis for axis, n in result.grid.items() if n > 1), key=lambda axis: -result.grid[axis])


def _first(axes: Sequence[str]) -> str | None:
    return axes[0] if axes else None


def _axis(result: ResultFile, name: str) -> tuple[str, str]:
    """(axis, parameter to label it with) for the name of an axis or parameter."""
    if name in result.parameters:
        return result.parameters[name], name
    if name in result.grid:
        return name, next(p for p, axis in result.parameters.items() if axis == name)
    raise unknown("axis", name, {*result.parameters, *result.grid})


def _ordered(result: ResultFile, values: np.ndarray, last: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """(the other axes, values over (*others, *last)) for axes of the grid."""
    names = list(result.grid)
    others = [axis for axis in names if axis not in last]
    order = [names.index(axis) for axis in (*others, *last)]
    return others, np.moveaxis(values.reshape(tuple(result.grid.values())), order, range(len(names)))


def _spread(total: int, most: int) -> list[int]:
    """At most so many of the numbers from 0 on, evenly spread, both ends among them."""
    return sorted(set(np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()))


def _place_text(result: ResultFile, axes: Sequence[str], place: Sequence[Any]) -> str:
    """The values of some axes at a place, for a title or a legend."""
    told = []
    for axis, k in zip(axes, place, strict=True):
        if result.grid[axis] > 1:
            parameter = _axis(result, axis)[1]
            told.append(value_text(parameter, result.axis_values(parameter)[int(k)], result.unit(parameter)))
    return ", ".join(told)


# --- lines ----------------------------------------------------------------------------------------------------------
def _line(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    if y is not None:
        raise InputError(f"--y {y}: only one parameter varies, so there is nothing for a second axis; leave it out")
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    parameter = _axis(result, x)[1] if x is not None else next(iter(result.parameters))
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


def _wants_lines(result: ResultFile, shown: Quantity, x: str | None, y: str | None, varying: Sequence[str]) -> bool:
    """Whether curves over a current say more than a map: of numbers, and unless the user names both axes."""
    if y is not None or shown.codes:
        return False
    axis, parameter = _axis(result, x or varying[0])
    if result.unit(parameter) not in _CURRENTS or result.grid[axis] < 2:
        return False
    return x is not None or (len(varying) == 2 and result.grid[varying[1]] <= MAX_LINES)


def _lines(result: ResultFile, shown: Quantity, x: str, varying: Sequence[str]) -> Figure:
    """The feature over a current: a curve for each value of the next axis, a panel for a few of the others."""
    x_axis, parameter = _axis(result, x)
    curve_axis = next(axis for axis in varying if axis != x_axis)
    others, values = _ordered(result, shown.values, (curve_axis, x_axis))
    spreads = None if shown.spread is None else _ordered(result, shown.spread, (curve_axis, x_axis))[1]
    places = _spread(math.prod(values.shape[:-2]), 4)
    figure = new_figure(1.6 + 4.8 * min(len(places), 2), 0.6 + 3.6 * -(-len(places) // 2))
    grid = figure.subplots(-(-len(places) // 2), min(len(places), 2), sharex=True, sharey=True, squeeze=False)
    at = result.axis_values(parameter)
    order = np.argsort(at)
    curve = _axis(result, curve_axis)[1]
    levels = result.axis_values(curve)
    shades = None
    if len(levels) > MAX_LINES:
        shades = scale_of_colours(list(grid.flat), (levels.min(), levels.max()), _label(result, curve))
    for axes, flat in zip(grid.flat, places, strict=False):
        place = np.unravel_index(flat, values.shape[:-2]) if others else ()
        for k in _spread(len(levels), 200):
            line = {"color": shades.to_rgba(levels[k]), "linewidth": 0.8} if shades else {
                "color": colour(k), "linewidth": 1.3, "marker": MARKERS[k % len(MARKERS)],
                "markersize": 2.5 if len(at) > 30 else 4, "label": value_text(curve, levels[k], result.unit(curve)),
            }  # fmt: skip
            axes.plot(at[order], values[tuple(place)][k][order], **line)
            if spreads is not None and shades is None:
                _band(axes, at[order], values[tuple(place)][k][order], spreads[tuple(place)][k][order], line["color"])
        axes.set_title(_place_text(result, others, place), fontsize=10)
        _finish_lines(result, axes, shown, parameter)
    for axes in list(grid.flat)[len(places) :]:
        axes.remove()
    if shades is None:
        legend_beside(grid[0, -1])
    return figure


def _finish_lines(result: ResultFile, axes: Axes, shown: Quantity, parameter: str) -> None:
    axes.set(xlabel=_label(result, parameter), ylabel=shown.label)
    if shown.codes:
        axes.set_yticks(range(len(shown.codes)), labels=[code.replace("_", " ") for code in shown.codes])
    if shown.logarithmic:
        axes.set_yscale("log")
    logarithmic_axis(axes, "x", result.axis_values(parameter))
    axes.grid(alpha=0.3)
    axes.label_outer()


# --- maps and points ------------------------------------------------------------------------------------------------
def _heat_maps(result: ResultFile, shown: Quantity, x: str | None, y: str | None, longest: Sequence[str]) -> Figure:
    x_axis, x_parameter = _axis(result, x or next(a for a in longest if y is None or a != _axis(result, y)[0]))
    y_axis, y_parameter = _axis(result, y or next(a for a in longest if a != x_axis))
    if x_axis == y_axis:
        raise InputError(f"--x and --y are both the axis {x_axis}; name two that vary independently")
    for option, axis in (("--x", x_axis), ("--y", y_axis)):
        if result.grid[axis] < 2:
            raise InputError(f"{option} {axis}: has a single value; name a parameter that varies")
    others, values = _ordered(result, shown.values, (y_axis, x_axis))
    places = [np.unravel_index(k, values.shape[:-2]) if others else () for k in
              _spread(math.prod(values.shape[:-2]), MAX_PANELS)]  # fmt: skip
    panels = Panels(
        x=(_label(result, x_parameter), result.axis_values(x_parameter)),
        y=(_label(result, y_parameter), result.axis_values(y_parameter)),
        titles=[_place_text(result, others, place) for place in places],
        values=[values[tuple(place)] for place in places],
    )
    return heat_maps(panels, shown)


def _points(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    names = list(result.parameters)
    for option, name in (("--x", x), ("--y", y)):
        if name is not None and name not in names:
            raise unknown("parameter", name, names, where=option)
    x = x or next(name for name in names if name != y)
    y = y or next((name for name in names if name != x), None)
    across = None if y is None else (_label(result, y), result.read(y))
    return points((_label(result, x), result.read(x)), across, shown)
