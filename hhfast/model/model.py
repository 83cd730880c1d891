"""What a neuron is: the Model, frozen data. Every state obeys x' = a - b x."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from hhfast.errors import InputError, did_you_mean
from hhfast.model.check import Check
from hhfast.model.compartment import Compartment, parameters_of
from hhfast.model.definitions import Definitions
from hhfast.model.elements import Channel, Formula, Function, Parameter, Pool, State
from hhfast.model.field_types import check_types
from hhfast.model.names import CONFIG, UNITS, Number, check_model_name

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Model:
    """A neuron: a membrane with channels, pools and parameters; and further compartments, if it has any.

    `name` is an identifier; `V_init` (mV) is where V starts; `channels` carry its currents, `pools` are further states;
    `shared` are the parameters that belong to no channel; `formulas` and `functions` are names that other formulas use;
    `units` is "density" (mS/cm2, uF/cm2, uA/cm2) or "total" (nS, pF, pA); `main` names the first of the compartments.
    `title` and `citation` say what and whose it is. Hashable and picklable. `text` is the TOML it was read from,
    verbatim ("" if built in Python); `trusted`: the library's, not checked again. `species`, `cell`, `currents` are
    tags to search for; `notes` and `checks` tell where the numbers come from. `float32` says why single precision is
    not for it ("": it may be). Raises `InputError` (formula, place and reason) for anything that cannot be simulated.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    name: str
    V_init: Number
    channels: tuple[Channel, ...]
    shared: tuple[Parameter, ...]
    title: str = field(default="", repr=False)
    citation: str = field(default="", repr=False)
    units: str = "density"
    pools: tuple[Pool, ...] = ()
    text: str = field(default="", compare=False, repr=False)
    trusted: bool = field(default=False, compare=False, repr=False)
    formulas: tuple[Formula, ...] = ()
    functions: tuple[Function, ...] = ()
    compartments: tuple[Compartment, ...] = ()
    main: str = "soma"
    species: str = field(default="", repr=False)
    cell: str = field(default="", repr=False)
    currents: tuple[str, ...] = field(default=(), repr=False)
    notes: str = field(default="", repr=False)
    checks: tuple[Check, ...] = field(default=(), repr=False)
    float32: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        from hhfast.model.validation import check_model

        check_types(self)
        check_model_name(self.name)
        if self.units not in UNITS:
            raise InputError(f"units = '{self.units}'; {did_you_mean(self.units, UNITS)}")
        check_model(self)

    # --- its parts ---
    @cached_property
    def sections(self) -> tuple[Compartment, ...]:
        """The compartments, the main one first."""
        return (Compartment(self.main, None, self.channels, self.pools), *self.compartments)

    def couplings(self, section: Compartment) -> list[tuple[Compartment, bool, str]]:
        """The compartments that give a coupling of a section, whether it is the section's own, and V across it."""
        potentials = {s.name: s.potential for s in self.sections}
        found = []
        for other in self.compartments:
            if other.coupling is not None and section.name in (other.name, other.coupling.to):
                own = section.name == other.name
                found.append((other, own, potentials[other.coupling.to if own else other.name]))
        return found

    @property
    def every_channel(self) -> Iterator[Channel]:
        """The channels of all compartments."""
        return (channel for section in self.sections for channel in section.channels)

    @cached_property
    def definitions(self) -> Definitions:
        return Definitions(self.formulas, self.functions)

    def written_out(self, text: str, section: Compartment) -> str:
        """A formula of a compartment with the shared formulas written out, and V its potential."""
        other = {"V": section.potential, f"V_{self.main}": "V"} if self.compartments else {}
        return self.definitions.written_out(text, tuple((k, v) for k, v in other.items() if k != v))

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Every parameter by name, with default value and unit."""
        own = (p for section in self.sections for p in parameters_of(section, UNITS[self.units]))
        return {p.name: p for p in (*self.shared, *own)}

    @cached_property
    def counts(self) -> frozenset[str]:
        """The parameters that are numbers of channels, which are positive and may be infinite."""
        return frozenset(c.count_parameter.name for c in self.every_channel if c.count_parameter is not None)

    @cached_property
    def rows(self) -> tuple[State, ...]:
        """The states in the order of the rows of every state array: V, gates (and those of schemes), pools.

        The potential of a further compartment is the first of that compartment's pools.
        """
        found = [State("V", "mV", "V", self.V_init)]
        for section in self.sections:
            for channel in section.channels:
                for g in channel.gates:
                    if not g.instantaneous:
                        initial = "steady" if g.initial is None else g.initial
                        found.append(State(g.name, "1", "gates", initial, section.potential))
                if channel.scheme is not None:
                    given = dict(channel.scheme.initial)
                    found += [
                        State(name, "1", "gates", given.get(name, "steady"), section.potential)
                        for name in channel.scheme.integrated
                    ]
        for section in self.sections:
            if section.coupling is not None:
                V_init = self.V_init if section.V_init is None else section.V_init
                found.append(State(section.potential, "mV", "pools", V_init, section.potential))
            found += [State(p.name, p.unit, "pools", p.initial, section.potential) for p in section.pools]
        return tuple(found)

    @property
    def gates(self) -> tuple[State, ...]:
        """The gates that are states (not the instantaneous ones), and the integrated states of schemes."""
        return tuple(s for s in self.rows if s.group == "gates")

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The states in the order of the rows of every state array: V, gates, pools."""
        return tuple(s.name for s in self.rows)

    @cached_property
    def variables(self) -> dict[str, str]:
        """What changes with time, name -> unit: states, instantaneous gates, currents of channels, i_app."""
        current = UNITS[self.units]["i"]
        units = {"V": "mV"}
        for c in self.every_channel:
            units |= dict.fromkeys((*(g.name for g in c.gates), *(c.scheme.states if c.scheme else ())), "1")
        units |= {s.name: s.unit for s in self.rows if s.group == "pools"}
        return units | {f"i_{c.name}": current for c in self.every_channel} | {"i_app": current}

    @cached_property
    def recordable(self) -> dict[str, str]:
        """Everything a trace can record, name -> unit: `variables`, conductances, and the current of a voltage clamp.

        `g_NAME` is the conductance of the channel as it is open, g_NAME times its gates.
        """
        units = UNITS[self.units]
        conductances = {f"g_{c.name}": units["g"] for c in self.every_channel if c.current is None}
        return self.variables | conductances | {"i_clamp": units["i"]}

    @cached_property
    def quantities(self) -> dict[str, str]:
        """What each of `recordable` is: "potential", "gate", "pool", "current", "conductance" or "applied current"."""
        from hhfast.model.quantities import quantities

        return quantities(self)

    # --- changed copies ---
    def with_channel(self, channel: Channel) -> Model:
        """This model with a channel added (or replaced, if it has one of that name)."""
        from hhfast.model.changed_channels import with_channel

        return with_channel(self, channel)

    def with_counts(self) -> Model:
        """This model with a count, infinite unless it has one, for every channel that can be noisy.

        Those are the channels with a reversal potential whose gates, or scheme, move in time: the parameter
        count_NAME says how many there are. A channel with a current of its own needs its `count` in the model.
        """
        from hhfast.model.changed_channels import with_counts

        return with_counts(self)

    def without_channel(self, name: str) -> Model:
        """This model without one of its channels."""
        from hhfast.model.changed_channels import without_channel

        return without_channel(self, name)

    # --- what it says ---
    def derivatives(self, state: Any, params: Mapping[str, Any] | None = None, i_app: Any = 0.0) -> Any:
        """dx/dt of every state, per ms, by plain NumPy: what compiled kernels are tested against.

        state : (n_states, ...) array in the order of `states`, or a mapping of all of them. params : those that differ
        from the model's values. Everything broadcasts. Returns an array (n_states, ...), or a mapping for a mapping.
        At a removable pole, where a formula as written is 0/0, the mean of both sides is taken.
        """
        from hhfast.model.oracle import derivatives

        return derivatives(self, state, params or {}, i_app)

    def gate_curves(self, V: Any, params: Mapping[str, Any] | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of every gate (inf, tau) over the potentials V (mV): arrays of V's shape, tau in ms (0: instantaneous).

        Pools, and what else a rate depends on, are at their initial values. Schemes have no such curves.
        """
        from hhfast.model.oracle import gate_curves

        return gate_curves(self, V, params or {})

    def to_toml(self) -> str:
        """The model as TOML: the text it was read from, else a canonical one that reads back as an equal model."""
        from hhfast.model.dump import dump

        return self.text or dump(self)

    def to_neuroml(self, pulse: tuple[float, float, float] | None = None, *, eden: bool = False) -> str:
        """The model as a NeuroML2 file, for jNeuroML, NEURON, PyLEMS: a cell, and a network at its temperature.

        A cell of one segment with channels (ionChannelHH) where these say all of it, else one LEMS ComponentType with
        the model's equations, in numbers of mV and ms. A model of totals gets the area of 1 uF/cm2, one of densities
        1000 um2. pulse : amplitude (uA/cm2 or pA), start and stop (ms) of a pulseGenerator.
        eden : for EDEN, in which the sum of the currents into a cell is built in, so that the ComponentType must not
        say it; a cell of channels is the same file for all. Cannon et al. 2014, Front Neuroinform 8:79; Panagiotou et
        al. 2022, Front Neuroinform 16:724336.
        """
        from hhfast.model.exporters.neuroml import neuroml

        return neuroml(self, pulse, eden=eden)

    def equations(self) -> str:
        """The model's equations, parameters and source as text for people."""
        from hhfast.model.describe import equations

        return equations(self)

    @cached_property
    def identity(self) -> str:
        """All that its equations and numbers depend on, as one text."""
        return repr([getattr(self, f.name) for f in fields(self) if f.repr])

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        # Short, for people; with a digest, as caches of kernels are named by it.
        digest = hashlib.sha256(self.identity.encode()).hexdigest()[:16]
        return f"<Model {self.name}: {len(self.states)} states, {len(self.parameters)} parameters, {digest}>"

    def _repr_html_(self) -> str:
        from hhfast.model.describe import html

        return html(self)
