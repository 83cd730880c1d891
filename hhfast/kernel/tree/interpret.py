"""The value of an expression, by walking its tree: what a text means, without a compiler."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Symbol

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift, ">>": operator.rshift,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
    "and": lambda a, b: a and b, "or": lambda a, b: a or b,
}  # fmt: skip
_INTRINSICS: dict[str, Callable[..., Any]] = {
    "abs": abs, "sqrt": math.sqrt, "floor": math.floor, "isnan": math.isnan, "min": min, "max": max,
}  # fmt: skip
_OF_COLUMNS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "sqrt": np.sqrt, "floor": np.floor, "isnan": np.isnan, "min": np.minimum, "max": np.maximum,
    "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


def value_of(node: Expression, values: Mapping[Symbol, Any]) -> Any:
    """The value of an expression whose symbols have these values; functions are called as they are."""

    def of(inner: Expression) -> Any:
        return value_of(inner, values)

    match node:
        case nodes.Number(value=value):
            return value
        case nodes.Name(symbol=symbol):
            return values[symbol]
        case nodes.Negative(operand=operand):
            return -of(operand)
        case nodes.Binary(op=op, left=left, right=right) | nodes.Compare(op=op, left=left, right=right):
            return _OPERATIONS[op](of(left), of(right))
        case nodes.Logical(op=op, left=left, right=right):
            return _OPERATIONS[op](of(left), of(right))
        case nodes.Select(test=test, yes=yes, no=no):
            return of(yes) if of(test) else of(no)
        case nodes.Call(function=function, arguments=arguments):
            called = _INTRINSICS[function] if isinstance(function, str) else function
            return called(*map(of, arguments))
    raise NotImplementedError(f"not an expression of numbers: {node}")


def columns_of(node: Expression, values: Mapping[Symbol, np.ndarray]) -> Any:
    """The values of an expression whose symbols have (n,) values each; a function is called n times."""

    def of(inner: Expression) -> Any:
        return columns_of(inner, values)

    match node:
        case nodes.Logical(op=op, left=left, right=right):
            return _OF_COLUMNS[op](of(left), of(right))
        case nodes.Select(test=test, yes=yes, no=no):
            return np.where(of(test), of(yes), of(no))
        case nodes.Call(function=str(function), arguments=arguments):
            return _OF_COLUMNS[function](*map(of, arguments))
        case nodes.Call(function=function, arguments=arguments):
            assert not isinstance(function, str)
            return np.vectorize(function, [float])(*map(of, arguments))
        case nodes.Negative(operand=operand):
            return -of(operand)
        case nodes.Binary(op=op, left=left, right=right) | nodes.Compare(op=op, left=left, right=right):
            return _OPERATIONS[op](of(left), of(right))
    return value_of(node, values)
