"""Derivatives of straight-line code by the chain rule, operation after operation (forward accumulation).

Every operation gets a name, once, and after it come the derivatives of its value by those symbols on which it depends
(Griewank & Walther 2008, Evaluating Derivatives, section 3.1). So they take no longer to write than the code itself,
where algebra would write each out in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from hhfast.kernel.tree.nodes import Binary, Call, Compare, Expression, Let, Name, Negative, Number, Select, Symbol

_LARGEST = 1e290  # slope of an exponential: larger ones, times others, would be infinite, and 0 times that NaN
_Derivatives: TypeAlias = dict[Symbol, Expression]  # by symbol: a name or number each; what is missing is 0
_Partial = tuple[Expression, int, Expression | None]  # operand; sign and factor (None: 1) of its derivative


class Differentiated:
    """Straight assignments, with their derivatives by some symbols.

    by : these symbols. functions : the functions of `kernel.math`. number : a number of the lanes' type.
    lets : all statements, in order.
    """

    def __init__(self, by: Iterable[Symbol], functions: Mapping[str, Any], number: Callable[[float], Number]) -> None:
        self.lets: list[Let] = []
        self._zero, self._one, self._half, self._largest = map(number, (0.0, 1.0, 0.5, _LARGEST))
        self._functions = functions
        self._derivatives: dict[Symbol, _Derivatives] = {x: {x: self._one} for x in by}
        self._named: dict[Expression, Name] = {}  # operations on names and numbers -> the name of their value
        self._chosen: set[Symbol] = set()  # what comes of a choice between two values

    def let(self, statement: Let) -> None:
        """Add an assignment."""
        value = self._atom(statement.value)
        self.lets.append(Let(statement.target, value))
        if isinstance(value, Name):
            self._derivatives[statement.target] = self._of(value)
            if value.symbol in self._chosen:
                self._chosen.add(statement.target)

    def derivatives(self, symbol: Symbol) -> _Derivatives:
        """Of what has been assigned, by every symbol on which it depends."""
        found = self._of(Name(symbol))
        if symbol not in self._chosen:
            return found
        # Not NaN: 0 times the infinite slope of sqrt(max(V, 0)).
        return {y: self._name(Select(Compare("==", d, d), d, self._zero)) for y, d in found.items()}

    def _of(self, atom: Expression) -> _Derivatives:
        return self._derivatives.get(atom.symbol, {}) if isinstance(atom, Name) else {}

    def _atom(self, node: Expression) -> Expression:
        """A name or number with the value of an expression; its operations and their derivatives are among the lets."""
        match node:
            case Number() | Name():
                return node
            case Negative(operand=operand):
                return self._operation(Negative(self._atom(operand)))
            case Binary(op=op, left=left, right=right):
                return self._operation(Binary(op, self._atom(left), self._atom(right)))
            case Call(function=function, arguments=arguments):
                return self._operation(Call(function, tuple(map(self._atom, arguments))))
            case Select(test=Compare(op=op, left=left, right=right), yes=yes, no=no):
                test = Compare(op, self._atom(left), self._atom(right))
                return self._operation(Select(test, self._atom(yes), self._atom(no)))
        raise TypeError(f"a {type(node).__name__} has no derivative")

    def _operation(self, node: Expression) -> Name:
        """The name of the value of an operation on names and numbers, its derivatives known."""
        value = self._name(node)
        if value.symbol in self._derivatives:
            return value
        match node:
            case Select(test=Compare() as test, yes=yes, no=no):
                self._choose(value.symbol, test, self._of(yes), self._of(no))
            case Call(function="abs", arguments=(u,)):
                negative: _Derivatives = {y: self._name(Negative(d)) for y, d in self._of(u).items()}
                self._choose(value.symbol, Compare("<", u, self._zero), negative, self._of(u))
            case _:
                self._combine(value.symbol, self._partials(node, value))
        return value

    def _choose(self, value: Symbol, test: Compare, yes: _Derivatives, no: _Derivatives) -> None:
        """One of two derivatives: not a sum of both by weights 1 and 0, as that which does not count may be NaN."""
        self._chosen.add(value)
        self._derivatives[value] = {
            y: self._name(Select(test, yes.get(y, self._zero), no.get(y, self._zero))) for y in {**yes, **no}
        }

    def _combine(self, value: Symbol, partials: list[_Partial]) -> None:
        """The chain rule."""
        terms: dict[Symbol, Expression] = {}
        for operand, sign, factor in partials:
            if isinstance(operand, Name) and operand.symbol in self._chosen:
                self._chosen.add(value)
            for y, d in self._of(operand).items():
                term = d if factor is None else factor if d is self._one else self._name(Binary("*", factor, d))
                if y in terms:
                    terms[y] = self._name(Binary("+" if sign > 0 else "-", terms[y], term))
                else:
                    terms[y] = term if sign > 0 else self._name(Negative(term))
        self._derivatives[value] = terms

    def _partials(self, node: Expression, value: Name) -> list[_Partial]:
        """The partial derivatives of an operation by its operands; none where these do not vary."""
        match node:
            case Negative(operand=u):
                return [(u, -1, None)]
            case Binary(op="+" | "-" as op, left=u, right=v):
                return [(u, 1, None), (v, 1 if op == "+" else -1, None)]
            case Binary(op="*", left=u, right=v):
                return [(u, 1, v), (v, 1, u)]
            case Binary(op="/", left=u, right=v) if self._of(u) or self._of(v):
                inverse = self._name(Binary("/", self._one, v))
                return [(u, 1, inverse), *([(v, -1, self._name(Binary("*", value, inverse)))] if self._of(v) else [])]
            case Call(arguments=(u,)) if self._of(u):
                return [(u, 1, self._slope(node, u, value))]
            case Binary(op="/") | Call(arguments=(_,)):
                return []
        raise TypeError(f"a {type(node).__name__} has no derivative")

    def _slope(self, node: Call, u: Expression, value: Name) -> Expression:
        """The derivative of a function of one variable u, given its value."""
        own = self._functions
        if node.function is own["exp"]:
            return self._name(Select(Compare(">", value, self._largest), self._largest, value))
        if node.function is own["exprelr"]:
            return self._name(Call(own["exprelr_slope"], (u, value)))
        if node.function is own["log"]:
            return self._name(Binary("/", self._one, u))
        if node.function == "sqrt":
            return self._name(Binary("/", self._half, value))
        raise TypeError(f"{node.function} has no derivative")

    def _name(self, node: Expression) -> Name:
        """A name for the value of an operation; the same one for the same operation."""
        if node not in self._named:
            symbol = Symbol("part")
            self.lets.append(Let(symbol, node))
            self._named[node] = Name(symbol)
        return self._named[node]
