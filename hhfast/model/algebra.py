"""Algebra on formulas: exact symbolic form, removable poles, splitting off what is affine in a variable.

SymPy is imported here, in `symbolic_functions` and in the kernel generator only, and only when a formula is really
transformed.
Numbers become exact rationals, so that exponents such as 1/80 and 1/20 can be compared exactly.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import lru_cache, reduce
from typing import Any

import sympy as sp

from hhfast.model.formula_evaluation import OPERATORS
from hhfast.model.formula_functions import ZERO_CELSIUS, F, R
from hhfast.model.formulas import parse
from hhfast.model.symbolic_functions import (
    exponential,
    exprelr,
    if_equal,
    if_less,
    if_less_equal,
    maximum,
    minimum,
    quotient,
)


def _nernst(inside: sp.Expr, outside: sp.Expr, z: sp.Expr, celsius: sp.Expr) -> sp.Expr:
    return 1000 * _R * (celsius + _ZERO) / (z * _F) * sp.log(outside / inside)


def _ghk(V: sp.Expr, inside: sp.Expr, outside: sp.Expr, z: sp.Expr, celsius: sp.Expr) -> sp.Expr:
    u = z * _F * V / (1000 * _R * (celsius + _ZERO))
    return z * _F * (inside * exprelr(-u) - outside * exprelr(u))


_R, _F, _ZERO = (sp.Rational(str(x)) for x in (R, F, ZERO_CELSIUS))
_FUNCTIONS: dict[str, Any] = {
    "exp": exponential,
    "log": sp.log,
    "ln": sp.log,
    "sqrt": sp.sqrt,
    "abs": sp.Abs,
    "min": lambda *values: reduce(minimum, values),
    "max": lambda *values: reduce(maximum, values),
    "nernst": _nernst,
    "ghk": _ghk,
    "tanh": lambda x: 1 - quotient(sp.Integer(2), exponential(2 * x) + 1),
    "sinh": lambda x: (exponential(x) - exponential(-x)) / 2,
    "cosh": lambda x: (exponential(x) + exponential(-x)) / 2,
}
_RELATIONS: dict[type[ast.cmpop], Callable[..., sp.Expr]] = {  # of left, right, yes, no
    ast.Lt: if_less,
    ast.LtE: if_less_equal,
    ast.Gt: lambda left, right, yes, no: if_less(right, left, yes, no),
    ast.GtE: lambda left, right, yes, no: if_less_equal(right, left, yes, no),
    ast.Eq: if_equal,
    ast.NotEq: lambda left, right, yes, no: if_equal(left, right, no, yes),
}
V = sp.Symbol("V", real=True)


def symbol(name: str) -> sp.Symbol:
    """The (real) symbol of a name; the same name always gives the same symbol."""
    return sp.Symbol(name, real=True)


@lru_cache(maxsize=16384)
def symbols_in(expr: sp.Expr) -> frozenset[sp.Symbol]:
    """The free symbols of an expression; of parts that many expressions share they are known from the first."""
    return frozenset({expr}) if expr.is_Symbol else frozenset().union(*map(symbols_in, expr.args))


@lru_cache(maxsize=4096)
def to_sympy(text: str) -> sp.Expr:
    """The exact symbolic form of a formula, its removable poles already rewritten."""
    return rewrite_poles(_convert(parse(text)))


def _convert(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return sp.Rational(str(value))
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=op, operand=operand):
            return -_convert(operand) if isinstance(op, ast.USub) else _convert(operand)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return quotient(_convert(left), _convert(right))
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_convert(left), _convert(right))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _chosen(test, _convert(body), _convert(orelse))
        case ast.Call(func=ast.Name(id=name), args=args):
            return _FUNCTIONS[name](*map(_convert, args))
    raise TypeError(ast.dump(node))


def _chosen(test: ast.expr, yes: sp.Expr, no: sp.Expr) -> sp.Expr:
    match test:
        case ast.Compare(left=left, ops=[cmp], comparators=[right]):
            return _RELATIONS[type(cmp)](_convert(left), _convert(right), yes, no)
        case ast.BoolOp(op=ast.And(), values=conditions):
            return reduce(lambda found, condition: _chosen(condition, found, no), reversed(conditions), yes)
        case ast.BoolOp(values=conditions):
            return reduce(lambda found, condition: _chosen(condition, yes, found), reversed(conditions), no)
    raise TypeError(ast.dump(test))


def rewrite_poles(expr: sp.Expr) -> sp.Expr:
    """Rewrite every `N / (A + B exp(w))` whose numerator shares the denominator's zero through `exprelr`.

    With N = c (w - w0), w0 = log(-A/B), and u = w - w0: the denominator is A (1 - exp(u)), the ratio -c/A exprelr(u).
    `(A + B exp(w)) / N` is the inverse. w is affine in V, or in another variable (a pool, a dendrite's potential).
    """
    return expr.replace(lambda e: e.is_Mul, _rewrite_product)


def _rewrite_product(product: sp.Mul) -> sp.Expr:
    factors = list(product.args)
    for i, factor in enumerate(factors):
        n = -factor.exp if factor.is_Pow and factor.exp.is_Integer and factor.exp < 0 else 1
        base, sign = (factor.base, -1) if factor.is_Pow and factor.exp == -n else (factor, 1)
        for x in _exponents(base):
            zero = _exponential_zero(base, x)
            if zero is None:
                continue
            u, scale = zero
            for j, other in enumerate(factors):
                line, left = _line(other, n, sign)
                if j == i or line is None or not line.has(x):
                    continue
                ratio = sp.cancel(line / u)
                if not ratio.has(x):
                    rest = [*(f for k, f in enumerate(factors) if k not in (i, j)), left]
                    if sign == 1:
                        return _rewrite_product_or_self(sp.Mul(*rest) * (-scale / ratio)) / exprelr(u)
                    return _rewrite_product_or_self(sp.Mul(*rest) * (-ratio / scale) ** n) * exprelr(u) ** n
    return product


def _line(factor: sp.Expr, n: int, sign: int) -> tuple[sp.Expr | None, sp.Expr]:
    """(line, rest) with factor = line ** n * rest, where line may be N of N / (A + B exp(w)), or of its inverse."""
    if sign == 1:
        return (1 / factor if factor.is_Pow and factor.exp == -1 else None), sp.Integer(1)
    if n == 1:
        return factor, sp.Integer(1)
    if factor.is_Pow and factor.exp.is_Integer and factor.exp >= n:
        return factor.base, factor.base ** (factor.exp - n)
    return None, sp.Integer(1)


def _rewrite_product_or_self(expr: sp.Expr) -> sp.Expr:
    return _rewrite_product(expr) if expr.is_Mul else expr


def _exponents(base: sp.Expr) -> list[sp.Symbol]:
    """The variables in the exponents of a sum of exponentials, V first."""
    if not base.is_Add:
        return []
    found = {x for e in base.args for f in sp.Mul.make_args(e) if isinstance(f, sp.exp) for x in f.free_symbols}
    return sorted(found, key=lambda x: (x != V, x.name))


def _exponential_zero(base: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr] | None:
    """For base = A + B exp(w) with A, B free of x and -A/B > 0: u = w - log(-A/B), and A."""
    constant, dependent = base.as_independent(x, as_Add=True)
    amplitude, power = dependent.as_independent(x, as_Add=False)
    if constant == 0 or not isinstance(power, sp.exp) or not affine_parts(power.exp, x):
        return None
    ratio = -constant / amplitude
    if not ratio.is_Rational:  # simplifying is slow, and its first use imports much
        if _negative_somewhere(ratio):
            return None
        ratio = sp.simplify(ratio)
    if not ratio.is_positive:
        return None
    return sp.expand(power.exp - sp.log(ratio)), constant


def _negative_somewhere(expr: sp.Expr) -> bool:
    """Whether an expression is seen to be negative at some values of its symbols, which are any real numbers."""
    names = sorted(symbols_in(expr), key=str)
    for signs in ((1, 1), (1, -1), (-1, 1)):
        value = expr.xreplace({s: signs[k % 2] * sp.Rational(k + 3, 7) for k, s in enumerate(names)}).evalf()
        if value.is_Float and value < 0:
            return True
    return False


def affine_parts(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr] | None:
    """(c0, c1) with expr = c0 + c1 x, both free of x; None if expr is not affine in x."""
    slope = sp.diff(expr, x)
    if slope.has(x):
        if _surely_varies(slope, x):  # simplifying is slow, and would be in vain
            return None
        slope = sp.simplify(slope)
        if slope.has(x):
            return None
    return sp.expand(expr - slope * x), slope


def _surely_varies(expr: sp.Expr, x: sp.Symbol) -> bool:
    """Whether an expression has different values at two values of x, all else held."""
    others = sorted(symbols_in(expr) - {x}, key=str)
    held = {s: sp.Rational(k + 3, 7) for k, s in enumerate(others)}
    first, second = (expr.xreplace(held | {x: at}).evalf() for at in (sp.Rational(1, 3), sp.Rational(7, 5)))
    if not (first.is_Float and second.is_Float):
        return False
    return bool(abs(first - second) > 1e-6 * (abs(first) + abs(second)))


def split_affine(expr: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """(rest, slope) with expr = rest + slope x, where slope collects the additive terms that are linear in x.

    Terms that are not affine in x stay whole in `rest`.
    """
    rest, slope = [], []
    for term in sp.Add.make_args(sp.expand_mul(expr)):
        coefficient, of_x = term.as_independent(x, as_Add=False)
        # Dividing is left to what is rational in x: with exponentials and many gates it may take for ever, in vain.
        factor = sp.cancel(of_x / x) if of_x.is_rational_function(x) else x
        if factor.has(x):
            rest.append(term)
        else:
            slope.append(coefficient * factor)
    return sp.Add(*rest), sp.Add(*slope)


def denominators(expr: sp.Expr, x: sp.Symbol = V) -> list[sp.Expr]:
    """The bases of all negative powers in the expression that depend on x."""
    found = [p.base for p in expr.atoms(sp.Pow) if p.exp.is_number and p.exp < 0 and p.base.has(x)]
    return sorted(found, key=sp.default_sort_key)
