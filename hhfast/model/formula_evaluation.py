"""The value of a formula's syntax tree: its operators, comparisons and functions carried out by NumPy."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.model.formula_functions import FUNCTIONS

OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate_tree(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """The value of a checked syntax tree."""
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            value = values[name]
            return np.float64(value) if isinstance(value, (int, float)) else value
        case ast.UnaryOp(op=op, operand=operand):
            value = evaluate_tree(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](evaluate_tree(left, values), evaluate_tree(right, values))
        case ast.Compare(left=left, ops=[cmp], comparators=[right]):
            return COMPARISONS[type(cmp)](evaluate_tree(left, values), evaluate_tree(right, values))
        case ast.BoolOp(op=op, values=conditions):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(join, (evaluate_tree(condition, values) for condition in conditions))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return np.where(*(evaluate_tree(part, values) for part in (test, body, orelse)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name][0](*(evaluate_tree(argument, values) for argument in args))
    raise InputError(f"'{ast.unparse(node)}' is not a formula")  # unreachable after `formulas.parse`
