"""Expressions of NMODL's parse tree as formulas: operators, functions, conditions, each as its author wrote it."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

from hhfast.model.importers.expressions import (
    Expr,
    binary,
    call,
    divide,
    multiply,
    negative,
    number,
    value_of,
)
from hhfast.model.importers.mechanism import Mechanism

_OPERATORS: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "^": ast.Pow,
}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "==": ast.Eq,
    "!=": ast.NotEq,
}
_SAME = {"exp": "exp", "log": "log", "sqrt": "sqrt", "fabs": "abs", "abs": "abs", "tanh": "tanh", "sinh": "sinh",
         "cosh": "cosh", "fmin": "min", "fmax": "max"}  # fmt: skip


class Reader:
    """Reads expressions; `of_name` and `of_call` give what variables and the file's own functions stand for."""

    def __init__(
        self, mechanism: Mechanism, of_name: Callable[[str], Expr], of_call: Callable[[str, list[Expr]], Expr]
    ) -> None:
        self.mechanism = mechanism
        self.of_name = of_name
        self.of_call = of_call

    def expression(self, node: Any) -> Expr:
        """The value of a node."""
        kind = type(node).__name__
        match kind:
            case "WrappedExpression" | "ParenExpression":
                return self.expression(node.expression)
            case "Double" | "Integer" | "Float":
                return number(float(node.eval()))
            case "DoubleUnit":
                return self.expression(node.value)
            case "VarName" | "Name" | "PrimeName" | "IndexedName" | "ReactVarName":
                return self.of_name(self.name(node))
            case "UnaryExpression" if str(node.op) == "-":
                return negative(self.expression(node.expression))
            case "UnaryExpression":
                return self._as_number(self.condition(node))
            case "BinaryExpression":
                return self._operation(node)
            case "FunctionCall":
                return self._call(node)
        raise self.mechanism.refused(kind, "it is not supported in an expression")

    def name(self, node: Any) -> str:
        """The name of a variable; of an element of an array, with its number."""
        while type(node).__name__ in ("VarName", "ReactVarName"):
            if type(node).__name__ == "ReactVarName" and node.value is not None:
                raise self.mechanism.refused(
                    "KINETIC", "several of one state in a reaction or sum are not supported", "~"
                )
            node = node.name
        if type(node).__name__ == "IndexedName":
            index = value_of(self.expression(node.length))
            if index is None:
                raise self.mechanism.refused("arrays", f"the index of {node.name.value} is no number", r"\w\s*\[")
            return f"{node.name.value}[{int(index)}]"
        return str(node.value)

    def condition(self, node: Any) -> Expr:
        """A node as a condition: comparisons joined by && and ||."""
        kind = type(node).__name__
        if kind in ("WrappedExpression", "ParenExpression"):
            return self.condition(node.expression)
        if kind == "UnaryExpression" and str(node.op) == "!":
            return _opposite(self.condition(node.expression))
        if kind == "BinaryExpression":
            operator = str(node.op).strip()
            if operator in ("&&", "||"):
                join = ast.And() if operator == "&&" else ast.Or()
                return ast.BoolOp(join, [self.condition(node.lhs), self.condition(node.rhs)])
            if operator in _COMPARISONS:
                left, right = self.expression(node.lhs), self.expression(node.rhs)
                return ast.Compare(left, [_COMPARISONS[operator]()], [right])
        return ast.Compare(self.expression(node), [ast.NotEq()], [number(0)])

    def _operation(self, node: Any) -> Expr:
        operator = str(node.op).strip()
        if operator in _OPERATORS:
            return binary(self.expression(node.lhs), _OPERATORS[operator](), self.expression(node.rhs))
        return self._as_number(self.condition(node))

    def _as_number(self, condition: Expr) -> Expr:
        return ast.IfExp(condition, number(1), number(0))

    def _call(self, node: Any) -> Expr:
        name = str(node.name.value)
        given = [self.expression(a) for a in node.arguments if type(a).__name__ != "String"]
        if name in self.mechanism.functions or name in self.mechanism.procedures:
            return self.of_call(name, given)
        match name, given:
            case _, [_] if name in _SAME and name not in ("fmin", "fmax"):
                return call(_SAME[name], *given)
            case (("fmin" | "fmax"), [_, _]):
                return call(_SAME[name], *given)
            case "log10", [x]:
                return divide(call("log", x), number(math.log(10.0)))
            case "pow", [x, y]:
                return binary(x, ast.Pow(), y)
            case "exprelr", [x]:
                return divide(x, binary(call("exp", x), ast.Sub(), number(1)))
            case "nernst", [inside, outside, z]:
                return call("nernst", inside, outside, z, self.of_name("celsius"))
            case "ghk", [v, inside, outside, z]:  # in mA/cm2 per cm/s; hhfast's is in uA/cm2
                return multiply(number(1e-3), call("ghk", v, inside, outside, z, self.of_name("celsius")))
        raise self.mechanism.refused("function", f"{name}() is not known here", rf"\b{name}\s*\(")


def _opposite(condition: Expr) -> Expr:
    match condition:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            opposite = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq,
                        ast.NotEq: ast.Eq}  # fmt: skip
            return ast.Compare(left, [opposite[type(op)]()], [right])
        case ast.BoolOp(op=op, values=values):
            return ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), [_opposite(v) for v in values])
    raise ValueError(ast.dump(condition))
