"""Cells: the parameters of a batch, checked and laid out for the kernels, and the states the cells start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.inputs import per_cell
from hhfast.kernel.jit.cache import compiled_rates
from hhfast.model import Model
from hhfast.model.dependencies import steady_levels
from hhfast.model.validation import initial_value
from hhfast.parts.stimuli import Stimulus

_PIECE = 4096  # cells


@dataclass(frozen=True)
class Cells:
    """n cells of a model.

    p0 : one value for all cells of each parameter (model's, then stimulus's). col : for each parameter its row in
    P, or -1 where p0 holds. P : (n_varied, n) the values that differ between cells. points : arrays of the stimulus.
    """

    model: Model
    n: int
    p0: np.ndarray
    col: np.ndarray
    P: np.ndarray
    points: tuple[np.ndarray, ...] = ()

    @classmethod
    def of(
        cls, model: Model, params: Mapping[str, Any], stimulus: Stimulus | None = None,
        initial: str | Mapping[str, Any] = "model",
    ) -> Cells:
        """Check and lay out; arrays in params, stimulus and initial must have one length.

        Raises `InputError` for unknown names, NaN, arrays that do not fit, a capacitance that is not positive.
        """
        for name in params:
            if name not in model.parameters:
                raise unknown("parameter", name, model.parameters, f"model {model.name}")
        values = [(name, per_cell(name, params.get(name, p.value))) for name, p in model.parameters.items()]
        for kind, given in stimulus.parts if stimulus is not None else ():
            values += [(f"stimulus.{kind.name}.{name}", given[name]) for name in kind.parameters]
        states = [(n, per_cell(n, v)) for n, v in initial.items()] if not isinstance(initial, str) else []
        n = _common_length([*values, *states])
        # A number is never NaN where it is given; of the parameters left, one is the number of the cell.
        values = [(name, v if np.ndim(v) or not np.isnan(v) else np.arange(n)) for name, v in values]
        p0 = np.array([np.nan if np.ndim(v) else v for _, v in values], np.float64)
        arrays = [v for _, v in values if np.ndim(v)]
        col = np.full(len(values), -1, np.int64)
        col[[k for k, (_, v) in enumerate(values) if np.ndim(v)]] = np.arange(len(arrays))
        P = np.array(arrays, np.float64).reshape(len(arrays), n)
        _check_capacitance(list(model.parameters).index("C_m"), p0, col, P)
        return cls(model, n, p0, col, P, stimulus.arrays if stimulus is not None else ())

    def at(self, rows: np.ndarray) -> Cells:
        """Some of the cells, by number."""
        return Cells(self.model, len(rows), self.p0, self.col, np.take(self.P, rows, axis=1), self.points)

    def rates(self, X: np.ndarray, i_app: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """(A, B), each (n_states, n): the coefficients of x' = a - b x at the states X (n_states, n)."""
        X = np.ascontiguousarray(X)
        A, B = np.empty_like(X), np.empty_like(X)
        current = np.full(self.n, i_app, np.float64)
        compiled_rates(self.model)(0, self.n, self.p0, self.col, self.P, X, current, A, B)
        return A, B


def _common_length(values: Iterable[tuple[str, Any]]) -> int:
    lengths = [(name, len(v)) for name, v in values if np.ndim(v)]
    if len({n for _, n in lengths}) > 1:
        listed = ", ".join(f"{name}: {n}" for name, n in lengths)
        raise InputError(f"arrays of different lengths, but each has one value per cell ({listed})")
    name, n = lengths[0] if lengths else ("", 1)
    if n == 0:
        raise InputError(f"{name} is empty: there is no cell to simulate")
    return n


def _check_capacitance(k: int, p0: np.ndarray, col: np.ndarray, P: np.ndarray) -> None:
    """A single C_m <= 0 is refused; among many cells it becomes NaN, so that its own row alone is flagged."""
    if col[k] < 0:
        if p0[k] <= 0:
            raise InputError(f"C_m = {p0[k]:g}: the capacitance must be positive")
    else:
        P[col[k]][~(P[col[k]] > 0)] = np.nan


def initial_states(cells: Cells, initial: str | Mapping[str, Any]) -> np.ndarray:
    """(n_states, n): where the cells start; see `simulate` for what `initial` may be."""
    if isinstance(initial, str):
        if initial == "rest":
            return rest(cells)
        if initial != "model":
            raise InputError(f"initial = '{initial}'; give 'model', 'rest' or a mapping of states")
        initial = {}
    model = cells.model
    for name in initial:
        if name not in model.states:
            raise unknown("state", name, model.states, f"initial of model {model.name}")
    given = {name: per_cell(name, value) for name, value in initial.items()}
    X = np.empty((len(model.states), cells.n))
    values: dict[str, Any] = {}  # of parameters and potentials, where an initial value is a formula of them
    if any(isinstance(s.initial, str) and s.initial != "steady" for s in model.rows):
        values = {name: cells.P[c] if c >= 0 else v
                  for name, c, v in zip(model.parameters, cells.col, cells.p0, strict=False)}
        values |= {s.name: given.get(s.name, s.initial) for s in model.rows if s.name == s.potential}
    steady = []
    for k, s in enumerate(model.rows):
        if s.name not in given and s.initial == "steady":
            X[k] = 0.0 if s.group == "gates" else 1.0
            steady.append(k)
        elif s.name in given:
            X[k] = given[s.name]
        else:
            X[k] = initial_value(model, s.initial, s.potential, values)
    _relax(cells, X, steady)
    return X


def _relax(cells: Cells, X: np.ndarray, rows: list[int]) -> None:
    """Put states at their steady values, the others held; in pieces, since large arrays must be got from the system."""
    if not rows:
        return
    levels = steady_levels(cells.model, tuple(cells.model.states[k] for k in rows))
    number = {name: k for k, name in enumerate(cells.model.states)}
    for first in range(0, cells.n, _PIECE):
        some = slice(first, first + _PIECE)
        piece = cells.at(np.arange(*some.indices(cells.n)))
        for names, coupled in levels:
            where = [number[name] for name in names]
            if coupled:
                _solve_steady(piece, X[:, some], where)
            else:
                A, B = piece.rates(X[:, some])
                for k in where:
                    np.divide(A[k], B[k], out=X[k, some])


def _solve_steady(cells: Cells, X: np.ndarray, rows: list[int]) -> None:
    """Newton's method on a = b x for rows that depend on each other, as the states of a scheme (where it is exact)."""
    for _ in range(20):
        slope = _slopes(cells, X, rows)
        J = np.empty((cells.n, len(rows), len(rows)))
        for j, k in enumerate(rows):
            step = 1e-6 * np.where(X[k] == 0, 1.0, np.abs(X[k]))
            moved = X.copy()
            with np.errstate(all="ignore"):
                moved[k] += step
                J[:, :, j] = ((_slopes(cells, moved, rows) - slope) / step).T
        good = np.isfinite(J).all(axis=(1, 2)) & np.isfinite(slope).all(axis=0)
        with np.errstate(all="ignore"):
            good[good] = np.linalg.det(J[good]) != 0
        change = np.full((len(rows), cells.n), np.nan)
        if good.any():
            change[:, good] = np.linalg.solve(J[good], -slope.T[good, :, None])[..., 0].T
        X[rows] += change
        with np.errstate(invalid="ignore"):
            if not (np.abs(change) > 1e-13 * np.maximum(np.abs(X[rows]), 1e-3)).any():
                return


def _slopes(cells: Cells, X: np.ndarray, rows: list[int]) -> np.ndarray:
    with np.errstate(all="ignore"):
        A, B = cells.rates(X)
        return A[rows] - B[rows] * X[rows]


# --- the resting state ----------------------------------------------------------------------------------------------
_SCAN = np.arange(-120.0, 60.5, 1.0)  # mV


def rest(cells: Cells, i_app: float | np.ndarray = 0.0) -> np.ndarray:
    """(n_states, n): the equilibrium of lowest V at which the steady current turns outward; NaN where none is found.

    The steady dV/dt, with gates and pools at equilibrium, is scanned from -120 to 60 mV and its first zero from
    above bisected to rounding. Such a state need not be stable: a pacemaker has one, too.
    """
    X = np.zeros((len(cells.model.states), cells.n))
    lo, hi = np.full(cells.n, np.nan), np.full(cells.n, np.nan)
    before = np.full(cells.n, np.nan)
    for V in _SCAN:
        now = steady_slope(cells, X, np.full(cells.n, V), i_app)
        found = np.isnan(lo) & (before > 0) & (now <= 0)
        lo[found], hi[found] = V - 1.0, V
        before = now
    for _ in range(50):  # 1 mV / 2**50 is below the spacing of float64 at -65
        middle = 0.5 * (lo + hi)
        inward = steady_slope(cells, X, middle, i_app) > 0
        lo, hi = np.where(inward, middle, lo), np.where(inward, hi, middle)
    steady_slope(cells, X, 0.5 * (lo + hi), i_app)
    return X


def steady_slope(cells: Cells, X: np.ndarray, V: np.ndarray, i_app: float | np.ndarray) -> np.ndarray:
    """dV/dt with the other states at equilibrium at V; leaves that equilibrium in X."""
    model = cells.model
    X[0] = V
    gates = list(range(1, 1 + len(model.gates)))
    pools = list(range(1 + len(model.gates), len(model.states)))
    for _ in range(3 if len(pools) > 1 else 1):  # pools that depend on each other are solved in turn ...
        for k in pools:
            _balance_pool(cells, X, k, gates)
    _relax(cells, X, gates)
    if len(pools) > 1:  # ... and then together
        together = X.copy()
        _solve_steady(cells, together, [*gates, *pools])
        better = np.isfinite(together).all(axis=0)
        X[:, better] = together[:, better]
    A, B = cells.rates(X, i_app)
    return A[0] - B[0] * V


def _balance_pool(cells: Cells, X: np.ndarray, k: int, gates: list[int]) -> None:
    """Bisect a pool for inflow = outflow with the gates at equilibrium: on a logarithmic scale, or potentials in mV."""
    potential = cells.model.rows[k].name == cells.model.rows[k].potential
    lo, hi = np.full(cells.n, -200.0 if potential else -30.0), np.full(cells.n, 200.0 if potential else 30.0)
    for _ in range(54):
        middle = 0.5 * (lo + hi)
        X[k] = middle if potential else np.exp(middle)
        _relax(cells, X, gates)
        A, B = cells.rates(X)
        rising = A[k] > B[k] * X[k]
        middle = middle if potential else np.log(X[k])
        lo, hi = np.where(rising, middle, lo), np.where(rising, hi, middle)
