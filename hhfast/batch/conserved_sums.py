"""What a model's equations conserve: weighted sums of states, as the occupancies of a chain of pools; states at 0."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.model import Model

_ZERO = 1e-11  # of the largest singular value: well above rounding, well below any flow


@lru_cache(maxsize=256)
def conserved_sums(model: Model, states: tuple[int, ...]) -> np.ndarray:
    """(k, n_states of these) orthonormal weights w with w . dx/dt = 0 whatever the states, parameters and current.

    states : by number, V not among them. They are found as the left null space of the slopes at random states of
    cells with random parameters.
    """
    X, A, B = _random_points(model, 4 * len(states) + 8)
    with np.errstate(all="ignore"):
        flows = np.stack([A[list(states)], B[list(states)] * X[list(states)]])
        slopes, size = flows[0] - flows[1], np.abs(flows).sum(axis=0)
    good = np.isfinite(slopes).all(axis=0)
    if good.sum() < len(states) + 4:
        return np.empty((0, len(states)))
    # Each state in its own unit, each sample in its own: else slow states look like conserved ones.
    unit = size[:, good].max(axis=1)
    unit[unit == 0] = 1.0
    scaled = slopes[:, good] / unit[:, None]
    length = np.abs(scaled).max(axis=0)
    left, found, _ = np.linalg.svd(scaled / np.where(length == 0, 1.0, length))
    kept = left[:, found <= _ZERO * max(found[0], 1e-300)] / unit[:, None]
    return np.ascontiguousarray(np.linalg.qr(kept)[0].T)


@lru_cache(maxsize=256)
def conserved_zeros(model: Model) -> tuple[int, ...]:
    """The pools, by number, that stay 0 once they are 0: their a is 0 whatever the states and parameters."""
    _, A, _ = _random_points(model, 8)
    return tuple(k for k, state in enumerate(model.rows) if state.group == "pools" and (A[k] == 0.0).all())


def _random_points(model: Model, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n_states, n) random states of cells with random parameters, and a and b there."""
    rng = np.random.default_rng(1)
    cells = _random_cells(model, n, rng)
    X = np.array([_random_values(model, k, n, rng) for k in range(len(model.states))])
    with np.errstate(all="ignore"):
        return X, *cells.rates(X)


def _random_cells(model: Model, n: int, rng: np.random.Generator) -> Cells:
    values = np.array([p.value for p in model.parameters.values()], np.float64)[:, None]
    own = np.where(np.isfinite(values) & (values != 0), values, 1.0)  # what is left out by default counts, too
    P = own * np.exp(rng.normal(0.0, 0.2, (len(values), n)))
    return Cells(model, n, np.full(len(values), np.nan), np.arange(len(values)), P)


def _random_values(model: Model, k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    state = model.rows[k]
    if state.name == state.potential:
        return rng.uniform(-90.0, 30.0, n)
    if state.group == "gates":
        return rng.uniform(0.05, 0.95, n)
    centre = abs(state.initial) if isinstance(state.initial, (int, float)) and state.initial else 1.0
    return np.asarray(centre * np.exp(rng.normal(0.0, 1.0, n)))
