"""A model as equations: for every state x, the symbolic a and b of x' = a - b x, and the named quantities they use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import sympy as sp

from hhfast.model.algebra import split_affine, symbol, to_sympy
from hhfast.model.compartment import Compartment
from hhfast.model.dependencies import named_order
from hhfast.model.elements import Channel, Gate
from hhfast.model.model import Model
from hhfast.model.scheme import Scheme

I_APP, C_M = symbol("i_app"), symbol("C_m")
G_APP = symbol("g_app_")  # the conductance that stimuli add to the membrane
V_SLOPE = symbol("V_slope_")  # mV/ms, of the command of a voltage clamp


@dataclass(frozen=True)
class System:
    """The equations of a model.

    states : names in row order. groups : group -> its states.
    a, b : state -> expression over V, states, parameters, i_app and named quantities.
    named : name -> expression of instantaneous gates, states of schemes that are not integrated, and currents
        (`i_NAME`), each after those it uses.
    conductances : the conductance of every ohmic channel, as it is open, by the name of its maximum, `g_NAME`.
    """

    states: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    parameters: tuple[str, ...]
    a: dict[str, sp.Expr]
    b: dict[str, sp.Expr]
    named: dict[str, sp.Expr]
    conductances: dict[str, sp.Expr]

    def needed(self, wanted: list[sp.Expr]) -> list[str]:
        """The named quantities that the expressions use, directly or not, in an order that defines before use."""
        found: set[str] = set()
        frontier = wanted
        while frontier:
            used = {s.name for e in frontier for s in e.free_symbols} & set(self.named)
            new = used - found
            found |= new
            frontier = [self.named[name] for name in new]
        return [name for name in self.named if name in found]

    @property
    def with_applied_conductance(self) -> System:
        """The same with a conductance of the stimulus in the membrane: `i_app` is then what it injects at V = 0."""
        return replace(self, b=self.b | {"V": self.b["V"] + G_APP / C_M})

    def in_units_of(self, time_unit: str) -> System:
        """The same with time counted in units of a parameter, so that all slopes are that many times as large."""
        unit = symbol(time_unit)
        a, b = ({x: unit * e for x, e in rates.items()} for rates in (self.a, self.b))
        return replace(self, a=a, b=b)

    @property
    def clamp_current(self) -> sp.Expr:
        """The current that makes V follow a command, all other applied current given."""
        return C_M * (V_SLOPE - self.a["V"] + self.b["V"] * symbol("V"))

    def depends_on(self, group: str, states: tuple[str, ...]) -> bool:
        """Whether a or b of some state in the group depends on one of the states."""
        wanted = [e for x in self.groups[group] for e in (self.a[x], self.b[x])]
        wanted += [self.named[name] for name in self.needed(wanted)]
        return any(s.name in states for e in wanted for s in e.free_symbols)


@lru_cache(maxsize=128)
def system_of(model: Model) -> System:
    """The equations of a model."""
    writing = _UnfinishedSystem(model)
    for section in model.sections:
        writing.gates(section)
    for section in model.sections:
        writing.membrane(section)
    for section in model.sections:
        writing.pools(section)
    groups = {
        "all": model.states,
        "V": ("V",),
        "gates": tuple(s.name for s in model.rows if s.group == "gates"),
        "pools": tuple(s.name for s in model.rows if s.group == "pools"),
    }
    named = {name: writing.named[name] for name in named_order(model)}
    return System(model.states, groups, tuple(model.parameters), writing.a, writing.b, named, writing.conductances)


@dataclass(frozen=True)
class _UnfinishedSystem:
    """The equations of a model in the making."""

    model: Model
    a: dict[str, sp.Expr] = field(default_factory=dict)
    b: dict[str, sp.Expr] = field(default_factory=dict)
    named: dict[str, sp.Expr] = field(default_factory=dict)
    conductances: dict[str, sp.Expr] = field(default_factory=dict)

    def expr(self, text: str, section: Compartment) -> sp.Expr:
        return to_sympy(self.model.written_out(text, section))

    def gates(self, section: Compartment) -> None:
        for channel in section.channels:
            for gate in channel.gates:
                if gate.instantaneous:
                    self.named[gate.name] = self.expr(gate.steady, section)
                else:
                    scale = self.expr(gate.rate_scale or channel.rate_scale, section)
                    self.a[gate.name], self.b[gate.name] = self._gate_rates(gate, scale, section)
            if channel.scheme is not None:
                self._scheme(channel.scheme, self.expr(channel.rate_scale, section), section)

    def _gate_rates(self, gate: Gate, scale: sp.Expr, section: Compartment) -> tuple[sp.Expr, sp.Expr]:
        if gate.alpha is not None and gate.beta is not None:
            alpha, beta = self.expr(gate.alpha, section), self.expr(gate.beta, section)
            return scale * alpha, scale * (alpha + beta)
        rate = scale / self.expr(gate.tau or "", section)
        return self.expr(gate.inf or "", section) * rate, rate

    def _scheme(self, scheme: Scheme, scale: sp.Expr, section: Compartment) -> None:
        """Master equations; the occupancy that is not integrated is 1 less the others."""
        self.named[scheme.eliminated] = 1 - sp.Add(*map(symbol, scheme.integrated))
        for x in scheme.integrated:
            self.a[x] = self.b[x] = sp.S.Zero
        for reaction in scheme.reactions:
            for source, goal, text in (
                (reaction.here, reaction.there, reaction.forward),
                (reaction.there, reaction.here, reaction.backward),
            ):
                rate = scale * self.expr(text, section)
                if source != scheme.eliminated:
                    self.b[source] += rate
                if goal == scheme.eliminated:
                    continue
                if source == scheme.eliminated:
                    # Of 1 less the others, the goal's own share joins its b: a then depends on the others alone.
                    self.a[goal] += rate * (1 - sp.Add(*(symbol(x) for x in scheme.integrated if x != goal)))
                    self.b[goal] += rate
                else:
                    self.a[goal] += rate * symbol(source)

    def membrane(self, section: Compartment) -> None:
        """The potential of a compartment: currents of channels, the applied one, those from neighbours."""
        C = symbol(section.capacitance)
        applied = I_APP if section.coupling is None else self.expr(section.i_app, section)
        driving, leaving = [applied / C], []
        for channel in section.channels:
            rest, slope, self.named[f"i_{channel.name}"] = self._current(channel, section)
            driving.append(-rest / C)
            leaving.append(slope / C)
        for g, neighbour in self._couplings(section):
            driving.append(g * symbol(neighbour) / C)
            leaving.append(g / C)
        self.a[section.potential], self.b[section.potential] = sp.Add(*driving), sp.Add(*leaving)

    def _couplings(self, section: Compartment) -> list[tuple[sp.Expr, str]]:
        """(conductance, potential) of every compartment that this one is coupled to."""
        found = []
        for other, own, across in self.model.couplings(section):
            assert other.coupling is not None
            g = self.expr(other.coupling.g, other)
            if other.coupling.fraction is not None:
                share = self.expr(other.coupling.fraction, other)
                g = g / (1 - share) if own else g / share
            found.append((g, across))
        return found

    def _current(self, channel: Channel, section: Compartment) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """(rest, slope, current): the channel's current is rest + slope V."""
        V = symbol(section.potential)
        if channel.current is not None:
            current = self.expr(channel.current, section)
            return *split_affine(current, V), current
        if channel.opening is not None:
            gating = [self.expr(channel.opening, section)]
        else:
            gating = [symbol(gate.name) ** gate.power for gate in channel.gates]
        g = sp.Mul(symbol(f"g_{channel.name}"), *gating)
        self.conductances[f"g_{channel.name}"] = g
        E = self.expr(channel.E, section) if isinstance(channel.E, str) else symbol(f"E_{channel.name}")
        return -g * E, g, g * (V - E)

    def pools(self, section: Compartment) -> None:
        for pool in section.pools:
            self.a[pool.name], self.b[pool.name] = self.expr(pool.a, section), self.expr(pool.b, section)
