"""What an importer finds in one file, before names are given: channels, states and parameters as expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from hhfast.model.importers.expressions import Expr
from hhfast.model.importers.forms import Law
from hhfast.model.importers.formula_table import FormulaTable

# What NEURON takes for an ion, the temperature (degC) and the diameter (um) where nothing says otherwise: mV and mM.
DEFAULTS = {"ena": 50.0, "ek": -77.0, "cai": 5e-5, "cao": 2.0, "nai": 10.0, "nao": 140.0, "ki": 54.4, "ko": 2.5,
            "celsius": 6.3, "diam": 500.0}  # fmt: skip


@dataclass
class StateForm:
    """A state and its law; `initial` is a number, an expression of parameters and V, or None (steady)."""

    name: str
    law: Law
    initial: float | Expr | None = None
    unit: str = "1"


@dataclass
class SchemeForm:
    """A Markov chain: states, reactions (here, there, forward, backward), starting numbers of all but the first."""

    states: list[str]
    reactions: list[tuple[str, str, Expr, Expr]]
    initial: dict[str, float] = field(default_factory=dict)


@dataclass
class ChannelForm:
    """A current: conductance (mS/cm2) times `opening` times (V - reversal), or any expression (uA/cm2)."""

    name: str
    variable: str  # the file's name of the current
    ion: str = ""
    g: float | None = None
    g_name: str = ""  # the file's name of the conductance
    scale: float = 1e3  # by which its number there becomes g
    reversal: Expr | None = None
    opening: list[Expr] = field(default_factory=list)  # factors
    current: Expr | None = None
    scheme: SchemeForm | None = None


@dataclass
class Part:
    """One file."""

    name: str
    source: str
    title: str
    table: FormulaTable
    channels: list[ChannelForm]
    states: list[StateForm]
    parameters: dict[str, tuple[float, str]]  # what the file calls them: value, unit
    concentrations: dict[str, Expr]  # what it sets, as cai
    valences: dict[str, float]  # of its ions
    ions: dict[str, str]  # variable of an ion, as ena, cai or ica -> ion
    given: frozenset[str]  # the parameters that the file itself gives a number
    notes: list[str]

    def expressions(self) -> Iterator[Expr]:
        """Everything that its equations need."""
        for channel in self.channels:
            yield from (e for e in (channel.reversal, channel.current, *channel.opening) if e is not None)
            for _, _, forward, backward in channel.scheme.reactions if channel.scheme else ():
                yield from (forward, backward)
        for state in self.states:
            yield from state.law.formulas.values()
            if isinstance(state.initial, ast.expr):
                yield state.initial
        yield from self.concentrations.values()


def states_of(part: Part) -> Iterator[str]:
    """The names of a part's states, those of schemes included."""
    yield from (s.name for s in part.states)
    for c in part.channels:
        yield from c.scheme.states if c.scheme else ()
