"""The linearised model: Jacobian of all equations, differentiated symbolically, and its eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from hhfast.cells import Cells
from hhfast.kernel.system import I_APP, System, system_of
from hhfast.model import Model
from hhfast.model.algebra import exprelr, maximum, minimum, symbol


class _exprelr_slope(sp.Function):
    """The derivative of exprelr; finite at 0, where its textbook form is 0/0."""

    nargs = 1


class _exprelr(sp.Function):
    """u / (exp(u) - 1) with a derivative that can be evaluated everywhere."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return _exprelr_slope(self.args[0])


def _relr(u: Any) -> Any:
    u = np.asarray(u, np.float64)
    small = np.abs(u) < 1e-5
    safe = np.where(small, 1.0, u)
    return np.where(small, 1.0 - u / 2 + u**2 / 12, safe / np.expm1(safe))


def _relr_slope(u: Any) -> Any:
    u = np.asarray(u, np.float64)
    small = np.abs(u) < 0.05
    safe = np.where(small, 1.0, u)
    r = safe / np.expm1(safe)
    series = -1 / 2 + u / 6 - u**3 / 180 + u**5 / 5040 - u**7 / 151200  # Bernoulli numbers
    return np.where(small, series, r * (1 - r - safe) / safe)


_NUMERIC = [{"_exprelr": _relr, "_exprelr_slope": _relr_slope}, "numpy"]


@lru_cache(maxsize=64)
def _jacobian_of(model: Model) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The compiled Jacobian, and the names of its arguments: states, then parameters."""
    system = system_of(model)
    states = [symbol(x) for x in system.states]
    slopes = [_written_out(system, system.a[x.name] - system.b[x.name] * x).subs(I_APP, 0) for x in states]
    entries = [sp.diff(f, x) for f in slopes for x in states]
    names = (*system.states, *system.parameters)
    return sp.lambdify([symbol(n) for n in names], entries, modules=_NUMERIC, cse=True), names


def _written_out(system: System, expr: sp.Expr) -> sp.Expr:
    """The expression in states and parameters alone, over functions that have derivatives."""
    for name in reversed(system.needed([expr])):
        expr = expr.subs(symbol(name), system.named[name])
    expr = expr.replace(exprelr, _exprelr)
    expr = expr.replace(minimum, lambda a, b: sp.Piecewise((a, a < b), (b, True)))
    return expr.replace(maximum, lambda a, b: sp.Piecewise((a, a > b), (b, True)))


def jacobian(cells: Cells, X: np.ndarray) -> np.ndarray:
    """(n, n_states, n_states): the derivatives of dx/dt (rows) by the states (columns), per ms, at X (n_states, n).

    The applied current enters dV/dt as a sum, so it does not matter here.
    """
    function, names = _jacobian_of(cells.model)
    m = len(cells.model.states)
    values = dict(zip(cells.model.states, X, strict=True))
    for k, name in enumerate(cells.model.parameters):
        values[name] = cells.P[cells.col[k]] if cells.col[k] >= 0 else np.full(cells.n, cells.p0[k])
    with np.errstate(all="ignore"):
        entries = function(*(values[name] for name in names))
    return np.stack([np.broadcast_to(e, cells.n) for e in entries], axis=-1).reshape(cells.n, m, m)


def eigenvalues(J: np.ndarray) -> np.ndarray:
    """(n, n_states) complex, per ms: the eigenvalues, the one with the largest real part first; NaN for NaN."""
    found = np.full(J.shape[:2], np.nan, np.complex128)
    finite = np.isfinite(J).all(axis=(1, 2))
    if finite.any():
        values = np.linalg.eigvals(J[finite])
        found[finite] = np.take_along_axis(values, np.argsort(-values.real, axis=1, kind="stable"), axis=1)
    return found


def newton_step(cells: Cells, X: np.ndarray, i_app: float | np.ndarray, J: np.ndarray) -> np.ndarray:
    """(n_states, n): the way from X to the equilibrium of the linearised equations; NaN where they have none."""
    A, B = cells.rates(X, i_app)
    slopes = A - B * X
    step = np.full_like(X, np.nan)
    regular = np.isfinite(J).all(axis=(1, 2)) & np.isfinite(slopes).all(axis=0)
    with np.errstate(all="ignore"):
        regular[regular] = np.linalg.det(J[regular]) != 0
    if regular.any():
        step[:, regular] = np.linalg.solve(J[regular], -slopes.T[regular, :, None])[..., 0].T
    return step
