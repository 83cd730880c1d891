"""The states from which the cells of a batch start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.resting_state import resting_states
from hhfast.batch.starting_states import starting_states
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import per_cell

Initial = str | Mapping[str, Any]
_DEPOLARISED = 0.0  # mV


def initial_states(cells: Cells, initial: Initial | Sequence[Initial], holding: Any = np.nan) -> np.ndarray:
    """(n_states, n): where the cells start; see `simulate` for what `initial` may be.

    holding : mV, number or (n,): with "model", V starts here instead of at V_init, where it is not NaN.

    Raises `InputError` for the name of no state.
    """
    if not isinstance(initial, str | Mapping):
        for one in initial:
            if not isinstance(one, str | Mapping):
                raise InputError(
                    f"initial: {shown(one)} is among its entries; each is 'model', 'rest' ... or a mapping"
                )
            for name, value in one.items() if isinstance(one, Mapping) else ():
                if np.ndim(value) > 0 and np.size(value) != 1:
                    raise InputError(f"initial: {name} of one cell is {shown(value)}; give a number")
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
    return starting_states(cells, given)


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
