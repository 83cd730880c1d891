"""The lowest value of anything (current, displacement) at which a cell fires, and its status."""

from __future__ import annotations

import numpy as np

from hhfast.analysis.bisection import Bracket, Criterion, bisect, bracket
from hhfast.analysis.population import Population
from hhfast.analysis.spike_test import RegenerativeSpikes, SpikeTest, spike_test
from hhfast.batch.analysis_status import AnalysisStatus

_ABOVE = (1.5, 2.0, 4.0)  # multiples of the threshold at which a cell must still fire
_WITHOUT_CURRENT = 500.0  # ms, at least, that a cell must pass in silence


def spontaneous(population: Population, X: np.ndarray, duration: float, spikes: RegenerativeSpikes) -> SpikeTest:
    """Which cells fire without current within `duration` ms (at least 500), from 1 mV above the states X.

    They are displaced so that none stays on an unstable equilibrium.
    """
    displaced = X.copy()
    displaced[0] += 1.0
    return spike_test(population, displaced, np.zeros(population.n), 0.0, max(duration, _WITHOUT_CURRENT), spikes)


def lowest_firing(
    criterion: Criterion, guess: np.ndarray, cap: np.ndarray, tol: float, without: SpikeTest
) -> tuple[np.ndarray, np.ndarray]:
    """(value, status) of each cell: its smallest firing value up to its `cap`, to the relative tolerance `tol`.

    without : the test of the cells without current. The value is NaN where the status is not OK or NON_MONOTONE.
    """
    status = np.full(len(guess), AnalysisStatus.OK, np.uint8)
    status[without.fired] = AnalysisStatus.SPONTANEOUS
    status[without.diverged | np.isnan(guess)] = AnalysisStatus.DIVERGED
    rows = np.flatnonzero(status == AnalysisStatus.OK)
    found = bracket(lambda k, value: criterion(rows[k], value), guess[rows], cap[rows])
    status[rows[np.isnan(found.hi)]] = AnalysisStatus.NEVER
    status[rows[found.gap]] = AnalysisStatus.NON_MONOTONE
    status[rows[found.diverged]] = AnalysisStatus.DIVERGED
    value = np.full(len(guess), np.nan)
    value[rows] = _refined(criterion, rows, found, tol, status)
    _check_above(criterion, value, cap, status)
    return value, status


def _refined(criterion: Criterion, rows: np.ndarray, found: Bracket, tol: float, status: np.ndarray) -> np.ndarray:
    lo, hi = np.where(found.found, found.lo, np.nan), np.where(found.found, found.hi, np.nan)
    lo, hi = bisect(lambda k, value: criterion(rows[k], value), lo, hi, tol)
    status[rows[found.found & np.isnan(lo + hi)]] = AnalysisStatus.DIVERGED
    return np.where(np.isnan(lo), np.nan, hi)


def _check_above(criterion: Criterion, value: np.ndarray, cap: np.ndarray, status: np.ndarray) -> None:
    for factor in _ABOVE:
        rows = np.flatnonzero((status == AnalysisStatus.OK) & (factor * value <= cap))
        if len(rows):
            status[rows[~criterion(rows, factor * value[rows]).fired]] = AnalysisStatus.NON_MONOTONE
