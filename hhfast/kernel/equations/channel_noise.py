"""Channel noise as equations: which channels are counted, how their states change, and what their fluctuations do.

A channel that opens and closes at random is, on average and given V(t), what its deterministic gates or scheme say. So
a noisy run integrates these as any run does, and adds to the currents what the fluctuation of the open fraction around
them carries. Where a channel is infinitely many, nothing is added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from hhfast.errors import InputError
from hhfast.kernel.equations.jacobian import derivative, without_abs
from hhfast.kernel.equations.system import System, system_of
from hhfast.model.algebra import split_affine, symbol, to_sympy
from hhfast.model.compartment import Compartment
from hhfast.model.elements import Channel
from hhfast.model.model import Model

_MOST = 64  # independent fluctuations of a channel's gates


@dataclass(frozen=True)
class NoisyChannel:
    """A channel that is counted.

    count : how many there are. gates : (name, power) of those that move in time; or, of a scheme, states : all,
    and reactions : (here, there, rate, rate back).
    currents, conductances : fluctuation -> what flows, or conducts, for each unit of it. The fluctuation is that of the
    product of the gates, or those of a scheme's states that count as open: symbols, by name.
    """

    name: str
    count: sp.Expr
    gates: tuple[tuple[str, int], ...]
    states: tuple[str, ...]
    reactions: tuple[tuple[str, str, sp.Expr, sp.Expr], ...]
    currents: dict[str, sp.Expr]
    conductances: dict[str, sp.Expr]

    def fluctuation(self, state: str = "") -> str:
        """The name, in algebra, of a fluctuation: of a scheme's state, or of all gates together."""
        return f"delta_{self.name}_{state}_" if state else f"delta_{self.name}_"


@lru_cache(maxsize=32)
def noisy_channels(model: Model) -> tuple[NoisyChannel, ...]:
    """The channels of a model that have a count."""
    found = tuple(
        _noisy(model, section, channel)
        for section in model.sections
        for channel in section.channels
        if channel.count is not None
    )
    names = Counter(name for noisy in found for name in noisy.currents)
    if alike := [noisy.name for noisy in found if any(names[name] > 1 for name in noisy.currents)]:
        raise InputError(
            f"channel noise: {' and '.join(alike)}: the name of one is another's with a state's behind it; rename one"
        )
    return found


def _noisy(model: Model, section: Compartment, channel: Channel) -> NoisyChannel:
    def expr(text: str) -> sp.Expr:
        return to_sympy(model.written_out(text, section))

    count = expr(channel.count) if isinstance(channel.count, str) else symbol(f"count_{channel.name}")
    gates = tuple((gate.name, gate.power) for gate in channel.gates if not gate.instantaneous)
    states: tuple[str, ...] = ()
    reactions: tuple[tuple[str, str, sp.Expr, sp.Expr], ...] = ()
    if channel.scheme is not None:
        states, scale = channel.scheme.states, expr(channel.rate_scale)
        reactions = tuple(
            (r.here, r.there, scale * expr(r.forward), scale * expr(r.backward)) for r in channel.scheme.reactions
        )
    system = system_of(model)
    opened = NoisyChannel(channel.name, count, gates, states, reactions, {}, {})
    current = _per_opening(opened, system.named[f"i_{channel.name}"])
    conductance = {}
    if channel.current is None:
        conductance = _per_opening(opened, system.conductances[f"g_{channel.name}"])
    return NoisyChannel(channel.name, count, gates, states, reactions, current, conductance)


def _per_opening(channel: NoisyChannel, of_all: sp.Expr) -> dict[str, sp.Expr]:
    """A current or conductance for each unit of each fluctuation: it must be proportional to what is open."""
    refused = InputError(
        f"channel noise of '{channel.name}': its current is not proportional to the product of its gates, "
        "or linear in the states of its scheme; leave its count out"
    )
    if channel.gates:
        if sp.prod([power + 1 for _, power in channel.gates]) > _MOST:
            raise InputError(
                f"channel noise of '{channel.name}': its gates have more than {_MOST} states; leave its count out"
            )
        product = sp.Mul(*(symbol(name) ** power for name, power in channel.gates))
        each = of_all.subs({symbol(name): 1 for name, _ in channel.gates})
        if sp.expand(of_all - each * product) != 0:
            raise refused
        return {channel.fluctuation(): each}
    found = {}
    for state in channel.states:
        each = sp.diff(of_all, symbol(state))
        if any(each.has(symbol(other)) for other in channel.states):
            raise refused
        if each != 0:
            found[channel.fluctuation(state)] = each
    return found


def effects(model: Model) -> dict[str, tuple[sp.Expr, sp.Expr]]:
    """State -> (a, b): what the fluctuations add to x' = a - b x of potentials and pools."""
    system = system_of(model)
    found: dict[str, tuple[sp.Expr, sp.Expr]] = {}
    for section in model.sections:
        for channel in section.channels:
            for noisy in noisy_channels(model):
                if noisy.name == channel.name:
                    _add(found, section.potential, _on_potential(noisy, section))
    extra = {symbol(f"i_{noisy.name}"): _extra_current(noisy) for noisy in noisy_channels(model)}
    for i in extra:
        _check_unused(system, i)
    for x in system.groups["pools"]:
        both = system.a[x], system.b[x]
        if any(e.has(*extra) for e in both):
            _add(found, x, _on_pool(both, extra))
    return found


def _on_potential(noisy: NoisyChannel, section: Compartment) -> tuple[sp.Expr, sp.Expr]:
    a, b = [], []
    for name, each in noisy.currents.items():
        rest, slope = split_affine(each, symbol(section.potential))
        a.append(-rest * symbol(name) / symbol(section.capacitance))
        b.append(slope * symbol(name) / symbol(section.capacitance))
    return sp.Add(*a), sp.Add(*b)


def _extra_current(noisy: NoisyChannel) -> sp.Expr:
    return sp.Add(*(each * symbol(name) for name, each in noisy.currents.items()))


def _on_pool(both: tuple[sp.Expr, sp.Expr], extra: dict[sp.Symbol, sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """What currents more than those without noise add to a and b of a pool: by slopes, where these are constant."""
    a, b = (_more(e, extra) for e in both)
    return a, b


def _more(expr: sp.Expr, extra: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    used = [i for i in extra if expr.has(i)]
    slopes = [derivative(without_abs(expr), i.name) for i in used]
    if any(slope.has(*used) for slope in slopes):
        return expr.subs({i: i + extra[i] for i in used}, simultaneous=True) - expr
    return sp.Add(*(slope * extra[i] for i, slope in zip(used, slopes, strict=True)))


def _add(found: dict[str, tuple[sp.Expr, sp.Expr]], x: str, more: tuple[sp.Expr, sp.Expr]) -> None:
    a, b = found.get(x, (sp.S.Zero, sp.S.Zero))
    found[x] = a + more[0], b + more[1]


def _check_unused(system: System, i: sp.Symbol) -> None:
    """Rates and other currents that depend on a noisy current would not see its noise."""
    rates = [e for x in system.groups["gates"] for e in (system.a[x], system.b[x])]
    if any(e.has(i) for e in (*rates, *(e for other, e in system.named.items() if other != i.name))):
        raise InputError(
            f"channel noise: a gate or another current depends on {i.name}, whose noise it would not see; "
            "leave its count out"
        )
