"""Many small least-squares problems at once: Levenberg-Marquardt within bounds, one problem per row.

Marquardt 1963, J SIAM 11:431-441; with bounds by projection, as Kanzow, Yamashita & Fukushima 2004, J Comput Appl Math
172:375-397: a step is cut at the bounds, and a variable that its gradient holds at one stays there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

CONVERGED, LIMIT, NOT_FINITE = 0, 1, 2
STATUS_MEANINGS = ("converged", "iteration_limit", "not_finite")
_FIRST, _LEAST, _MOST = 1e-2, 1e-9, 1e10  # of the damping


@dataclass(frozen=True)
class Normal:
    """The normal equations of n problems with k variables: sums of squares (n,), J'r (n, k), J'J (n, k, k)."""

    cost: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray

    def take(self, rows: np.ndarray) -> Normal:
        return Normal(self.cost[rows], self.gradient[rows], self.hessian[rows])


@dataclass(frozen=True)
class Minima:
    """Where the problems ended: variables (n, k) in 0..1, the normal equations there, status (n,) uint8."""

    u: np.ndarray
    normal: Normal
    status: np.ndarray


def minimise(
    normal_of: Callable[[np.ndarray, np.ndarray], Normal], u: np.ndarray, *, max_iterations: int, tol: float
) -> Minima:
    """Minimise from the points u (n, k) of the unit box; normal_of(u, rows) gives the equations of some problems.

    A problem has converged when a step moves no variable by more than tol, whether it leads down or not (what is left
    is then rounding), or no damping leads further down.
    """
    u = u.copy()
    n = len(u)
    now = normal_of(u, np.arange(n))
    damping = np.full(n, _FIRST)
    status = np.where(np.isfinite(now.cost), LIMIT, NOT_FINITE).astype(np.uint8)
    for _ in range(max_iterations):
        rows = np.flatnonzero(status == LIMIT)
        if not rows.size:
            break
        ahead = np.clip(u[rows] + _step(u[rows], now.take(rows), damping[rows]), 0.0, 1.0)
        moved = np.abs(ahead - u[rows]).max(axis=1)
        there = normal_of(ahead, rows)
        better = there.cost < now.cost[rows]
        good = rows[better]
        u[good] = ahead[better]
        for whole, part in ((now.cost, there.cost), (now.gradient, there.gradient), (now.hessian, there.hessian)):
            whole[good] = part[better]
        damping[good] = np.maximum(damping[good] / 5.0, _LEAST)
        damping[rows[~better]] *= 4.0
        done = (moved <= tol) | (damping[rows] > _MOST)
        status[rows[done]] = CONVERGED
    return Minima(u, now, status)


def _step(u: np.ndarray, at: Normal, damping: np.ndarray) -> np.ndarray:
    """The damped Gauss-Newton step of each problem, in the variables that its bounds leave free."""
    held = ((u <= 0.0) & (at.gradient > 0.0)) | ((u >= 1.0) & (at.gradient < 0.0))
    gradient = np.where(held, 0.0, at.gradient)
    either = held[:, :, None] | held[:, None, :]
    hessian = np.where(either, 0.0, at.hessian)
    scale = np.einsum("nkk->nk", at.hessian).copy()
    scale[scale <= 0.0] = 1.0
    k = np.arange(u.shape[1])
    hessian[:, k, k] += np.where(held, 1.0, damping[:, None] * scale + 1e-300)
    return np.nan_to_num(-np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0])
