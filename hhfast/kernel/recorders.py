"""Recorders: what a kernel keeps of a simulation, as text that runs inside it, and the arrays it fills.

A recorder's `Part` has up to five pieces of text, over the values of a lane: `begin` and `end` run when its window
opens and closes, `step` after every step, `spike` at every spike (at `t_spike_`), and the variables it samples.
`{r}` is the recorder's number, which keeps its names apart from those of others. Text that runs every step is
branch-free. A recorder also says when its window and samples are, makes the arrays of a run (`open`), and turns
them into variables. Adding a recorder is adding a class like these and an entry to `recorders`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.registry import Registry
from hhfast.result import Variable

Window = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """The text of a recorder, and the arrays it writes: (name, Numba type). `extra` values are kept in float64."""

    begin: str = ""
    step: str = ""
    spike: str = ""
    end: str = ""
    samples: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    arrays: tuple[tuple[str, str], ...] = ()
    detects: bool = False


@dataclass(frozen=True)
class Run:
    """What a recorder must know of a run to make its arrays: onset is the stimulus start, a number or one per cell."""

    n_cells: int
    t_stop: float
    onset: Any
    dtype: str
    units: dict[str, str]


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
    def part(self) -> Part: ...
    @property
    def levels(self) -> tuple[float, float] | None: ...
    def times(self, t_stop: float) -> tuple[Window, np.ndarray]: ...
    def open(self, run: Run) -> Recording: ...


def _check_levels(who: str, threshold: float, rearm: float) -> None:
    if not (math.isfinite(threshold) and math.isfinite(rearm) and rearm <= threshold):
        raise InputError(f"{who}: needs finite rearm <= threshold, not threshold = {threshold}, rearm = {rearm}")


def _window(who: str, window: Window | None, t_stop: float) -> Window:
    start, stop = window if window is not None else (0.0, t_stop)
    if not 0 <= start < stop <= t_stop * (1 + 1e-12):
        raise InputError(f"{who}: window [{start:g}, {stop:g}] ms is not within 0..t_stop = {t_stop:g} ms")
    return float(start), float(min(stop, t_stop))


# --- features ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Feature:
    """A number per cell, computed from what the kernel accumulated (see `_ACCUMULATORS`)."""

    unit: str
    long_name: str
    needs: tuple[str, ...]
    value: Callable[[dict[str, Any]], np.ndarray]


def _isi_mean(a: dict[str, Any]) -> np.ndarray:
    return np.where(a["count"] > 1, (a["last"] - a["first"]) / np.maximum(a["count"] - 1, 1), np.nan)


def _isi_cv(a: dict[str, Any]) -> np.ndarray:
    deviation = np.sqrt(a["scatter"] / np.maximum(a["count"] - 2, 1))
    return np.where(a["count"] > 2, deviation / _isi_mean(a), np.nan)


FEATURES: dict[str, Feature] = {
    "spike_count": Feature("1", "number of spikes", ("count",), lambda a: a["count"].astype(np.int32)),
    "rate": Feature("Hz", "mean firing rate", ("count",), lambda a: 1000.0 * a["count"] / a["duration"]),
    "latency": Feature("ms", "time of the first spike after the stimulus start", ("times",),
                       lambda a: np.where(a["count"] > 0, a["first"] - a["onset"], np.nan)),
    "isi_mean": Feature("ms", "mean interspike interval", ("times",), _isi_mean),
    "isi_cv": Feature("1", "coefficient of variation of the interspike intervals (ddof = 1)", ("times",), _isi_cv),
    "V_max": Feature("mV", "largest membrane potential", ("extremes",), lambda a: a["V_max"]),
    "V_min": Feature("mV", "smallest membrane potential", ("extremes",), lambda a: a["V_min"]),
    "V_mean": Feature("mV", "mean membrane potential", ("mean",), lambda a: a["V_sum"] / a["duration"]),
}


@dataclass(frozen=True)
class _Accumulator:
    """Text that keeps some running values: in the lane's dtype (`values`), or in float64 (`extra`)."""

    begin: str
    step: str = ""
    spike: str = ""
    values: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


_ACCUMULATORS: dict[str, _Accumulator] = {
    "count": _Accumulator("count_{r}_ = 0.0", spike="count_{r}_ = count_{r}_ + 1.0", extra=("count",)),
    "times": _Accumulator(  # the scatter of the intervals is accumulated as by Welford 1962
        begin="count_{r}_ = 0.0\nfirst_{r}_ = np.nan\nlast_{r}_ = np.nan\nscatter_{r}_ = 0.0",
        spike="""\
if count_{r}_ == 0.0:
    first_{r}_ = t_spike_
else:
    mean_{r}_ = (last_{r}_ - first_{r}_) / max(count_{r}_ - 1.0, 1.0)
    isi_{r}_ = t_spike_ - last_{r}_
    mean_new_{r}_ = (t_spike_ - first_{r}_) / count_{r}_
    scatter_{r}_ = scatter_{r}_ + (isi_{r}_ - mean_{r}_) * (isi_{r}_ - mean_new_{r}_)
last_{r}_ = t_spike_
count_{r}_ = count_{r}_ + 1.0""",
        extra=("count", "first", "last", "scatter"),
    ),
    "extremes": _Accumulator(
        begin="V_max_{r}_ = V\nV_min_{r}_ = V",
        step="V_max_{r}_ = V if V > V_max_{r}_ else V_max_{r}_\nV_min_{r}_ = V if V < V_min_{r}_ else V_min_{r}_",
        values=("V_max", "V_min"),
    ),
    "mean": _Accumulator(  # trapezoids, with compensated summation (Kahan 1965): float32 needs it
        begin="V_sum_{r}_ = 0.0 * V\nrounding_{r}_ = 0.0 * V",
        step="""\
piece_{r}_ = 0.5 * dt_ * (V_was_ + V) - rounding_{r}_
total_{r}_ = V_sum_{r}_ + piece_{r}_
rounding_{r}_ = (total_{r}_ - V_sum_{r}_) - piece_{r}_
V_sum_{r}_ = total_{r}_""",
        values=("V_sum",),
    ),
}


@dataclass(frozen=True)
class Features:
    """Features computed inside the kernel, without storing a trace: one number per cell each.

    names : from `Features.known`. window : ms, the part of the run that counts (default: all of it).
    Spikes are upward crossings of `threshold` while armed; falling below `rearm` arms again (mV).
    """

    known: ClassVar[dict[str, tuple[str, str]]] = {n: (f.unit, f.long_name) for n, f in FEATURES.items()}
    names: tuple[str, ...]
    threshold: float = -20.0
    rearm: float = -30.0
    window: Window | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", (self.names,) if isinstance(self.names, str) else tuple(self.names))
        for name in self.names:
            if name not in FEATURES:
                raise unknown("feature", name, FEATURES)
        _check_levels("Features", self.threshold, self.rearm)

    @property
    def _accumulators(self) -> list[str]:
        needed = {need for name in self.names for need in FEATURES[name].needs}
        if "times" in needed:
            needed.discard("count")  # it counts as well
        return [name for name in _ACCUMULATORS if name in needed]

    @property
    def _outputs(self) -> list[str]:
        return [v for name in self._accumulators for v in (*_ACCUMULATORS[name].values, *_ACCUMULATORS[name].extra)]

    @property
    def part(self) -> Part:
        chosen = [_ACCUMULATORS[name] for name in self._accumulators]
        return Part(
            begin="\n".join(a.begin for a in chosen),
            step="\n".join(a.step for a in chosen if a.step),
            spike="\n".join(a.spike for a in chosen if a.spike),
            end="\n".join(f"feature_{{r}}_[{k}, lane_] = {v}_{{r}}_" for k, v in enumerate(self._outputs)),
            extra=tuple(f"{v}_{{r}}_" for a in chosen for v in a.extra),
            arrays=(("feature_{r}_", "float64[:, ::1]"),),
            detects=any(a.spike for a in chosen),
        )

    @property
    def levels(self) -> tuple[float, float] | None:
        return (self.threshold, self.rearm) if self.part.detects else None

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return _window("Features", self.window, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        start, stop = _window("Features", self.window, run.t_stop)
        values = np.full((len(self._outputs), run.n_cells), np.nan)

        def variables() -> dict[str, Variable]:
            of: dict[str, Any] = dict(zip(self._outputs, values, strict=True))
            of |= {"onset": run.onset, "duration": stop - start}
            if "count" in of:
                of["count"] = np.nan_to_num(of["count"])
            with np.errstate(invalid="ignore"):
                return {
                    name: Variable(FEATURES[name].value(of), ("cell",), FEATURES[name].unit, FEATURES[name].long_name)
                    for name in self.names
                }

        return _Shared((values,), variables)


def SpikeCount(threshold: float = -20.0, rearm: float = -30.0, window: Window | None = None) -> Features:
    """The number of spikes of each cell: `Features(["spike_count"])`, the cheapest recorder."""
    return Features(("spike_count",), threshold, rearm, window)


@dataclass(frozen=True)
class _Shared:
    """A recording whose arrays all calls share, each writing its own cells."""

    arrays: tuple[np.ndarray, ...]
    variables: Callable[[], dict[str, Variable]]

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        return self.arrays

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        pass


# --- spike times ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Spikes:
    """All spike times, ms, at most `max_per_cell` of each cell; where there are more, status is 2.

    The time is interpolated inside the step by a cubic, to fourth order in dt.
    """

    threshold: float = -20.0
    rearm: float = -30.0
    max_per_cell: int = 4096
    window: Window | None = None

    def __post_init__(self) -> None:
        _check_levels("Spikes", self.threshold, self.rearm)
        if not 1 <= self.max_per_cell <= 10_000_000:
            raise InputError(f"Spikes: max_per_cell = {self.max_per_cell} is outside 1..10000000")

    @property
    def part(self) -> Part:
        return Part(
            begin="stored_{r}_ = 0.0",
            spike="""\
place_{r}_ = np.int64(stored_{r}_)
if place_{r}_ < spike_time_{r}_.shape[1]:
    spike_time_{r}_[lane_ - first, place_{r}_] = t_spike_
    stored_{r}_ = stored_{r}_ + 1.0
else:
    status[lane_] = 2""",
            end="stored_count_{r}_[lane_ - first] = np.int64(stored_{r}_)",
            extra=("stored_{r}_",),
            arrays=(("spike_time_{r}_", "float64[:, ::1]"), ("stored_count_{r}_", "int64[::1]")),
            detects=True,
        )

    @property
    def levels(self) -> tuple[float, float]:
        return self.threshold, self.rearm

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return _window("Spikes", self.window, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        start, stop = _window("Spikes", self.window, run.t_stop)
        # No membrane fires more than a few times per millisecond, so short runs need no large buffer.
        return _SpikeRecording(min(self.max_per_cell, 64 + math.ceil(4 * (stop - start))), run.n_cells)


@dataclass
class _SpikeRecording:
    """Spike times of each call, compacted as it ends, so that no rectangular array of all cells is ever made."""

    capacity: int
    n_cells: int
    pieces: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        return np.empty((last - first, self.capacity)), np.zeros(last - first, np.int64)

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        times, count = arguments
        self.pieces[first] = times[np.arange(self.capacity) < count[:, None]], count

    def variables(self) -> dict[str, Variable]:
        pieces = [self.pieces[first] for first in sorted(self.pieces)]
        times = np.concatenate([np.empty(0), *(t for t, _ in pieces)])
        count = np.concatenate([np.empty(0, np.int64), *(c for _, c in pieces)])
        return {
            "spike_time": Variable(times, ("spike",), "ms", "time of a spike"),
            "spike_count": Variable(count.astype(np.int32), ("cell",), "1", "number of spikes"),
        }


# --- traces and final state ------------------------------------------------------------------------------------------
@dataclass(frozen=True, init=False)
class Trace:
    """Variables against time: states, instantaneous gates, currents `i_NAME`, `i_app`; sampled every `every` ms."""

    variables: tuple[str, ...]
    every: float

    def __init__(self, *variables: str, every: float = 0.1) -> None:
        if not variables:
            raise InputError("Trace: name at least one variable, e.g. Trace('V', every=0.1)")
        if not (math.isfinite(every) and every > 0):
            raise InputError(f"Trace: every = {every} ms must be positive")
        object.__setattr__(self, "variables", tuple(dict.fromkeys(variables)))
        object.__setattr__(self, "every", float(every))

    @property
    def part(self) -> Part:
        return Part(samples=self.variables, arrays=(("trace_{r}_", "{dtype}[:, :, ::1]"),))

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
            name: Variable(v, ("cell", "time"), run.units[name], name)
            for name, v in zip(self.variables, values, strict=True)
        }
        return _Shared((values,), lambda: {"time": Variable(time, ("time",), "ms", "time"), **found})


@dataclass(frozen=True)
class Final:
    """The state at t_stop, as `V_final`, `m_final` ..., one number per cell each."""

    @property
    def part(self) -> Part:
        return Part()

    @property
    def levels(self) -> None:
        return None

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return (0.0, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        return _Shared((), dict)  # the state array of the run holds it: see simulate


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
