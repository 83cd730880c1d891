"""Named formulas and functions of a file, each in terms of the others: opened and written out as far as is asked."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hhfast.model.importers.expressions import Expr, calls_of, check_size, factors, mapped, names_of, rewritten


@dataclass
class FormulaTable:
    """Named expressions and functions, each in terms of the others, of states and of parameters."""

    formulas: dict[str, Expr] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # formula -> what the file calls it
    functions: dict[str, tuple[tuple[str, ...], Expr]] = field(default_factory=dict)
    _bases: dict[str, frozenset[str]] = field(default_factory=dict)

    def bases(self, e: Expr) -> frozenset[str]:
        """What an expression depends on in the end: names that are no formulas."""
        found: set[str] = set()
        for name in set(names_of(e)):
            found |= self._of_formula(name) if name in self.formulas else {name}
        for name in set(calls_of(e)) & self.functions.keys():
            found |= self._of_function(name)
        return frozenset(found)

    def _of_formula(self, name: str) -> frozenset[str]:
        if name not in self._bases:
            self._bases[name] = self.bases(self.formulas[name])
        return self._bases[name]

    def _of_function(self, name: str) -> frozenset[str]:
        key = f"{name}()"
        if key not in self._bases:
            arguments, body = self.functions[name]
            self._bases[key] = self.bases(body) - set(arguments)
        return self._bases[key]

    def opened(self, e: Expr) -> Expr:
        """The expression itself where it is but the name of a formula, or the call of a function."""
        while True:
            match e:
                case ast.Name(id=name) if name in self.formulas:
                    e = self.formulas[name]
                case ast.Call(func=ast.Name(id=name), args=given) if name in self.functions:
                    arguments, body = self.functions[name]
                    values: Mapping[str, Expr] = dict(zip(arguments, given, strict=True))
                    e = rewritten(body, values.get)
                case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                    e = operand
                case _:
                    return e

    def factors(self, e: Expr, within: str) -> tuple[int, list[Expr], list[Expr]]:
        """As `factors`, with every part opened that depends on `within`."""
        if within not in self.bases(e):
            return 1, [e], []
        sign, above, below = factors(self.opened(e))
        if len(above) + len(below) == 1:
            return sign, above, below
        found: tuple[list[Expr], list[Expr]] = [], []
        for group, (own, other) in ((above, found), (below, found[::-1])):
            for factor in group:
                s, a, b = self.factors(factor, within)
                sign *= s
                own.extend(a)
                other.extend(b)
        return sign, *found

    def written_out(self, e: Expr, stop: Callable[[str], bool] = lambda name: False) -> Expr:
        """The expression with formulas replaced by what they are, but for those where `stop` says so."""
        result = rewritten(
            e, lambda n: self.written_out(self.formulas[n], stop) if n in self.formulas and not stop(n) else None
        )
        check_size(result, "a formula")
        return result

    def expanded(self, e: Expr) -> Expr:
        """The expression in terms of states and parameters alone, with formulas and functions written out."""
        result = self._expanded(e)
        check_size(result, "a formula")
        return result

    def _expanded(self, e: Expr) -> Expr:
        if isinstance(e, ast.Name) and e.id in self.formulas:
            return self.expanded(self.formulas[e.id])
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and e.func.id in self.functions:
            arguments, body = self.functions[e.func.id]
            given = dict(zip(arguments, map(self.expanded, e.args), strict=True))
            return rewritten(self.expanded(body), given.get)
        return mapped(e, self._expanded)
