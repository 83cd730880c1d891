"""From symbolic expressions to assignments: what is fixed per lane is hoisted, what is common is computed once.

The pass between the equations and the printed kernel. Binding times: numbers are folded, what depends on
parameters only becomes a lane constant (computed before the time loop), what depends on the step as well is computed
when the step changes, the rest is bound in the lane loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from hhfast.kernel.equations.system import System
from hhfast.kernel.optimise.merged_divisions import RatePair, merge_divisions
from hhfast.kernel.optimise.shared_exponentials import Assignment, share
from hhfast.model.algebra import symbol, symbols_in

DT = symbol("dt_")


@dataclass
class LaneConstants:
    """The expressions over parameters and the step alone that a kernel computes before its steps, each under one name.

    of_lanes : those of parameters. of_steps : those of parameters and the step. of_step : those of the step alone.
    """

    parameters: frozenset[str]
    letter: str = "k"  # with which the names begin
    names: dict[sp.Expr, sp.Symbol] = field(default_factory=dict)
    _own: set[sp.Symbol] = field(default_factory=set)  # the values of `names`

    def is_constant(self, expr: sp.Expr) -> bool:
        return all(s.name in self.parameters or s == DT or s in self._own for s in symbols_in(expr))

    def bind(self, expr: sp.Expr) -> sp.Expr:
        """A symbol for a constant expression (the expression itself, if it is a number or a name)."""
        if expr.is_number or expr.is_Symbol:
            return expr
        if expr not in self.names:
            self.names[expr] = symbol(f"{self.letter}{len(self.names) + 1}_")
            self._own.add(self.names[expr])
        return self.names[expr]

    def hoist(self, expr: sp.Expr) -> sp.Expr:
        """The expression with its largest constant parts replaced by lane constants.

        A constant times a sum is multiplied into the sum, where it costs nothing: the terms become multiply-adds.
        """
        if expr.is_Atom:
            return expr
        if self.is_constant(expr):
            return self.bind(expr)
        if expr.is_Add or expr.is_Mul:
            fixed = [a for a in expr.args if self.is_constant(a)]
            rest = [a for a in expr.args if not self.is_constant(a)]
            total = next((a for a in rest if a.is_Add), None) if expr.is_Mul and fixed else None
            if total is not None:
                rest[rest.index(total)] = sp.Add(*(sp.Mul(*fixed, term) for term in total.args))
                fixed = []
            return expr.func(self.bind(expr.func(*fixed)), *map(self.hoist, rest))
        return expr.func(*(self.hoist(a) for a in expr.args))

    @property
    def of_lanes(self) -> list[Assignment]:
        return [(s.name, e) for e, s in self.names.items() if DT not in e.free_symbols]

    @property
    def of_steps(self) -> list[Assignment]:
        return [(s.name, e) for e, s in self.names.items() if DT in e.free_symbols and e.free_symbols != {DT}]

    @property
    def of_step(self) -> list[Assignment]:
        return [(s.name, e) for e, s in self.names.items() if e.free_symbols == {DT}]


def bind(
    system: System,
    wanted: dict[str, sp.Expr],
    constants: LaneConstants,
    dtype: str,
    pairs: Sequence[RatePair] = (),
    over: sp.Expr = sp.S.One,
) -> list[Assignment]:
    """Assignments, in order, that compute the wanted expressions times `over` and the named quantities they use.

    pairs : those of the wanted that are a and b of a state.
    """
    named = system.needed(list(wanted.values()))
    targets = {name: system.named[name] for name in named} | wanted
    targets, reciprocals = merge_divisions(targets, pairs, dtype)
    # A merged division has the factor in its numerator, for nothing.
    merged = {name for pair in reciprocals for name in (pair.a, pair.b)}
    targets |= {name: over * targets[name] for name in wanted if name not in merged}
    targets |= {pair.reciprocal: over * reciprocal for pair, reciprocal in reciprocals.items()}
    exprs, shared = share(list(targets.values()), dtype, constants.is_constant)
    hoisted = [constants.hoist(e) for e in exprs]
    temporaries, reduced = _common(hoisted, "u")
    computed = dict(zip(targets, reduced, strict=True))
    return _ordered([*((name, computed[name]) for name in wanted), *computed.items(), *shared, *temporaries])


def with_common_parts(assignments: Sequence[Assignment]) -> list[Assignment]:
    """The assignments, after those of what several of them compute."""
    temporaries, reduced = _common([e for _, e in assignments], "j")
    return [*temporaries, *((name, e) for (name, _), e in zip(assignments, reduced, strict=True))]


def _common(exprs: Sequence[sp.Expr], letter: str) -> tuple[list[Assignment], list[sp.Expr]]:
    """Assignments of what is common to expressions, under names with this letter, and the expressions that use them."""
    temporaries, reduced = sp.cse(exprs, symbols=(symbol(f"{letter}{k}_") for k in range(1, 10_000)))
    # A number times a name costs nothing where it is added: not worth sharing.
    trivial: dict[sp.Symbol, sp.Expr] = {}
    for s, e in temporaries:
        if e.is_Mul and [a.is_Number for a in e.args] == [True, False] and e.args[1].is_Symbol:
            trivial[s] = e.xreplace(trivial)  # of another such, it may be
    return (
        [(s.name, e.xreplace(trivial)) for s, e in temporaries if s not in trivial],
        [e.xreplace(trivial) for e in reduced],
    )


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
