"""An axis of a grid: parameters, and their values as they were written (a list, linspace, logspace, arange)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import known_name, per_cell

VALUE_KINDS = {  # what each takes
    "values": "[a, b, c, ...]",
    "linspace": "[first, last, number of values]",
    "logspace": "[first, last, number of values], of which first and last are powers of ten",
    "arange": "[stop], [start, stop] or [start, stop, step]; stop is not among the values",
}
MOST_VALUES = 10_000_000  # of one axis, and of the axes of a grid together: they are held in memory
_MOST_POWERS = 100_000  # of logspace, which takes its time for every value
_LARGEST_EXPONENT = 30  # of logspace; beyond it, someone gave the values instead of their powers of ten


@dataclass(frozen=True)
class Values:
    """The values along one axis, as they were written: `Values("linspace", (90.0, 150.0, 32))`.

    kind : "values" (a list), "linspace", "logspace" or "arange". arguments : as in NumPy, in the unit of the
    parameter: `logspace` takes powers of ten and `arange` excludes its end.
    """

    kind: str
    arguments: tuple[float, ...]

    def __post_init__(self) -> None:
        known_name("kind of values", self.kind, VALUE_KINDS)
        given = per_cell(self.kind, self.arguments)
        if np.ndim(given) != 1:
            raise InputError(f"{self.kind} takes {VALUE_KINDS[self.kind]}")
        if not np.isfinite(given).all():
            raise InputError(f"{self.kind} holds a number that is not finite; give finite numbers")
        if not isinstance(self.arguments, tuple):
            object.__setattr__(self, "arguments", tuple(given.tolist()))
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


def _is_member(given: Any) -> bool:
    pair = isinstance(given, (tuple, list)) and len(given) == 2
    return pair and isinstance(given[0], str) and isinstance(given[1], Values)


@dataclass(frozen=True)
class Axis:
    """One axis of a grid: a parameter, or several that move together (`zip`), with their values.

    name : of the axis in the result. members : (parameter, its `Values`) of each parameter, in that parameter's unit;
    all of one length.
    """

    name: str
    members: tuple[tuple[str, Values], ...]

    def __post_init__(self) -> None:
        members = self.members if isinstance(self.members, (tuple, list)) else ()
        if not members or not all(_is_member(member) for member in members) or not isinstance(self.name, str):
            told = shown(self.members)
            raise InputError(f"Axis: members are {told}; give (('g_Na', Values('values', (100, 120))),)")
        object.__setattr__(self, "members", tuple(map(tuple, members)))
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
