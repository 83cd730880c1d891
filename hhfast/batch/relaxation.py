"""States that depend on each other at their steady values: followed there by implicit steps that grow.

Pseudo-transient continuation (Kelley & Keyes 1998, SIAM J Numer Anal 35:508-523): short steps follow the equations from
where the model starts, so that the steady state is one that the cell can get to; the last ones are Newton's.
The Jacobian is that of differences of the compiled equations: Newton's method converges to rounding all the same, and
a process that finds its kernels in the cache needs no SymPy to put cells to rest.
"""

from __future__ import annotations

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.conserved_sums import conserved_sums, conserved_zeros
from hhfast.batch.steady_states import jacobian_by_differences

_ROUNDS = 150
_ROUNDS_OF_GROWTH = 50  # after which what may grow without end is taken to do so
_IDLE = 10  # rounds after which a state is left alone that does not move, or by rounding: its Jacobian is singular
_FIRST, _SHORTEST, _LONG, _LONGEST = 0.1, 1e-9, 1e3, 1e10  # ms, of the steps
_SETTLED = 1e-12  # relative change of a step of Newton's method after which a state is left alone
_FAR = 1e3  # times as large as it was: a state that was not close to rest
_STILL = 1e-13  # of what flows in and out: slopes that are nothing but rounding
_BALANCED = 1e-9  # the largest slope of a steady state, as a share of what flows in and out


def rest_or_vanish(cells: Cells, X: np.ndarray, states: list[int], close: bool = False) -> None:
    """As `relax`, but where that fails, pools that stay 0 once they are 0 are 0, and the others rest beside them.

    Such pools, as conductances that cells regulate, grow without end at many potentials.
    """
    at_zero = [k for k in states if k in conserved_zeros(cells.model)]
    if not at_zero:
        relax(cells, X, states, close)
        return
    before = X.copy()
    relax(cells, X, states, close, _ROUNDS_OF_GROWTH)
    if not len(failed := np.flatnonzero(np.isnan(X[states]).any(axis=0))):
        return
    without = before[:, failed]
    without[at_zero] = 0.0
    relax(cells.at(failed), without, [k for k in states if k not in at_zero])
    X[:, failed] = without


def relax(cells: Cells, X: np.ndarray, states: list[int], close: bool = False, rounds: int = _ROUNDS) -> None:
    """Bring these states of X (n_states, n), by number, to rest, the others held; NaN where that fails.

    close : X is close to it already, so that Newton's method alone is tried first, and it has failed where a state
    gets very large.
    What the equations conserve keeps the value that it has in X. A cell's result does not depend on the others.
    """
    sums = conserved_sums(cells.model, tuple(states))
    unit = _units(cells, states)
    slope, size = _slopes(cells, X, states, unit)
    left = np.flatnonzero(np.isfinite(slope).all(axis=0))
    largest = _FAR * np.maximum(np.abs(X[states]), unit[:, None]) if close else np.full(slope.shape, np.inf)
    dt = np.full(cells.n, _LONGEST if close else _FIRST)
    idle = np.zeros(cells.n, np.int64)  # rounds in which nothing but rounding moves
    for _ in range(rounds):
        if not len(left):
            break
        some, here, now = cells.at(left), X[:, left], slope[:, left]
        step = _implicit_step(_jacobian(some, here, states, unit, now), now, dt[left], sums)
        moved = here.copy()
        moved[states] += step
        after, flow = _slopes(some, moved, states, unit)
        scale = np.maximum(np.abs(here[states]), unit[:, None])
        with np.errstate(all="ignore"):
            before, then = (np.abs(s / scale).max(axis=0) for s in (now, after))
            still = (np.abs(after) <= _STILL * flow).all(axis=0)
            bounded = (then <= 10.0 * before) | still
            good = np.isfinite(then) & (np.isfinite(step).all(axis=0)) & (bounded | (dt[left] < 1e-6))
            settled = good & (np.abs(step) <= _SETTLED * scale).all(axis=0)
            newton = good & (dt[left] >= _LONGEST)
            idle[left] = np.where(newton & still | settled & (dt[left] >= _LONG), idle[left] + 1, 0)
            done = newton & settled | (idle[left] >= _IDLE)
        X[:, left[good]] = moved[:, good]
        slope[:, left[good]], size[:, left[good]] = after[:, good], flow[:, good]
        with np.errstate(all="ignore"):
            growth = np.where(good, np.clip(2.0 * before / then, 0.3, 20.0), 0.1)
        growth[good & still] = 20.0
        dt[left] = np.clip(np.where(good, dt[left], np.minimum(dt[left], _LONG)) * growth, _SHORTEST, _LONGEST)
        gone = (np.abs(X[states][:, left]) > largest[:, left]).any(axis=0)
        slope[:, left[gone]] = np.nan
        left = left[~done & ~gone]
    with np.errstate(invalid="ignore"):
        balanced = (np.abs(slope) <= _BALANCED * size).all(axis=0)
    X[:, ~balanced] = np.where(np.isin(np.arange(len(X)), states)[:, None], np.nan, X[:, ~balanced])


def _units(cells: Cells, states: list[int]) -> np.ndarray:
    """(m,) below which the size of a state does not matter: a share of what it starts from."""
    rows = [cells.model.rows[k] for k in states]
    known = [abs(s.initial) if isinstance(s.initial, (int, float)) and s.group == "pools" else 1.0 for s in rows]
    return np.array([1e-3 * (x if x > 0 else 1.0) for x in known])


def _slopes(cells: Cells, X: np.ndarray, states: list[int], unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dx/dt of these states, and the flows in and out of which it is the difference (of at least `unit`), (m, n)."""
    with np.errstate(all="ignore"):
        A, B = cells.rates(X)
        out = B[states] * X[states]
        return A[states] - out, np.abs(A[states]) + np.abs(B[states]) * np.maximum(np.abs(X[states]), unit[:, None])


def _jacobian(cells: Cells, X: np.ndarray, states: list[int], unit: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """(n, m, m) by differences, forward."""
    moved = X[states] + 1e-6 * np.maximum(np.abs(X[states]), unit[:, None])
    return jacobian_by_differences(cells, X, states, slope, moved, moved - X[states])


def _implicit_step(J: np.ndarray, slope: np.ndarray, dt: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """(m, n): the step of (1 / dt - J) step = slope that leaves the conserved sums as they are; NaN for none."""
    m = len(slope)
    M = -J
    M[:, np.arange(m), np.arange(m)] += np.where(dt < _LONGEST, 1.0 / dt, 0.0)[:, None]
    step = np.full(slope.shape, np.nan)
    good = np.isfinite(M).all(axis=(1, 2))
    if len(sums):
        # The Jacobian is singular along the sums; this makes it regular, and changes no step that conserves them.
        weight = np.abs(M).max(axis=(1, 2), initial=0.0, where=np.isfinite(M))
        M = M + weight[:, None, None] * (sums.T @ sums)
    if good.any():
        try:
            found = np.linalg.solve(M[good], slope.T[good, :, None])[..., 0].T
        except np.linalg.LinAlgError:  # one of them is singular
            good[good] = np.linalg.slogdet(M[good])[0] != 0.0
            found = np.linalg.solve(M[good], slope.T[good, :, None])[..., 0].T
        for weights in sums:  # the differences conserve them to a few digits less than rounding
            found = found - weights[:, None] * (weights[:, None] * found).sum(axis=0)
        step[:, good] = found
    return step
