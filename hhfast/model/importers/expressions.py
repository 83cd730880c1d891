"""Formulas as syntax trees, while they are being taken apart and put together: what every importer shares."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from hhfast.errors import InputError

Expr = ast.expr
_MAX_NODES = 20_000  # of one expression


def number(value: float) -> Expr:
    if value < 0:
        return ast.UnaryOp(ast.USub(), number(-value))
    return ast.Constant(int(value) if float(value).is_integer() and value < 1e15 else float(value))


def variable(name: str) -> Expr:
    return ast.Name(name, ast.Load())


def call(name: str, *arguments: Expr) -> Expr:
    return ast.Call(variable(name), list(arguments), [])


def binary(left: Expr, operator: ast.operator, right: Expr) -> Expr:
    return ast.BinOp(left, operator, right)


def value_of(e: Expr) -> float | None:
    """The number that a constant is, with its sign; None for anything else."""
    match e:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -float(value)
    return None


def negative(e: Expr) -> Expr:
    match e:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=0):
            return e
    return ast.UnaryOp(ast.USub(), e)


def add(a: Expr, b: Expr) -> Expr:
    if value_of(a) == 0:
        return b
    if value_of(b) == 0:
        return a
    if isinstance(b, ast.UnaryOp) and isinstance(b.op, ast.USub):
        return binary(a, ast.Sub(), b.operand)
    return binary(a, ast.Add(), b)


def subtract(a: Expr, b: Expr) -> Expr:
    if value_of(b) == 0:
        return a
    return negative(b) if value_of(a) == 0 else add(a, negative(b))


def multiply(a: Expr, b: Expr) -> Expr:
    if value_of(a) == 0 or value_of(b) == 0:
        return number(0)
    if value_of(a) == 1:
        return b
    if value_of(b) == 1:
        return a
    return binary(a, ast.Mult(), b)


def divide(a: Expr, b: Expr) -> Expr:
    if value_of(b) == 1 or value_of(a) == 0:
        return a
    return binary(a, ast.Div(), b)


def product(sign: int, above: list[Expr], below: list[Expr]) -> Expr:
    """sign * prod(above) / prod(below)."""
    result = number(1)
    for factor in above:
        result = multiply(result, factor)
    for factor in below:
        result = divide(result, factor)
    return result if sign > 0 else negative(result)


def factors(e: Expr) -> tuple[int, list[Expr], list[Expr]]:
    """A product taken apart: its sign, what is multiplied, what it is divided by."""
    match e:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            sign, above, below = factors(operand)
            return -sign, above, below
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return factors(operand)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            (s1, a1, b1), (s2, a2, b2) = factors(left), factors(right)
            return (s1 * s2, a1 + a2, b1 + b2) if isinstance(op, ast.Mult) else (s1 * s2, a1 + b2, b1 + a2)
    return 1, [e], []


def terms(e: Expr, sign: int = 1) -> list[tuple[int, Expr]]:
    """A sum taken apart: each term with its sign."""
    match e:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return terms(operand, -sign)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return terms(operand, sign)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return terms(left, sign) + terms(right, sign)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return terms(left, sign) + terms(right, -sign)
    return [(sign, e)]


def total(parts: list[tuple[int, Expr]]) -> Expr:
    """A sum put together."""
    result = number(0)
    for sign, e in sorted(parts, key=lambda part: -part[0]):
        result = add(result, e) if sign > 0 else subtract(result, e)
    return result


def names_of(e: ast.AST) -> Iterator[str]:
    """The names of variables in an expression."""
    for child in ast.iter_child_nodes(e) if not isinstance(e, ast.Name) else ():
        if not (isinstance(e, ast.Call) and child is e.func):
            yield from names_of(child)
    if isinstance(e, ast.Name):
        yield e.id


def calls_of(e: ast.AST) -> Iterator[str]:
    """The names of functions in an expression."""
    for node in ast.walk(e):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def rewritten(e: Expr, of_name: Callable[[str], Expr | None], of_call: Callable[[str], str] = str) -> Expr:
    """An expression with names replaced by expressions (None: left), and functions renamed."""
    if isinstance(e, ast.Name):
        return of_name(e.id) or e
    if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
        return call(of_call(e.func.id), *(rewritten(a, of_name, of_call) for a in e.args))
    return mapped(e, lambda part: rewritten(part, of_name, of_call))


def mapped(e: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """An expression whose parts are changed; the name of a function is none of them."""
    new = copy.copy(e)
    for key, value in ast.iter_fields(e):
        if isinstance(value, ast.expr) and not (isinstance(e, ast.Call) and key == "func"):
            setattr(new, key, change(value))
        elif isinstance(value, list):
            setattr(new, key, [change(v) if isinstance(v, ast.expr) else v for v in value])
    return new


def text(e: Expr) -> str:
    return ast.unparse(ast.fix_missing_locations(e))


def check_size(e: Expr, what: str) -> None:
    """Raise `InputError` for an expression beyond all use, as functions within functions can make."""
    for n, _ in enumerate(ast.walk(e)):
        if n > _MAX_NODES:
            raise InputError(f"{what} becomes an expression of more than {_MAX_NODES:,} terms when written out")
