"""How fast each state of a model decays by itself, from its formulas: b of x' = a - b x."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hhfast.model.compartment import Compartment
from hhfast.model.elements import Channel
from hhfast.model.formulas import evaluate

if TYPE_CHECKING:
    from hhfast.model.model import Model


def decay_rates(
    model: Model, values: Mapping[str, Any], conductance: Callable[[Channel, str | None], Any]
) -> dict[str, Any]:
    """b of x' = a - b x for every state, at the values of all names (currents included).

    `conductance` gives that of a channel, from it and its `current` (written out), if it has one.
    """
    rates: dict[str, Any] = {}
    for section in model.sections:

        def value(text: str, section: Compartment = section) -> Any:
            return evaluate(model.written_out(text, section), values)

        total: Any = 0
        for channel in section.channels:
            current = None if channel.current is None else model.written_out(channel.current, section)
            total = total + conductance(channel, current)
            rates |= _rates_of_channel(channel, value)
        for other in model.compartments:
            if other.coupling is not None and section.name in (other.name, other.coupling.to):
                total = total + value(other.coupling.g, other)
        rates[section.potential] = total / values[section.capacitance]
        rates |= {pool.name: value(pool.b) for pool in section.pools}
    return {name: rates[name] for name in model.states}


def _rates_of_channel(channel: Channel, value: Callable[[str], Any]) -> dict[str, Any]:
    """b of the gates and the states of the scheme of a channel; `value` evaluates a formula."""
    rates: dict[str, Any] = {}
    for gate in channel.gates:
        scale = value(gate.rate_scale or channel.rate_scale)
        if gate.tau is not None:
            rates[gate.name] = scale / value(gate.tau)
        elif not gate.instantaneous:
            rates[gate.name] = scale * (value(gate.alpha or "") + value(gate.beta or ""))
    for reaction in channel.scheme.reactions if channel.scheme else ():
        for source, text in ((reaction.here, reaction.forward), (reaction.there, reaction.backward)):
            rates[source] = rates.get(source, 0.0) + value(channel.rate_scale) * value(text)
    return rates
