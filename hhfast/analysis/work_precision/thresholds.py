"""How exactly thresholds come out with an integrator: the rheobase of a few cells, searched with each setting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhfast.analysis.bisection import bisect
from hhfast.analysis.population import Cohort
from hhfast.analysis.rheobase import find_rheobase
from hhfast.analysis.spike_test import Answer
from hhfast.analysis.work_precision.problem import RECORD, Problem, Setting
from hhfast.batch.result import OK
from hhfast.batch.simulate import simulate
from hhfast.parts.integrators import RK4
from hhfast.parts.stimuli import Pulse

RESOLUTION = 1e-9  # relative, of a threshold
_WIDTH, _WATCH = 20.0, 50.0  # ms
_CELLS = 4
_FINE = Setting(RK4, 0.0025)


@dataclass(frozen=True)
class Thresholds:
    """Cells at rest, X (n_states, n), their rheobase roughly, and by RK4 at 0.0025 ms; NaN for those without one."""

    cohort: Cohort
    X: np.ndarray
    rough: np.ndarray
    fine: np.ndarray

    @classmethod
    def of(cls, problem: Problem) -> Thresholds:
        """Those of some of the cells."""
        rows = np.linspace(0, problem.cohort.n - 1, min(_CELLS, problem.cohort.n)).astype(int)
        cohort = problem.cohort.take(rows)
        rough = find_rheobase(cohort.model, cohort.params, width=_WIDTH, tol=0.01).amplitude
        found = cls(cohort, cohort.rest(), rough, rough)
        return cls(cohort, found.X, rough, found.search(_FINE))

    def search(self, setting: Setting) -> np.ndarray:
        """(n,) the weakest pulse that makes each cell fire, between half and twice the rough one."""

        def test(rows: np.ndarray, amplitude: np.ndarray) -> Answer:
            cohort, pulse = self.cohort.take(rows), Pulse(amplitude=amplitude, start=0.0, width=_WIDTH)
            rest = dict(zip(cohort.model.states, self.X[:, rows], strict=True))
            run = simulate(
                cohort.model, cohort.params, stimulus=pulse, t_stop=_WIDTH + _WATCH, record=RECORD, initial=rest,
                **setting.options,
            )  # fmt: skip
            return Answer((run.spike_count > 0) & (run.status == OK), run.status != OK)

        rows = np.flatnonzero(np.isfinite(self.rough))
        found = np.full(len(self.rough), np.nan)
        if len(rows):
            low, high = 0.5 * self.rough[rows], 2.0 * self.rough[rows]
            brackets = ~test(rows, low).fired & test(rows, high).fired
            rows, low, high = rows[brackets], low[brackets], high[brackets]
            lo, hi = bisect(lambda k, value: test(rows[k], value), low, high, RESOLUTION)
            found[rows] = np.where(np.isnan(lo), np.nan, hi)
        return found

    def error(self, setting: Setting) -> float:
        """The largest relative error; NaN where the search fails for a cell that has a rheobase, or none has."""
        known = np.isfinite(self.fine)
        if not known.any():
            return np.nan
        return float(np.max(np.abs(self.search(setting)[known] / self.fine[known] - 1.0)))
