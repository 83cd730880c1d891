"""The stable equilibrium beside a state, by Newton's method and the eigenvalues of the model's Jacobian."""

from __future__ import annotations

import numpy as np

from hhfast.batch.cells import Cells

_ROUNDS = 20  # of Newton's method
_CONVERGED = 1e-10  # relative; as its errors square, none is left after so short a step
_MARGINAL = -1e-9  # 1/ms; an equilibrium whose largest real part is above this is not proved to be stable


def stable_equilibrium(cells: Cells, X: np.ndarray, i_app: np.ndarray, near: np.ndarray) -> np.ndarray:
    """(n_states, n): the equilibrium found by Newton's method from the states X; NaN where it is not linearly stable,
    or not within `near` (n_states, n).
    """
    from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian, newton_step

    found = X.astype(np.float64)
    left = np.arange(found.shape[1])  # each cell takes the steps that it needs, whatever the others do
    for _ in range(_ROUNDS):
        some = cells.at(left)
        step = newton_step(some, found[:, left], i_app[left], jacobian(some, found[:, left]))
        found[:, left] += step
        with np.errstate(invalid="ignore"):
            left = left[(np.abs(step) > _CONVERGED * np.maximum(np.abs(found[:, left]), 1e-6)).any(axis=0)]
        if not len(left):
            break
    with np.errstate(invalid="ignore"):
        good = (np.abs(found - X) <= near).all(axis=0)
        J = jacobian(cells.at(np.flatnonzero(good)), found[:, good])
        good[good] = eigenvalues(free_jacobian(cells.model, J))[:, 0].real < _MARGINAL
    return np.where(good, found, np.nan)
