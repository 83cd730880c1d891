"""The elements of a model as frozen data: parameters, formulas, gates, channels, pools, states.

Units: mV, ms, mS/cm2, uF/cm2, uA/cm2, degC; or, for a model with `units = "total"`, nS, pF and pA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Strict

from hhfast.errors import InputError, shown
from hhfast.model.field_types import check_types
from hhfast.model.names import CONFIG, Count, Number, check_name, check_unit
from hhfast.model.scheme import Scheme

_MAX_POWER = 64


@dataclass(frozen=True)
class Parameter:
    """A number with a unit, by name; every parameter can be swept.

    name : of the parameter. value : in its unit; of a model's own finite, while a number of channels may be infinite.
    unit : in UDUNITS' spelling, as "mS cm-2"; "1": none.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    value: Number
    unit: str

    def __post_init__(self) -> None:
        check_types(self)
        check_name("parameter", self.name)
        if math.isnan(self.value):
            raise InputError(f"parameter '{self.name}' is {self.value}; it must be a number")
        check_unit(self.name, self.unit)


@dataclass(frozen=True)
class Formula:
    """A named expression, usable in every other formula of the model. name : by which; text : the expression."""

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    text: str

    def __post_init__(self) -> None:
        check_types(self)
        check_name("formula", self.name)


@dataclass(frozen=True)
class Function:
    """A named expression with arguments, as `vtrap(x, y)`: name "vtrap", args ("x", "y"), text of both."""

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    args: tuple[str, ...]
    text: str

    def __post_init__(self) -> None:
        check_types(self)
        check_name("function", self.name)
        if not 1 <= len(self.args) <= 8 or len(set(self.args)) < len(self.args):
            raise InputError(f"function '{self.name}': give 1 to 8 different args")
        for argument in self.args:
            if argument != "V":  # which may be an argument as any other
                check_name("argument", argument)


@dataclass(frozen=True)
class Gate:
    """A gating variable: `alpha` and `beta` (1/ms), or `inf` and `tau` (ms), or `inf` alone (instantaneous).

    `name` is that of the state. `power` is its exponent in the channel's conductance; `rate_scale` multiplies its rates
    (default: the channel's); `initial` overrides the steady state at V_init; with `instantaneous`, alpha and beta give
    the steady state alone, alpha / (alpha + beta).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    power: Annotated[int, Strict()] = 1
    alpha: str | None = None
    beta: str | None = None
    inf: str | None = None
    tau: str | None = None
    rate_scale: str | None = None
    initial: Number | str | None = None
    instantaneous: Annotated[bool, Strict()] = False

    def __post_init__(self) -> None:
        check_types(self)
        check_name("gate", self.name)
        given = tuple(key for key in ("alpha", "beta", "inf", "tau") if getattr(self, key) is not None)
        if given not in (("alpha", "beta"), ("inf", "tau"), ("inf",)):
            raise InputError(
                f"gate '{self.name}' has {' and '.join(given) or 'no rates'}; give alpha and beta, "
                "or inf and tau, or inf alone (instantaneous)"
            )
        if given == ("inf", "tau") and self.instantaneous:
            raise InputError(f"gate '{self.name}' is instantaneous, so tau has no meaning; leave one of them out")
        if given == ("inf",):
            object.__setattr__(self, "instantaneous", True)
        if not 1 <= self.power <= _MAX_POWER:
            raise InputError(f"gate '{self.name}': power {shown(self.power)} is outside 1..{_MAX_POWER}")
        if self.instantaneous and (self.rate_scale is not None or self.initial is not None):
            raise InputError(f"gate '{self.name}' is instantaneous: rate_scale and initial have no meaning")

    @property
    def formulas(self) -> dict[str, str]:
        """The formulas given, by key."""
        keys = ("alpha", "beta", "inf", "tau", "rate_scale", "initial")
        return {key: text for key in keys if isinstance(text := getattr(self, key), str)}

    @property
    def steady(self) -> str:
        """The steady state as a formula."""
        return self.inf if self.inf is not None else f"({self.alpha}) / (({self.alpha}) + ({self.beta}))"


@dataclass(frozen=True)
class Channel:
    """A current g * prod(gate ** power) * (V - E), or any `current` (outward positive).

    `name` : of the channel, as in i_NAME. A number for `g` (mS/cm2) or `E` (mV) becomes the parameter g_NAME or E_NAME;
    `E` may be a formula (Nernst). `rate_scale` multiplies the rates of all its gates. `parameters` : its own. `open` is
    any formula of the gates in place of the product; a kinetic `scheme` stands in place of the gates. `count` : how
    many channels there are, where channel noise is asked for: a number, which becomes the parameter count_NAME, or a
    formula of parameters, as "density * area"; without it they are too many for noise.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    g: Number | None = None
    E: Number | str | None = None
    current: str | None = None
    rate_scale: str = "1"
    gates: tuple[Gate, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    open: str | None = None
    scheme: Scheme | None = None
    count: Count | str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_name("channel", self.name)
        if self.count is not None:
            self._check_count(self.count)
        ohmic = self.g is not None and self.E is not None
        if ohmic == (self.current is not None) or (self.current is not None and self.E is not None):
            raise InputError(
                f"channel '{self.name}' needs either g and E, or current (with g, where the formula uses it)"
            )
        if self.open is not None and self.scheme is not None:
            raise InputError(f"channel '{self.name}' has open twice; a scheme has its own")
        if self.scheme is not None and self.gates:
            raise InputError(f"channel '{self.name}' has gates and a scheme; split it into two channels")
        if self.open is not None and self.current is not None:
            raise InputError(f"channel '{self.name}' has open and current; write the open fraction into the current")
        for gate in self.gates if self.open is not None else ():
            if gate.power != 1:
                raise InputError(f"gate '{gate.name}': channel '{self.name}' gives open, so write its power there")

    def _check_count(self, count: float | str) -> None:
        if not isinstance(count, str) and not count > 0:
            raise InputError(f"channel '{self.name}': count = {count:g}; it must be above 0 (inf: no noise)")
        if not self.fluctuates:
            raise InputError(f"channel '{self.name}' has a count, but neither gates that move in time nor a scheme")
        if self.open is not None:
            raise InputError(f"channel '{self.name}' has open and count; give it a scheme, whose states can be")

    @property
    def count_parameter(self) -> Parameter | None:
        """What says how many channels there are; None where nothing does, or a formula."""
        return Parameter(f"count_{self.name}", self.count, "1") if isinstance(self.count, (int, float)) else None

    @property
    def fluctuates(self) -> bool:
        """Whether it opens and closes in time, at random where its channels are counted."""
        return self.scheme is not None or not all(gate.instantaneous for gate in self.gates)

    @property
    def opening(self) -> str | None:
        """The formula of the open fraction; None for the product of the gates."""
        return self.scheme.open if self.scheme is not None else self.open

    @property
    def formulas(self) -> dict[str, str]:
        """The formulas given, by key."""
        found = {"rate_scale": self.rate_scale}
        if isinstance(self.count, str):
            found["count"] = self.count
        if isinstance(self.E, str):
            found["E"] = self.E
        if self.current is not None:
            found["current"] = self.current
        if self.opening is not None:
            found["scheme.open" if self.scheme is not None else "open"] = self.opening
        return found


@dataclass(frozen=True)
class Pool:
    """A further state, e.g. a concentration: dx/dt = a - b x, starting at `initial`.

    `name` is that of x, `unit` its unit; `a` (unit per ms) and `b` (1/ms) are formulas; `parameters` its own.
    `initial` is a number, a formula of parameters (and V, the potential it starts at), or "steady".
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    unit: str
    initial: Number | str
    a: str
    b: str
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        check_types(self)
        check_name("pool", self.name)


@dataclass(frozen=True)
class State:
    """A row of the state arrays: `group` is "V", "gates" or "pools"; `initial` a number, a formula, or "steady"."""

    name: str
    unit: str
    group: str
    initial: float | str
    potential: str = "V"
