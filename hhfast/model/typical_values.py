"""Typical values of all that formulas name: where a model is looked at before it is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.model.formulas import evaluate, names

if TYPE_CHECKING:
    from hhfast.model.model import Model


def typical_values(model: Model) -> dict[str, Any]:
    """A value for every name: parameters and pools at the start, V at V_init, gates half open, currents of 1."""
    values: dict[str, Any] = {name: p.value for name, p in model.parameters.items()}
    potentials = {s.potential: model.V_init if s.V_init is None else s.V_init for s in model.sections}
    values |= potentials
    for s in model.rows:
        if s.group == "gates":
            values[s.name] = 0.5
        elif s.name not in potentials:
            values[s.name] = initial_value(model, s.initial, s.potential, values)
    values |= {g.name: 0.5 for c in model.every_channel for g in c.gates}
    values |= {c.scheme.eliminated: 0.5 for c in model.every_channel if c.scheme}
    values |= {f"i_{c.name}": 1.0 for c in model.every_channel}
    return values


def initial_value(model: Model, initial: float | str, potential: str, values: Mapping[str, Any]) -> Any:
    """The number that a pool starts from, or 1 for one that starts steady."""
    if not isinstance(initial, str):
        return initial
    if initial == "steady":
        return 1.0
    section = next(s for s in model.sections if s.potential == potential)
    text = model.written_out(initial, section)
    return evaluate(text, values) if names(text) <= values.keys() else np.nan  # which is refused as such
