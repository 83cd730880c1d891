"""What goes with a clamp protocol, as values: the conditioning before a test of inactivation, and the recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import finite, not_negative, number, numbers, positive, whole_number

_T = TypeVar("_T", bound="Conditioning | ClampRecording")


@dataclass(frozen=True)
class Conditioning:
    """What precedes the test of inactivation: a family in which each cell is first held at each of some levels.

    duration : ms at each level; 0: that family is not run. levels : mV; None: every 5 mV from 50 below to 80 above the
    holding potential. test : mV, of the step that tells what is inactivated; None: the level with the largest
    conductance.

    Raises `InputError` for what are no such numbers.
    """

    duration: float = 200.0
    levels: tuple[float, ...] | None = None
    test: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "duration", not_negative("conditioning.duration", self.duration))
        if self.levels is not None:
            object.__setattr__(self, "levels", tuple(numbers("conditioning.levels", self.levels).tolist()))
        if self.test is not None:
            object.__setattr__(self, "test", finite("conditioning.test", self.test))

    @classmethod
    def of(cls, given: Any) -> Conditioning:
        """A `Conditioning`, a mapping of some of its fields, or its duration alone."""
        if isinstance(given, (cls, Mapping)):
            return _made(cls, "conditioning", given)
        return cls(number("conditioning", given))

    def levels_from(self, holding: float) -> np.ndarray:
        """The levels, mV."""
        return holding + np.arange(-50.0, 81.0, 5.0) if self.levels is None else np.array(self.levels)


@dataclass(frozen=True)
class ClampRecording:
    """How the currents of a clamp are recorded.

    every : ms between samples; None: 500 in the test step.
    series_resistance : of the electrode, kOhm cm2 (GOhm for models of totals).
    leak_subtraction : n of the P/n protocol (Bezanilla & Armstrong 1977, J Gen Physiol 70:549-566): n times the
        response to the same protocol of 1/n the size (negative: in the other direction) is subtracted, each less its
        holding current. 0: none.

    Raises `InputError` for numbers out of range.
    """

    every: float | None = None
    series_resistance: float = 0.0
    leak_subtraction: int = 0

    def __post_init__(self) -> None:
        if self.every is not None:
            object.__setattr__(self, "every", positive("recording.every", self.every))
        name = "recording.series_resistance"
        object.__setattr__(self, "series_resistance", not_negative(name, self.series_resistance))
        n = whole_number("recording.leak_subtraction", self.leak_subtraction, -100, 100)
        object.__setattr__(self, "leak_subtraction", n)

    @classmethod
    def of(cls, given: Any) -> ClampRecording:
        """A `ClampRecording`, a mapping of some of its fields, or None: the usual one."""
        return cls() if given is None else _made(cls, "recording", given)


def _made(kind: type[_T], name: str, given: Any) -> _T:
    """The value of a kind that is given as such or as a mapping, as sweep files have it."""
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"{name} = {shown(given)}: give a table, as {{ {next(iter(kind.__dataclass_fields__))} = 1.0 }}"
        )
    for key in given:
        if key not in kind.__dataclass_fields__:
            raise unknown("key", str(key), kind.__dataclass_fields__, where=name)
    return kind(**given)
