"""The currents at which the equilibria of a cell lose or gain stability (Hopf) or vanish in pairs (saddle-node)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.equilibria import SCAN, brackets, currents_on_scan, equilibrium, root
from hhfast.analysis.linearisation import eigenvalues, jacobian
from hhfast.analysis.population import Cohort
from hhfast.batch.result import DIVERGED, OK
from hhfast.errors import InputError
from hhfast.model import Model

Indicator = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Bifurcations:
    """The bifurcations of the equilibria of n cells: for each cell arrays, in the order of the current.

    hopf, saddle_node : currents, in the model's unit. hopf_V, saddle_node_V : mV. hopf_frequency : Hz, of the
    oscillation that is born there. status : (n,) uint8, 0 ok, 1 diverged (NaN among the parameters).
    """

    hopf: list[np.ndarray]
    hopf_V: list[np.ndarray]
    hopf_frequency: list[np.ndarray]
    saddle_node: list[np.ndarray]
    saddle_node_V: list[np.ndarray]
    status: np.ndarray


def bifurcations(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    i_app: tuple[float, float] = (0.0, 200.0),
) -> Bifurcations:
    """Hopf and saddle-node points of the equilibria of each cell, for currents in a range.

    model, params : as in `hhfast.simulate`. i_app : lowest and highest current, in the model's unit.
    A Hopf point is where the product of the sums of all pairs of eigenvalues changes its sign in a complex pair
    (Guckenheimer, Myers & Sturmfels 1997, SIAM J Numer Anal 34:1-21), a saddle-node where the determinant of the
    Jacobian does; both are bisected in V, to rounding. Raises `InputError` as `simulate` does.
    """
    low, high = map(float, i_app)
    if not low < high:
        raise InputError(f"i_app = ({low:g}, {high:g}): needs the lowest current first")
    cohort = Cohort.of(model, params)
    hopf = _found(cohort, (low, high), _pair_sums)
    turns = _found(cohort, (low, high), _determinant)
    # A pair of real eigenvalues of opposite sign sums to zero as well: that is a neutral saddle.
    oscillating = hopf.pair.imag > 0
    frequency = 1e3 * hopf.pair.imag / (2 * np.pi)
    bad = ~np.isfinite(equilibrium(cohort, np.full(cohort.n, -65.0))[0])
    return Bifurcations(
        hopf=_by_cell(cohort.n, hopf.cell[oscillating], hopf.current[oscillating]),
        hopf_V=_by_cell(cohort.n, hopf.cell[oscillating], hopf.V[oscillating]),
        hopf_frequency=_by_cell(cohort.n, hopf.cell[oscillating], frequency[oscillating]),
        saddle_node=_by_cell(cohort.n, turns.cell, turns.current),
        saddle_node_V=_by_cell(cohort.n, turns.cell, turns.V),
        status=np.where(bad, DIVERGED, OK).astype(np.uint8),
    )


@dataclass(frozen=True)
class _Points:
    """Points on the curves, in the order of cell and current; pair : the imaginary eigenvalue there, or 0."""

    cell: np.ndarray
    current: np.ndarray
    V: np.ndarray
    pair: np.ndarray


def _pair_sums(J: np.ndarray) -> np.ndarray:
    """(n,) the sign of the product of the sums of all pairs of eigenvalues: it changes where a pair sums to zero."""
    values = eigenvalues(J)
    first, second = np.triu_indices(J.shape[1], 1)
    sums = values[:, first] + values[:, second]
    # Conjugate sums have a positive product: only the real ones have a sign.
    real = np.abs(sums.imag) <= 1e-9 * np.abs(values).max(axis=1, keepdims=True)
    return np.prod(np.where(real, np.sign(sums.real), 1.0), axis=1)


def _determinant(J: np.ndarray) -> np.ndarray:
    return np.linalg.slogdet(J)[0]


def _found(cohort: Cohort, limits: tuple[float, float], indicator: Indicator) -> _Points:
    """Where the indicator of the Jacobian changes its sign, for currents within the limits."""
    low, high = limits
    current = currents_on_scan(cohort)
    near = (current >= low) & (current <= high)
    near[:-1] |= near[1:].copy()  # intervals that lie only partly within the limits count as well
    near[1:] |= near[:-1].copy()
    signs = np.full(current.shape, np.nan)
    place, cell = np.nonzero(near)
    signs[place, cell] = _indicated(cohort.take(cell), SCAN[place], indicator)
    cell, left, right = brackets(signs)
    those = cohort.take(cell)
    V = root(lambda V: _indicated(those, V, indicator), left, right)
    current, X = equilibrium(those, V)
    values = eigenvalues(jacobian(those.cells, X))
    order = np.lexsort((current, cell))
    order = order[(current[order] >= low) & (current[order] <= high)]
    return _Points(cell[order], current[order], V[order], _imaginary(values)[order])


def _imaginary(values: np.ndarray) -> np.ndarray:
    """(k,) of each row of eigenvalues (k, n_states) the one on the positive imaginary axis, or 0."""
    scale = np.abs(values).max(axis=1, keepdims=True)
    on_axis = (np.abs(values.real) < 1e-7 * scale) & (values.imag > 1e-7 * scale)
    return np.where(on_axis, values, 0.0).sum(axis=1)


def _indicated(cohort: Cohort, V: np.ndarray, indicator: Indicator) -> np.ndarray:
    return indicator(jacobian(cohort.cells, equilibrium(cohort, V)[1])) if cohort.n else np.empty(0)


def _by_cell(n: int, cell: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
    """The values of each cell; they come in the order of the cells."""
    return np.split(values, np.searchsorted(cell, np.arange(1, n)))
