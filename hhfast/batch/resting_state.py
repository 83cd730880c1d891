"""Equilibria of cells, as roots in one variable: the one solver of `initial="rest"`, resting states and bifurcations.

An equilibrium has every gate and pool at its steady value for V, so all of them lie on one curve, i_app(V): the
current that holds the cell at V. Equilibria are where the curve meets a current; saddle-nodes where it turns; Hopf
points where a pair of eigenvalues crosses the imaginary axis along it. Each is a root in V, bracketed by a scan and
bisected to rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.steady_states import set_steady, solve_steady

VOLTAGES = np.arange(-130.0, 80.1, 0.25)  # mV, of the scan; two roots closer than its step are not told apart
_COARSE = np.arange(-120.0, 60.5, 1.0)  # mV, of the scan for the resting state alone


def resting_states(cells: Cells, i_app: float | np.ndarray = 0.0) -> np.ndarray:
    """(n_states, n): the equilibrium of lowest V at which the steady current turns outward; NaN where none is found.

    The steady dV/dt, with gates and pools at equilibrium, is scanned from -120 to 60 mV and its first zero from
    above bisected to rounding. Such a state need not be stable: a pacemaker has one, too.
    """
    X = np.zeros((len(cells.model.states), cells.n))
    low, high = np.full(cells.n, np.nan), np.full(cells.n, np.nan)
    before = np.full(cells.n, np.nan)
    for V in _COARSE:
        now = steady_slope(cells, X, np.full(cells.n, V), i_app)
        found = np.isnan(low) & (before > 0) & (now <= 0)
        low[found], high[found] = V - 1.0, V
        before = now
    # 1 mV / 2**50 is below the spacing of float64 at -65 mV.
    V = _bisected(lambda V: steady_slope(cells, X, V, i_app) > 0, low, high, halvings=50)
    steady_slope(cells, X, V, i_app)
    return X


# --- the curve of equilibria ----------------------------------------------------------------------------------------
def equilibrium(cells: Cells, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n_states, n)): the current at which each cell has an equilibrium at V (n,), and its states there."""
    X = np.zeros((len(cells.model.states), cells.n))
    slope = steady_slope(cells, X, V, 0.0)
    return -cells.values("C_m") * slope, X


def equilibrium_currents(cells: Cells) -> np.ndarray:
    """(n_voltages, n): the current of the equilibrium at every one of `VOLTAGES`."""
    return np.array([equilibrium(cells, np.full(cells.n, V))[0] for V in VOLTAGES])


def sign_changes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, low, high): the intervals of `VOLTAGES` in which values (n_voltages, n) change sign, cell after cell.

    Changes to or from NaN do not count.
    """
    with np.errstate(invalid="ignore"):
        changes = ((values[:-1] < 0) != (values[1:] < 0)) & np.isfinite(values[:-1] + values[1:])
    cell, place = np.nonzero(changes.T)
    return cell, VOLTAGES[place], VOLTAGES[place + 1]


def root(f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(k,) mV: a root of f(V) between low and high, at which its signs differ."""
    if not len(low):
        return low
    negative = f(low) < 0
    return _bisected(lambda V: (f(V) < 0) == negative, low, high, halvings=54)


def _bisected(
    is_below: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, halvings: int
) -> np.ndarray:
    """(k,) mV: bisection; `is_below` tells for V (k,) whether the root is higher."""
    for _ in range(halvings):
        middle = 0.5 * (low + high)
        below = is_below(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(0.5 * (low + high))


# --- the other states at equilibrium with V -------------------------------------------------------------------------
def steady_slope(cells: Cells, X: np.ndarray, V: np.ndarray, i_app: float | np.ndarray) -> np.ndarray:
    """(n,) dV/dt, mV/ms, with the other states at equilibrium at V; leaves that equilibrium in X (n_states, n)."""
    model = cells.model
    X[0] = V
    gates = list(range(1, 1 + len(model.gates)))
    others = list(range(1 + len(model.gates), len(model.states)))
    for _ in range(3 if len(others) > 1 else 1):  # what depends on each other is solved in turn ...
        for k in others:
            _balance(cells, X, k, gates)
    set_steady(cells, X, gates)
    if len(others) > 1:  # ... and then together
        together = X.copy()
        solve_steady(cells, together, [*gates, *others])
        better = np.isfinite(together).all(axis=0)
        X[:, better] = together[:, better]
    A, B = cells.rates(X, i_app)
    return np.asarray(A[0] - B[0] * V)


def _balance(cells: Cells, X: np.ndarray, k: int, gates: list[int]) -> None:
    """Bisect a pool for inflow = outflow, gates at equilibrium: on a logarithmic scale, or a potential in mV."""
    is_potential = cells.model.rows[k].name == cells.model.rows[k].potential
    low, high = (np.full(cells.n, end) for end in ((-200.0, 200.0) if is_potential else (-30.0, 30.0)))
    for _ in range(54):
        middle = 0.5 * (low + high)
        X[k] = middle if is_potential else np.exp(middle)
        set_steady(cells, X, gates)
        A, B = cells.rates(X)
        rising = A[k] > B[k] * X[k]
        middle = middle if is_potential else np.log(X[k])
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
