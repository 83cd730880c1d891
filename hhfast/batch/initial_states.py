"""The states from which the cells of a batch start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.resting_state import resting_states, set_steady
from hhfast.errors import InputError, unknown
from hhfast.inputs import per_cell


def initial_states(cells: Cells, initial: str | Mapping[str, Any]) -> np.ndarray:
    """(n_states, n): where the cells start; see `simulate` for what `initial` may be.

    Raises `InputError` for the name of no state.
    """
    if isinstance(initial, str):
        if initial == "rest":
            return resting_states(cells)
        if initial != "model":
            raise InputError(f"initial = '{initial}'; give 'model', 'rest' or a mapping of states")
        initial = {}
    model = cells.model
    for name in initial:
        if name not in model.states:
            raise unknown("state", name, model.states, f"initial of model {model.name}")
    fixed: dict[str, Any] = {g.name: g.initial for g in model.gates if g.initial is not None}
    fixed |= {p.name: p.initial for p in model.pools} | {"V": model.V_init}
    fixed |= {name: per_cell(name, value) for name, value in initial.items()}
    X = np.empty((len(model.states), cells.n))
    for k, name in enumerate(model.states):
        X[k] = fixed.get(name, 0.0)
    set_steady(cells, X, [k for k, name in enumerate(model.states) if name not in fixed])
    return X
