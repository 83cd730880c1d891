"""States at their steady values, a = b x, with the others held: one after another, or together where they depend so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np

from hhfast.model.dependencies import steady_levels
from hhfast.model.model import Model


class HasRates(Protocol):
    """n cells of a model, and the coefficients of their equations x' = a - b x; `Cells` is one."""

    @property
    def model(self) -> Model: ...
    @property
    def n(self) -> int: ...
    def at(self, rows: np.ndarray) -> Self: ...
    def rates(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


Solver = Callable[[Any, np.ndarray, list[int]], None]
_AT_ONCE = 4096  # cells (times states, of differences); larger arrays must be got from the system each time
_ROUNDS = 20  # of Newton's method


def set_steady(cells: HasRates, X: np.ndarray, states: list[int], solve: Solver | None = None) -> None:
    """Put these states of X (n_states, n), by number, at their steady values a / b, the other states held.

    solve : what finds those that depend on each other or on themselves (`solve_steady`).
    """
    if not states:
        return
    solve = solve or solve_steady
    levels = steady_levels(cells.model, tuple(cells.model.states[k] for k in states))
    number = {name: k for k, name in enumerate(cells.model.states)}
    for first in range(0, cells.n, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        piece = cells if cells.n <= _AT_ONCE else cells.at(np.arange(*some.indices(cells.n)))
        for names, coupled in levels:
            where = [number[name] for name in names]
            if coupled:
                solve(piece, X[:, some], where)
                continue
            A, B = piece.rates(X[:, some])
            with np.errstate(divide="ignore", invalid="ignore"):  # of what grows without end
                for k in where:
                    np.divide(A[k], B[k], out=X[k, some])


def solve_steady(cells: HasRates, X: np.ndarray, states: list[int]) -> None:
    """Newton's method on a = b x for states that depend on each other, as those of a scheme (where it is exact)."""
    for _ in range(_ROUNDS):
        slope = _slopes(cells, X, states)
        step = 1e-6 * np.where(X[states] == 0, 1.0, np.abs(X[states]))
        with np.errstate(all="ignore"):
            moved = X[states] + step
        J = jacobian_by_differences(cells, X, states, slope, moved, step)
        good = np.isfinite(J).all(axis=(1, 2)) & np.isfinite(slope).all(axis=0)
        with np.errstate(all="ignore"):
            good[good] = np.linalg.det(J[good]) != 0
        change = np.full((len(states), cells.n), np.nan)
        if good.any():
            change[:, good] = np.linalg.solve(J[good], -slope.T[good, :, None])[..., 0].T
        X[states] += change
        with np.errstate(invalid="ignore"):
            if not (np.abs(change) > 1e-13 * np.maximum(np.abs(X[states]), 1e-3)).any():
                return


def jacobian_by_differences(
    cells: HasRates, X: np.ndarray, states: list[int], slope: np.ndarray, moved: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """(n, m, m): the derivatives of dx/dt of these states by them, of as many at once as make up a batch.

    slope : (m, n) dx/dt at X. moved : (m, n) what each state is moved to, alone. step : (m, n) by how much that is.
    """
    n, m = cells.n, len(states)
    J = np.empty((m, n, m))  # by state, cell, slope
    at_once = max(1, _AT_ONCE // n)
    for first in range(0, m, at_once):
        some = slice(first, first + at_once)
        those = states[some]
        points = np.repeat(X[:, None], len(those), axis=1)
        points[those, range(len(those))] = moved[some]
        with np.errstate(all="ignore"):
            there = _slopes(cells.at(np.tile(np.arange(n), len(those))), points.reshape(len(X), -1), states)
            J[some] = ((there.reshape(m, len(those), n) - slope[:, None]) / step[some]).transpose(1, 2, 0)
    return J.transpose(1, 2, 0)


def _slopes(cells: HasRates, X: np.ndarray, states: list[int]) -> np.ndarray:
    with np.errstate(all="ignore"):
        A, B = cells.rates(X)
        return np.asarray(A[states] - B[states] * X[states])
