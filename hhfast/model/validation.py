"""Whether a model can be simulated: its names, its units, and every formula in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hhfast.errors import InputError, did_you_mean, unknown
from hhfast.model.compartment import Compartment, parameters_of
from hhfast.model.dependencies import named_order
from hhfast.model.elements import Channel
from hhfast.model.formulas import check_names, check_number, evaluate, names
from hhfast.model.names import UNITS
from hhfast.model.poles import check_poles
from hhfast.model.typical_values import typical_values

if TYPE_CHECKING:
    from hhfast.model.model import Model

_MOST = {"channels": 100, "states": 200, "parameters": 500, "formulas": 300, "functions": 100, "compartments": 8,
         "checks": 50}  # fmt: skip


class Place(NamedTuple):
    """A formula in its place: what it may name, and whether it is one over V that must have no pole."""

    where: str
    text: str
    section: Compartment
    known: set[str]
    over_V: bool = True


def check_model(model: Model) -> None:
    """Raise `InputError` (place, reason, remedy) for what cannot be simulated."""
    _check_counts(model)
    _check_unique_names(model)
    _check_values(model)
    _check_membrane(model)
    _check_couplings(model)
    sample: dict[str, Any] = {}
    for place in _places(model):
        try:
            sample = sample or typical_values(model)
            _check_formula(model, place, sample)
        except InputError as error:
            raise InputError(f"{place.where}: {error}") from None
    for f in model.functions:
        try:
            model.definitions.written_out(f"{f.name}({', '.join(f.args)})")
        except InputError as error:
            raise InputError(f"functions.{f.name}: {error}") from None
    named_order(model)
    for check in model.checks:
        for name, _ in check.parameters:
            if name not in model.parameters:
                raise unknown("parameter", name, model.parameters, "checks")


def _check_counts(model: Model) -> None:
    given: dict[str, Sized] = {
        "channels": list(model.every_channel), "states": model.rows, "parameters": model.parameters,
        "formulas": model.formulas, "functions": model.functions, "compartments": model.compartments,
        "checks": model.checks,
    }  # fmt: skip
    for kind, things in given.items():
        if len(things) > _MOST[kind]:
            raise InputError(f"{len(things)} {kind}; at most {_MOST[kind]} are allowed")


def _check_unique_names(model: Model) -> None:
    seen: dict[str, str] = {}
    for kind, name in _claims(model):
        if name in seen:
            raise InputError(f"{kind} '{name}': the name is already that of a {seen[name]}; give each its own")
        seen[name] = kind
    if len({c.name for c in model.every_channel}) < len(list(model.every_channel)):
        raise InputError("two channels have the same name")


def _claims(model: Model) -> Iterator[tuple[str, str]]:
    """(kind, name) of everything that a formula can name."""
    for channel in model.every_channel:
        yield from (("gate", gate.name) for gate in channel.gates)
        yield from (("state", name) for name in (channel.scheme.states if channel.scheme else ()))
    for section in model.sections:
        if section.coupling is not None:
            yield "potential", section.potential
        yield from (("pool", pool.name) for pool in section.pools)
    if model.compartments:
        yield "potential", f"V_{model.main}"
    yield from (("formula", f.name) for f in model.formulas)
    yield from (("function", f.name) for f in model.functions)
    yield from (("parameter", p.name) for p in model.shared)
    for section in model.sections:
        yield from (("parameter", p.name) for p in parameters_of(section, UNITS[model.units]))


def _check_values(model: Model) -> None:
    for p in model.parameters.values():
        if not np.isfinite(p.value) and p.name not in model.counts:
            raise InputError(f"parameter '{p.name}' is {p.value}; it must be finite")


def _check_membrane(model: Model) -> None:
    unit = UNITS[model.units]
    given = model.parameters
    if "C_m" not in given:
        raise InputError(f"parameters.C_m is missing; give the capacitance in {unit['C_m']}")
    if given["C_m"].value <= 0:
        raise InputError(f"parameters.C_m = {given['C_m'].value:g}: the capacitance must be positive")
    for name, wanted in (("C_m", unit["C_m"]), ("celsius", "degC")):
        if name in given and given[name].unit != wanted:
            raise InputError(
                f"parameters.{name}: unit '{given[name].unit}' must be '{wanted}' "
                f"in a model with units = '{model.units}'"
            )


def _check_couplings(model: Model) -> None:
    """Each further compartment hangs, directly or not, on the main one."""
    twice = [name for name, n in Counter(section.name for section in model.sections).items() if n > 1]
    if twice:
        raise InputError(f"compartments.{twice[0]}: two compartments have this name (the main one is '{model.main}')")
    joins = {}
    for section in model.compartments:
        where = f"compartments.{section.name}"
        if section.coupling is None:
            raise InputError(f"{where}.coupling is missing; give {{ to = '{model.main}', g = '...' }}")
        if section.coupling.to not in (others := [s.name for s in model.sections if s.name != section.name]):
            raise unknown("compartment", section.coupling.to, others, f"{where}.coupling.to")
        if section.coupling.fraction is not None and model.units == "total":
            raise InputError(f"{where}.coupling.fraction has no meaning in a model of totals; leave it out")
        joins[section.name] = section.coupling.to
    for name in joins:
        at, steps = name, 0
        while at != model.main and steps <= len(joins):
            at, steps = joins[at], steps + 1
        if at != model.main:
            raise InputError(f"compartments.{name}: its couplings lead in a circle, not to '{model.main}'")


# --- formulas ---------------------------------------------------------------------------------------------------------
def _places(model: Model) -> Iterator[Place]:
    parameters = set(model.parameters)
    gates = {g.name for c in model.every_channel for g in c.gates}
    gates |= {name for c in model.every_channel if c.scheme for name in c.scheme.states}
    states = {*model.states, *gates}
    currents = {f"i_{c.name}" for c in model.every_channel}
    main, everything = model.sections[0], parameters | states | currents
    for f in model.formulas:
        yield Place(f"formulas.{f.name}", f.text, main, everything | {"i_app"}, over_V=False)
    for function in model.functions:
        known = everything | {"i_app"} | set(function.args)
        yield Place(f"functions.{function.name}", function.text, main, known, over_V=False)
    for section in model.sections:
        at = "" if section.coupling is None else f"compartments.{section.name}."
        if section.coupling is not None:
            yield Place(f"{at}coupling.g", section.coupling.g, section, parameters, over_V=False)
            if section.coupling.fraction is not None:
                yield Place(f"{at}coupling.fraction", section.coupling.fraction, section, parameters, over_V=False)
            yield Place(f"{at}i_app", section.i_app, section, parameters | {"i_app"}, over_V=False)
        for channel in section.channels:
            yield from _channel_places(f"{at}channels.{channel.name}", channel, section, parameters, states, currents)
        for pool in section.pools:
            here = f"{at}pools.{pool.name}"
            yield Place(f"{here}.a", pool.a, section, everything | {"i_app"})
            yield Place(f"{here}.b", pool.b, section, everything)
            if isinstance(pool.initial, str) and pool.initial != "steady":
                yield Place(f"{here}.initial", pool.initial, section, parameters | {section.potential}, over_V=False)


def _channel_places(
    here: str, channel: Channel, section: Compartment, parameters: set[str], states: set[str], currents: set[str]
) -> Iterator[Place]:
    allowed = {
        "rate_scale": parameters,
        "count": parameters,
        "E": parameters | states,
        "current": parameters | states | currents,
    }
    for key, text in channel.formulas.items():
        yield Place(
            f"{here}.{key}", text, section, allowed.get(key, parameters | states), key not in ("rate_scale", "count")
        )
    for gate in channel.gates:
        for key, text in gate.formulas.items():
            known = parameters | {section.potential} if key == "initial" else parameters
            if key not in ("rate_scale", "initial"):
                known = parameters | states | currents
            yield Place(f"{here}.gates.{gate.name}.{key}", text, section, known, key not in ("rate_scale", "initial"))
    for number, reaction in enumerate(channel.scheme.reactions if channel.scheme else (), 1):
        for text in (reaction.forward, reaction.backward):
            where = f"{here}.scheme.transitions: the rate of number {number}"
            yield Place(where, text, section, parameters | states | currents)


def _check_formula(model: Model, place: Place, sample: Mapping[str, Any]) -> None:
    check_number(place.text, model.definitions.signatures)
    if place.where.startswith("functions."):
        # Whatever its arguments are; what is wrong with one is found where it is used.
        _check_function(model, place)
        return
    text = model.written_out(place.text, place.section)
    check_names(text, place.known)
    if not place.over_V:
        if place.where.endswith(".initial") or names(text) <= set(model.parameters):
            _check_finite(text, sample)
        return
    if "i_app" in names(text):
        _check_additive(text, sample, place.known - set(model.parameters))
    if model.trusted:
        return  # the poles of the library are looked for by its tests
    if place.where.endswith(".tau"):
        text = f"1 / ({text})"  # the rate; and 1 / inf never occurs
    for potential in (s.potential for s in model.sections):
        if potential in names(text):
            check_poles(text, sample, potential)


def _check_function(model: Model, place: Place) -> None:
    name = place.where.removeprefix("functions.")
    function = next(f for f in model.functions if f.name == name)
    used = model.definitions.body_names(function)
    for other in sorted(used - place.known - set(dict(model.definitions.signatures))):
        raise InputError(f"unknown name '{other}' in '{place.text}'; {did_you_mean(other, place.known)}")


def _check_finite(text: str, sample: Mapping[str, Any]) -> None:
    value = evaluate(text, sample)
    if not np.all(np.isfinite(value)):
        raise InputError(f"'{text}' is {value:g} at the model's own parameters")


def _check_additive(text: str, sample: Mapping[str, Any], states: set[str]) -> None:
    """The applied current must be a term of its own, times parameters: so nothing has to be differentiated by it."""

    def weight(i_app: float, moved: float) -> Any:
        values = {name: v * moved + moved - 1.0 if name in states else v for name, v in sample.items()}
        return evaluate(text, values | {"i_app": i_app + 1.0}) - evaluate(text, values | {"i_app": i_app})

    weights = [weight(i_app, moved) for i_app in (0.0, 2.0) for moved in (1.0, 1.01)]
    if not np.allclose(weights, weights[0], rtol=1e-6, atol=1e-12):
        raise InputError("i_app may only be added, times parameters; here it is multiplied by a state, or not linear")
