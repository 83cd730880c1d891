"""The states from which a model itself starts: its numbers and formulas, or steady values at its first potential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.steady_states import set_steady
from hhfast.kernel.optimise.held_range import CENTRE, RANGE
from hhfast.model.model import Model
from hhfast.model.typical_values import initial_value


def starting_states(cells: Cells, given: Mapping[str, Any]) -> np.ndarray:
    """(n_states, n): where the model starts, but for the states given (name -> number or (n,))."""
    model = cells.model
    values: dict[str, Any] = {}  # of parameters and potentials, where an initial value is a formula of them
    if any(isinstance(s.initial, str) and s.initial != "steady" for s in model.rows):
        values = {name: cells.values(name) for name in model.parameters}
        values |= {s.name: given.get(s.name, s.initial) for s in model.rows if s.name == s.potential}
    X = np.empty((len(model.states), cells.n))
    steady = []
    for k, s in enumerate(model.rows):
        if s.name in given:
            X[k] = given[s.name]
        elif s.initial == "steady":
            X[k] = 0.0 if s.group == "gates" else 1.0
            steady.append(k)
        else:
            X[k] = initial_value(model, s.initial, s.potential, values)
    set_steady(cells, X, steady)
    _set_far_ones(cells, X, steady)
    return X


def _set_far_ones(cells: Cells, X: np.ndarray, steady: list[int]) -> None:
    """Set these states of cells whose potentials are out of the range of compiled rates, by the plain equations."""
    potentials = [k for k, s in enumerate(cells.model.rows) if s.name == s.potential]
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero((np.abs(X[potentials] - CENTRE) > min(RANGE.values())).any(axis=0))
    if len(far) and steady:
        exact = X[:, far]
        set_steady(_PlainCells(cells.at(far)), exact, steady)
        X[:, far] = np.where(np.isfinite(exact), exact, X[:, far])


@dataclass(frozen=True)
class _PlainCells:
    """Cells whose rates are those of the plain equations: of each state, its slopes at 0 and 1, the others held."""

    cells: Cells

    @property
    def model(self) -> Model:
        return self.cells.model

    @property
    def n(self) -> int:
        return self.cells.n

    def at(self, rows: np.ndarray) -> _PlainCells:
        return _PlainCells(self.cells.at(rows))

    def rates(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ends = []
        for value in (0.0, 1.0):
            moved = np.repeat(X[:, None], len(X), axis=1)  # state, which of them is moved, cell
            moved[range(len(X)), range(len(X))] = value
            slopes = self.model.derivatives(moved, self.cells.of_all)
            ends.append(slopes[range(len(X)), range(len(X))])
        return ends[0], ends[0] - ends[1]
