"""Equilibria of cells, as roots in one variable: the one solver of `initial="rest"`, resting states and bifurcations.

An equilibrium has every gate and pool at its steady value for V, so all of them lie on one curve, i_app(V): the
current that holds the cell at V. Equilibria are where the curve meets a current; saddle-nodes where it turns; Hopf
points where a pair of eigenvalues crosses the imaginary axis along it. Each is a root in V, bracketed by a scan and
bisected to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.relaxation import rest_or_vanish
from hhfast.batch.starting_states import starting_states
from hhfast.batch.steady_states import set_steady
from hhfast.model import Model

VOLTAGES = np.arange(-130.0, 80.1, 0.25)  # mV, of the scan; two roots closer than its step are not told apart
_COARSE = np.arange(-120.0, 60.5, 1.0)  # mV, of the scan for the resting state alone
_BALANCED = 1e-9  # the largest dV/dt of an equilibrium, as a share of what flows in and out
_AT_ONCE = 4096  # cells times voltages
_FEW = 4  # cells whose curves are remembered


def resting_states(cells: Cells, i_app: float | np.ndarray = 0.0) -> np.ndarray:
    """(n_states, n): the equilibrium of lowest V at which the steady current turns outward; NaN where none is found.

    The steady dV/dt, with gates and pools at equilibrium, is scanned from -120 to 60 mV and its first zero from
    above bisected to rounding. Such a state need not be stable: a pacemaker has one, too.
    """
    slope = np.concatenate([slope for slope, _ in _on_grid(cells, _COARSE, i_app)])
    with np.errstate(invalid="ignore"):
        turns = (slope[:-1] > 0) & (slope[1:] <= 0)
    first = turns.argmax(axis=0)
    found = turns.any(axis=0)
    cell = np.arange(cells.n)
    nearby = np.abs(slope[first, cell]) + np.abs(slope[first + 1, cell])
    low, high = np.where(found, _COARSE[first], np.nan), np.where(found, _COARSE[first + 1], np.nan)
    # 1 mV / 2**50 is below the spacing of float64 at -65 mV.
    branch = Branch(cells)
    branch.slope(low, i_app)
    V = _bisected(lambda V: branch.slope(V, i_app)[0] > 0, low, high, halvings=50)
    slope, X = branch.slope(V, i_app)
    A, B = cells.rates(X, i_app)
    with np.errstate(invalid="ignore"):
        balanced = np.abs(slope) <= _BALANCED * (np.abs(A[0]) + np.abs(B[0] * V) + nearby)
        X[:, ~balanced] = np.nan  # a jump is no equilibrium
    return X


# --- the curve of equilibria ----------------------------------------------------------------------------------------
def equilibrium(cells: Cells, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n_states, n)): the current at which each cell has an equilibrium at V (n,), and its states there."""
    slope, X = steady_slope(cells, V, 0.0)
    return -cells.values("C_m") * slope, X


def equilibrium_currents(cells: Cells) -> np.ndarray:
    """(n_voltages, n): the current of the equilibrium at every one of `VOLTAGES`."""
    if cells.n <= _FEW:
        return equilibria_on_grid(cells)[0]
    return np.asarray(-cells.values("C_m") * np.concatenate([slope for slope, _ in _on_grid(cells, VOLTAGES, 0.0)]))


def equilibria_on_grid(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """((n_voltages, n), (n_states, n_voltages, n)): the current and the states of the equilibrium at every one of
    `VOLTAGES`.

    Those of a few cells are remembered: analyses of a cell, and of it at other currents, look at the same curve.
    """
    if cells.n <= _FEW:
        return _curve_of_few(cells.model, cells.n, cells.p0.tobytes(), cells.col.tobytes(), cells.P.tobytes())
    return _curve(cells)


@lru_cache(maxsize=8)
def _curve_of_few(model: Model, n: int, p0: bytes, col: bytes, P: bytes) -> tuple[np.ndarray, np.ndarray]:
    values = np.frombuffer(P).reshape(-1, n)
    found = _curve(Cells(model, n, np.frombuffer(p0), np.frombuffer(col, np.int64), values))
    for array in found:
        array.flags.writeable = False
    return found


def _curve(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    slopes, states = zip(*_on_grid(cells, VOLTAGES, 0.0), strict=True)
    return np.asarray(-cells.values("C_m") * np.concatenate(slopes)), np.concatenate(states, axis=1)


def sign_changes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, low, high): the intervals of `VOLTAGES` in which values (n_voltages, n) change sign, cell after cell.

    Changes to or from NaN do not count.
    """
    with np.errstate(invalid="ignore"):
        changes = ((values[:-1] < 0) != (values[1:] < 0)) & np.isfinite(values[:-1] + values[1:])
    cell, place = np.nonzero(changes.T)
    return cell, VOLTAGES[place], VOLTAGES[place + 1]


def roots(
    cells: Cells, f: Callable[[np.ndarray, np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((k,) mV, (n_states, k), (k,) bool): roots of f(current, X) between low and high, at which its signs differ; the
    states there; and whether it is a true one.

    The equilibria are followed from low. A root is false if the one followed from high differs there: f jumps, as the
    other states have several equilibria with V.
    """
    if not len(low):
        return low, np.empty((len(cells.model.states), 0)), np.zeros(0, bool)
    C_m = cells.values("C_m")
    branch, other = Branch(cells), Branch(cells)

    def value(V: np.ndarray) -> np.ndarray:
        slope, X = branch.slope(V)
        return f(-C_m * slope, X)

    negative = value(low) < 0
    V = _bisected(lambda V: (value(V) < 0) == negative, low, high, halvings=54)
    other.slope(high)
    here, there = branch.slope(V)[1], other.slope(V)[1]
    with np.errstate(invalid="ignore"):
        same = np.abs(here - there) <= 1e-6 * np.maximum(np.abs(here), np.abs(there)) + 1e-12
    return V, here, same.all(axis=0)


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
def steady_slope(
    cells: Cells, V: np.ndarray, i_app: float | np.ndarray, near: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n_states, n)): dV/dt, mV/ms, with the other states at equilibrium at V; and all states there.

    Both are NaN where no equilibrium is found. Of several, it is the one that states held at V come to from where the
    model starts, as far as long steps follow them (or, where pools grow without end that can be 0, that without
    them); or else the one close to the states `near` (n_states, n).
    """
    if near is None:
        X = starting_states(cells, {s.name: V for s in cells.model.rows if s.name == s.potential})
    else:
        X = near.copy()
        X[0] = V
    set_steady(
        cells, X, list(range(1, len(X))), rest_or_vanish if near is None else partial(rest_or_vanish, close=True)
    )
    A, B = cells.rates(X, i_app)
    with np.errstate(invalid="ignore"):  # where a state is infinite
        return np.where(np.isfinite(X).all(axis=0), A[0] - B[0] * V, np.nan), X


class Branch:
    """The equilibria of cells, followed from V to V: each is looked for close to the one before."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self._near: np.ndarray | None = None

    def slope(self, V: np.ndarray, i_app: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """As `steady_slope`."""
        slope, X = steady_slope(self.cells, V, i_app, self._near)
        self._near = X if self._near is None else np.where(np.isfinite(X).all(axis=0), X, self._near)
        return slope, X


def _on_grid(cells: Cells, voltages: np.ndarray, i_app: float | np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """((k, n), (n_states, k, n)): the steady dV/dt of every cell, and its states, at the next k of the voltages."""
    current = np.broadcast_to(np.asarray(i_app, np.float64), cells.n)
    at_once = max(1, _AT_ONCE // cells.n)
    for first in range(0, len(voltages), at_once):
        V = voltages[first : first + at_once]
        rows = np.tile(np.arange(cells.n), len(V))
        slope, X = steady_slope(cells.at(rows), np.repeat(V, cells.n), current[rows])
        yield slope.reshape(len(V), cells.n), X.reshape(len(X), len(V), cells.n)
