"""Parameter spaces: from a row's index to its parameter values, so that any row can be computed alone.

A space has `names` (the varied parameters), `n_rows`, `columns(start, stop)` (name -> float64 values of those rows),
`limits(name)` and `canonical()` (plain data that identifies the space, without paths). Nothing here needs memory in
proportion to the number of rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import mapping, numbers, per_cell
from hhfast.sampling.sample import MAX_ROWS as MOST_ROWS
from hhfast.sweep.axis import MOST_VALUES, Axis, Values
from hhfast.tables import one_line


class Space(Protocol):
    """What the sweep needs of a space; `Grid`, `Table`, `Rows` and `Sample` provide it.

    kind : its key in a sweep file. formula : whether any process can compute its rows; else they travel with tasks.
    """

    kind: ClassVar[str]
    formula: ClassVar[bool]

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def n_rows(self) -> int: ...
    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]: ...
    def limits(self, name: str) -> tuple[float, float]: ...
    def canonical(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Grid:
    """The product of its axes, the last one fastest: `Grid.of({"g_Na": [100, 120], "g_K": [30, 36, 42]})`."""

    kind: ClassVar[str] = "axes"
    formula: ClassVar[bool] = True
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.axes, (tuple, list)) or not all(isinstance(axis, Axis) for axis in self.axes):
            told = shown(self.axes)
            raise InputError(f"Grid: is given {told}; give axes, or Grid.of({{'g_Na': [100, 120]}})")
        object.__setattr__(self, "axes", tuple(self.axes))
        n_values = sum(values.count for axis in self.axes for _, values in axis.members)
        if n_values > MOST_VALUES:
            raise InputError(f"axes: have {n_values:,} values together; at most {MOST_VALUES:,} are possible")
        if self.n_rows > MOST_ROWS:  # Python counts as far as one likes
            raise InputError(f"axes: make more than {MOST_ROWS:,} rows; leave out some")

    @classmethod
    def of(cls, axes: Mapping[str, Sequence[float] | np.ndarray]) -> Grid:
        """A grid from plain values: `Grid.of({"g_Na": np.linspace(90, 150, 32), "stimulus.amplitude": [6, 8, 10]})`."""
        given = mapping("Grid.of", axes, "{'g_Na': [100, 120]}")
        values = {k: Values("values", tuple(numbers(f"Grid.of: {k}", v).tolist())) for k, v in given.items()}
        return cls(tuple(Axis(name, ((name, along),)) for name, along in values.items()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(name for axis in self.axes for name, _ in axis.members)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis) for axis in self.axes)

    @property
    def dims(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    @property
    def n_rows(self) -> int:
        return math.prod(self.shape)

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        rows = np.arange(start, stop)
        result = {}
        fastest = 1  # rows from one value of this axis to the next
        for axis, size in zip(reversed(self.axes), reversed(self.shape), strict=True):
            at = (rows // fastest) % size
            result.update({name: values.array[at] for name, values in axis.members})
            fastest *= size
        return {name: result[name] for name in self.names}

    def limits(self, name: str) -> tuple[float, float]:
        array = next(values.array for axis in self.axes for member, values in axis.members if member == name)
        return float(array.min()), float(array.max())

    def canonical(self) -> dict[str, Any]:
        # A list, because the order of the axes matters and the canonical JSON sorts its keys.
        return {"kind": "grid", "axes": [[axis.name, axis.canonical()] for axis in self.axes]}


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows given as arrays in memory.

    values : parameter -> (n_rows,), in the unit of the parameter; all of one length.
    """

    kind: ClassVar[str] = "rows"
    formula: ClassVar[bool] = False
    values: Mapping[str, np.ndarray]

    __repr__ = one_line

    def __post_init__(self) -> None:
        given = mapping("Rows", self.values, "{'g_Na': [100, 120]}")
        arrays = {k: np.ascontiguousarray(per_cell(f"Rows: {k}", v), dtype=np.float64) for k, v in given.items()}
        if not arrays or len({a.shape for a in arrays.values()}) != 1 or next(iter(arrays.values())).ndim != 1:
            raise InputError("Rows takes one 1-D array per parameter, all of one length")
        if not next(iter(arrays.values())).size:
            raise InputError("Rows has no rows; give at least one")
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise InputError(f"Rows: {name} holds a number that is not finite")
        object.__setattr__(self, "values", arrays)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    @property
    def n_rows(self) -> int:
        return len(self.values[self.names[0]])

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return {name: array[start:stop] for name, array in self.values.items()}

    def limits(self, name: str) -> tuple[float, float]:
        return float(self.values[name].min()), float(self.values[name].max())

    def canonical(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(name.encode() + b"\0" + self.values[name].astype("<f8").tobytes())
        return {"kind": "rows", "names": list(self.names), "n_rows": self.n_rows, "sha256": digest.hexdigest()}


def axes_of(space: Space) -> dict[str, int]:
    """Name -> length of the axes over which results lie: those of a grid; of any other space one, "run"."""
    return dict(zip(space.dims, space.shape, strict=True)) if isinstance(space, Grid) else {"run": space.n_rows}
