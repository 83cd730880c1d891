"""Where the states of a model start, as numbers."""

from __future__ import annotations

import numpy as np

from hhfast.errors import InputError
from hhfast.model.model import Model
from hhfast.model.typical_values import typical_values

_MAX_STEPS, _TOLERANCE = 50, 1e-12


def initial_states(model: Model) -> dict[str, float]:
    """By name, at the model's own parameters; those that start steady by Newton's method, V being held."""
    values = typical_values(model)
    start = {s.name: float(values[s.name]) for s in model.rows}
    steady = []
    for s in model.rows:
        if s.initial == "steady":
            steady.append(s.name)
        elif s.group == "gates" and not isinstance(s.initial, str):
            start[s.name] = float(s.initial)
        elif s.group == "gates":
            from hhfast.model.formulas import evaluate

            section = next(c for c in model.sections if c.potential == s.potential)
            start[s.name] = float(evaluate(model.written_out(str(s.initial), section), values))
    if not steady:
        return start
    x = np.array([start[name] for name in steady])
    for _ in range(_MAX_STEPS):
        step = _newton_step(model, start, steady, x)
        x = x - step
        if np.all(np.abs(step) <= _TOLERANCE * np.maximum(np.abs(x), 1e-3)):
            break
    else:
        raise InputError(f"{model.name}: no steady state is found for the states that start there")
    return start | dict(zip(steady, map(float, x), strict=True))


def _newton_step(model: Model, start: dict[str, float], names: list[str], x: np.ndarray) -> np.ndarray:
    """Slopes by their Jacobian, which is taken by differences: exact for gates and schemes, whose slopes are linear."""
    h = 1e-6 * np.maximum(np.abs(x), 1e-3)
    columns = np.concatenate([x[:, None], x[:, None] + np.diag(h), x[:, None] - np.diag(h)], axis=1)
    state = {name: np.full(columns.shape[1], value) for name, value in start.items()}
    state |= dict(zip(names, columns, strict=True))
    slopes = model.derivatives(state)
    f = np.array([np.broadcast_to(slopes[name], columns.shape[1]) for name in names])
    n = len(names)
    return np.linalg.solve((f[:, 1 : n + 1] - f[:, n + 1 :]) / (2 * h), f[:, 0])
