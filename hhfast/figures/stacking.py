"""Dimensional stacking: a feature over all axes of a grid in one picture, axes within axes.

LeBlanc, Ward & Wittels 1990, Proc IEEE Visualization:230-237; for neurons Taylor, Hickey, Prinz & Marder 2006,
J Neurophysiol 96:891-905.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.errors import InputError, unknown
from hhfast.figures.arguments import table_of, text_of, texts_of, units_of
from hhfast.figures.canvas import MISSING, new_figure
from hhfast.figures.quantity import Quantity
from hhfast.figures.text import label_of, plain, shown_number, symbol
from hhfast.inputs import numbers, samples
from hhfast.tables import unit_text

_MAX_PIXELS = 16_000_000  # of a picture; more values than that are those of a map with fewer axes
_FRAMED = 40  # fewest pixels between lines that part the values of an axis


def plot_stacking(
    values: Any,
    parameters: Mapping[str, Any],
    *,
    label: str = "",
    codes: Sequence[str] = (),
    order: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """A picture with one pixel for every point of a grid: within each value of one axis all values of the next.

    values : the feature, of the shape of the grid; NaN is grey. parameters : name -> values (or names) along each axis,
    in that order. label : of the colours. codes : the meanings of values 0, 1, ..., if these are classes. order : from
    the coarsest to the finest, by turns along x and y. By default the parameter that changes the mean most is the
    coarsest, which makes the picture smoothest. units : of the parameters, as in `Model.parameters`.

    Raises `InputError` where shapes disagree or a name is unknown.
    """
    grid = {name: _along(name, along) for name, along in table_of("parameters", parameters, "{'g_Na': [1, 2]}").items()}
    shown = Quantity(text_of("label", label), samples("values", values), tuple(texts_of("codes", codes)))
    chosen = None if order is None else texts_of("order", order)
    return stacked(shown, grid, chosen, units_of(units))


def _along(name: str, values: Any) -> np.ndarray:
    """The numbers or names along an axis."""
    where = f"parameters: {name}"
    if isinstance(values, (list, tuple, np.ndarray)) and np.size(values) and isinstance(next(iter(values)), str):
        return np.array(texts_of(where, values))
    return numbers(where, values)


def stacked(
    shown: Quantity,
    grid: Mapping[str, np.ndarray],
    order: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """The picture of a quantity of the shape of a grid."""
    array = shown.values
    shape = tuple(len(along) for along in grid.values())
    if array.shape != shape:
        raise InputError(f"values: have shape {array.shape}; the parameters make a grid of {shape}")
    if array.size > _MAX_PIXELS:
        raise InputError(f"values: are {array.size:,}; at most {_MAX_PIXELS:,} can be drawn, so fix some of the axes")
    varying = [name for name, along in grid.items() if len(along) > 1]
    if not varying:
        raise InputError("parameters: none varies, so there is nothing to stack")
    names = list(grid)
    ordered = _ordered(array, names, varying, order)
    ways = ordered[0::2], ordered[1::2]
    along = [names.index(name) for way in ways[::-1] for name in way]
    rest = [k for k in range(len(names)) if k not in along]
    image = np.transpose(array, [*along, *rest]).reshape(_count(grid, ways[1]), _count(grid, ways[0]))
    figure = new_figure(8.0, 7.0)
    axes = figure.add_subplot()
    axes.set_facecolor(MISSING)
    looks: dict[str, Any] = {"norm": shown.norm, "cmap": shown.colour_map, "interpolation": "nearest"}
    drawn = axes.imshow(image, origin="lower", aspect="auto", **looks)
    for way, is_x in zip(ways, (True, False), strict=True):
        _mark(axes, grid, way, units or {}, is_x=is_x)
    shown.explain(figure, drawn, [axes], missing=bool(np.isnan(image).any()))
    return figure


def main_effects(values: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """How far the mean moves along each axis, from its lowest level to its highest."""
    found = {}
    for k, name in enumerate(names):
        rest = tuple(j for j in range(values.ndim) if j != k)
        with np.errstate(all="ignore"):
            means = np.nanmean(values, axis=rest) if np.isfinite(values).any() else np.zeros(values.shape[k])
        found[name] = float(np.nanmax(means) - np.nanmin(means))
    return found


def _ordered(array: np.ndarray, names: list[str], varying: list[str], order: Sequence[str] | None) -> list[str]:
    if order is None:
        effects = main_effects(array, names)
        return sorted(varying, key=lambda name: -effects[name])
    for name in order:
        if name not in varying:
            raise unknown("axis", name, varying, where="order")
    if len(set(order)) != len(order) or len(order) != len(varying):
        raise InputError(f"order: must name each of {', '.join(varying)} once")
    return list(order)


def _level_text(value: Any) -> str:
    return plain(value) if isinstance(value, str) else f"{shown_number(value)}"


def _extent_text(levels: np.ndarray, unit: str) -> str:
    """From where to where an axis goes; names are all told."""
    if levels.dtype.kind == "U":
        return ", ".join(map(_level_text, levels.tolist()))
    return f"{shown_number(levels[0])} to {shown_number(levels[-1])} {plain(unit_text(unit))}".strip()


def _count(grid: Mapping[str, np.ndarray], names: Sequence[str]) -> int:
    return math.prod(len(grid[name]) for name in names)


def _mark(
    axes: Axes, grid: Mapping[str, np.ndarray], names: Sequence[str], units: Mapping[str, str], *, is_x: bool
) -> None:
    """Ticks for the coarsest axis, lines between its values, and the names from the coarsest to the finest."""
    axis = axes.xaxis if is_x else axes.yaxis
    if not names:
        axis.set_visible(False)
        return
    coarsest = grid[names[0]]
    width = _count(grid, names[1:])
    axis.set_ticks(
        [(k + 0.5) * width - 0.5 for k in range(len(coarsest))], labels=[_level_text(value) for value in coarsest]
    )
    axis.set_tick_params(length=0)
    if width * len(coarsest) >= _FRAMED or len(names) > 1:
        for k in range(1, len(coarsest)):
            (axes.axvline if is_x else axes.axhline)(k * width - 0.5, color="white", linewidth=1)
    ends = [_extent_text(grid[name], units.get(name, "")) for name in names]
    inner = [f"{symbol(name)} ({told})".replace(" ", "\N{NO-BREAK SPACE}")
             for name, told in zip(names[1:], ends[1:], strict=True)]  # fmt: skip
    coarse = label_of(symbol(names[0]), units.get(names[0], "1"))
    axis.set_label_text(coarse if not inner else f"{coarse}, and within each value " + ", within it ".join(inner))
