"""The states from which the cells of a batch start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.resting_state import resting_states
from hhfast.batch.steady_states import set_steady
from hhfast.errors import InputError, unknown
from hhfast.inputs import per_cell
from hhfast.model.validation import initial_value

Initial = str | Mapping[str, Any]
_DEPOLARISED = 0.0  # mV


def initial_states(cells: Cells, initial: Initial | Sequence[Initial], holding: Any = np.nan) -> np.ndarray:
    """(n_states, n): where the cells start; see `simulate` for what `initial` may be.

    holding : mV, number or (n,): with "model", V starts here instead of at V_init, where it is not NaN.

    Raises `InputError` for the name of no state.
    """
    if not isinstance(initial, str | Mapping):
        return _states_of_each(cells, initial, holding)
    if initial == "depolarised":
        initial = {"V": _DEPOLARISED}
    if isinstance(initial, str):
        if initial == "rest":
            return resting_states(cells)
        if initial != "model":
            raise InputError(f"initial = '{initial}'; give 'model', 'rest', 'depolarised' or a mapping of states")
        held = np.isfinite(holding)
        initial = {"V": np.where(held, holding, cells.model.V_init)[()]} if np.any(held) else {}
    model = cells.model
    for name in initial:
        if name not in model.states:
            raise unknown("state", name, model.states, f"initial of model {model.name}")
    given = {name: per_cell(name, value) for name, value in initial.items()}
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


def _states_of_each(cells: Cells, initial: Sequence[Initial], holding: Any) -> np.ndarray:
    """The states of cells that start each in its own way; those that start alike are found together."""
    different: list[Initial] = []
    of_cell = np.empty(cells.n, np.int64)
    for k, one in enumerate(initial):
        if one not in different:
            different.append(one)
        of_cell[k] = different.index(one)
    X = np.empty((len(cells.model.states), cells.n))
    for k, one in enumerate(different):
        rows = np.flatnonzero(of_cell == k)
        held = np.asarray(holding)[rows] if np.ndim(holding) else holding
        X[:, rows] = initial_states(cells.at(rows), one, held)
    return X
