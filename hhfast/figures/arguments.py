"""What pictures are given: the result, cells, labels, titles, axes; checked alike, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes

from hhfast.errors import InputError
from hhfast.figures.canvas import new_axes
from hhfast.figures.text import cell_labels
from hhfast.inputs import finite, mapping, per_cell, what, whole_number

T = TypeVar("T")


def of_kind(name: str, value: Any, kind: type[T], wanted: str) -> T:
    """A value of this kind. wanted : where users get one, for the message."""
    if not isinstance(value, kind):
        raise InputError(f"{name}: is {what(value)}; give {wanted}")
    return value


def text_of(name: str, value: Any) -> str:
    """A text, as a title is; it may be empty."""
    return of_kind(name, value, str, "a text")


def texts_of(name: str, value: Any) -> list[str]:
    """A list of texts, in their order."""
    if isinstance(value, (str, bytes, Mapping, AbstractSet)) or not isinstance(value, Iterable):
        raise InputError(f"{name}: is {what(value)}; give a list of texts")
    found: list[str] = list(value)
    if wrong := [one for one in found if not isinstance(one, str)]:
        raise InputError(f"{name}: an entry is {what(wrong[0])}; give a list of texts")
    return found


def name_of(name: str, value: Any) -> str | None:
    """The name of something that is shown, or None, where it is chosen."""
    return None if value is None else of_kind(name, value, str, "a name")


def table_of(name: str, value: Any, example: str) -> dict[str, Any]:
    """Values by name, as parameters are given; None: none. example : of such a mapping."""
    found = {} if value is None else dict(mapping(name, value, example))
    if wrong := [key for key in found if not isinstance(key, str)]:
        raise InputError(f"{name}: a name is {what(wrong[0])}; give a mapping such as {example}")
    return found


def params_of(value: Any) -> dict[str, Any]:
    """The parameters of a model that differ from its own; None: none."""
    return table_of("params", value, "{'g_Na': 100}")


def units_of(value: Any) -> dict[str, str]:
    """The units of parameters by name; None: none."""
    found = table_of("units", value, "{'g_Na': 'mS/cm2'}")
    return {name: of_kind(f"units.{name}", unit, str, "a text, such as 'mV'") for name, unit in found.items()}


def limit_of(name: str, value: Any) -> float:
    """A time from zero on, up to which something is drawn, ms."""
    found = finite(name, value)
    if found < 0:
        raise InputError(f"{name} = {found:g}: must not be negative")
    return found


def axes_or_new(axes: Any, width: float = 6.4, height: float = 4.2) -> Axes:
    """The axes given, or new ones of this size, inches."""
    return new_axes(width, height) if axes is None else of_kind("axes", axes, Axes, "axes of matplotlib, or None")


def chosen_cells(cells: int | Sequence[int] | None, n: int) -> list[int]:
    """The numbers of the cells to draw, of n; None: all. Raises `InputError` for one that is not there."""
    if cells is None:
        return list(range(n))
    found = np.atleast_1d(per_cell("cells", cells))
    if np.asarray(cells).dtype.kind == "b":
        raise InputError("cells: are true or false; give the numbers of the cells, as numpy.flatnonzero finds them")
    if not found.size:
        raise InputError("cells: is empty; give the number of one at least, or None for all")
    if missing := [cell for cell in found.tolist() if not (0 <= cell < n and cell == int(cell))]:
        raise InputError(f"cells: there is no cell {missing[0]:g}; the last is {n - 1}")
    return [int(cell) for cell in found]


def one_cell(name: str, cell: Any, n: int) -> int:
    """The number of one of n cells or targets."""
    return whole_number(name, cell, 0, n - 1)


def values_of_cells(n: int, params: Any) -> dict[str, np.ndarray]:
    """Name -> (n,) values of parameters that are one number, or one for each of n cells."""
    found = {}
    for name, value in params_of(params).items():
        values = np.asarray(per_cell(f"params: {name}", value))
        if values.size not in (1, n):
            raise InputError(f"params: {name} has {values.size} values for {n} cells; give one, or one for each")
        found[name] = np.broadcast_to(values, n)
    return found


def labels_of_cells(n: int, labels: Any, params: Any, units: Any) -> list[str]:
    """(n,) the labels given; without them what tells cells apart: their parameters, or else their numbers."""
    values, known = values_of_cells(n, params), units_of(units)
    if labels is None:
        return cell_labels(values, known) if values else [f"cell {k}" for k in range(n)]
    found = texts_of("labels", labels)
    if len(found) != n:
        raise InputError(f"labels: are {len(found)} for {n} cells; give one for each cell of the result")
    return found
