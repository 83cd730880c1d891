"""The derivatives of the states from which cells start with respect to parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states

_STEP = 1e-5  # relative; central differences then err by about 1e-10, and rounding by 1e-11


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
