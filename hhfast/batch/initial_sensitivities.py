"""The parameters of a run with sensitivities, and the derivatives of the states from which its cells start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.errors import InputError, unknown
from hhfast.model import Model
from hhfast.model.names import is_count

_STEP = 1e-5  # relative; central differences then err by about 1e-10, and rounding by 1e-11


def sensitivity_units_of(model: Model, sensitivity: Sequence[str]) -> dict[str, str]:
    """Name -> unit of the parameters to differentiate by.

    Raises `InputError` for what is no list of different parameters of the model.
    """
    if isinstance(sensitivity, str):
        raise InputError(f"sensitivity: is '{sensitivity}'; give a list of parameters, as ['g_Na']")
    for name in sensitivity:
        if name not in model.parameters:
            raise unknown("parameter", str(name), model.parameters, f"sensitivity of model {model.name}")
        if is_count(name):
            raise InputError(
                f"sensitivity: '{name}' matters to channel noise alone, which has no derivatives; leave it out"
            )
    if len(set(sensitivity)) < len(sensitivity):
        raise InputError("sensitivity: names a parameter twice; give each once")
    return {name: model.parameters[name].unit for name in sensitivity}


def with_sensitivities(
    cells: Cells, X: np.ndarray, initial: str | Mapping[str, Any], holding: Any, parameters: Sequence[str]
) -> np.ndarray:
    """The states X (n_states, n) and below them their derivatives by each parameter in turn.

    Gates that start at their steady values, and rest, depend on parameters; V at V_init does not.
    """
    blocks = [X]
    for name in parameters:
        size = _STEP * np.maximum(np.abs(cells.values(name)), 1e-3)
        ends = [initial_states(cells.changed(name, sign * size), initial, holding) for sign in (1.0, -1.0)]
        blocks.append((ends[0] - ends[1]) / (2.0 * size))
    return np.concatenate(blocks)
