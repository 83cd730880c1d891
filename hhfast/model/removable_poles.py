"""Removable poles in their usual spelling, c u / (1 - exp(u)) and its kin, told without SymPy, which is slow to load.

u is affine in the potential, and a factor of the numerator is proportional to it: numbers are exact rationals here, and
other names stand at several of them, so this is the identity which `algebra.rewrite_poles` proves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from fractions import Fraction

from hhfast.model.formula_evaluation import OPERATORS

_POINTS = 3  # at which other names are set
_DENOMINATORS = (101, 211, 307)


def spelt_as_usual(numerator: ast.expr, denominator: ast.expr, x: str) -> bool:
    """Whether a quotient is a removable pole in x that needs no algebra to be seen."""
    u = _exponent(denominator)
    return u is not None and any(_proportional(factor, u, x) for factor in _factors(numerator))


def _exponent(denominator: ast.expr) -> ast.expr | None:
    """u of 1 - exp(u) and exp(u) - 1."""
    match denominator:
        case (
            ast.BinOp(left=ast.Constant(value=1), op=ast.Sub(), right=ast.Call(func=ast.Name(id="exp"), args=[u]))
            | ast.BinOp(left=ast.Call(func=ast.Name(id="exp"), args=[u]), op=ast.Sub(), right=ast.Constant(value=1))
        ):
            return u
    return None


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            yield from _factors(left)
            yield from _factors(right)
        case ast.BinOp(left=left, op=ast.Div()):
            yield from _factors(left)
        case ast.UnaryOp(operand=operand):
            yield from _factors(operand)
        case _:
            yield node


def _proportional(line: ast.expr, u: ast.expr, x: str) -> bool:
    """Whether both are affine in x, and vanish at the same x whatever the other names are."""
    others = sorted({n.id for tree in (line, u) for n in ast.walk(tree) if isinstance(n, ast.Name)} - {x})
    try:
        for k in range(_POINTS):
            at = {name: Fraction(17 * (i + 2) + 5 * k, _DENOMINATORS[k] + i) for i, name in enumerate(others)}
            first, second = ([_exact(tree, at | {x: Fraction(v)}) for v in (1, 2, 3)] for tree in (line, u))
            affine = all(y[2] - y[1] == y[1] - y[0] != 0 for y in (first, second))
            if not affine or first[0] * second[1] != first[1] * second[0]:
                return False
    except (ArithmeticError, LookupError):
        return False
    return True


def _exact(node: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    """A value; LookupError for what is not made of + - * / and numbers."""
    match node:
        case ast.Constant(value=value):
            return Fraction(str(value))
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            inner = _exact(operand, values)
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right):
            return Fraction(OPERATORS[type(op)](_exact(left, values), _exact(right, values)))
    raise LookupError
