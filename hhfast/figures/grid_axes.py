"""The axes of the grid of a result: their names, order and places, as pictures need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axis import Axis

from hhfast.errors import unknown
from hhfast.figures.text import plain, value_text
from hhfast.sweep.store import ResultFile


def varying(result: ResultFile) -> list[str]:
    """Axes of the grid with more than one value, the longest first."""
    return sorted((axis for axis, n in result.grid.items() if n > 1), key=lambda axis: -result.grid[axis])


def first_of(axes: Sequence[str]) -> str | None:
    return axes[0] if axes else None


def axis_of(result: ResultFile, name: str) -> tuple[str, str]:
    """(axis, parameter to label it with) for the name of an axis or parameter."""
    if name in result.parameters:
        return result.parameters[name], name
    if name in result.grid:
        return name, next(p for p, axis in result.parameters.items() if axis == name)
    raise unknown("axis", name, {*result.parameters, *result.grid})


def values_along(result: ResultFile, parameter: str) -> list[float | str]:
    """The values of a parameter along its axis; of initial states their names."""
    found: list[float | str] = result.labels(parameter, result.axis_values(parameter)).tolist()
    return found


def name_ticks(axis: Axis, result: ResultFile, parameter: str) -> None:
    """The names of initial states as ticks of an axis that is drawn over their numbers; any other axis is left."""
    if names := result.codes(parameter):
        axis.set_ticks(range(len(names)), labels=[plain(name) for name in names], minor=False)
        axis.set_tick_params(which="minor", length=0)


def ordered(result: ResultFile, values: np.ndarray, last: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """(the other axes, values over (*others, *last)) for axes of the grid."""
    names = list(result.grid)
    others = [axis for axis in names if axis not in last]
    order = [names.index(axis) for axis in (*others, *last)]
    return others, np.moveaxis(values.reshape(tuple(result.grid.values())), order, range(len(names)))


def spread_over(total: int, most: int) -> list[int]:
    """At most so many of the numbers from 0 on, evenly spread, both ends among them."""
    return sorted(set(np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()))


def place_text(result: ResultFile, axes: Sequence[str], place: Sequence[Any]) -> str:
    """The values of some axes at a place, for a title or a legend."""
    told = []
    for axis, k in zip(axes, place, strict=True):
        if result.grid[axis] > 1:
            parameter = axis_of(result, axis)[1]
            told.append(value_text(parameter, values_along(result, parameter)[int(k)], result.unit(parameter)))
    return ", ".join(told)
