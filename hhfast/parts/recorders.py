"""The recorders: what a kernel keeps of a simulation. Adding one is adding a class like these, and its entry.

See `recorder` for what a recorder is made of, and `features` for the one that stores no trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import positive, whole_number
from hhfast.parts.features import Features, SpikeCount
from hhfast.parts.recorder import Hooks, Recorder, Recording, Run, Shared, Window, as_window, check_levels, window_of
from hhfast.parts.sensitivity import derivative_name, quotient, shift_names
from hhfast.parts.variable import Variable
from hhfast.registry import Registry


@dataclass(frozen=True)
class Spikes:
    """All spike times, ms, at most `max_per_cell` of each cell; where there are more, status is 2.

    threshold, rearm (mV), window (ms) : as in `SpikeCount`. shifts : derivatives that a run with sensitivities adds.

    The time is interpolated inside the step by a cubic, to fourth order in dt.
    """

    threshold: float = -20.0
    rearm: float = -30.0
    max_per_cell: int = 4096
    window: Window | None = None
    shifts: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # parameters, and units of derivatives by them

    def __post_init__(self) -> None:
        check_levels("Spikes", self.threshold, self.rearm)
        most = whole_number("Spikes: max_per_cell", self.max_per_cell, 1, 10_000_000)
        object.__setattr__(self, "max_per_cell", most)
        object.__setattr__(self, "window", as_window("Spikes", self.window))

    @property
    def hooks(self) -> Hooks:
        derived = [f"    shift_{k}[cell - first_cell, place] = {name}\n" for k, name in enumerate(self._shift_names)]
        return Hooks(
            begin="stored = 0.0",
            spike=f"""\
place = int(stored)
if place < spike_time.shape[1]:
    spike_time[cell - first_cell, place] = t_spike
{"".join(derived)}    stored = stored + 1.0
else:
    status[cell] = 2""",
            end="stored_count[cell - first_cell] = int(stored)",
            extra=("stored",),
            arrays=(
                ("spike_time", "float64[:, ::1]"),
                ("stored_count", "int64[::1]"),
                *((f"shift_{k}", "float64[:, ::1]") for k in range(len(self.shifts))),
            ),
            detects=True,
        )

    @property
    def _shift_names(self) -> tuple[str, ...]:
        return shift_names([name for name, _ in self.shifts])

    def derived_by(self, parameters: Mapping[str, str]) -> Spikes:
        """The same, with the derivatives of the times by parameters, name -> unit."""
        return replace(self, shifts=tuple((name, quotient("ms", unit)) for name, unit in parameters.items()))

    @property
    def levels(self) -> tuple[float, float]:
        return self.threshold, self.rearm

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return window_of("Spikes", self.window, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        start, stop = window_of("Spikes", self.window, run.t_stop)
        # No membrane fires more than a few times per millisecond, so short runs need no large buffer.
        enough = 64 + math.ceil(4 * (stop - start)) if run.in_ms else self.max_per_cell
        return _SpikeRecording(min(self.max_per_cell, enough), run.n_cells, self.shifts)


@dataclass
class _SpikeRecording:
    """Spike times of each call, compacted as it ends, so that no rectangular array of all cells is ever made."""

    capacity: int
    n_cells: int
    shifts: tuple[tuple[str, str], ...] = ()
    pieces: dict[int, tuple[np.ndarray, ...]] = field(default_factory=dict)

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        n = last - first
        return np.empty((n, self.capacity)), np.zeros(n, np.int64), *(np.empty((n, self.capacity)) for _ in self.shifts)

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        times, count, *shifts = arguments
        stored = np.arange(self.capacity) < count[:, None]
        self.pieces[first] = count, *(values[stored] for values in (times, *shifts))

    def variables(self) -> dict[str, Variable]:
        pieces = [self.pieces[first] for first in sorted(self.pieces)]
        empty = (np.empty(0, np.int64), *(np.empty(0) for _ in range(1 + len(self.shifts))))
        count, times, *shifts = (np.concatenate(parts) for parts in zip(empty, *pieces, strict=True))
        derived = {
            derivative_name("spike_time", by): Variable(
                values, ("spike",), unit, f"derivative of the time of a spike by {by}", derivative=("spike_time", by)
            )
            for (by, unit), values in zip(self.shifts, shifts, strict=True)
        }
        return {
            "spike_time": Variable(times, ("spike",), "ms", "time of a spike"),
            "spike_count": Variable(count.astype(np.int32), ("cell",), "1", "number of spikes"),
            **derived,
        }


# --- traces and final state ------------------------------------------------------------------------------------------
@dataclass(frozen=True, init=False)
class Trace:
    """Variables against time, sampled every `every` ms.

    variables : names: states, instantaneous gates, currents `i_NAME`, open conductances `g_NAME`, `i_app`, `i_clamp`,
    and, with `sensitivity`, derivatives as `dV_dg_Na`.
    """

    variables: tuple[str, ...]
    every: float

    def __init__(self, *variables: str, every: float = 0.1) -> None:
        if not variables:
            raise InputError("Trace: name at least one variable, e.g. Trace('V', every=0.1)")
        if len(variables) == 1 and isinstance(variables[0], (list, tuple)):
            variables = tuple(variables[0])
        for name in variables:
            if not isinstance(name, str):
                raise InputError(
                    f"Trace: {shown(name)} is no name of a variable; give names, as in Trace('V', every=0.1)"
                )
        every = positive("Trace: every", every)
        object.__setattr__(self, "variables", tuple(dict.fromkeys(variables)))
        object.__setattr__(self, "every", float(every))

    @property
    def hooks(self) -> Hooks:
        return Hooks(samples=self.variables, arrays=(("trace", "{dtype}[:, :, ::1]"),))

    @property
    def levels(self) -> None:
        return None

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        if t_stop / self.every > 1e9:
            raise InputError(f"Trace: every = {self.every} ms gives more than 1e9 samples")
        return (0.0, t_stop), self.every * np.arange(math.floor(t_stop / self.every * (1 + 1e-12)) + 1)

    def open(self, run: Run) -> Recording:
        time = self.times(run.t_stop)[1]
        values = np.full((len(self.variables), run.n_cells, len(time)), np.nan, run.dtype)
        found = {
            name: Variable(v, ("cell", "time"), run.units[name], name, quantity=run.quantities.get(name, ""),
                           derivative=run.derivatives.get(name))
            for name, v in zip(self.variables, values, strict=True)
        }  # fmt: skip
        return Shared((values,), lambda: {"time": Variable(time, ("time",), "ms", "time"), **found})


@dataclass(frozen=True)
class Final:
    """The state at t_stop, as `V_final`, `m_final` ..., one number per cell each."""

    @property
    def hooks(self) -> Hooks:
        return Hooks()

    @property
    def levels(self) -> None:
        return None

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return (0.0, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        return Shared((), dict)  # the state array of the run holds it: see simulate


recorders: Registry[Any] = Registry(
    "recorder",
    {"spike_count": SpikeCount, "spikes": Spikes, "features": Features, "trace": Trace, "final": Final},
)


def detectors(record: Iterable[Recorder]) -> tuple[list[tuple[float, float]], list[int]]:
    """The different spike levels of the recorders, and for each recorder the number of its own (-1: none)."""
    levels: list[tuple[float, float]] = []
    numbers = []
    for recorder in record:
        if recorder.levels is None:
            numbers.append(-1)
            continue
        if recorder.levels not in levels:
            levels.append(recorder.levels)
        numbers.append(levels.index(recorder.levels))
    return levels, numbers
