"""Threshold search for many cells at once: a bracket by doubling, then bisection.

A test tells for (cell, value) pairs whether the cell fires at the value. Its answer for a pair does not depend on
what else is asked, so pairs that bisection may or may not need can be asked ahead, where there are few cells and
wide kernels: the path through them is the one that plain bisection takes, and a result the same, bit for bit,
whatever other cells are searched with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hhfast.analysis.spike_test import Answer

Test = Callable[[np.ndarray, np.ndarray], Answer]
_ASK = 128  # pairs that cost little more than one: two blocks of lanes
_DEEPEST = 6  # rounds of bisection asked ahead at most


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
        return ~np.isnan(self.lo) & ~np.isnan(self.hi) & ~self.diverged


def bracket(test: Test, guess: np.ndarray, cap: np.ndarray, halvings: int = 40, below: int = 8) -> Bracket:
    """Bracket the lowest firing value of each cell between powers of two times its guess, all at most its `cap`.

    Where nothing fires from the guess up to the cap, `below` halvings of the guess are tried as well: a cell that is
    blocked at the guess may fire below it. Where everything fires, lo is 0.
    """
    rows = np.arange(len(guess))
    walk = Walk(test, cap, np.zeros(len(guess), bool))
    start = np.minimum(guess, cap)
    lo, hi = walk.go(rows, start, 2.0, wanted=True, steps=64)
    silent = rows[np.isnan(hi) & ~walk.diverged]
    _, hi[silent] = walk.go(silent, 0.5 * start[silent], 0.5, wanted=True, steps=below)
    gap = np.zeros(len(guess), bool)
    gap[silent] = ~np.isnan(hi[silent])
    falling = rows[~np.isnan(hi) & (np.isnan(lo) | gap) & ~walk.diverged]
    fires, fails = walk.go(falling, 0.5 * hi[falling], 0.5, wanted=False, steps=halvings)
    hi[falling] = np.where(np.isnan(fires), hi[falling], fires)
    lo[falling] = np.where(np.isnan(fails), 0.0, fails)
    return Bracket(lo, hi, walk.diverged, gap)


@dataclass(frozen=True)
class Walk:
    """Steps through values until the answer is the wanted one."""

    test: Test
    cap: np.ndarray
    diverged: np.ndarray

    def go(
        self, rows: np.ndarray, start: np.ndarray, factor: float, *, wanted: bool, steps: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each of the rows the last value without the wanted answer, and the first with it; NaN where none."""
        before, reached = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        value, going = start.copy(), np.flatnonzero(~np.isnan(start))
        for _ in range(steps):
            if not len(going):
                break
            reply = self.test(rows[going], value[going])
            self.diverged[rows[going[reply.diverged]]] = True
            there = (reply.fired == wanted) & ~reply.diverged
            reached[going[there]] = value[going[there]]
            on = going[~there & ~reply.diverged]
            before[on] = value[on]
            cap = self.cap[rows]
            on = on[value[on] < cap[on]] if factor > 1 else on
            value[on] = np.minimum(factor * value[on], cap[on])
            going = on
        return before, reached


def bisect(test: Test, lo: np.ndarray, hi: np.ndarray, rtol: float, atol: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Halve the way from lo (fails) to hi (fires) of each cell until it is at most rtol |hi| + atol.

    lo may be above hi. Where a test diverges, the end that it would replace becomes NaN.
    """
    lo, hi = lo.copy(), hi.copy()
    while len(rows := np.flatnonzero(_wide(lo, hi, rtol, atol))):
        rounds = int(np.clip(np.log2(_ASK / len(rows) + 1), 1, _DEEPEST))
        grid = _midpoints(lo[rows], hi[rows], rounds)
        inner = grid[:, 1:-1]
        reply = test(np.repeat(rows, inner.shape[1]), inner.ravel())
        fired, diverged = (a.reshape(inner.shape) for a in (reply.fired, reply.diverged))
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
    return (np.abs(hi - lo) > rtol * np.abs(hi) + atol) & (middle != lo) & (middle != hi)


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
