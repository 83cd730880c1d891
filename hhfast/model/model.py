"""What a neuron is: Model, Channel, Gate, Pool as frozen data. Every state obeys x' = a - b x.

Units: mV, ms, mS/cm2, uF/cm2, uA/cm2, degC; or, for a model with `units = "total"`, nS, pF and pA.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import Strict

from hhfast.errors import InputError, did_you_mean, unknown
from hhfast.model.formulas import FUNCTIONS, check_names, names
from hhfast.model.poles import check_poles

UNITS: dict[str, dict[str, str]] = {
    "density": {"C_m": "uF cm-2", "g": "mS cm-2", "i": "uA cm-2"},
    "total": {"C_m": "pF", "g": "nS", "i": "pA"},
}
_RESERVED = frozenset(FUNCTIONS) | {"V", "t", "dt", "i_app", "np"} | frozenset(dir(builtins))
_WRONG_UNITS = {"V": "mV", "uV": "mV", "s": "ms", "us": "ms", "S": "mS cm-2", "K": "degC"}
_CONFIG: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}
Number = Annotated[float, Strict()]  # a number in TOML, not a string or boolean that looks like one


def check_name(kind: str, name: str) -> None:
    """A name of a model must be a plain identifier that the generated kernel does not use itself."""
    if not re.fullmatch(r"[A-Za-z](\w*[A-Za-z0-9])?", name, re.ASCII):
        raise InputError(f"{kind} name '{name}' must be letters, digits and inner underscores, beginning with a letter")
    if name in _RESERVED or keyword.iskeyword(name) or name.startswith("i_"):
        raise InputError(f"{kind} name '{name}' is reserved; choose another")


def check_model_name(name: str) -> None:
    """A model's name stands in generated text, files and messages: one plain line that means nothing else anywhere."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ .+-]{0,79}", name, re.ASCII):
        shown = repr(name if len(name) <= 80 else f"{name[:80]}...")
        raise InputError(f"model name {shown} must be at most 80 letters, digits, spaces and _ . + -, "
                         "beginning with a letter")


@dataclass(frozen=True)
class Parameter:
    """A number with a unit; every parameter can be swept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _CONFIG
    name: str
    value: Number
    unit: str

    def __post_init__(self) -> None:
        check_name("parameter", self.name)
        if not math.isfinite(self.value):
            raise InputError(f"parameter '{self.name}' is {self.value}; it must be finite")
        for token in re.findall(r"[A-Za-z]+", self.unit):
            if token in _WRONG_UNITS:
                raise InputError(f"unit '{self.unit}' of '{self.name}': hhfast works in mV, ms, uA cm-2, mS cm-2, "
                                 f"uF cm-2, degC; use '{_WRONG_UNITS[token]}'")


@dataclass(frozen=True)
class Gate:
    """A gating variable: `alpha` and `beta` (1/ms), or `inf` and `tau` (ms), or `inf` alone (instantaneous).

    `power` is its exponent in the channel's conductance; `rate_scale` multiplies its rates (default: the
    channel's); `initial` overrides the steady state at V_init.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CONFIG
    name: str
    power: Annotated[int, Strict()] = 1
    alpha: str | None = None
    beta: str | None = None
    inf: str | None = None
    tau: str | None = None
    rate_scale: str | None = None
    initial: Number | None = None

    def __post_init__(self) -> None:
        check_name("gate", self.name)
        given = tuple(key for key in ("alpha", "beta", "inf", "tau") if getattr(self, key) is not None)
        if given not in (("alpha", "beta"), ("inf", "tau"), ("inf",)):
            raise InputError(f"gate '{self.name}' has {' and '.join(given) or 'no rates'}; give alpha and beta, "
                             "or inf and tau, or inf alone (instantaneous)")
        if not 1 <= self.power <= 16:
            raise InputError(f"gate '{self.name}': power {self.power} is outside 1..16")
        if self.instantaneous and (self.rate_scale is not None or self.initial is not None):
            raise InputError(f"gate '{self.name}' is instantaneous (inf alone): rate_scale and initial have no meaning")

    @property
    def instantaneous(self) -> bool:
        return self.inf is not None and self.tau is None

    @property
    def formulas(self) -> dict[str, str]:
        """The formulas given, by key."""
        keys = ("alpha", "beta", "inf", "tau", "rate_scale")
        return {key: text for key in keys if (text := getattr(self, key)) is not None}


@dataclass(frozen=True)
class Channel:
    """A current g * prod(gate ** power) * (V - E), or any `current` (outward positive).

    A number for `g` or `E` becomes the parameter g_NAME or E_NAME; `E` may be a formula (Nernst).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CONFIG
    name: str
    g: Number | None = None
    E: Number | str | None = None
    current: str | None = None
    rate_scale: str = "1"
    gates: tuple[Gate, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        check_name("channel", self.name)
        ohmic = self.g is not None and self.E is not None
        if ohmic == (self.current is not None) or (self.current is not None and self.E is not None):
            raise InputError(f"channel '{self.name}' needs either g and E, or current "
                             "(with g, where the formula uses it)")

    @property
    def formulas(self) -> dict[str, str]:
        """The formulas given, by key."""
        found = {"rate_scale": self.rate_scale}
        if isinstance(self.E, str):
            found["E"] = self.E
        if self.current is not None:
            found["current"] = self.current
        return found


@dataclass(frozen=True)
class Pool:
    """A further state, e.g. a concentration: dx/dt = a - b x, starting at `initial`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _CONFIG
    name: str
    unit: str
    initial: Number
    a: str
    b: str
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        check_name("pool", self.name)


@dataclass(frozen=True)
class Model:
    """A point neuron: a membrane with channels, pools and parameters.

    Hashable and picklable. `text` is the TOML it was read from, verbatim ("" if built in Python).
    Raises `InputError` (formula, place and reason) for anything that cannot be simulated.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CONFIG
    name: str
    V_init: Number
    channels: tuple[Channel, ...]
    shared: tuple[Parameter, ...]
    title: str = ""
    citation: str = ""
    units: str = "density"
    pools: tuple[Pool, ...] = ()
    text: str = field(default="", compare=False, repr=False)
    trusted: bool = field(default=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_model_name(self.name)
        if self.units not in UNITS:
            raise InputError(f"units = '{self.units}'; {did_you_mean(self.units, UNITS)}")
        self._check_unique_names()
        self._check_membrane()
        for where, text, known in self._formulas():
            try:
                check_names(text, known)
                if where.endswith(".E"):
                    continue  # a reversal potential depends on pools and parameters, not on V
                # 1/tau is the rate, and 1/inf never occurs.
                check_poles(f"1 / ({text})" if where.endswith(".tau") else text, self._sample(), self.trusted)
            except InputError as error:
                raise InputError(f"{where}: {error}") from None

    def _check_unique_names(self) -> None:
        seen: dict[str, str] = {}
        for kind, name in self._names():
            if name in seen:
                raise InputError(f"{kind} '{name}': the name is already that of a {seen[name]}; give each its own")
            seen[name] = kind

    def _names(self) -> Iterator[tuple[str, str]]:
        for channel in self.channels:
            yield from (("gate", gate.name) for gate in channel.gates)
        yield from (("pool", pool.name) for pool in self.pools)
        yield from (("parameter", p.name) for p in self._all_parameters())
        if len({c.name for c in self.channels}) < len(self.channels):
            raise InputError("two channels have the same name")

    def _check_membrane(self) -> None:
        unit = UNITS[self.units]
        given = self.parameters
        if "C_m" not in given:
            raise InputError(f"parameters.C_m is missing; give the capacitance in {unit['C_m']}")
        if given["C_m"].value <= 0:
            raise InputError(f"parameters.C_m = {given['C_m'].value:g}: the capacitance must be positive")
        for name, wanted in (("C_m", unit["C_m"]), ("celsius", "degC")):
            if name in given and given[name].unit != wanted:
                raise InputError(f"parameters.{name}: unit '{given[name].unit}' must be '{wanted}' "
                                 f"in a model with units = '{self.units}'")

    def _formulas(self) -> Iterator[tuple[str, str, set[str]]]:
        """(place, formula, names it may use) of every formula of the model."""
        parameters = set(self.parameters)
        pools = {p.name for p in self.pools}
        states = {"V", *pools, *(g.name for c in self.channels for g in c.gates)}
        for c in self.channels:
            # A rate may depend on V and pools; on another gate only a current or pool formula may.
            allowed = {"rate_scale": parameters, "E": parameters | pools, "current": parameters | states}
            for key, text in c.formulas.items():
                yield f"channels.{c.name}.{key}", text, allowed[key]
            for g in c.gates:
                for key, text in g.formulas.items():
                    known = parameters if key == "rate_scale" else parameters | pools | {"V"}
                    yield f"channels.{c.name}.gates.{g.name}.{key}", text, known
        currents = {f"i_{c.name}" for c in self.channels}
        for p in self.pools:
            for key, text in (("a", p.a), ("b", p.b)):
                yield f"pools.{p.name}.{key}", text, parameters | states | currents

    def _sample(self) -> dict[str, float]:
        """A value for every name but V, to look for poles with."""
        values = {name: p.value for name, p in self.parameters.items()}
        values |= {p.name: p.initial for p in self.pools}
        values |= {g.name: 0.5 for c in self.channels for g in c.gates}
        return values | {f"i_{c.name}": 1.0 for c in self.channels}

    def _all_parameters(self) -> Iterator[Parameter]:
        yield from self.shared
        for c in self.channels:
            if c.g is not None:
                yield Parameter(f"g_{c.name}", c.g, UNITS[self.units]["g"])
            if isinstance(c.E, (int, float)):
                yield Parameter(f"E_{c.name}", c.E, "mV")
            yield from c.parameters
        for p in self.pools:
            yield from p.parameters

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every parameter by name, with default value and unit."""
        return {p.name: p for p in self._all_parameters()}

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates that are states (not the instantaneous ones)."""
        return tuple(g for c in self.channels for g in c.gates if not g.instantaneous)

    @property
    def states(self) -> tuple[str, ...]:
        """The states in the order of the rows of every state array: V, gates, pools."""
        return ("V", *(g.name for g in self.gates), *(p.name for p in self.pools))

    @property
    def variables(self) -> dict[str, str]:
        """Everything a trace can record, name -> unit: states, instantaneous gates, currents, i_app."""
        current = UNITS[self.units]["i"]
        units = {"V": "mV"} | {g.name: "1" for c in self.channels for g in c.gates}
        units |= {p.name: p.unit for p in self.pools}
        return units | {f"i_{c.name}": current for c in self.channels} | {"i_app": current}

    def with_channel(self, channel: Channel) -> Model:
        """This model with a channel added (or replaced, if it has one of that name)."""
        kept = tuple(c for c in self.channels if c.name != channel.name)
        return replace(self, channels=(*kept, channel), text="", trusted=False)

    def without_channel(self, name: str) -> Model:
        """This model without one of its channels."""
        if name not in {c.name for c in self.channels}:
            raise unknown("channel", name, [c.name for c in self.channels], self.name)
        for pool in self.pools:
            if f"i_{name}" in names(pool.a) | names(pool.b):
                raise InputError(f"{self.name}: channel '{name}' cannot be removed, pool '{pool.name}' uses i_{name}; "
                                 f"set g_{name} = 0 instead")
        return replace(self, channels=tuple(c for c in self.channels if c.name != name), text="", trusted=False)

    def to_toml(self) -> str:
        """The model as TOML: the text it was read from, else a canonical one that reads back as an equal model."""
        from hhfast.model.load import dump

        return self.text or dump(self)
