"""What a fit is to meet: recorded traces, or spike times; and how far a run is from it, with derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from hhfast.analysis.spikes import as_trains
from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.inputs import positive, samples
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorder import Recorder, check_levels
from hhfast.parts.recorders import Spikes, Trace


class Target(Protocol):
    """What a fit is to meet: n targets, each a number of residuals."""

    @property
    def n(self) -> int: ...
    @property
    def t_stop(self) -> float: ...
    @property
    def size(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def until(self) -> str: ...
    def differenced(self, scheme: Integrator) -> np.ndarray:
        """(m,) whether the derivatives of each residual are to be found by finite differences, with an integrator."""

    @property
    def absolute(self) -> bool:
        """Whether residuals are in standard errors: else the residuals themselves say how large the errors are."""

    @property
    def recorder(self) -> tuple[Recorder, ...]: ...
    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        """The recorders of a run with derivatives by the parameters."""

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(r (n, m), dr/dp (n, m, k)) of the cells of a run, each with the number of its target."""


@dataclass(frozen=True, repr=False)
class TraceTarget:
    """Recorded potentials: V (n_times,) or (n_targets, n_times), mV, sampled at 0, every, 2 every ... ms; NaN: unknown.

    Raises `InputError` for anything else.
    """

    V: np.ndarray
    every: float
    unit: ClassVar[str] = "mV"
    until: ClassVar[str] = "t_stop"
    absolute: ClassVar[bool] = False

    def __post_init__(self) -> None:
        V = np.atleast_2d(samples("TraceTarget: V", self.V))
        if V.ndim != 2 or V.shape[1] < 2:
            raise InputError(f"TraceTarget: V has shape {np.shape(self.V)}; give (n_times,) or (n_targets, n_times)")
        if not np.isfinite(V).any(axis=1).all():
            raise InputError("TraceTarget: a trace of V has no finite sample")
        object.__setattr__(self, "V", V)
        object.__setattr__(self, "every", positive("TraceTarget: every", self.every))

    @property
    def n(self) -> int:
        return len(self.V)

    @property
    def t_stop(self) -> float:
        return float(self.every * (self.V.shape[1] - 1))

    @property
    def size(self) -> int:
        return int(self.V.shape[1])

    @property
    def recorder(self) -> tuple[Recorder, ...]:
        return (Trace("V", every=self.every),)

    def differenced(self, scheme: Integrator) -> np.ndarray:
        return np.zeros(self.size, bool)

    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        return (Trace("V", *(f"dV_d{p}" for p in parameters), every=self.every),)

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        r = found["V"] - self.V[target]
        J = np.stack([found[f"dV_d{p}"] for p in parameters], axis=-1) if parameters else np.empty((*r.shape, 0))
        missing = np.isnan(self.V[target])
        return np.where(missing, 0.0, r), np.where(missing[:, :, None], 0.0, J)


@dataclass(frozen=True, repr=False)
class SpikeTarget:
    """Recorded spike times: one array, ms, or a list of them, of runs of t_stop ms.

    times : as said. threshold, rearm : mV, of the spikes of the model. trains : the times of each target, (n_spikes,)
    ms. A spike too few counts as one at t_stop; one too many as its distance from there, so that it is pushed out.

    Raises `InputError` for times outside 0..t_stop, or none at all.
    """

    times: Any
    t_stop: float
    unit: ClassVar[str] = "ms"
    until: ClassVar[str] = "t_stop"
    absolute: ClassVar[bool] = False
    threshold: float = -20.0
    rearm: float = -30.0
    trains: tuple[np.ndarray, ...] = field(init=False)

    def __post_init__(self) -> None:
        times: Any = list(self.times) if isinstance(self.times, Iterable) and not isinstance(self.times, str) else None
        trains = as_trains("SpikeTarget: times", times if times and np.ndim(times[0]) else [times])
        check_levels("SpikeTarget", self.threshold, self.rearm)
        stop = positive("SpikeTarget: t_stop", self.t_stop)
        most = max((len(times) for times in trains), default=0)
        if not most:
            raise InputError("SpikeTarget: there is no spike; give times, ms")
        for times in trains:
            if not ((times >= 0) & (times <= stop)).all() or (np.diff(times) <= 0).any():
                raise InputError(f"SpikeTarget: times must ascend within 0..{stop:g} ms")
        object.__setattr__(self, "trains", tuple(trains))

    @property
    def n(self) -> int:
        return len(self.trains)

    @property
    def size(self) -> int:
        return 2 * max(map(len, self.trains)) + 4  # some room for spikes too many

    @property
    def recorder(self) -> tuple[Recorder, ...]:
        return (Spikes(self.threshold, self.rearm),)

    def differenced(self, scheme: Integrator) -> np.ndarray:
        return np.zeros(self.size, bool)

    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        return self.recorder

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        counts = np.array([len(train) for train in self.trains])
        wanted = _padded(np.concatenate(self.trains), counts, self.size)[target]
        names = ["spike_time", *(f"spike_time_d{p}" for p in parameters)]
        times, *by = (_padded(found[name], found.spike_count, self.size) for name in names)
        few, many = np.isnan(times) & ~np.isnan(wanted), ~np.isnan(times) & np.isnan(wanted)
        r = np.where(few, self.t_stop - wanted, np.where(many, self.t_stop - times, times - wanted))
        J = np.stack(by, axis=-1) if by else np.empty((*r.shape, 0))
        J = np.where(many[:, :, None], -J, J)
        return np.nan_to_num(r), np.nan_to_num(J)


def _padded(flat: np.ndarray, count: np.ndarray, width: int) -> np.ndarray:
    """The first values of each cell, in rows; NaN beyond."""
    rows = np.full((len(count), width), np.nan)
    cell = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(count) - count, count)
    kept = place < width
    rows[cell[kept], place[kept]] = flat[kept]
    return rows
