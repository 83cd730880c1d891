"""Limits of states: between what values the gates, occupancies and concentrations of a model can be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hhfast.model.oracle import gate_curves

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hhfast.model.model import Model

_V = np.arange(-120.0, 60.1, 5.0)  # mV
_MARGIN = 0.05  # of a gate, or of the initial concentration: no error of a run that is any good


@lru_cache(maxsize=256)
def state_limits(model: Model) -> Mapping[str, tuple[float, float | None]]:
    """State -> (lowest, highest or None) value, with a margin; states that may have any value are left out.

    A gate is limited if its steady state is from 0 to 1, at the model's own parameters; a pool, if its unit is one of
    concentration.
    """
    curves = gate_curves(model, _V, {})
    limits: dict[str, tuple[float, float | None]] = {}
    for state in sorted(model.rows, key=lambda s: s.group, reverse=True):  # pools first: they spoil gates
        if state.group == "gates":
            steady = curves[state.name][0] if state.name in curves else np.zeros(1)
            if np.nanmin(steady) > -1e-6 and np.nanmax(steady) < 1 + 1e-6:
                limits[state.name] = (-_MARGIN, 1.0 + _MARGIN)
        elif state.unit.endswith("M") and isinstance(state.initial, (int, float)):
            limits[state.name] = (-_MARGIN * abs(state.initial), None)
    return limits
