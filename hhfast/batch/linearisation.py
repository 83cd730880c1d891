"""The linearised model: Jacobian of all equations, differentiated symbolically, and its eigenvalues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.conserved_sums import conserved_sums
from hhfast.kernel.jit.compile import compiled_jacobian
from hhfast.model import Model


def _relr(u: Any) -> Any:
    u = np.asarray(u, np.float64)
    small = np.abs(u) < 1e-5
    safe = np.where(small, 1.0, u)
    return np.where(small, 1.0 - u / 2 + u**2 / 12, safe / np.expm1(safe))


def _relr_slope(u: Any, r: Any) -> Any:
    u = np.asarray(u, np.float64)
    small = np.abs(u) < 0.05
    safe = np.where(small, 1.0, u)
    series = -1 / 2 + u / 6 - u**3 / 180 + u**5 / 5040 - u**7 / 151200  # Bernoulli numbers
    return np.where(small, series, r * (1 - r - safe) / safe)


_NUMERIC = [
    {
        "exprelr": _relr,
        "exprelr_slope": _relr_slope,
        "minimum": np.minimum,
        "maximum": np.maximum,
        "if_less": lambda left, right, yes, no: np.where(left < right, yes, no),
        "if_less_equal": lambda left, right, yes, no: np.where(left <= right, yes, no),
        "if_equal": lambda left, right, yes, no: np.where(left == right, yes, no),
    },
    "numpy",
]


@lru_cache(maxsize=64)
def slopes_of(model: Model) -> Callable[..., Any]:
    """A function of all states, all parameters and i_app that gives the list of all dx/dt, per ms."""
    from hhfast.kernel.equations.jacobian import Jacobian
    from hhfast.kernel.equations.system import system_of

    system = system_of(model)
    names = (*system.states, *system.parameters, "i_app")
    return numeric_function(names, list(Jacobian(system).slopes.values()))


def numeric_function(names: Sequence[str], expressions: list[Any]) -> Callable[..., Any]:
    """A NumPy function of the named symbols; SymPy is imported here, since the registry of analyses is to be light."""
    import sympy as sp

    from hhfast.model.algebra import symbol

    function: Callable[..., Any] = sp.lambdify([symbol(n) for n in names], expressions, modules=_NUMERIC, cse=True)
    return function


def jacobian(cells: Cells, X: np.ndarray) -> np.ndarray:
    """(n, n_states, n_states): the derivatives of dx/dt (rows) by the states (columns), per ms, at X (n_states, n).

    Of compiled code, so that a process that finds it in the cache need not wait for SymPy.
    """
    m = len(X)
    J = np.zeros((m * m, cells.n))
    nothing = np.empty((0, cells.n))
    X, current = np.ascontiguousarray(X, np.float64), np.zeros(cells.n)
    compiled_jacobian(cells.model)(0, cells.n, cells.p0, cells.col, cells.P, X, current, J, nothing)
    return np.ascontiguousarray(J.T).reshape(cells.n, m, m)


def free_jacobian(model: Model, J: np.ndarray) -> np.ndarray:
    """(n, m, m): the Jacobian of the states that are left when each conserved sum gives one of the others.

    Without such sums it is J (n, n_states, n_states) itself.
    """
    dependent, weights = _eliminated(model)
    if not len(dependent):
        return J
    free = np.setdiff1d(np.arange(J.shape[1]), dependent)
    return np.asarray(J[:, free[:, None], free] - J[:, free[:, None], dependent] @ weights[:, free])


def with_dependent_states(model: Model, free: np.ndarray) -> np.ndarray:
    """(n, n_states): directions (n, m) of the free states, as in `free_jacobian`, with what the sums make of them."""
    dependent, weights = _eliminated(model)
    if not len(dependent):
        return free
    whole = np.zeros((len(free), len(model.states)))
    those = np.setdiff1d(np.arange(len(model.states)), dependent)
    whole[:, those] = free
    whole[:, dependent] = -free @ weights[:, those].T
    return whole


@lru_cache(maxsize=256)
def _eliminated(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """((k,), (k, n_states)): states that conserved sums give, and the sums, with weight 1 of its own state in each."""
    m = len(model.states)
    sums = np.zeros((0, m))
    if m > 1 and len(found := conserved_sums(model, tuple(range(1, m)))):
        sums = np.hstack([np.zeros((len(found), 1)), found])
    chosen = []
    for row in range(len(sums)):
        chosen.append(int(np.abs(sums[row]).argmax()))
        sums[row] /= sums[row, chosen[-1]]
        others = np.arange(len(sums)) != row
        sums[others] -= sums[others, chosen[-1], None] * sums[row]
    return np.array(chosen, np.int64), sums


def eigenvalues(J: np.ndarray) -> np.ndarray:
    """(n, n_states) complex, per ms: the eigenvalues, the one with the largest real part first; NaN for NaN."""
    found = np.full(J.shape[:2], np.nan, np.complex128)
    finite = np.isfinite(J).all(axis=(1, 2))
    if finite.any():
        values = np.linalg.eigvals(J[finite])
        found[finite] = np.take_along_axis(values, np.argsort(-values.real, axis=1, kind="stable"), axis=1)
    return found


def newton_step(cells: Cells, X: np.ndarray, i_app: float | np.ndarray, J: np.ndarray) -> np.ndarray:
    """(n_states, n): the step from X to the equilibrium of the linearised equations; NaN where they have none."""
    A, B = cells.rates(X, i_app)
    slopes = A - B * X
    step = np.full_like(X, np.nan)
    _, sums = _eliminated(cells.model)
    if len(sums):  # along them J is singular; this makes it regular, and the step conserves them
        with np.errstate(invalid="ignore"):
            J = J - np.abs(J).max(axis=(1, 2), initial=0.0)[:, None, None] * (sums.T @ sums)
    regular = np.isfinite(J).all(axis=(1, 2)) & np.isfinite(slopes).all(axis=0)
    with np.errstate(all="ignore"):
        regular[regular] = np.linalg.det(J[regular]) != 0
    if regular.any():
        step[:, regular] = np.linalg.solve(J[regular], -slopes.T[regular, :, None])[..., 0].T
    return step
