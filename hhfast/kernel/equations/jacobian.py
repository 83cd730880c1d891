"""The Jacobian of a model, symbolically, and the text that factorises and solves with it.

Most gates couple only to V and to pools, so the matrix is nearly an arrow: eliminating the gates first, then the pools,
then V, fills in little, and both cost operations in proportion to the number of states. What couples otherwise (states
of a kinetic scheme, gates that depend on gates, compartments) is filled in as it has to be. No pivoting is needed: the
diagonal of 1 / (gamma h) - J dominates for all steps that an error control accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from hhfast.kernel.equations.system import I_APP, System
from hhfast.model.algebra import if_equal, if_less, if_less_equal, symbol


def place(x: str, y: str) -> str:
    """The name, in a kernel, of the entry in row x and column y."""
    return f"J_{x}_by_{y}_"


@dataclass(frozen=True, eq=False)
class Jacobian:
    """dx/dt and d(dx/dt)/dy of a model, written out; and the text that solves linear systems with them."""

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
            # SymPy differentiates |u| by way of complex numbers.
            real = slope.subs(I_APP, 0).replace(sp.Abs, lambda u: if_less(u, 0, -u, u))
            for y in self.system.states:
                entry = sp.diff(real, symbol(y))
                if entry.has(if_less, if_less_equal, if_equal):
                    entry = if_equal(entry, entry, entry, 0)  # not NaN: 0 times the infinite slope of sqrt(max(V, 0))
                if entry != 0:
                    found[x, y] = entry
        return found

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
            after = self.order[p + 1:]
            places |= {(r, c) for r in after for c in after if {(r, pivot), (pivot, c)} <= places}
        return {(x, y) for x, y in places if x != y}

    @property
    def rows(self) -> list[str]:
        """The names of what is kept of the factors: the places, and the reciprocals of the pivots."""
        return [*(place(x, y) for x in self.order for y in self.order if (x, y) in self.filled),
                *(f"P_{x}_" for x in self.order)]

    @property
    def factorised(self) -> list[str]:
        """Lines that factorise diagonal_ - J in place, with a unit diagonal in the lower factor."""
        lines = []
        for x in self.order:
            for y in self.order:
                known = f"{place(x, y)}" if (x, y) in self.entries else "0.0"
                if x == y:
                    lines.append(f"{place(x, x)} = diagonal_ - {known}")
                elif (x, y) in self.filled:
                    lines.append(f"{place(x, y)} = {'-' if (x, y) in self.entries else ''}{known}")
        for p, pivot in enumerate(self.order):
            after = self.order[p + 1:]
            lines.append(f"P_{pivot}_ = 1.0 / {place(pivot, pivot)}")
            for r in after:
                if (r, pivot) in self.filled:
                    lines.append(f"{place(r, pivot)} = {place(r, pivot)} * P_{pivot}_")
                    lines += [f"{place(r, c)} = {place(r, c)} - {place(r, pivot)} * {place(pivot, c)}"
                              for c in after if (pivot, c) in self.filled]
        return lines

    @property
    def solved(self) -> list[str]:
        """Lines that solve for y_x_ in place, with the factors."""
        lines = []
        for p, x in enumerate(self.order):
            lines += [f"y_{x}_ = y_{x}_ - {place(x, c)} * y_{c}_" for c in self.order[:p] if (x, c) in self.filled]
        for p in range(len(self.order) - 1, -1, -1):
            x = self.order[p]
            lines += [f"y_{x}_ = y_{x}_ - {place(x, c)} * y_{c}_" for c in self.order[p + 1:] if (x, c) in self.filled]
            lines.append(f"y_{x}_ = y_{x}_ * P_{x}_")
        return lines
