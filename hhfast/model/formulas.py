"""Formulas: text in, checked syntax tree out. A formula is data: parsed, interpreted and compiled, never executed.

The grammar is arithmetic and nothing else: `+ - * / **` (or `^`), parentheses, numbers, names,
`a if condition else b` with comparisons joined by `and` and `or`, and the functions in `formula_functions`.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from hhfast.errors import InputError, did_you_mean
from hhfast.model.formula_evaluation import COMPARISONS, OPERATORS, evaluate_tree
from hhfast.model.formula_functions import FUNCTIONS

_MAX_LENGTH = 20_000  # characters, with the shared formulas written out; no published rate comes near it
_MAX_DEPTH = 100  # of parentheses and operators
_MAX_EXP = 3  # exponentials within exponentials; exact algebra on more would not end
_MAX_POWER = 1_000  # of constant exponents, nested ones multiplied
Signatures = tuple[tuple[str, int], ...]  # the functions that a model defines, with their numbers of arguments


def parse(text: str, functions: Signatures = ()) -> ast.expr:
    """The syntax tree of a formula, or of a single condition.

    Raises `InputError` for anything outside the grammar (attributes, subscripts, strings, lambda, other calls ...), and
    for constant parts that are no finite number (1 / 0).
    """
    return _parse(text, functions)


@lru_cache(maxsize=8192)
def _parse(text: str, functions: Signatures) -> ast.expr:
    if len(text) > _MAX_LENGTH:
        raise InputError(f"formula of {len(text)} characters; at most {_MAX_LENGTH} are allowed")
    shown = text if len(text) <= 60 else f"{text[:50]}..."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # "3if": Python means to refuse it, too
            tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
        _check_depth(tree)
        known = dict(functions)
        if _is_condition(tree):
            _check_condition(tree, known)
        else:
            _check(tree, known)
    except SyntaxError as error:
        if "integer string conversion" in str(error.msg):
            raise InputError(_too_large(shown)) from None
        raise InputError(f"'{shown}' is not a formula: {error.msg[:80]}") from None
    except InputError as error:
        raise InputError(f"'{shown}': {error}") from None
    except OverflowError:
        raise InputError(_too_large(shown)) from None
    except (ValueError, ArithmeticError, RecursionError, MemoryError, LookupError, TypeError):
        raise InputError(f"'{text[:60]}' is not a formula: nested too deeply or not text") from None
    return tree


def _too_large(shown: str) -> str:
    return f"'{shown}' is not a formula: it holds a number that is too large; they go up to 1e308"


def check_number(text: str, functions: Signatures = ()) -> None:
    """Raise `InputError` unless the text is a formula that has a number for a value, and no condition."""
    tree = parse(text, functions)
    if _is_condition(tree):
        raise _no_number(tree)


def _no_number(condition: ast.expr) -> InputError:
    shown = _shown(condition)
    return InputError(f"'{shown}' is a condition, not a number; write 'a if {shown} else b'")


def _check_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if not level:
            return
    raise InputError(f"nested too deeply; {_MAX_DEPTH} levels are allowed")


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, (ast.Compare, ast.BoolOp))


def _check(node: ast.expr, known: Mapping[str, int]) -> tuple[float | None, int, float]:
    """Walk the tree against the whitelist.

    Returns its value, if it is a constant; how deep exponentials are nested in it; and the largest product of nested
    constant exponents, by which exact numbers grow.
    """
    parts: list[tuple[float | None, int, float]] = []
    match node:
        case ast.Constant(value=bool() as value):
            raise InputError(f"{value} is not a number")
        case ast.Constant(value=int() | float() as value) if math.isfinite(float(value)):
            return float(value), 0, 1.0
        case ast.Constant(value=float()):
            raise OverflowError
        case ast.Name():
            return None, 0, 1.0
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            parts = [_check(left, known), _check(right, known)]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            parts = [_check(operand, known)]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts = [*_check_condition(test, known), _check(body, known), _check(orelse, known)]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            _check_call(name, len(args), known)
            parts = [_check(argument, known) for argument in args]
        case ast.Compare() | ast.BoolOp():
            raise _no_number(node)
        case _:
            raise InputError(
                f"'{_shown(node)}' is not allowed; a formula has numbers, names, + - * / **, "
                f"comparisons, 'a if c else b' and {', '.join([*FUNCTIONS, *known])}"
            )
    return _folded(node, parts), _exponentials(node, parts), _total_power(node, parts)


def _check_condition(node: ast.expr, known: Mapping[str, int]) -> list[tuple[float | None, int, float]]:
    """Comparisons, joined by `and` and `or`."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return [_check(left, known), _check(right, known)]
        case ast.BoolOp(values=values):
            return [part for value in values for part in _check_condition(value, known)]
    raise InputError(
        f"'{_shown(node)}' is not allowed as a condition; compare two values with < <= > >= == != and "
        "join comparisons with 'and' or 'or'"
    )


_HINTS = {name: f"formulas have no {name}; known: {', '.join(sorted(FUNCTIONS))}" for name in ("sin", "cos", "tan")}
_HINTS |= {"pow": "write x ** y", "log10": "write log(x) / log(10)"}  # the closest names mean something else


def _check_call(name: str, given: int, known: Mapping[str, int]) -> None:
    if name in known:
        fewest = most = known[name]
    elif name in FUNCTIONS:
        _, fewest, most = FUNCTIONS[name]
    else:
        hint = _HINTS.get(name) or did_you_mean(name, [*FUNCTIONS, *known])
        raise InputError(f"unknown function '{name}'; {hint}")
    if not fewest <= given <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise InputError(f"{name} takes {wanted} argument(s), not {given}")


def _folded(node: ast.expr, parts: list[tuple[float | None, int, float]]) -> float | None:
    """The value of a constant part; refused where it is not finite and real: algebra would fail or never end."""
    if any(value is None for value, _, _ in parts) or not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Call)):
        return None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in FUNCTIONS:
        return None  # a function of the model: checked when it is written out
    try:
        with np.errstate(all="ignore"):
            value = float(evaluate_tree(node, {}))
    except (ArithmeticError, TypeError):  # TypeError: a complex root
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"'{_shown(node)}' is not a finite number")
    return value


def _exponentials(node: ast.expr, parts: list[tuple[float | None, int, float]]) -> int:
    own = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _EXPONENTIAL
    deepest = max((depth for _, depth, _ in parts), default=0) + own
    if deepest > _MAX_EXP:
        raise InputError(f"exponentials are nested more than {_MAX_EXP} deep")
    return deepest


_EXPONENTIAL = ("exp", "sinh", "cosh", "tanh")


def _total_power(node: ast.expr, parts: list[tuple[float | None, int, float]]) -> float:
    inside = max((power for _, _, power in parts), default=1.0)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and parts[1][0] is not None:
        inside = parts[0][2] * max(abs(parts[1][0]), 1.0)
        if inside > _MAX_POWER:
            raise InputError(f"constant exponents beyond {_MAX_POWER} are not allowed")
    return inside


def _shown(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:80]}..."


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
