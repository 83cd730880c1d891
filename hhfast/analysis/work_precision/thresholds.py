"""How exactly thresholds come out with an integrator: the rheobase of a few cells, searched with each setting."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hhfast.analysis.bisection import bisect
from hhfast.analysis.population import Population
from hhfast.analysis.rheobase import find_rheobase
from hhfast.analysis.spike_test import SpikeTest
from hhfast.analysis.work_precision.problem import RECORD, Problem, Setting
from hhfast.batch.result import OK
from hhfast.parts.integrators import RK4
from hhfast.parts.stimuli import Pulse

RESOLUTION = 1e-9  # relative, of a threshold
_WIDTH, _WATCH = 20.0, 50.0  # ms
_CELLS = 4
_FINE = Setting(RK4, 0.0025)


@dataclass(frozen=True)
class Thresholds:
    """Cells at rest, X (n_states, n), their rheobase roughly, and by RK4 at 0.0025 ms; NaN for those without one."""

    population: Population
    X: np.ndarray
    rough: np.ndarray
    fine: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> Thresholds:
        """Those of some of the cells."""
        n = problem.population.n
        population = problem.population.take(np.linspace(0, n - 1, min(_CELLS, n)).astype(int))
        rough = find_rheobase(population.model, population.params, width=_WIDTH, tol=0.01).amplitude
        found = cls(population, population.rest(), rough, rough)
        return cls(population, found.X, rough, found.search(_FINE))

    def search(self, setting: Setting) -> np.ndarray:
        """(n,) the weakest pulse that makes each cell fire, between half and twice the rough one."""

        def fires(rows: np.ndarray, amplitude: np.ndarray) -> SpikeTest:
            chosen = replace(self.population.take(rows), method=setting.method())
            pulse = Pulse(amplitude=amplitude, start=0.0, width=_WIDTH)
            run = chosen.run(self.X[:, rows], pulse, _WIDTH + _WATCH, RECORD)
            return SpikeTest((run.spike_count > 0) & (run.status == OK), run.status != OK)

        rows = np.flatnonzero(np.isfinite(self.rough))
        found = np.full(len(self.rough), np.nan)
        if len(rows):
            low, high = 0.5 * self.rough[rows], 2.0 * self.rough[rows]
            brackets = ~fires(rows, low).fired & fires(rows, high).fired
            rows, low, high = rows[brackets], low[brackets], high[brackets]
            lo, hi = bisect(lambda k, value: fires(rows[k], value), low, high, RESOLUTION)
            found[rows] = np.where(np.isnan(lo), np.nan, hi)
        return found

    def error(self, setting: Setting) -> float:
        """The largest relative error; NaN where the search fails for a cell that has a rheobase, or none has."""
        known = np.isfinite(self.fine)
        if not known.any():
            return np.nan
        return float(np.max(np.abs(self.search(setting)[known] / self.fine[known] - 1.0)))
