"""How soon a cell can fire again: minimal intervals of paired pulses, and the threshold of the second pulse.

A second spike is a new upward crossing of the threshold after the onset of the second pulse, by a membrane that has
fallen below -40 mV since the first spike, and that then drives itself further up (the rule in `response`): what
the second pulse forces on a membrane that is still refractory is not a spike, however high it goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.bisection import Walk, bisect, bracket
from hhfast.analysis.population import Cohort, Method
from hhfast.analysis.rheobase import check_positive, find_rheobase, method_of
from hhfast.analysis.spike_test import Answer, OwnSpikes
from hhfast.analysis.status import AnalysisStatus
from hhfast.batch.result import GAVE_UP
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.parts.recorders import Final
from hhfast.parts.stimuli import PairedPulse

_CAPS = (1.0, 0.7, 0.5, 0.25)  # of the cap, tried for the absolute period: a stronger pulse need not do better
_RATIO = 1.2  # from one interval tried to the next, before bisection


@dataclass(frozen=True)
class Refractory:
    """Refractory periods of n cells, for k strengths of the second pulse.

    second : (k,) multiples of the resting threshold. minimal_interval : (n, k) ms, onset to onset, the shortest that
    gives a second spike. absolute : (n,) the same for a second pulse of up to `cap` thresholds. relative : (n,) the
    same for one of 1 + `within` thresholds. NaN where there is none. threshold : (n,) the resting threshold, in the
    model's unit of current. first_spike : (n,) ms after the onset of the first pulse. status : (n,) uint8,
    `AnalysisStatus`.
    """

    second: np.ndarray
    minimal_interval: np.ndarray
    absolute: np.ndarray
    relative: np.ndarray
    threshold: np.ndarray
    first_spike: np.ndarray
    status: np.ndarray
    unit: str


@dataclass(frozen=True)
class Recovery:
    """The threshold of a second pulse against its interval from the first, for n cells and k intervals.

    interval : (k,) ms, onset to onset. ratio : (n, k) in units of the resting threshold, NaN where no second pulse up
    to `cap` thresholds gives a spike. supernormal : (n,) bool, some ratio is below 0.99. minimum : (n,) the smallest
    ratio, at minimum_interval (n,) ms. threshold : (n,) the resting threshold. status : (n,) uint8, `AnalysisStatus`.
    """

    interval: np.ndarray
    ratio: np.ndarray
    supernormal: np.ndarray
    minimum: np.ndarray
    minimum_interval: np.ndarray
    threshold: np.ndarray
    status: np.ndarray
    unit: str


def refractory_period(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    width: float = 1.0,
    first: float = 2.0,
    second: Sequence[float] = (2.0,),
    cap: float = 20.0,
    within: float = 0.05,
    tol: float = 1e-4,
    max_interval: float = 200.0,
    watch: float = 50.0,
    threshold: float = -20.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    rtol: float | None = None,
    threads: int | None = None,
) -> Refractory:
    """The shortest interval after which a second pulse makes each cell fire again.

    Parameters
    ----------
    model, params, dt, integrator, rtol, threads : as in `hhfast.simulate`. threshold, watch : as in `find_rheobase`.
    width : of both pulses, ms. first, second : their amplitudes, in units of the threshold of the resting cell.
    cap : the second amplitude that defines the absolute refractory period (0.7, 0.5 and 0.25
        of it are tried as well).
    within : the relative refractory period ends when the threshold is back within this fraction of its rest value.
    tol : of the intervals, ms. max_interval : the longest one tried, ms.

    Intervals count from onset to onset. Only those are tried after which the first spike is over (V below -40 mV).
    Raises `InputError` for unknown names, arrays that do not fit together, values out of range.
    """
    strengths = np.asarray(second, np.float64).reshape(-1)
    if not len(strengths) or not (np.isfinite(strengths) & (strengths > 0)).all():
        raise InputError("second: give positive multiples of the threshold, one at least")
    check_positive(width=width, first=first, cap=cap, within=within, tol=tol, max_interval=max_interval, watch=watch)
    pair = _paired(model, params, width, first, watch, method_of(threshold, dt, integrator, rtol, threads))
    levels = np.concatenate([strengths, cap * np.array(_CAPS), [1.0 + within]])
    shortest = _minimal_intervals(pair, levels, max_interval, tol)
    k = len(strengths)
    status = pair.status.copy()
    lost = np.isnan(shortest[:, : k + 1]).any(axis=1) & pair.usable
    status[lost] = AnalysisStatus.UNRECOVERED
    return Refractory(
        strengths, shortest[:, :k], np.fmin.reduce(shortest[:, levels <= cap], axis=1), shortest[:, -1],
        pair.threshold, pair.first_spike, status, pair.unit,
    )  # fmt: skip


def recovery_curve(
    model: str | Path | Model,
    intervals: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    width: float = 1.0,
    first: float = 2.0,
    cap: float = 20.0,
    tol: float = 1e-5,
    watch: float = 50.0,
    threshold: float = -20.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    rtol: float | None = None,
    threads: int | None = None,
) -> Recovery:
    """The threshold of a second pulse, in units of that of the resting cell, at several intervals (ms) from the first.

    The other arguments are those of `refractory_period`; `tol` is relative. An interval that ends before the first
    spike is over has no ratio. Raises `InputError` as `refractory_period` does, and for intervals below `width`.
    """
    interval = np.asarray(intervals, np.float64)
    check_positive(width=width, first=first, cap=cap, tol=tol, watch=watch)
    if interval.ndim != 1 or not len(interval) or not (np.isfinite(interval) & (interval >= width)).all():
        raise InputError(f"intervals: give numbers of ms, one at least, none below the width of {width:g} ms")
    pair = _paired(model, params, width, first, watch, method_of(threshold, dt, integrator, rtol, threads))
    ratio = np.stack([_ratio(pair, float(d), cap, tol) for d in interval], axis=1)
    known = np.where(np.isnan(ratio), np.inf, ratio)
    at = known.argmin(axis=1)
    minimum = np.where(np.isinf(known.min(axis=1)), np.nan, known.min(axis=1))
    where = np.where(np.isnan(minimum), np.nan, interval[at])
    return Recovery(interval, ratio, minimum < 0.99, minimum, where, pair.threshold, pair.status, pair.unit)


@dataclass(frozen=True)
class _Pair:
    """Cells at rest that have a threshold, and what the first pulse alone does to them."""

    cohort: Cohort
    X: np.ndarray
    width: float
    watch: float
    method: Method
    first: np.ndarray  # amplitude of the first pulse
    threshold: np.ndarray
    first_spike: np.ndarray
    repolarised: np.ndarray
    status: np.ndarray
    unit: str

    @property
    def usable(self) -> np.ndarray:
        """(n,) bool: the first pulse makes one spike, that ends."""
        return np.isin(self.status, (AnalysisStatus.OK, AnalysisStatus.NON_MONOTONE))

    def answer(self, rows: np.ndarray, amplitude: np.ndarray, interval: Any, lead: float) -> Answer:
        """Whether the second pulse makes the cells fire, it beginning at time `lead`, `interval` after the first."""
        stimulus = PairedPulse(amplitude=self.first[rows], second_amplitude=amplitude, start=lead - interval,
                               width=self.width, interval=interval)  # fmt: skip
        end = lead + self.width + self.watch
        record = [OwnSpikes(self.method.threshold, self.method.rearm, (lead, end)), Final()]
        result = self.cohort.take(rows).run(self.X[:, rows], stimulus, end, record, self.method)
        fired = ~np.isnan(result["first_spike"])
        return Answer(fired, np.isin(result.status, GAVE_UP) & ~fired)


def _paired(
    model: str | Path | Model, params: Mapping[str, Any] | None, width: float, first: float, watch: float,
    method: Method,
) -> _Pair:
    cohort = Cohort.of(model, params)
    rest = find_rheobase(cohort.model, params, width=width, tol=1e-7, watch=watch, threshold=method.threshold,
                         dt=method.dt, integrator=method.integrator, rtol=method.rtol,
                         threads=method.threads)  # fmt: skip
    X, status, amplitude = cohort.rest(), rest.status.copy(), first * rest.amplitude
    spike, last, fell = np.full((3, cohort.n), np.nan)
    rows = np.flatnonzero(rest.found)
    if len(rows):
        alone = PairedPulse(amplitude=amplitude[rows], second_amplitude=0.0, width=width, interval=width)
        record = [OwnSpikes(method.threshold, method.rearm), Final()]
        result = cohort.take(rows).run(X[:, rows], alone, width + 4.0 * watch, record, method)
        spike[rows], last[rows], fell[rows] = (result[name] for name in OwnSpikes.names)
        status[rows[last[rows] > spike[rows]]] = AnalysisStatus.REPETITIVE
        status[rows[np.isnan(fell[rows])]] = AnalysisStatus.NO_SPIKE
    return _Pair(cohort, X, width, watch, method, amplitude, rest.amplitude, spike, fell, status, rest.unit)


def _minimal_intervals(pair: _Pair, levels: np.ndarray, longest: float, tol: float) -> np.ndarray:
    """(n, n_levels) ms: the shortest interval for a second pulse of each level, NaN where none is short enough."""
    n, k = pair.cohort.n, len(levels)
    amplitude = (pair.threshold[:, None] * levels).ravel()
    start = np.repeat(np.where(pair.usable, np.maximum(pair.repolarised, pair.width), np.nan), k)

    def test(pairs: np.ndarray, interval: np.ndarray) -> Answer:
        # The second pulse begins at the same time in all cells of a run, a power of two; what is before is rest.
        lead = np.exp2(np.ceil(np.log2(interval)))
        fired, diverged = np.zeros(len(pairs), bool), np.zeros(len(pairs), bool)
        for value in np.unique(lead):
            here = lead == value
            reply = pair.answer(pairs[here] // k, amplitude[pairs[here]], interval[here], float(value))
            fired[here], diverged[here] = reply.fired, reply.diverged
        return Answer(fired, diverged)

    walk = Walk(test, np.full(n * k, longest), np.zeros(n * k, bool))
    lo, hi = walk.go(np.arange(n * k), start, _RATIO, wanted=True, steps=1000)
    refined = bisect(test, lo, hi, 0.0, tol)[1]
    # Where the first interval that is tried fires already, that one is the shortest.
    return np.where(np.isnan(lo), hi, refined).reshape(n, k)


def _ratio(pair: _Pair, interval: float, cap: float, tol: float) -> np.ndarray:
    """(n,) the threshold of the second pulse at one interval, in units of the threshold at rest."""
    rows = np.flatnonzero(pair.usable & (pair.repolarised <= interval))
    ratio = np.full(pair.cohort.n, np.nan)

    def test(k: np.ndarray, multiple: np.ndarray) -> Answer:
        return pair.answer(rows[k], multiple * pair.threshold[rows[k]], interval, interval)

    found = bracket(test, np.ones(len(rows)), np.full(len(rows), cap))
    lo, hi = (np.where(found.found, x, np.nan) for x in (found.lo, found.hi))
    ratio[rows] = bisect(test, lo, hi, tol)[1]
    return ratio
