"""The degree of phi: which of its polynomials the exponential steps of a kernel take, from the model's own rates.

A step evaluates phi(b dt). How large b gets is found from the formulas at the model's own parameters, never from a
batch: a row must have the same bits in any batch. It is a matter of speed alone: where b dt is beyond
the range of the polynomial, `phi_far` is taken (see `build.phi_fallback`).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from hhfast.kernel.math.phi import RANGES
from hhfast.model.decay_rates import decay_rates
from hhfast.model.elements import Channel
from hhfast.model.formulas import evaluate
from hhfast.model.model import Model
from hhfast.model.typical_values import typical_values
from hhfast.parts.grammar import names_used
from hhfast.parts.integrators import Integrator

_V = np.arange(-100.0, 60.0, 1.0) + 0.123  # mV; off the poles, at which formulas are 0/0
_STEPS = (0.01, 0.025, 0.1)  # ms; steps are told apart by these only, as each kernel must be compiled


def degrees_of_phi(model: Model, integrator: Integrator, dt: float) -> tuple[int, ...]:
    """For each state the number of the polynomial, for steps of up to `dt` (ms); none, if no update is exponential."""
    if not any("phi" in names_used(stage.text) for stage in integrator.stages):
        return ()
    return _degrees(model, next((step for step in _STEPS if dt <= step), np.inf))


@lru_cache(maxsize=256)
def _degrees(model: Model, longest: float) -> tuple[int, ...]:
    rates = _largest_rates(model)
    return tuple(min(int(np.searchsorted(RANGES, rates[x] * longest)), len(RANGES) - 1) for x in model.states)


def _largest_rates(model: Model) -> dict[str, float]:
    """State -> about the largest b (1/ms) of x' = a - b x that a run meets, at the model's own parameters."""
    values = typical_values(model) | {s.potential: _V for s in model.sections} | {"i_app": 0.0}
    values |= {f"i_{channel.name}": 0.0 for channel in model.every_channel}
    return {x: _largest(rate) for x, rate in decay_rates(model, values, partial(_conductance, values=values)).items()}


def _conductance(channel: Channel, current: str | None, values: dict[str, Any]) -> Any:
    """Half of what it is with all gates open: more than is open of all channels at once in a spike."""
    if current is None:
        return values[f"g_{channel.name}"] / 2
    return np.gradient(evaluate(current, values) + 0.0 * _V, _V)


def _largest(rate: Any) -> float:
    rate = np.abs(np.atleast_1d(rate))
    return float(np.max(rate, initial=0.0, where=np.isfinite(rate)))
