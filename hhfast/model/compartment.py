"""Compartments: parts of a cell with a potential of their own, and what joins them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from hhfast.errors import InputError
from hhfast.model.elements import Channel, Parameter, Pool
from hhfast.model.field_types import check_types
from hhfast.model.names import CONFIG, Number, check_name, number_of


@dataclass(frozen=True)
class Coupling:
    """What joins a compartment to another: the conductance `g` and, for densities, the share `fraction` of the area.

    With `fraction` = p, which is the area of `to` over that of both, the current density g (V_to - V) flows, divided by
    1 - p, into the compartment and, divided by p, out of the other (Pinsky & Rinzel 1994). Without it, g alone.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    to: str
    g: str
    fraction: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        share = None if self.fraction is None else number_of(self.fraction)
        if share is not None and not 0.0 < share < 1.0:
            raise InputError(f"coupling: fraction = {self.fraction} is no share; give one between 0 and 1")


@dataclass(frozen=True)
class Compartment:
    """A part of the cell with a potential of its own, V_NAME; the main one (coupling None) has V.

    `name` : of the compartment. `coupling` : to which other, and how. In the formulas of its `channels` and `pools`, V
    is its own potential. A number for `C_m` (uF/cm2) becomes the parameter C_m_NAME (default: the model's C_m).
    `V_init` : mV, where V_NAME starts; None: as the model. `parameters` : its own. `i_app` is the current injected here
    (a formula of i_app and parameters).
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    coupling: Coupling | None = None
    channels: tuple[Channel, ...] = ()
    pools: tuple[Pool, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    C_m: Number | None = None
    V_init: Number | None = None
    i_app: str = "0"

    def __post_init__(self) -> None:
        check_types(self)
        check_name("compartment", self.name)
        if self.coupling is not None and self.coupling.to == self.name:
            raise InputError(f"compartment '{self.name}' is coupled to itself")
        if self.C_m is not None and self.C_m <= 0:
            raise InputError(f"compartment '{self.name}': C_m = {self.C_m:g}; the capacitance must be positive")

    @property
    def potential(self) -> str:
        """The state that is its membrane potential."""
        return "V" if self.coupling is None else f"V_{self.name}"

    @property
    def capacitance(self) -> str:
        """The parameter that is its capacitance."""
        return "C_m" if self.C_m is None else f"C_m_{self.name}"


def parameters_of(compartment: Compartment, units: dict[str, str]) -> Iterator[Parameter]:
    """The parameters that a compartment's channels and pools make, in the order of the file."""
    if compartment.C_m is not None:
        yield Parameter(compartment.capacitance, compartment.C_m, units["C_m"])
    yield from compartment.parameters
    for c in compartment.channels:
        if c.g is not None:
            yield Parameter(f"g_{c.name}", c.g, units["g"])
        if isinstance(c.E, (int, float)):
            yield Parameter(f"E_{c.name}", c.E, "mV")
        if c.count_parameter is not None:
            yield c.count_parameter
        yield from c.parameters
    for p in compartment.pools:
        yield from p.parameters
