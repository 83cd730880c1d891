"""The parameters of a run with sensitivities, and the derivatives of the states from which its cells start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.errors import InputError, shown
from hhfast.model import Model
from hhfast.parts.sensitivity import check_names, initial_state, of_stimulus
from hhfast.parts.stimuli import CURRENT
from hhfast.parts.stimulus import StimulusKind

_STEP = 1e-5  # relative; central differences then err by about 1e-10, and rounding by 1e-11


def sensitivity_units_of(
    model: Model, sensitivity: Sequence[str], kinds: Sequence[StimulusKind] = ()
) -> dict[str, str]:
    """Name -> unit of what is differentiated by: parameters of the model and of its stimuli, initial values of states.

    Raises `InputError` for what is no list of different ones.
    """
    if (
        isinstance(sensitivity, str)
        or not isinstance(sensitivity, Sequence)
        or not all(isinstance(name, str) for name in sensitivity)
    ):
        raise InputError(f"sensitivity: is {shown(sensitivity)}; give a list of names of parameters, as ['g_Na']")
    check_names(sensitivity, [*model.parameters], model.states, kinds, f"sensitivity of model {model.name}")
    for name in sensitivity:
        if name in model.counts:
            raise InputError(
                f"sensitivity: '{name}' matters to channel noise alone, which has no derivatives; leave it out"
            )
    if len(set(sensitivity)) < len(sensitivity):
        raise InputError("sensitivity: names a parameter twice; give each once")
    return {name: _unit(model, name, kinds) for name in sensitivity}


def _unit(model: Model, name: str, kinds: Sequence[StimulusKind]) -> str:
    if name in model.parameters:
        return model.parameters[name].unit
    if (state := initial_state(name, model.states)) is not None:
        return {s.name: s.unit for s in model.rows}[state]
    parameter = of_stimulus(name, kinds)
    assert parameter is not None
    unit = kinds[parameter.stimulus].units[parameter.name]
    return model.variables["i_app"] if unit == CURRENT else unit


def with_sensitivities(
    cells: Cells, X: np.ndarray, initial: str | Mapping[str, Any], holding: Any, parameters: Sequence[str]
) -> np.ndarray:
    """The states X (n_states, n) and below them their derivatives by each parameter in turn.

    Gates that start at their steady values, and rest, depend on parameters; V at V_init does not. By an initial value,
    the other states stay where they are.
    """
    blocks = [X]
    states = cells.model.states
    for name in parameters:
        if name not in cells.model.parameters:  # an initial value is its own; a stimulus begins later
            block = np.zeros_like(X)
            if (state := initial_state(name, states)) is not None:
                block[states.index(state)] = 1.0
            blocks.append(block)
            continue
        size = _STEP * np.maximum(np.abs(cells.values(name)), 1e-3)
        ends = [initial_states(cells.changed(name, sign * size), initial, holding) for sign in (1.0, -1.0)]
        blocks.append((ends[0] - ends[1]) / (2.0 * size))
    return np.concatenate(blocks)
