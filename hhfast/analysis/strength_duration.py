"""Strength-duration curves: the threshold of a pulse against its width, rheobase, chronaxie, and the classical fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.bisection import bisect, bracket
from hhfast.analysis.population import Cohort, Method
from hhfast.analysis.rheobase import check_positive, find_rheobase, method_of
from hhfast.analysis.spike_test import Answer, OwnSpikes
from hhfast.batch.result import GAVE_UP
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.parts.recorders import Final
from hhfast.parts.stimuli import Pulse

_LONG = 500.0  # ms: longer pulses have the same threshold
_LONGEST_CHRONAXIE = 64.0  # ms


@dataclass(frozen=True)
class Fit:
    """A two-parameter law fitted to each cell: rheobase (n,), chronaxie (n,) ms, and the residual (n,), the root
    mean square of the relative deviations. NaN where fewer than two thresholds are known.
    """

    rheobase: np.ndarray
    chronaxie: np.ndarray
    residual: np.ndarray


@dataclass(frozen=True)
class StrengthDuration:
    """Thresholds of n cells for pulses of k widths.

    width : (k,) ms. amplitude : (n, k), in the model's unit of current, NaN where there is none. status : (n,) uint8,
    `AnalysisStatus` of the rheobase. width_status : (n, k) that of each threshold. rheobase : (n,) threshold of a
    500-ms pulse. chronaxie : (n,) ms, the shortest pulse of twice the rheobase that makes the cell fire (NaN beyond
    64 ms). weiss : fit of I = rheobase (1 + chronaxie / width). lapicque : fit of
    I = rheobase / (1 - exp(-width / tau)), chronaxie = tau ln 2.
    """

    width: np.ndarray
    amplitude: np.ndarray
    status: np.ndarray
    width_status: np.ndarray
    rheobase: np.ndarray
    chronaxie: np.ndarray
    weiss: Fit
    lapicque: Fit
    unit: str


def strength_duration(
    model: str | Path | Model,
    widths: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    tol: float = 1e-5,
    max_amplitude: float = 1e3,
    watch: float = 50.0,
    threshold: float = -20.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    rtol: float | None = None,
    threads: int | None = None,
) -> StrengthDuration:
    """The threshold of each cell for rectangular pulses of several widths (ms), from rest.

    The other arguments are those of `find_rheobase`, which finds each threshold. The fits weigh relative deviations:
    Weiss 1901, Arch Ital Biol 35:413-446; Lapicque 1907, J Physiol Pathol Gen 9:620-635.
    Raises `InputError` as `find_rheobase` does, and for widths that are not positive numbers.
    """
    width = np.asarray(widths, np.float64)
    if width.ndim != 1 or not len(width) or not (np.isfinite(width) & (width > 0)).all():
        raise InputError("widths: give positive numbers of ms, one at least")
    check_positive(tol=tol, max_amplitude=max_amplitude, watch=watch)
    cohort = Cohort.of(model, params)
    settings: dict[str, Any] = {
        "tol": tol, "max_amplitude": max_amplitude, "watch": watch, "threshold": threshold, "dt": dt,
        "integrator": integrator, "rtol": rtol, "threads": threads,
    }  # fmt: skip
    found = [find_rheobase(cohort.model, params, width=w, **settings) for w in width]
    long = find_rheobase(cohort.model, params, width=_LONG, **settings)
    amplitude = np.stack([r.amplitude for r in found], axis=1)
    method = method_of(threshold, dt, integrator, rtol, threads)
    chronaxie = _chronaxie(cohort, 2.0 * long.amplitude, tol, watch, method)
    return StrengthDuration(
        width, amplitude, long.status, np.stack([r.status for r in found], axis=1), long.amplitude, chronaxie,
        _weiss(width, amplitude), _lapicque(width, amplitude), long.unit,
    )  # fmt: skip


def _chronaxie(cohort: Cohort, amplitude: np.ndarray, tol: float, watch: float, method: Method) -> np.ndarray:
    """(n,) ms: the shortest firing pulse of the given amplitudes."""
    X = cohort.rest()

    def test(rows: np.ndarray, width: np.ndarray) -> Answer:
        stimulus = Pulse(amplitude=amplitude[rows], width=width)
        record = [OwnSpikes(method.threshold, method.rearm), Final()]
        result = cohort.take(rows).run(X[:, rows], stimulus, _LONGEST_CHRONAXIE + watch, record, method)
        fired = ~np.isnan(result["first_spike"])
        return Answer(fired, np.isin(result.status, GAVE_UP) & ~fired)

    guess = np.where(np.isfinite(amplitude), 1.0, np.nan)
    found = bracket(test, guess, np.full(cohort.n, _LONGEST_CHRONAXIE))
    lo, hi = (np.where(found.found, x, np.nan) for x in (found.lo, found.hi))
    return bisect(test, lo, hi, tol)[1]


def _weiss(width: np.ndarray, amplitude: np.ndarray) -> Fit:
    """Least squares of (b + q / width) / amplitude = 1, where b is the rheobase and q / b the chronaxie."""
    known = np.isfinite(amplitude).sum(axis=1) >= 2
    x, y = 1.0 / amplitude, 1.0 / (width * amplitude)
    xx, yy, xy, sx, sy = (np.nansum(v, axis=1) for v in (x * x, y * y, x * y, x, y))
    with np.errstate(all="ignore"):
        det = np.where(known, xx * yy - xy * xy, np.nan)
        b, q = (sx * yy - sy * xy) / det, (xx * sy - xy * sx) / det
        return Fit(b, q / b, _misfit(amplitude, b[:, None] + q[:, None] / width))


def _lapicque(width: np.ndarray, amplitude: np.ndarray) -> Fit:
    """Least squares over log tau by golden sections; the rheobase for each tau is linear least squares."""
    known = np.isfinite(amplitude).sum(axis=1) >= 2

    def law(log_tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = -1.0 / np.expm1(-width / np.exp(log_tau)[:, None])
        ratio = shape / amplitude
        b = np.nansum(ratio, axis=1) / np.nansum(ratio * ratio, axis=1)
        return b, _misfit(amplitude, b[:, None] * shape)

    golden = (np.sqrt(5.0) - 1.0) / 2.0
    lo = np.where(known, np.log(width.min() / 100.0), np.nan)
    hi = np.where(known, np.log(width.max() * 100.0), np.nan)
    with np.errstate(all="ignore"):
        for _ in range(80):
            left, right = hi - golden * (hi - lo), lo + golden * (hi - lo)
            better = law(left)[1] < law(right)[1]
            lo, hi = np.where(better, lo, left), np.where(better, right, hi)
        b, residual = law(0.5 * (lo + hi))
        return Fit(np.where(known, b, np.nan), np.exp(0.5 * (lo + hi)) * np.log(2.0), residual)


def _misfit(amplitude: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """(n,) the root mean square of the relative deviations."""
    known = np.isfinite(amplitude)
    squares = np.where(known, (fitted / amplitude - 1.0) ** 2, 0.0)
    return np.sqrt(squares.sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan))
