"""From symbolic expressions to nodes that vectorise: no branches, no powers, numbers of the lanes' type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

import sympy as sp

from hhfast.kernel.optimise.shared_exponentials import Assignment, exp_plain, exp_small, exprelr_of
from hhfast.kernel.tree.nodes import Binary, Call, Compare, Expression, Let, Name, Negative, Number, Select, Symbol
from hhfast.model.symbolic_functions import exprelr, exprelr_slope, if_equal, if_less, if_less_equal, maximum, minimum

_COMPARISONS: dict[type, str] = {if_less: "<", if_less_equal: "<=", if_equal: "=="}
_CALLS: dict[type, str] = {
    sp.exp: "exp",
    sp.log: "log",
    exprelr: "exprelr",
    exprelr_slope: "exprelr_slope",
    exp_small: "exp_small",
    exp_plain: "exp_plain",
    exprelr_of: "exprelr_of",
}
_Factor = tuple[str, Expression]  # "*" or "/", and what is multiplied or divided by


class Translator:
    """Turns assignments of symbolic expressions into statements.

    symbol_of : the kernel's symbol of a name. functions : the functions of `kernel.math`. dtype : of all numbers.
    """

    def __init__(self, symbol_of: Callable[[str], Symbol], functions: Mapping[str, Any], dtype: str) -> None:
        self.symbol_of, self.functions, self.dtype = symbol_of, functions, dtype
        self._lets: list[Let] = []

    def lets(self, assignments: Iterable[Assignment]) -> list[Let]:
        """A statement for each assignment, and before it those for what must have a name first."""
        self._lets = []
        for name, expr in assignments:
            value = self._node(expr)
            self._lets.append(Let(self.symbol_of(name), value))
        return self._lets

    def number(self, value: float) -> Number:
        return Number(value, self.dtype)

    def _bind(self, expr: sp.Expr) -> Expression:
        """An atom for the expression: its node if it is one, else a new name."""
        node = self._node(expr)
        if expr.is_Symbol or expr.is_number:
            return node
        symbol = Symbol("part")
        self._lets.append(Let(symbol, node))
        return Name(symbol)

    def _node(self, expr: sp.Expr) -> Expression:
        if expr.is_Symbol:
            return Name(self.symbol_of(expr.name))
        if expr.is_number:
            return self.number(float(expr.evalf(25)))
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul or expr.is_Pow:
            return _product(self._factors(expr))
        if type(expr) in _COMPARISONS:
            left, right, yes, no = map(self._bind, expr.args)
            return Select(Compare(_COMPARISONS[type(expr)], left, right), yes, no)
        if isinstance(expr, (minimum, maximum)):
            a, b = map(self._bind, expr.args)
            return Select(Compare("<" if isinstance(expr, minimum) else ">", a, b), a, b)
        if isinstance(expr, sp.Abs):
            return Call("abs", (self._node(expr.args[0]),))
        return self._call(_CALLS[expr.func], *map(self._node, expr.args))

    def _call(self, name: str, *arguments: Expression) -> Call:
        return Call(self.functions[name], arguments)

    def _sum(self, expr: sp.Add) -> Expression:
        # The number last: (x * c + ...) + number contracts to fused multiply-adds.
        terms = sorted(expr.args, key=lambda term: (bool(term.is_number), sp.default_sort_key(term)))
        total = self._node(terms[0])
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                total = Binary("-", total, self._node(-term))
            else:
                total = Binary("+", total, self._node(term))
        return total

    def _factors(self, expr: sp.Expr) -> list[_Factor]:
        """What a product multiplies and divides by, from left to right; the factors of a factor are among them."""
        if expr.is_Mul:
            return self._factors_of_product(expr)
        if expr.is_Pow:
            return self._factors_of_power(expr.base, expr.exp)
        return [("*", self._node(expr))]

    def _factors_of_product(self, expr: sp.Mul) -> list[_Factor]:
        below = [f for f in expr.args if f.is_Pow and f.exp.is_Integer and f.exp < 0]
        above = [f for f in expr.args if f not in below]
        number = float(sp.Mul(*(f for f in above if f.is_number)).evalf(25))
        factors = [factor for f in above if not f.is_number for factor in self._factors(f)]
        if abs(number) != 1.0 or not factors:
            factors.insert(0, ("*", self.number(abs(number))))
        if number < 0:
            op, first = factors[0]
            factors[0] = op, _negative(first)
        if len(below) == 1:
            factors.append(("/", self._node(1 / below[0])))
        elif below:
            factors.append(("/", _product([factor for f in below for factor in self._factors(1 / f)])))
        return factors

    def _factors_of_power(self, base: sp.Expr, exponent: sp.Expr) -> list[_Factor]:
        if exponent.is_Integer:
            if exponent < 0:
                return [("*", self.number(1.0)), ("/", self._node(base**-exponent))]
            return [("*", factor) for factor in _repeated(self._bind(base), int(exponent))]
        if exponent == sp.Rational(1, 2):
            return [("*", Call("sqrt", (self._node(base),)))]
        known = base.is_number and base.is_positive
        log = self.number(float(sp.log(base).evalf(25))) if known else self._call("log", self._node(base))
        return [("*", self._call("exp", _product([*self._factors(exponent), ("*", log)])))]


def _negative(node: Expression) -> Expression:
    return Number(-node.value, node.dtype) if isinstance(node, Number) else Negative(node)


def _product(factors: list[_Factor]) -> Expression:
    first = factors[0][1]
    return reduce(lambda left, factor: Binary(factor[0], left, factor[1]), factors[1:], first)


def _repeated(x: Expression, n: int) -> list[Expression]:
    """The factors of x to the n-th by squaring; the compiler sees equal squares."""
    if n == 1:
        return [x]
    half = _repeated(x, n // 2)
    if n >= 4:
        half = [reduce(lambda a, b: Binary("*", a, b), half)]
    return [*half, *half, *([x] if n % 2 else [])]
