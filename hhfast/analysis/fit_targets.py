"""What a fit is to meet: recorded traces, or spike times; and how far a run is from it, with derivatives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np

from hhfast.analysis.spikes import as_trains
from hhfast.batch.ragged import padded
from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.inputs import positive, samples
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorder import Recorder, check_levels
from hhfast.parts.recorders import Spikes, Trace
from hhfast.parts.sensitivity import derivative_name, sensitivity_name
from hhfast.tables import one_line


class Target(Protocol):
    """What a fit is to meet: n targets, each a number of residuals."""

    @property
    def n(self) -> int: ...
    @property
    def t_stop(self) -> float: ...
    @property
    def size(self) -> int: ...
    @property
    def counts(self) -> np.ndarray:
        """(n,) how many numbers each target says, whatever the others say."""

    def take(self, numbers: np.ndarray) -> Target:
        """Some of the targets, in this order."""

    def plain(self) -> dict[str, Any]:
        """The same as a sweep file has it: texts, numbers and lists of them, None where one is unknown."""

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

    __repr__ = one_line

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
    def counts(self) -> np.ndarray:
        return np.asarray(np.isfinite(self.V).sum(axis=1))

    def take(self, numbers: np.ndarray) -> TraceTarget:
        return replace(self, V=self.V[numbers])

    def plain(self) -> dict[str, Any]:
        V = [[None if math.isnan(sample) else sample for sample in trace] for trace in self.V.tolist()]
        return {"V": V, "every": self.every}

    @property
    def recorder(self) -> tuple[Recorder, ...]:
        return (Trace("V", every=self.every),)

    def differenced(self, scheme: Integrator) -> np.ndarray:
        return np.zeros(self.size, bool)

    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        return (Trace("V", *(sensitivity_name("V", p) for p in parameters), every=self.every),)

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        r = found["V"] - self.V[target]
        by = [found[sensitivity_name("V", p)] for p in parameters]
        J = np.stack(by, axis=-1) if by else np.empty((*r.shape, 0))
        missing = np.isnan(self.V[target])
        return np.where(missing, 0.0, r), np.where(missing[:, :, None], 0.0, J)


@dataclass(frozen=True, repr=False)
class SpikeTarget:
    """Recorded spike times: one array, ms, or a list of them, of runs of t_stop ms.

    times : as said. threshold, rearm : mV, of the spikes of the model. trains : the times of each target, (n_spikes,)
    ms. size : how many spikes of a run are compared. A spike too few counts as one at t_stop; one too many as its
    distance from there, so that it is pushed out.

    Raises `InputError` for times outside 0..t_stop, or none at all.
    """

    times: Any
    t_stop: float
    unit: ClassVar[str] = "ms"
    until: ClassVar[str] = "t_stop"
    absolute: ClassVar[bool] = False
    threshold: float = -20.0
    rearm: float = -30.0
    trains: tuple[np.ndarray, ...] = field(init=False, repr=False)
    size: int = field(init=False, repr=False)

    __repr__ = one_line

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
        object.__setattr__(self, "size", int(self._room.max()))

    @property
    def n(self) -> int:
        return len(self.trains)

    @property
    def _room(self) -> np.ndarray:
        """(n,) how many spikes of a run count: some too many, too."""
        return 2 * self.counts + 4

    @property
    def counts(self) -> np.ndarray:
        return np.array([len(train) for train in self.trains])

    def take(self, numbers: np.ndarray) -> SpikeTarget:
        found = replace(self, times=[self.trains[k] for k in numbers])
        object.__setattr__(found, "size", self.size)  # so that sums of so many squares do not depend on the others
        return found

    def plain(self) -> dict[str, Any]:
        levels = {"threshold": float(self.threshold), "rearm": float(self.rearm)}
        return {"times": [train.tolist() for train in self.trains], "t_stop": float(self.t_stop), **levels}

    @property
    def recorder(self) -> tuple[Recorder, ...]:
        return (Spikes(self.threshold, self.rearm),)

    def differenced(self, scheme: Integrator) -> np.ndarray:
        return np.zeros(self.size, bool)

    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        return self.recorder

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        wanted = padded(np.concatenate(self.trains), self.counts, self.size)[target]
        names = ["spike_time", *(derivative_name("spike_time", p) for p in parameters)]
        times, *by = (padded(found[name], found.spike_count, self.size) for name in names)
        counted = np.arange(self.size) < self._room[target][:, None]
        few, many = np.isnan(times) & ~np.isnan(wanted), ~np.isnan(times) & np.isnan(wanted) & counted
        r = np.where(few, self.t_stop - wanted, np.where(many, self.t_stop - times, times - wanted))
        J = np.stack(by, axis=-1) if by else np.empty((*r.shape, 0))
        J = np.where(many[:, :, None], -J, J)
        return np.where(counted, np.nan_to_num(r), 0.0), np.where(counted[:, :, None], np.nan_to_num(J), 0.0)
