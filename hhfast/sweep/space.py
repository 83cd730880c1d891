"""Parameter spaces: from a row's index to its parameter values, so that any row can be computed alone.

A space has `names` (the varied parameters), `n_rows`, `shape` and `dims` (those of a grid; else one axis called "run"),
`columns(start, stop)` (name -> float64 values of those rows), `limits(name)` and `canonical()` (plain data that
identifies the space, without paths). Nothing here needs memory in proportion to the number of rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.inputs import per_cell
from hhfast.sampling.sample import MAX_ROWS as MOST_ROWS

VALUE_KINDS = {  # what each takes
    "values": "[a, b, c, ...]",
    "linspace": "[first, last, number of values]",
    "logspace": "[first, last, number of values], of which first and last are powers of ten",
    "arange": "[stop], [start, stop] or [start, stop, step]; stop is not among the values",
}
MOST_VALUES = 10_000_000  # of one axis, and of the axes of a grid together: they are held in memory
_MOST_POWERS = 100_000  # of logspace, which takes its time for every value
_LARGEST_EXPONENT = 30  # of logspace; beyond it, someone gave the values instead of their powers of ten


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
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dims(self) -> tuple[str, ...]: ...
    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]: ...
    def limits(self, name: str) -> tuple[float, float]: ...
    def canonical(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Values:
    """The values along one axis, as they were written: `Values("linspace", (90.0, 150.0, 32))`.

    `logspace` takes powers of ten and `arange` excludes its end, as in NumPy.
    """

    kind: str
    arguments: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.kind not in VALUE_KINDS:
            raise unknown("kind of values", self.kind, VALUE_KINDS)
        if not all(math.isfinite(x) for x in self.arguments):
            raise InputError(f"{self.kind} holds a number that is not finite; give finite numbers")
        if self.kind in ("linspace", "logspace"):
            _check_spaced(self.kind, self.arguments)
        if self.kind == "arange":
            _check_arange(self.arguments)
        most = _MOST_POWERS if self.kind == "logspace" else MOST_VALUES
        if self.count == 0:
            raise InputError("has no values; give at least one")
        if self.count > most:
            raise InputError(f"{self.kind} has {self.count:,} values; at most {most:,} are possible")

    @cached_property
    def count(self) -> int:
        """How many values there are, before they are made."""
        if self.kind == "values":
            return len(self.arguments)
        if self.kind != "arange":
            return int(self.arguments[2])
        start, stop, step = _arange_arguments(self.arguments)
        # A relative slack: 0:0.3:0.1 has three values although 3 * 0.1 > 0.3 in binary.
        steps = (stop - start) / step - 1e-9
        return max(0, math.ceil(min(steps, 1e18)))

    @cached_property
    def array(self) -> np.ndarray:
        """The values, float64."""
        if self.kind == "values":
            return np.array(self.arguments, dtype=np.float64)
        if self.kind == "arange":
            start, _, step = _arange_arguments(self.arguments)
            return start + step * np.arange(self.count)
        start, stop, n = self.arguments
        points = np.linspace(start, stop, int(n))
        if self.kind == "linspace":
            return points
        # Powers through decimals: correctly rounded, hence the same on every machine, and 10 is 10.
        return np.array([float(Decimal(10) ** Decimal(p)) for p in points.tolist()])

    def canonical(self) -> dict[str, list[float]]:
        return {self.kind: list(self.arguments)}


def _check_spaced(kind: str, arguments: Sequence[float]) -> None:
    if len(arguments) != 3 or arguments[2] != int(arguments[2]):
        raise InputError(f"{kind} takes [first, last, number of values]")
    if not math.isfinite(arguments[1] - arguments[0]):
        raise InputError(f"{kind} goes from {arguments[0]:g} to {arguments[1]:g}, which is too far")
    if arguments[2] < 1:
        raise InputError(f"{kind} has no values; its third entry, the number of values, must be at least 1")
    if kind == "logspace" and max(abs(arguments[0]), abs(arguments[1])) > _LARGEST_EXPONENT:
        raise InputError("logspace takes powers of ten as in NumPy: [-1, 2, 4] is 0.1, 1, 10, 100")


def _check_arange(arguments: Sequence[float]) -> None:
    if not 1 <= len(arguments) <= 3:
        raise InputError("arange takes [first, end, step] (the end is excluded)")
    if _arange_arguments(arguments)[2] == 0:
        raise InputError("arange has step 0; give another step")


def _arange_arguments(arguments: Sequence[float]) -> tuple[float, float, float]:
    if len(arguments) == 1:
        return 0.0, arguments[0], 1.0
    return arguments[0], arguments[1], arguments[2] if len(arguments) == 3 else 1.0


@dataclass(frozen=True)
class Axis:
    """One axis of a grid: a parameter, or several that move together (`zip`), with their values."""

    name: str
    members: tuple[tuple[str, Values], ...]

    def __post_init__(self) -> None:
        lengths = {name: values.count for name, values in self.members}
        if len(set(lengths.values())) > 1:
            sizes = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise InputError(f"zip joins parameters of equal length, but {sizes} values")

    def __len__(self) -> int:
        return self.members[0][1].count

    def canonical(self) -> dict[str, Any]:
        if len(self.members) == 1 and self.members[0][0] == self.name:
            return self.members[0][1].canonical()
        return {"zip": {name: values.canonical() for name, values in self.members}}


@dataclass(frozen=True)
class Grid:
    """The product of its axes, the last one fastest: `Grid.of({"g_Na": [100, 120], "g_K": [30, 36, 42]})`."""

    kind: ClassVar[str] = "axes"
    formula: ClassVar[bool] = True
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        n_values = sum(values.count for axis in self.axes for _, values in axis.members)
        if n_values > MOST_VALUES:
            raise InputError(f"axes: have {n_values:,} values together; at most {MOST_VALUES:,} are possible")
        if self.n_rows > MOST_ROWS:  # Python counts as far as one likes
            raise InputError(f"axes: make more than {MOST_ROWS:,} rows; leave out some")

    @classmethod
    def of(cls, axes: Mapping[str, Sequence[float] | np.ndarray]) -> Grid:
        """A grid from plain values: `Grid.of({"g_Na": np.linspace(90, 150, 32), "stimulus.amplitude": [6, 8, 10]})`."""
        return cls(tuple(Axis(k, ((k, Values("values", tuple(map(float, v)))),)) for k, v in axes.items()))

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
    """Rows given as arrays in memory: one array of equal length per parameter."""

    kind: ClassVar[str] = "rows"
    formula: ClassVar[bool] = False
    values: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise InputError(
                f"Rows: is of type {type(self.values).__name__}; give a mapping such as {{'g_Na': [100, 120]}}"
            )
        arrays = {k: np.ascontiguousarray(per_cell(f"Rows: {k}", v), dtype=np.float64) for k, v in self.values.items()}
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

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_rows,)

    @property
    def dims(self) -> tuple[str, ...]:
        return ("run",)

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        return {name: array[start:stop] for name, array in self.values.items()}

    def limits(self, name: str) -> tuple[float, float]:
        return float(self.values[name].min()), float(self.values[name].max())

    def canonical(self) -> dict[str, Any]:
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(name.encode() + b"\0" + self.values[name].astype("<f8").tobytes())
        return {"kind": "rows", "names": list(self.names), "n_rows": self.n_rows, "sha256": digest.hexdigest()}
