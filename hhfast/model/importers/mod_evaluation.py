"""Expressions of a .mod file as functions of the numbers that its variables have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hhfast.model.importers.mechanism import Mechanism
from hhfast.model.importers.mod_arithmetic import FUNCTIONS, OPERATIONS, ghk, reversal

Values = dict[str, float]
Value = Callable[[Values], float]


class Evaluator:
    """Makes functions of expressions. `called` gives a function or procedure of the file, by its name."""

    def __init__(self, mechanism: Mechanism, called: Callable[[str], Callable[[Values, list[float]], float]]) -> None:
        self.m, self.called = mechanism, called
        self.early: set[str] = set()  # variables that were read before they were set
        self.written: set[str] = set()

    def name(self, node: Any) -> Callable[[Values], str]:
        if (plain := self.plain_name(node)) is not None:
            return lambda values: plain
        while type(node).__name__ != "IndexedName":
            node = node.name
        array, index = str(node.name.value), self.value(node.length)
        return lambda values: f"{array}[{int(index(values))}]"

    @staticmethod
    def plain_name(node: Any) -> str | None:
        """The name of a variable, or None for an element of an array."""
        while type(node).__name__ in ("VarName", "ReactVarName"):
            node = node.name
        return None if type(node).__name__ == "IndexedName" else str(node.value)

    def value(self, node: Any) -> Value:
        match type(node).__name__:
            case "WrappedExpression" | "ParenExpression":
                return self.value(node.expression)
            case "Double" | "Integer" | "Float":
                constant = float(node.eval())
                return lambda values: constant
            case "DoubleUnit":
                return self.value(node.value)
            case "UnaryExpression":
                inner = self.value(node.expression)
                if str(node.op).strip() == "-":
                    return lambda values: -inner(values)
                return lambda values: float(not inner(values))
            case "BinaryExpression":
                left, right, operation = self.value(node.lhs), self.value(node.rhs), OPERATIONS[str(node.op).strip()]
                return lambda values: operation(left(values), right(values))
            case "FunctionCall":
                return self.call(node)
        if (plain := self.plain_name(node)) is not None:
            return self.variable(plain)
        name = self.name(node)
        return lambda values: self.variable(name(values))(values)

    def variable(self, name: str) -> Value:
        """The value of a variable; that it is read before it is set is remembered."""

        def read(values: Values) -> float:
            if name not in self.written:
                self.early.add(name)
            return values.get(name, 0.0)

        return read

    def call(self, node: Any) -> Value:
        name = str(node.name.value)
        arguments = [self.value(a) for a in node.arguments if type(a).__name__ != "String"]
        if name in self.m.functions or name in self.m.procedures:
            return lambda values: self.called(name)(values, [a(values) for a in arguments])
        if name in ("nernst", "ghk"):
            builtin: Callable[..., float] = reversal if name == "nernst" else ghk
            return lambda values: builtin(*(a(values) for a in arguments), values["celsius"])
        if name not in FUNCTIONS:
            raise self.m.refused("function", f"{name}() is not known here", rf"\b{name}\s*\(")
        function = FUNCTIONS[name]
        return lambda values: function(*(a(values) for a in arguments))
