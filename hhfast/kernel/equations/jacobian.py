"""The Jacobian of a model, symbolically, and the order in which its states are best eliminated.

Most gates couple only to V and to pools, so the matrix is nearly an arrow: eliminating the gates first, then the
pools, then V, fills in little. What couples otherwise (states of a kinetic scheme, gates that depend on gates,
compartments) is filled in as it has to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from hhfast.kernel.equations.system import I_APP, System
from hhfast.kernel.tree.naming import free_name
from hhfast.model.algebra import symbol, symbols_in
from hhfast.model.symbolic_functions import if_equal, if_less, if_less_equal


def without_abs(expr: sp.Expr) -> sp.Expr:
    """The expression with choices for absolute values: SymPy differentiates |u| by way of complex numbers."""
    return expr.replace(sp.Abs, lambda u: if_less(u, 0, -u, u))


def derivative(real: sp.Expr, name: str) -> sp.Expr:
    """The derivative by a state or parameter of an expression `without_abs`."""
    if symbol(name) not in symbols_in(real):
        return sp.S.Zero
    found = sp.diff(real, symbol(name))
    if found.has(if_less, if_less_equal, if_equal):
        found = if_equal(found, found, found, 0)  # not NaN: 0 times the infinite slope of sqrt(max(V, 0))
    return found


@dataclass(frozen=True, eq=False)
class Jacobian:
    """dx/dt and d(dx/dt)/dy of a model, written out; the order of elimination, and what that fills in."""

    system: System

    @cached_property
    def slopes(self) -> dict[str, sp.Expr]:
        """x -> dx/dt in states, parameters and i_app alone."""
        return {x: self._written_out(self.system.a[x] - self.system.b[x] * symbol(x)) for x in self.system.states}

    @cached_property
    def entries(self) -> dict[tuple[str, str], sp.Expr]:
        """(x, y) -> d(dx/dt)/dy in states and parameters alone, where it is not zero."""
        found = {}
        for x, slope in self.slopes.items():
            real = without_abs(slope.subs(I_APP, 0))
            for y in self.system.states:
                entry = derivative(real, y)
                if entry != 0:
                    found[x, y] = entry
        return found

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        """(x, y) -> what algebra calls an entry; each its own: that of a, b_c is not that of a_b, c."""
        taken: set[str] = set()
        return {(x, y): free_name(f"J_{x}_{y}", taken) + "_" for x, y in self.entries}

    def _written_out(self, expr: sp.Expr) -> sp.Expr:
        """The expression in states and parameters alone."""
        for name in reversed(self.system.needed([expr])):
            expr = expr.subs(symbol(name), self.system.named[name])
        return expr

    @property
    def order(self) -> tuple[str, ...]:
        """The states in the order of their elimination."""
        return (*self.system.groups["gates"], *self.system.groups["pools"], "V")

    @cached_property
    def filled(self) -> set[tuple[str, str]]:
        """The places off the diagonal that are not zero in the factors."""
        places = set(self.entries)
        for p, pivot in enumerate(self.order):
            after = self.order[p + 1 :]
            places |= {(r, c) for r in after for c in after if {(r, pivot), (pivot, c)} <= places}
        return {(x, y) for x, y in places if x != y}


def of_more(
    system: System, more: dict[str, tuple[sp.Expr, sp.Expr]], places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], sp.Expr]:
    """What is added to entries of the Jacobian at these places by more in a and b of some states."""
    states = {x: of for x, of in more.items() if x in system.states}
    if not states:
        return {}
    a, b = ({x: of[k] for x, of in states.items()} for k in range(2))
    added = Jacobian(replace(system, states=tuple(states), a=a, b=b)).slopes
    found = {(x, y): derivative(without_abs(added[x]), y) for x, y in places if x in states}
    return {place: e for place, e in found.items() if e != 0}
