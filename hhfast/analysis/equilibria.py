"""The curve of equilibria of a cell, and roots along it.

An equilibrium has every gate and pool at its steady value for V, so all of them lie on one curve, i_app(V): the
current that holds the cell at V. Equilibria are where the curve meets a current; saddle-nodes where it turns; Hopf
points where a pair of eigenvalues crosses the imaginary axis along it. Each is a root in one variable, V.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hhfast.analysis.population import Cohort
from hhfast.batch.cells import steady_slope

SCAN = np.arange(-130.0, 80.1, 0.25)  # mV; two roots closer than this are not told apart


def equilibrium(cohort: Cohort, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n_states, n)): the current at which each cell has an equilibrium at V (n,), and its states there."""
    X = np.zeros((len(cohort.model.states), cohort.n))
    slope = steady_slope(cohort.cells, X, V, 0.0)
    return -cohort.values("C_m") * slope, X


def currents_on_scan(cohort: Cohort) -> np.ndarray:
    """(n_scan, n): the current of the equilibrium at every V of `SCAN`."""
    return np.array([equilibrium(cohort, np.full(cohort.n, V))[0] for V in SCAN])


def brackets(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, low, high): the intervals of `SCAN` in which values (n_scan, n) change sign, in the order of the cells.

    Steps to or from NaN do not count.
    """
    with np.errstate(invalid="ignore"):
        changes = ((values[:-1] < 0) != (values[1:] < 0)) & np.isfinite(values[:-1] + values[1:])
    cell, place = np.nonzero(changes.T)
    return cell, SCAN[place], SCAN[place + 1]


def root(f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k,) V: bisects f to rounding; its signs at low and high differ."""
    if not len(low):
        return low
    negative = f(low) < 0
    for _ in range(54):
        middle = 0.5 * (low + high)
        same = (f(middle) < 0) == negative
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return 0.5 * (low + high)
