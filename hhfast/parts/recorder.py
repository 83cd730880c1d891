"""What every recorder is made of: its text, what it learns of a run, and what it does with the arrays of one.

A recorder's `Hooks` has up to five pieces of text, over the values of a lane: `begin` and `end` run when its window
opens and closes, `step` after every step, `spike` at every spike (at `t_spike`), `turn` where V turned between fixed
steps (to `V_turn`, at `dt_turn`; other steps have their extrema); and the variables it samples. A step goes from `t` to
`t_end`, `dt` later, and from `V_was` to `V`; over it, `V_step` is the mean of V, and `V_high` and `V_low` are its
extrema (but for its value at the start), the former at `dt_high` (ms from the start of the step, as `dt_turn`). `C_m`
and `i_app` are the membrane's, `cell` is the number of the cell, `first_cell` that of the first in its call. A
recorder's own names do not meet those of others. What it assigns in `begin` is kept from step to step. Text that runs
every step has no branches. A recorder also says when its window and samples are, makes the arrays of a run (`open`),
and turns them into variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import finite, samples
from hhfast.parts.variable import Variable

Window = tuple[float, float]


@dataclass(frozen=True)
class Hooks:
    """The text of a recorder, and the arrays it writes: (name, type, `{dtype}` being that of the lanes).

    samples : the variables it samples, into an array called `trace`. extra : values that are kept in float64.
    settles : whether it is the one that lets a cell end by itself when it has reached its attractor (`batch.settling`).
    """

    begin: str = ""
    step: str = ""
    spike: str = ""
    turn: str = ""
    end: str = ""
    samples: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    arrays: tuple[tuple[str, str], ...] = ()
    detects: bool = False
    settles: bool = False


@dataclass(frozen=True)
class Run:
    """What a recorder must know of a run to make its arrays.

    onset : the stimulus start, ms, a number or one per cell. units : of all that can be sampled, by name. quantities :
    what that is of the model, see `Variable.quantity`. derivatives : state and parameter of what is a derivative.
    in_ms : whether t_stop is in ms; else each cell has a unit of time of its own.
    """

    n_cells: int
    t_stop: float
    onset: Any
    dtype: str
    units: Mapping[str, str]
    quantities: Mapping[str, str]
    derivatives: Mapping[str, tuple[str, str]]
    in_ms: bool = True


class Recording(Protocol):
    """The arrays of one recorder in one run."""

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        """The kernel's arrays for a call on cells first..last."""

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        """Take what the call left in them."""

    def variables(self) -> dict[str, Variable]:
        """The result, when all calls are done."""


class Recorder(Protocol):
    """A recorder: its text, its spike levels (threshold, rearm) if it detects spikes, its window and sample times."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def levels(self) -> tuple[float, float] | None: ...
    def times(self, t_stop: float) -> tuple[Window, np.ndarray]: ...
    def open(self, run: Run) -> Recording: ...


def is_recorder(value: Any) -> bool:
    """Whether something can record: an object, not a class, that opens recordings."""
    return not isinstance(value, type) and callable(getattr(value, "open", None)) and hasattr(value, "times")


def levels_of(threshold: float, rearm: float | None = None) -> tuple[float, float]:
    """Threshold and rearm of spikes, mV; rearm: 10 mV below the threshold unless given.

    Raises `InputError` for one that is above it.
    """
    if rearm is None:
        return threshold, threshold - 10.0
    if finite("rearm", rearm) > threshold:
        raise InputError(f"rearm = {rearm:g} mV is above the threshold, {threshold:g} mV")
    return threshold, float(rearm)


def check_levels(who: str, threshold: float, rearm: float) -> None:
    finite(f"{who}: threshold", threshold)
    if finite(f"{who}: rearm", rearm) > threshold:
        raise InputError(f"{who}: needs rearm <= threshold, not threshold = {threshold}, rearm = {rearm}")


def as_window(who: str, given: Any) -> Window | None:
    """The ends of a window, or None. Raises `InputError` for anything else."""
    if given is None:
        return None
    ends = samples(f"{who}: window", given)
    if ends.shape != (2,) or not np.isfinite(ends).all():
        raise InputError(f"{who}: window = {shown(given)}; give its ends, as (50.0, 500.0) ms")
    return float(ends[0]), float(ends[1])


def window_of(who: str, window: Window | None, t_stop: float) -> Window:
    start, stop = (0.0, t_stop) if window is None else window
    if not 0 <= start < stop <= t_stop * (1 + 1e-12):
        raise InputError(f"{who}: window [{start:g}, {stop:g}] ms is not within 0..t_stop = {t_stop:g} ms")
    return float(start), float(min(stop, t_stop))


@dataclass(frozen=True)
class Shared:
    """A recording whose arrays all calls share, each writing its own cells."""

    arrays: tuple[np.ndarray, ...]
    variables: Callable[[], dict[str, Variable]]

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        return self.arrays

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        pass
