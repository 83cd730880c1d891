"""Thresholds: the weakest pulse, displacement or hyperpolarisation that makes a cell fire, for many cells at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.bisection import Bracket, Test, bisect, bracket
from hhfast.analysis.population import Cohort, Method
from hhfast.analysis.spike_test import Answer, answer
from hhfast.analysis.status import AnalysisStatus
from hhfast.errors import InputError
from hhfast.model import Model


@dataclass(frozen=True)
class Rheobase:
    """Thresholds of n cells.

    amplitude : (n,) the smallest amplitude found to fire, NaN where status is not OK or NON_MONOTONE; in the
    model's unit of current (mV for a displacement). status : (n,) uint8, `AnalysisStatus`. width : ms.
    """

    amplitude: np.ndarray
    status: np.ndarray
    width: float
    unit: str

    @property
    def found(self) -> np.ndarray:
        """(n,) bool: there is an amplitude."""
        return np.isin(self.status, (AnalysisStatus.OK, AnalysisStatus.NON_MONOTONE))


_ABOVE = (1.5, 2.0, 4.0)  # multiples of the threshold at which a cell must still fire
_FREE = 500.0  # ms without current, at least, that a cell must pass in silence


def find_rheobase(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    width: float,
    tol: float = 1e-5,
    max_amplitude: float = 1e3,
    watch: float = 50.0,
    hyperpolarising: bool = False,
    threshold: float = -20.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    rtol: float | None = None,
    threads: int | None = None,
) -> Rheobase:
    """The smallest amplitude of a rectangular current pulse, from rest, that makes each cell fire.

    Parameters
    ----------
    model, params, dt, integrator, rtol, threads : as in `hhfast.simulate`.
    width : duration of the pulse, ms. watch : how long after the pulse a spike may still come, ms.
    tol : relative tolerance; the amplitude given fires, and the threshold lies less than tol below it.
    max_amplitude : the cap of the search, in the model's unit of current.
    hyperpolarising : search for a negative current instead, whose end makes the cell fire (anode break excitation;
        Hodgkin & Huxley 1952, J Physiol 117:500-544, fig. 22); the amplitudes are then negative.
    threshold : mV. A spike is an upward crossing after which the membrane drives itself further up (ionic current
        inward); a strong pulse that lifts a passive membrane over the threshold does not make a spike.

    Returns
    -------
    Rheobase: `.amplitude` (n_cells,) and `.status` (n_cells,). A cell's result does not depend on its neighbours.

    A cell is SPONTANEOUS if, started 1 mV above its rest, it fires without current within 500 ms; NON_MONOTONE if it
    fires at the amplitude found, but not at 1.5, 2 or 4 times that, or at a higher one tried on the way.

    Raises
    ------
    InputError : for unknown names, arrays that do not fit together, values out of range.
    """
    cohort = Cohort.of(model, params)
    method = method_of(threshold, dt, integrator, rtol, threads)
    check_positive(width=width, tol=tol, max_amplitude=max_amplitude, watch=watch)
    X = cohort.rest()
    sign = -1.0 if hyperpolarising else 1.0

    def test(rows: np.ndarray, amplitude: np.ndarray) -> Answer:
        return answer(cohort.take(rows), X[:, rows], sign * amplitude, width, watch, method)

    free = spontaneous(cohort, X, max(width + watch, _FREE), method)
    amplitude, status = search(test, _guess(cohort, X, width), np.full(cohort.n, max_amplitude), tol, free)
    return Rheobase(sign * amplitude, status, float(width), _unit(cohort.model))


def displacement_threshold(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    tol: float = 1e-5,
    max_displacement: float = 200.0,
    watch: float = 50.0,
    threshold: float = -20.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    rtol: float | None = None,
    threads: int | None = None,
) -> Rheobase:
    """The smallest sudden displacement of V from rest, mV, that makes each cell fire (a very short shock).

    As `find_rheobase`, with mV instead of current; a displacement beyond `threshold` itself does not count.
    """
    cohort = Cohort.of(model, params)
    method = method_of(threshold, dt, integrator, rtol, threads)
    check_positive(tol=tol, max_displacement=max_displacement, watch=watch)
    X = cohort.rest()

    def test(rows: np.ndarray, displacement: np.ndarray) -> Answer:
        displaced = X[:, rows].copy()
        displaced[0] += displacement
        return answer(cohort.take(rows), displaced, np.zeros(len(rows)), 0.0, watch, method)

    free = spontaneous(cohort, X, max(watch, _FREE), method)
    cap = np.clip(threshold - 0.5 - X[0], 0.0, max_displacement)
    amplitude, status = search(test, np.where(np.isfinite(X[0]), 4.0, np.nan), cap, tol, free)
    return Rheobase(amplitude, status, 0.0, "mV")


def spontaneous(cohort: Cohort, X: np.ndarray, duration: float, method: Method) -> Answer:
    """Which cells fire without current, from 1 mV above the states X: so that none waits on an unstable point."""
    displaced = X.copy()
    displaced[0] += 1.0
    return answer(cohort, displaced, np.zeros(cohort.n), 0.0, duration, method)


def search(
    test: Test, guess: np.ndarray, cap: np.ndarray, tol: float, free: Answer
) -> tuple[np.ndarray, np.ndarray]:
    """(value, status) of each cell: its smallest firing value up to its `cap`. `free` tells which cells need none."""
    status = np.full(len(guess), AnalysisStatus.OK, np.uint8)
    status[free.fired] = AnalysisStatus.SPONTANEOUS
    status[free.diverged | np.isnan(guess)] = AnalysisStatus.DIVERGED
    rows = np.flatnonzero(status == AnalysisStatus.OK)
    found = bracket(lambda k, value: test(rows[k], value), guess[rows], cap[rows])
    status[rows[np.isnan(found.hi)]] = AnalysisStatus.NEVER
    status[rows[found.gap]] = AnalysisStatus.NON_MONOTONE
    status[rows[found.diverged]] = AnalysisStatus.DIVERGED
    value = np.full(len(guess), np.nan)
    value[rows] = _refined(test, rows, found, tol, status)
    _check_above(test, value, cap, status)
    return value, status


def _refined(test: Test, rows: np.ndarray, found: Bracket, tol: float, status: np.ndarray) -> np.ndarray:
    lo, hi = np.where(found.found, found.lo, np.nan), np.where(found.found, found.hi, np.nan)
    lo, hi = bisect(lambda k, value: test(rows[k], value), lo, hi, tol)
    status[rows[found.found & np.isnan(lo + hi)]] = AnalysisStatus.DIVERGED
    return np.where(np.isnan(lo), np.nan, hi)


def _check_above(test: Test, value: np.ndarray, cap: np.ndarray, status: np.ndarray) -> None:
    for factor in _ABOVE:
        rows = np.flatnonzero((status == AnalysisStatus.OK) & (factor * value <= cap))
        if len(rows):
            status[rows[~test(rows, factor * value[rows]).fired]] = AnalysisStatus.NON_MONOTONE


def _guess(cohort: Cohort, X: np.ndarray, width: float) -> np.ndarray:
    """(n,) current that would lift V by some 6 mV in `width` against charge and leak, rounded to a power of two."""
    C_m = cohort.values("C_m")
    _, B = cohort.cells.rates(X)
    with np.errstate(invalid="ignore"):
        return np.exp2(np.round(np.log2(6.0 * C_m * (1.0 / max(width, 1e-3) + B[0]))))


def _unit(model: Model) -> str:
    return model.variables["i_app"]


def method_of(threshold: float, dt: float, integrator: str, rtol: float | None, threads: int | None) -> Method:
    """The method of an analysis: a cell is ready for the next spike when V is below -40 mV (and the threshold)."""
    return Method(threshold, min(-40.0, threshold), dt, integrator, rtol, threads)


def check_positive(**positive: float) -> None:
    for name, value in positive.items():
        if not (np.ndim(value) == 0 and np.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value}: must be a positive number")
