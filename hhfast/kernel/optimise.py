"""From symbolic expressions to assignments: what is fixed per lane is hoisted, what is common is computed once.

The pass between the equations and the printed kernel. Binding times: numbers are folded, what depends on
parameters only becomes a lane constant (computed before the time loop), the rest is bound in the lane loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import sympy as sp

from hhfast.kernel.exponentials import Assignment, share
from hhfast.kernel.rational import merge_divisions
from hhfast.kernel.system import System
from hhfast.model.algebra import symbol


@dataclass
class LaneConstants:
    """The expressions over parameters alone that a kernel computes once per lane, each under one name."""

    parameters: frozenset[str]
    names: dict[sp.Expr, sp.Symbol] = field(default_factory=dict)

    def is_constant(self, expr: sp.Expr) -> bool:
        return all(s.name in self.parameters or s in self.names.values() for s in expr.free_symbols)

    def bind(self, expr: sp.Expr) -> sp.Expr:
        """A symbol for a constant expression (the expression itself, if it is a number or a name)."""
        if expr.is_number or expr.is_Symbol:
            return expr
        if expr not in self.names:
            self.names[expr] = symbol(f"k{len(self.names) + 1}_")
        return self.names[expr]

    def hoist(self, expr: sp.Expr) -> sp.Expr:
        """The expression with its largest parameter-only parts replaced by lane constants."""
        if expr.is_Atom:
            return expr
        if self.is_constant(expr):
            return self.bind(expr)
        if expr.is_Add or expr.is_Mul:
            fixed = [a for a in expr.args if self.is_constant(a)]
            rest = [self.hoist(a) for a in expr.args if not self.is_constant(a)]
            return expr.func(self.bind(expr.func(*fixed)), *rest)
        return expr.func(*(self.hoist(a) for a in expr.args))

    @property
    def assignments(self) -> list[Assignment]:
        return [(s.name, e) for e, s in self.names.items()]


def bind(system: System, wanted: dict[str, sp.Expr], constants: LaneConstants, dtype: str) -> list[Assignment]:
    """Assignments, in order, that compute the wanted expressions and the named quantities they use."""
    named = system.needed(list(wanted.values()))
    targets = {name: system.named[name] for name in named} | wanted
    targets, reciprocals = merge_divisions(targets, dtype)
    targets |= dict(reciprocals)
    exprs, shared = share(list(targets.values()), dtype, constants.is_constant)
    hoisted = [constants.hoist(e) for e in exprs]
    temporaries, reduced = sp.cse(hoisted, symbols=(symbol(f"u{k}_") for k in range(1, 10_000)))
    computed = dict(zip(targets, reduced, strict=True))
    others = shared + [(s.name, e) for s, e in temporaries]
    return _ordered([*((name, computed[name]) for name in wanted), *computed.items(), *others])


def _ordered(assignments: Iterable[Assignment]) -> list[Assignment]:
    """In the given order, but every name after the names it uses: what a wanted value needs comes just before it."""
    pending = dict(assignments)
    ordered: list[Assignment] = []

    def visit(name: str) -> None:
        expr = pending.pop(name)
        for used in sorted(s.name for s in expr.free_symbols):
            if used in pending:
                visit(used)
        ordered.append((name, expr))

    while pending:
        visit(next(iter(pending)))
    return ordered
