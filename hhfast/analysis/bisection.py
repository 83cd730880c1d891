"""Threshold search for many cells at once: a bracket by doubling, then bisection.

A criterion tells for (cell, value) pairs whether the cell fires at the value. The outcome for a pair does not depend on
the other pairs, so pairs that bisection may or may not need can be tested in advance, where there are few cells and
wide kernels: the path through them is the one that plain bisection takes, and a result the same, bit for bit,
whatever other cells are searched with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hhfast.analysis.spike_test import SpikeTest

Criterion = Callable[[np.ndarray, np.ndarray], SpikeTest]  # of rows and values
_PAIRS = 128  # that cost little more than one: two blocks of lanes
_MOST_ROUNDS = 6  # of bisection tested in advance


@dataclass(frozen=True)
class Bracket:
    """lo, hi : (n,) a value that fails and a larger one that fires, NaN where there is none.

    diverged : (n,) the cell diverged on the way. gap : (n,) it fires at hi, but fails at some higher value.
    """

    lo: np.ndarray
    hi: np.ndarray
    diverged: np.ndarray
    gap: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """(n,) bool: there is a threshold between lo and hi."""
        return np.asarray(~np.isnan(self.lo) & ~np.isnan(self.hi) & ~self.diverged)


def bracket(criterion: Criterion, guess: np.ndarray, cap: np.ndarray, halvings: int = 40, below: int = 8) -> Bracket:
    """Bracket the lowest firing value of each cell between powers of two times its guess, all at most its `cap`.

    Where nothing fires from the guess up to the cap, `below` halvings of the guess are tried as well: a cell that is
    blocked at the guess may fire below it. Where everything fires, lo is 0.
    """
    rows = np.arange(len(guess))
    search = GeometricSearch(criterion, cap, np.zeros(len(guess), bool))
    start = np.minimum(guess, cap)
    lo, hi = search.run(rows, start, 2.0, until_fired=True, steps=64)
    silent = rows[np.isnan(hi) & ~search.diverged]
    _, hi[silent] = search.run(silent, 0.5 * start[silent], 0.5, until_fired=True, steps=below)
    gap = np.zeros(len(guess), bool)
    gap[silent] = ~np.isnan(hi[silent])
    falling = rows[~np.isnan(hi) & (np.isnan(lo) | gap) & ~search.diverged]
    fires, fails = search.run(falling, 0.5 * hi[falling], 0.5, until_fired=False, steps=halvings)
    hi[falling] = np.where(np.isnan(fires), hi[falling], fires)
    lo[falling] = np.where(np.isnan(fails), 0.0, fails)
    return Bracket(lo, hi, search.diverged, gap)


@dataclass(frozen=True)
class GeometricSearch:
    """Multiplies values by a factor until the criterion changes; values are at most `cap` (n,).

    diverged : (n,) bool, marked where a test diverges; that ends the search of the cell.
    """

    criterion: Criterion
    cap: np.ndarray
    diverged: np.ndarray

    def run(
        self, rows: np.ndarray, start: np.ndarray, factor: float, *, until_fired: bool, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each of the rows the last value before it fires (or fails), and the first at which it does; or NaN."""
        before, reached = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        value, going = start.copy(), np.flatnonzero(~np.isnan(start))
        for _ in range(steps):
            if not len(going):
                break
            outcome = self.criterion(rows[going], value[going])
            self.diverged[rows[going[outcome.diverged]]] = True
            there = (outcome.fired == until_fired) & ~outcome.diverged
            reached[going[there]] = value[going[there]]
            going = going[~there & ~outcome.diverged]
            before[going] = value[going]
            cap = self.cap[rows]
            going = going[value[going] < cap[going]] if factor > 1 else going
            value[going] = np.minimum(factor * value[going], cap[going])
        return before, reached


def bisect(
    criterion: Criterion, lo: np.ndarray, hi: np.ndarray, rtol: float, atol: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Halve the interval from lo (fails) to hi (fires) of each cell until it is at most rtol |hi| + atol.

    lo may be above hi. Where a test diverges, the end that it would replace becomes NaN.
    """
    lo, hi = lo.copy(), hi.copy()
    while len(rows := np.flatnonzero(_wide(lo, hi, rtol, atol))):
        rounds = int(np.clip(np.log2(_PAIRS / len(rows) + 1), 1, _MOST_ROUNDS))
        grid = _midpoints(lo[rows], hi[rows], rounds)
        inner = grid[:, 1:-1]
        outcome = criterion(np.repeat(rows, inner.shape[1]), inner.ravel())
        fired, diverged = (a.reshape(inner.shape) for a in (outcome.fired, outcome.diverged))
        left, right = np.zeros(len(rows), np.int64), np.full(len(rows), grid.shape[1] - 1)
        each = np.arange(len(rows))
        for _ in range(rounds):
            go = _wide(grid[each, left], grid[each, right], rtol, atol)
            middle = (left + right) // 2
            yes = fired[each, middle - 1]
            grid[each[go], middle[go]] = np.where(diverged[each, middle - 1], np.nan, grid[each, middle])[go]
            left, right = np.where(go & ~yes, middle, left), np.where(go & yes, middle, right)
        lo[rows], hi[rows] = grid[each, left], grid[each, right]
    return lo, hi


def _wide(lo: np.ndarray, hi: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """(n,) bool: not narrow enough yet; False where NaN, or where no number lies between."""
    middle = 0.5 * (lo + hi)
    wide: np.ndarray = (np.abs(hi - lo) > rtol * np.abs(hi) + atol) & (middle != lo) & (middle != hi)
    return wide


def _midpoints(lo: np.ndarray, hi: np.ndarray, rounds: int) -> np.ndarray:
    """(n, 2**rounds + 1): lo, hi and every point that bisection can reach in so many rounds, computed as it would."""
    size = 2**rounds
    grid = np.empty((len(lo), size + 1))
    grid[:, 0], grid[:, size] = lo, hi
    step = size
    while step > 1:
        grid[:, step // 2 :: step] = 0.5 * (grid[:, 0:-1:step] + grid[:, step::step])
        step //= 2
    return grid
