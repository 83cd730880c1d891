"""Adaptive methods written plainly, from their tableaux: what one step of a kernel is compared with."""

from typing import NamedTuple

import numpy as np


class TrialStep(NamedTuple):
    """One trial step: the states after it, its estimated error, and the weights of its dense output."""

    start: np.ndarray
    increments: list
    end: np.ndarray
    error: np.ndarray
    dense: np.ndarray  # (stages, degree)

    def inside(self, s):
        """The solution at a fraction s of the step."""
        weights = self.dense @ s ** np.arange(1, self.dense.shape[1] + 1)
        return self.start + _sum(weights, self.increments)


def trial_step(tableau, slope, X, h, jacobian=None, push=0.0):
    """A step of X' = slope(X, at), `at` the fraction of the step; X (n_states, n).

    Rosenbrock methods need the jacobian (n, n_states, n_states) and push = d slope / dt at the start of the step.
    """
    w = []
    for j, at in enumerate(tableau.c):
        f = slope(X + _sum(tableau.A[j - 1] if j else (), w), at)
        if jacobian is None:
            w.append(h * f)
        else:
            right = f + _sum(tableau.C[j], w) / h + tableau.d[j] * h * push
            matrix = np.eye(len(X)) / (tableau.gamma * h) - jacobian
            w.append(np.linalg.solve(matrix, right.T[:, :, None])[:, :, 0].T)
    return TrialStep(X, w, X + _sum(tableau.b, w), _sum(tableau.e, w), np.array(tableau.dense))


def _sum(weights, increments):
    return sum((c * v for c, v in zip(weights, increments, strict=False)), 0.0)


def difference_jacobian(slope, X):
    """(n, n_states, n_states): the slopes of slope(X), by differences."""
    J = np.empty((X.shape[1], len(X), len(X)))
    for k, x in enumerate(X):
        step = 1e-5 * np.maximum(np.abs(x), 0.1)
        ahead, back = X.copy(), X.copy()
        ahead[k] += step
        back[k] -= step
        J[:, :, k] = ((slope(ahead) - slope(back)) / (2 * step)).T
    return J
