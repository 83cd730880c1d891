"""The scale that suits the values of a parameter, for pictures and pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hhfast.sweep.store import ResultFile

_BY_RATIO = ("loguniform", "logspace")


def is_logarithmic(result: ResultFile, parameter: str, values: np.ndarray) -> bool:
    """Whether the logarithm of a parameter is to be shown: its sweep drew it so, or its values spread far enough."""
    return _drawn_by_ratio(result, parameter) or _spans_magnitudes(values)


def _drawn_by_ratio(result: ResultFile, parameter: str) -> bool:
    space = json.loads(result.attributes["hhfast_spec"])["space"]
    entries: dict[str, Any] = {}
    for name, entry in [*space.get("parameters", []), *space.get("axes", [])]:
        entries |= entry.get("zip", {name: entry})
    return any(kind in _BY_RATIO for kind in entries.get(parameter, {}))


def _spans_magnitudes(values: np.ndarray) -> bool:
    """Whether positive values spread over so many magnitudes that most of them are near the lower end."""
    return bool(values.min() > 0 and values.max() > 50 * values.min() and np.median(values) < 0.2 * values.max())


def is_geometric(values: np.ndarray) -> bool:
    """Whether positive values are spaced by a constant ratio (and not by a constant difference)."""
    values = np.sort(values)
    if len(values) < 3 or (values <= 0).any():
        return False
    steps = np.diff(np.log(values))
    return bool(np.allclose(steps, steps[0], rtol=1e-6) and not np.allclose(np.diff(values), values[1] - values[0]))
