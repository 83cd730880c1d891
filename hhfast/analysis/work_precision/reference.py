"""The solution against which integrators are measured, and how far it can be trusted itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhfast.analysis.work_precision.agreement import Errors, Trains, errors, rms
from hhfast.analysis.work_precision.independent import solve
from hhfast.analysis.work_precision.problem import Problem, Setting
from hhfast.batch.result import OK, Result
from hhfast.errors import InputError
from hhfast.parts.integrators import RK4

_FINEST = 0.0005  # ms
_CHECKED = 3  # cells that SciPy solves as well


@dataclass(frozen=True)
class Reference:
    """RK4 at the step `dt`, ms: spike trains of n cells and X (n_states, n) at the end.

    own : how RK4 at twice that step differs, so an upper bound of its error.
    """

    trains: Trains
    X: np.ndarray
    dt: float
    own: Errors

    def errors(self, result: Result) -> Errors:
        """How a run of the same cells differs."""
        return errors(result.spike_times, result["V_final"], self.trains, self.X[0], result.status == OK)


def distance(X: np.ndarray, true_X: np.ndarray) -> float:
    """Root mean square difference of states (n_states, n), each by its largest size in the cells."""
    with np.errstate(over="ignore"):
        return rms((X - true_X) / np.abs(true_X).max(axis=1, keepdims=True))


def reference_dt(finest: float) -> float:
    """The step, ms, of a reference for steps down to `finest`."""
    return min(_FINEST, finest / 2.0)


def with_reference(problem: Problem, dt: float) -> tuple[Problem, Reference]:
    """The cells for which RK4 at `dt` and 2 dt find the same spikes, and their reference.

    For a cell on the very edge between two behaviours the spikes depend on rounding: it is left out. Raises
    `InputError` where more than half of the cells are: the steps are too long for the model.
    """
    rows = np.arange(problem.population.n)
    fine, coarse = problem.run(Setting(RK4, dt)), problem.run(Setting(RK4, 2.0 * dt))
    same = (fine.status == OK) & (coarse.status == OK) & (fine.spike_count == coarse.spike_count)
    if np.mean(same) < 0.5:
        raise InputError(
            f"no reference: RK4 with steps of {dt:g} and {2 * dt:g} ms disagrees on the spikes of "
            f"{np.sum(~same)} of {len(same)} cells; give a shorter t_stop, or a smaller dt"
        )
    X, coarse_X = problem.final(fine)[:, same], problem.final(coarse)[:, same]
    trains, coarse_trains = ([run.spike_times[k] for k in rows[same]] for run in (fine, coarse))
    own = errors(coarse_trains, coarse_X[0], trains, X[0], same[same])
    return problem.take(rows[same]), Reference(trains, X, dt, own)


@dataclass(frozen=True)
class Verification:
    """How far SciPy's DOP853 (rtol = atol = 1e-12) lies from the reference.

    cells : how many were solved again. spikes : of them. spike_max : ms, V_max : mV at the end, the largest
    differences; NaN where SciPy finds another number of spikes.
    """

    cells: int
    spikes: int
    spike_max: float
    V_max: float


def verified(problem: Problem, reference: Reference) -> Verification:
    """Solve some cells, from those that fire little to the one that fires most, again with SciPy."""
    order = np.argsort([len(t) for t in reference.trains], kind="stable")
    chosen = np.unique(order[np.linspace(0, len(order) - 1, _CHECKED + 1).astype(int)[1:]])
    solutions = [solve(problem, int(k)) for k in chosen]
    trains = [reference.trains[k] for k in chosen]
    spikes, V = [np.nan], []
    if all(len(found.train) == len(train) for found, train in zip(solutions, trains, strict=True)):
        spikes = [np.abs(s.train - train).max(initial=0.0) for s, train in zip(solutions, trains, strict=True)]
    V = [abs(s.V - reference.X[0, k]) for s, k in zip(solutions, chosen, strict=True)]
    return Verification(len(chosen), sum(map(len, trains)), float(max(spikes)), float(max(V)))
