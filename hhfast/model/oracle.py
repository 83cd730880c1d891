"""The equations of a model by plain NumPy, formula by formula as written: slow, and the truth for compiled kernels.

Written apart from the symbolic form: the two share the data and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.model.compartment import Compartment, Coupling
from hhfast.model.dependencies import named_order
from hhfast.model.elements import Channel, Gate
from hhfast.model.formulas import evaluate
from hhfast.model.typical_values import initial_value

if TYPE_CHECKING:
    from hhfast.model.model import Model

_ASIDE = 1e-4  # mV (and of a pool, relatively): how far from a removable pole its neighbours are


def derivatives(model: Model, state: Any, params: Mapping[str, Any], i_app: Any) -> Any:
    """See `Model.derivatives`."""
    _check_parameters(model, params)
    if isinstance(state, Mapping):
        for name in model.states:
            if name not in state:
                raise InputError(f"{model.name}: state '{name}' is missing; give {', '.join(model.states)}")
        X = [np.asarray(state[name], np.float64) for name in model.states]
    else:
        X = list(np.asarray(state, np.float64))
        if len(X) != len(model.states):
            raise InputError(
                f"{model.name}: {len(X)} rows of states; it has {len(model.states)}: {', '.join(model.states)}"
            )
    values = {name: p.value for name, p in model.parameters.items()} | dict(params) | {"i_app": i_app}
    found = _slopes(model, X, values)
    if np.isnan(found).any():
        found = np.where(np.isnan(found), _beside(model, X, values), found)
    return dict(zip(model.states, found, strict=True)) if isinstance(state, Mapping) else found


def _beside(model: Model, X: list[np.ndarray], values: Mapping[str, Any]) -> np.ndarray:
    """The mean of the slopes at either side."""
    sides = []
    for sign in (-1.0, 1.0):
        moved = [
            x + sign * _ASIDE * (1.0 if s.unit == "mV" else np.where(x == 0, 1.0, np.abs(x)))
            if s.group != "gates"
            else x
            for s, x in zip(model.rows, X, strict=True)
        ]
        sides.append(_slopes(model, moved, values))
    return np.asarray(0.5 * (sides[0] + sides[1]))


def _slopes(model: Model, X: list[np.ndarray], values: Mapping[str, Any]) -> np.ndarray:
    with np.errstate(all="ignore"):
        at = _Point(model, {**values, **dict(zip(model.states, X, strict=True))})
        found = [at.slope(s.name) for s in model.rows]
    shape = np.broadcast_shapes(*(np.shape(x) for x in (*found, *X)))
    return np.array([np.broadcast_to(x, shape) for x in found])


class _Point:
    """The equations at given states, parameters and current."""

    def __init__(self, model: Model, values: dict[str, Any]) -> None:
        self.model = model
        self.values = values
        self.of_gate: dict[str, tuple[Gate, Channel, Compartment]] = {}
        self.of_scheme: dict[str, tuple[Channel, Compartment]] = {}
        channels: dict[str, tuple[Channel, Compartment]] = {}
        for section in model.sections:
            for channel in section.channels:
                channels[f"i_{channel.name}"] = channel, section
                self.of_gate |= {gate.name: (gate, channel, section) for gate in channel.gates}
                if channel.scheme is not None:
                    self.of_scheme |= dict.fromkeys(channel.scheme.states, (channel, section))
        for name in named_order(model):
            if name in channels:
                values[name] = self.current(*channels[name])
            elif name in self.of_scheme:
                scheme = self.of_scheme[name][0].scheme
                assert scheme is not None
                values[name] = 1.0 - sum(values[x] for x in scheme.integrated)
            else:
                gate, _, section = self.of_gate[name]
                values[name] = self.value(gate.steady, section)

    def value(self, text: str, section: Compartment) -> Any:
        return evaluate(self.model.written_out(text, section), self.values)

    def current(self, channel: Channel, section: Compartment) -> Any:
        if channel.current is not None:
            return self.value(channel.current, section)
        E = self.value(channel.E, section) if isinstance(channel.E, str) else self.values[f"E_{channel.name}"]
        return self.conductance(channel, section) * (self.values[section.potential] - E)

    def conductance(self, channel: Channel, section: Compartment) -> Any:
        """Of a channel whose current is not given by a formula."""
        if channel.opening is not None:
            opening = self.value(channel.opening, section)
        else:
            opening = 1.0
            for gate in channel.gates:
                opening = opening * self.values[gate.name] ** gate.power
        return self.values[f"g_{channel.name}"] * opening

    def slope(self, name: str) -> Any:
        """dx/dt of a state."""
        if name in self.of_gate:
            return self._gate(*self.of_gate[name])
        if name in self.of_scheme:
            return self._occupancy(name, *self.of_scheme[name])
        for section in self.model.sections:
            if name == section.potential:
                return self._membrane(section)
            for pool in section.pools:
                if pool.name == name:
                    return self.value(pool.a, section) - self.value(pool.b, section) * self.values[name]
        raise KeyError(name)

    def _gate(self, gate: Gate, channel: Channel, section: Compartment) -> Any:
        x = self.values[gate.name]
        if gate.alpha is not None and gate.beta is not None:
            alpha, beta = self.value(gate.alpha, section), self.value(gate.beta, section)
            return self.value(gate.rate_scale or channel.rate_scale, section) * (alpha * (1.0 - x) - beta * x)
        inf, tau = self.curve(gate, channel, section)
        return (inf - x) / tau

    def curve(self, gate: Gate, channel: Channel, section: Compartment) -> tuple[Any, Any]:
        """(inf, tau) of a gate that is a state."""
        scale = self.value(gate.rate_scale or channel.rate_scale, section)
        if gate.alpha is not None and gate.beta is not None:
            alpha, beta = self.value(gate.alpha, section), self.value(gate.beta, section)
            return alpha / (alpha + beta), 1.0 / (scale * (alpha + beta))
        return self.value(gate.inf or "", section), self.value(gate.tau or "", section) / scale

    def _occupancy(self, name: str, channel: Channel, section: Compartment) -> Any:
        assert channel.scheme is not None
        flow: Any = 0.0
        for reaction in channel.scheme.reactions:
            there = self.value(reaction.forward, section) * self.values[reaction.here]
            back = self.value(reaction.backward, section) * self.values[reaction.there]
            flow = flow + (there - back) * ((name == reaction.there) - (name == reaction.here))
        return self.value(channel.rate_scale, section) * flow

    def _membrane(self, section: Compartment) -> Any:
        entering = self.values["i_app"] if section.coupling is None else self.value(section.i_app, section)
        for channel in section.channels:
            entering = entering - self.values[f"i_{channel.name}"]
        for other in self.model.compartments:
            if other.coupling is not None and section.name in (other.name, other.coupling.to):
                entering = entering + self._through_coupling(section, other, other.coupling)
        return entering / self.values[section.capacitance]

    def _through_coupling(self, section: Compartment, other: Compartment, coupling: Coupling) -> Any:
        """What enters a section by the coupling of a compartment, per area of the section."""
        potential = {s.name: self.values[s.potential] for s in self.model.sections}
        share = None if coupling.fraction is None else self.value(coupling.fraction, other)
        is_own = section.name == other.name
        area = 1.0 if share is None else 1.0 - share if is_own else share
        into = potential[coupling.to] - potential[other.name]
        return self.value(coupling.g, other) / area * (into if is_own else -into)


def _check_parameters(model: Model, params: Mapping[str, Any]) -> None:
    for name in params:
        if name not in model.parameters:
            raise unknown("parameter", name, model.parameters, model.name)


def gate_curves(model: Model, V: Any, params: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """See `Model.gate_curves`."""
    _check_parameters(model, params)
    try:
        V = np.asarray(V, np.float64)
    except (TypeError, ValueError):
        raise InputError("V: holds no numbers; give an array of potentials, mV") from None
    sides = [_curves(model, V, params)]
    if any(np.isnan(x).any() for pair in sides[0].values() for x in pair):
        sides += [_curves(model, V + d, params) for d in (-_ASIDE, _ASIDE)]
    if len(sides) == 1:
        return sides[0]
    at, below, above = sides
    return {
        name: (
            _mended(at[name][0], below[name][0], above[name][0]),
            _mended(at[name][1], below[name][1], above[name][1]),
        )
        for name in at
    }


def _mended(at: np.ndarray, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(at), 0.5 * (below + above), at)


def _curves(model: Model, V: np.ndarray, params: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    values: dict[str, Any] = {name: p.value for name, p in model.parameters.items()} | dict(params) | {"i_app": 0.0}
    values |= {s.potential: V for s in model.sections}
    for s in model.rows:
        if s.name not in values:
            values[s.name] = 0.5 if s.group == "gates" else initial_value(model, s.initial, s.potential, values)
    with np.errstate(all="ignore"):
        at = _Point(model, values)
        found = {}
        for name, (gate, channel, section) in at.of_gate.items():
            inf, tau = (values[name], 0.0) if gate.instantaneous else at.curve(gate, channel, section)
            found[name] = np.broadcast_to(inf, V.shape).copy(), np.broadcast_to(tau, V.shape).copy()
    return found
