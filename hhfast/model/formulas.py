"""Formulas: text in, checked syntax tree out. A formula is data: parsed, interpreted and compiled, never executed.

The grammar is arithmetic and nothing else: `+ - * / **`, parentheses, numbers, names, comparisons,
`a if cond else b`, and the functions in `FUNCTIONS`.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from hhfast.errors import InputError, did_you_mean

FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {  # name -> (NumPy meaning, number of arguments)
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "sqrt": (np.sqrt, 1),
    "tanh": (np.tanh, 1),
    "sinh": (np.sinh, 1),
    "cosh": (np.cosh, 1),
    "abs": (np.abs, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_MAX_LENGTH = 5_000  # characters; no published rate comes near it
_MAX_POWER = 1_000  # of constant exponents, nested ones multiplied


def parse(text: str) -> ast.expr:
    """The syntax tree of a formula.

    Raises `InputError` for anything outside the grammar (attributes, subscripts, strings, lambda, other calls ...).
    """
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    if len(text) > _MAX_LENGTH:
        raise InputError(f"formula of {len(text)} characters; at most {_MAX_LENGTH} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        _check(tree)
        if _total_power(tree) > _MAX_POWER:
            raise InputError(f"constant exponents beyond {_MAX_POWER} are not allowed")
    except SyntaxError as error:
        raise InputError(f"'{text}' is not a formula: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, InputError):
            raise InputError(f"'{text}': {error}") from None
        raise InputError(f"'{text[:60]}' is not a formula: nested too deeply or not text") from None
    return tree


def _check(node: ast.expr) -> None:
    """Walk the tree against the whitelist."""
    match node:
        case ast.Constant(value=bool() as value):
            raise InputError(f"{value} is not a number")
        case ast.Constant(value=int() | float() as value) if math.isfinite(value):
            return
        case ast.Name():
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left)
            _check(right)
            _check_power(node)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(operand)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            _check(left)
            _check(right)
        case ast.IfExp(test=ast.Compare() as test, body=body, orelse=orelse):
            for part in (test, body, orelse):
                _check(part)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            _check_call(name, args)
        case _:
            raise InputError(f"'{ast.unparse(node)}' is not allowed; a formula has numbers, names, + - * / **, "
                             f"comparisons, 'a if c else b' and {', '.join(FUNCTIONS)}")


def _check_call(name: str, args: list[ast.expr]) -> None:
    if name not in FUNCTIONS:
        raise InputError(f"unknown function '{name}'; {did_you_mean(name, FUNCTIONS)}")
    if len(args) != FUNCTIONS[name][1]:
        raise InputError(f"{name} takes {FUNCTIONS[name][1]} argument(s), not {len(args)}")
    for argument in args:
        _check(argument)


def _check_power(node: ast.BinOp) -> None:
    """Refuse constant powers too large for float64: exact algebra on them would never end (9**9**9)."""
    if isinstance(node.op, ast.Pow) and not names_in(node):
        try:
            value = float(evaluate_tree(node, {}))
        except (OverflowError, ZeroDivisionError, TypeError):  # TypeError: a complex root
            value = math.inf
        if not math.isfinite(value):
            raise InputError(f"'{ast.unparse(node)}' is not a finite number")


def _total_power(node: ast.AST) -> float:
    """The largest product of nested constant exponents: what exact numbers grow by."""
    inside = max((_total_power(child) for child in ast.iter_child_nodes(node)), default=1.0)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not names_in(node.right):
        return inside * max(abs(float(evaluate_tree(node.right, {}))), 1.0)
    return inside


def names_in(tree: ast.expr) -> frozenset[str]:
    """The variable names in a syntax tree (function names excluded)."""
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)


def names(text: str) -> frozenset[str]:
    """The variable names that a formula uses."""
    return names_in(parse(text))


def check_names(text: str, known: Iterable[str]) -> None:
    """Raise `InputError` with a suggestion if the formula uses a name that is not known."""
    known = set(known)
    for name in sorted(names(text) - known):
        raise InputError(f"unknown name '{name}' in '{text}'; {did_you_mean(name, known)}")


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of a formula, by walking its tree with NumPy (scalars or arrays that broadcast).

    This is the plain meaning of the text: slow, and 0/0 at removable poles. Kernels are tested against it.
    """
    with np.errstate(all="ignore"):
        return evaluate_tree(parse(text), values)


def evaluate_tree(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of a checked syntax tree."""
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = evaluate_tree(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](evaluate_tree(left, values), evaluate_tree(right, values))
        case ast.Compare(left=left, ops=[cmp], comparators=[right]):
            return _COMPARE[type(cmp)](evaluate_tree(left, values), evaluate_tree(right, values))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return np.where(*(evaluate_tree(part, values) for part in (test, body, orelse)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name][0](*(evaluate_tree(argument, values) for argument in args))
    raise InputError(f"'{ast.unparse(node)}' is not a formula")  # unreachable after parse()
