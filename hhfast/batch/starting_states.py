"""The states from which a model itself starts: its numbers and formulas, or steady values at its first potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.steady_states import set_steady
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
    return X
