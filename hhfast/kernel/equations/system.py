"""A model as equations: for every state x, the symbolic a and b of x' = a - b x, and the named quantities they use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from hhfast.model.algebra import V, split_affine, symbol, to_sympy
from hhfast.model.model import Channel, Gate, Model

I_APP, C_M = symbol("i_app"), symbol("C_m")


@dataclass(frozen=True)
class System:
    """The equations of a model.

    states : names in row order. groups : group -> its states.
    a, b : state -> expression over V, states, parameters, i_app and named quantities.
    named : name -> expression of instantaneous gates and currents (`i_NAME`).
    """

    states: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    parameters: tuple[str, ...]
    a: dict[str, sp.Expr]
    b: dict[str, sp.Expr]
    named: dict[str, sp.Expr]

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

    def depends_on(self, group: str, states: tuple[str, ...]) -> bool:
        """Whether a or b of some state in the group depends on one of the states."""
        wanted = [e for x in self.groups[group] for e in (self.a[x], self.b[x])]
        wanted += [self.named[name] for name in self.needed(wanted)]
        return any(s.name in states for e in wanted for s in e.free_symbols)


@lru_cache(maxsize=64)
def system_of(model: Model) -> System:
    """The equations of a model."""
    a: dict[str, sp.Expr] = {}
    b: dict[str, sp.Expr] = {}
    named: dict[str, sp.Expr] = {}
    for channel in model.channels:
        for gate in channel.gates:
            scale = to_sympy(gate.rate_scale or channel.rate_scale)
            if gate.instantaneous:
                named[gate.name] = to_sympy(gate.inf or "")
            else:
                a[gate.name], b[gate.name] = _gate_rates(gate, scale)
    driving, leaving = [I_APP / C_M], []
    for channel in model.channels:
        rest, slope, named[f"i_{channel.name}"] = _current(channel)
        driving.append(-rest / C_M)
        leaving.append(slope / C_M)
    a["V"], b["V"] = sp.Add(*driving), sp.Add(*leaving)
    for pool in model.pools:
        a[pool.name], b[pool.name] = to_sympy(pool.a), to_sympy(pool.b)
    groups = {
        "all": model.states,
        "V": ("V",),
        "gates": tuple(g.name for g in model.gates),
        "pools": tuple(p.name for p in model.pools),
    }
    return System(model.states, groups, tuple(model.parameters), a, b, named)


def _gate_rates(gate: Gate, scale: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    if gate.alpha is not None and gate.beta is not None:
        alpha, beta = to_sympy(gate.alpha), to_sympy(gate.beta)
        return scale * alpha, scale * (alpha + beta)
    rate = scale / to_sympy(gate.tau or "")
    return to_sympy(gate.inf or "") * rate, rate


def _current(channel: Channel) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """(rest, slope, current): the channel's current is rest + slope V."""
    if channel.current is not None:
        current = to_sympy(channel.current)
        return *split_affine(current, V), current
    g = sp.Mul(symbol(f"g_{channel.name}"), *(symbol(gate.name) ** gate.power for gate in channel.gates))
    E = to_sympy(channel.E) if isinstance(channel.E, str) else symbol(f"E_{channel.name}")
    return -g * E, g, g * (V - E)
