"""The first Lyapunov coefficient of Hopf points: whether the oscillation that is born there is stable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.linearisation import free_jacobian, jacobian, with_dependent_states

CRITICALITIES = ("unknown", "subcritical", "supercritical")
_REACH = 0.02  # of the differences, as a share of the scale of the states
_POTENTIALS = 10.0  # mV, their scale
_SURE = 1e-3  # of the sizes of the terms: a smaller coefficient is taken for zero


def lyapunov_coefficients(cells: Cells, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n,) bool): the first Lyapunov coefficients at Hopf points X (n_states, n), and whether signs are sure.

    The coefficient c is that of the amplitude A (mV, of V = V0 + A cos(w t)) of the oscillation near the point,
    dA/dt = g A + c A**3, g being the real part of the eigenvalue: per ms per mV2. Formula of Kuznetsov 2004, Elements
    of Applied Bifurcation Theory, eq. 5.39; the second and third derivatives are differences of fourth order of the
    symbolic Jacobian. A sign is sure if differences of twice the reach give the same, and c is not next to nothing.
    """
    coefficient, sure = np.full(cells.n, np.nan), np.zeros(cells.n, bool)
    J = free_jacobian(cells.model, jacobian(cells, X))
    rows = np.flatnonzero(np.isfinite(J).all(axis=(1, 2)))
    if len(rows):
        there = _Expansion(cells.at(rows), X[:, rows], J[rows])
        coefficient[rows], size = there.coefficients(_REACH)
        wide, _ = there.coefficients(2.0 * _REACH)
        with np.errstate(invalid="ignore"):
            same = np.sign(wide) == np.sign(coefficient[rows])
            sure[rows] = same & (np.abs(coefficient[rows]) > _SURE * size)
    return coefficient, sure


def criticalities(coefficient: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(n,) of `CRITICALITIES`: "subcritical" for a positive coefficient, "unknown" where its sign is not sure."""
    return np.array(CRITICALITIES)[np.where(sure, np.where(coefficient > 0, 1, 2), 0)]


@dataclass(frozen=True)
class _Expansion:
    """The equations about equilibria X, in the m states that conserved sums leave free; J : (n, m, m) there."""

    cells: Cells
    X: np.ndarray
    J: np.ndarray

    def coefficients(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """(n,) the coefficients, and the sums of the sizes of their terms, by differences that reach so far."""
        omega, q, p = self._oscillation
        (real, twice_real), (imag, twice_imag) = (self._derivatives(part, reach) for part in (q.real, q.imag))
        forward, backward = real + 1j * imag, real - 1j * imag  # B(q, .) and B(conj(q), .)
        with np.errstate(all="ignore"):
            constant = _solved(self.J, _product(forward, q.conj()))
            double = _solved(2j * omega[:, None, None] * np.eye(q.shape[1]) - self.J, _product(forward, q))
            terms = np.array([
                (p * _product(twice_real + twice_imag, q)).sum(axis=1),  # C(q, q, conj(q))
                -2.0 * (p * _product(forward, constant)).sum(axis=1),
                (p * _product(backward, double)).sum(axis=1),
            ])  # fmt: skip
            # dz/dt = (g + i omega) z + c z |z|^2, where c is half of this sum; V = V0 + 2 Re z, so A = 2 |z|.
            return terms.real.sum(axis=0) / 8.0, np.abs(terms).sum(axis=0) / 8.0

    @cached_property
    def _oscillation(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n,), (n, m), (n, m): omega; the eigenvector of i omega, 1 in V; and the left one, of product 1 with it."""
        values, vectors = np.linalg.eig(self.J)
        row = np.arange(len(values))
        k = np.where(values.imag > 0, np.abs(values.real), np.inf).argmin(axis=1)
        values_left, left = np.linalg.eig(self.J.transpose(0, 2, 1))
        omega = values[row, k].imag
        other = np.abs(values_left - values[row, k][:, None]).argmin(axis=1)
        q, p = vectors[row, :, k], left[row, :, other]
        with np.errstate(all="ignore"):
            q = q / q[:, :1]
            p = p / (p * q).sum(axis=1, keepdims=True)
        p[~(omega > 0)] = np.nan
        return omega, q, p

    def _derivatives(self, direction: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """(n, m, m) twice: the first and the second derivative of the Jacobian along directions (n, m)."""
        along = with_dependent_states(self.cells.model, direction)
        with np.errstate(all="ignore"):
            largest = (np.abs(along) / self._scale.T).max(axis=1)
            h = np.where(largest > 0, reach / largest, 1.0)
            J = {k: self._jacobian(self.X + (k * h[:, None] * along).T) for k in (-2, -1, 0, 1, 2)}
            h = h[:, None, None]
            first = (8.0 * (J[1] - J[-1]) - (J[2] - J[-2])) / (12.0 * h)
            return first, (16.0 * (J[1] + J[-1]) - (J[2] + J[-2]) - 30.0 * J[0]) / (12.0 * h * h)

    def _jacobian(self, X: np.ndarray) -> np.ndarray:
        return free_jacobian(self.cells.model, jacobian(self.cells, X))

    @cached_property
    def _scale(self) -> np.ndarray:
        """(n_states, n) over which the equations change by much."""
        scale = np.asarray(np.maximum(np.abs(self.X), 1e-12))
        for k, state in enumerate(self.cells.model.rows):
            if state.group != "pools" or state.name == state.potential:
                scale[k] = _POTENTIALS if state.name == state.potential else 1.0
        return scale


def _product(M: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(n, m): the matrices M (n, m, m) times the vectors x (n, m)."""
    return np.asarray((M @ x[..., None])[..., 0])


def _solved(M: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(n, m): y with M y = x; NaN where M is singular."""
    found = np.full(x.shape, np.nan, np.complex128)
    regular = np.isfinite(M).all(axis=(1, 2))
    regular[regular] = np.abs(np.linalg.slogdet(M[regular])[0]) > 0
    found[regular] = np.linalg.solve(M[regular].astype(np.complex128), x[regular, :, None])[..., 0]
    return found
