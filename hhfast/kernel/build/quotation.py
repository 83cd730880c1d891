"""Quotation: statements of a kernel written as text, in the grammar of `tree.parse`, with names for symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hhfast.kernel.tree import nodes, parse
from hhfast.kernel.tree.nodes import Expression, Let, Number, Statement, Symbol
from hhfast.kernel.tree.walk import rebuilt

Names = Mapping[str, Any]  # what names in a text stand for: symbols, nodes, functions


def sum_of(terms: Sequence[Expression]) -> Expression:
    """The terms added up from left to right."""
    total = terms[0]
    for term in terms[1:]:
        total = nodes.Binary("+", total, term)
    return total


class Quotation:
    """Turns texts into nodes. own : the kernel's names, to which those that texts assign are added.

    dtype : of the lanes. functions : those of `kernel.math`.
    """

    def __init__(self, own: dict[str, Symbol], dtype: str, functions: Names) -> None:
        self.own, self.dtype, self.functions = own, dtype, dict(functions)

    def code(self, text: str, **names: Any) -> list[Statement]:
        """The statements of a text; names stand for what is given, else for symbols of the kernel."""
        return list(parse.statements(text, self.functions | names, self.own))

    def let(self, text: str, **names: Any) -> Let:
        """The one assignment of a text."""
        (statement,) = self.code(text, **names)
        assert isinstance(statement, Let)
        return statement

    def stage_code(self, text: str, names: Names, own: dict[str, Symbol]) -> list[Statement]:
        """The statements of an integrator's stage; `own` are its own names, to which those it assigns are added."""
        return list(parse.statements(text, self.functions | {"dt": self.own["dt"]} | dict(names), own))

    def value(self, text: str, **names: Any) -> Expression:
        """The expression of a text."""
        return parse.expression(text, self.functions | names, self.own)

    def nest(
        self, head: str, body: Sequence[Statement], orelse: Sequence[Statement] = (), **names: Any
    ) -> list[Statement]:
        """A statement such as `if a > b` around others."""
        (outer,) = self.code(f"{head}:\n    pass", **names)
        assert isinstance(outer, nodes.If | nodes.While | nodes.For)
        if isinstance(outer, nodes.If):
            return [replace(outer, body=tuple(body), orelse=tuple(orelse))]
        return [replace(outer, body=tuple(body))]

    def number(self, value: float) -> Number:
        """A number of the lanes' type."""
        return Number(value, self.dtype)

    def in_lanes(self, statements: Iterable[Any]) -> list[Any]:
        """The statements with their numbers in the lanes' type, lest the arithmetic becomes double."""

        def typed(node: Any) -> Any:
            is_plain = isinstance(node, Number) and node.dtype is None and isinstance(node.value, float)
            return self.number(node.value) if is_plain else node

        return [rebuilt(statement, typed) for statement in statements]

    def lane_code(self, text: str, **names: Any) -> list[Any]:
        """The statements of a text with their numbers in the lanes' type."""
        return self.in_lanes(self.code(text, **names))

    def cast(self, value: Expression) -> Expression:
        """A float64 expression in the lanes' type."""
        return nodes.Cast("float32", value) if self.dtype == "float32" else value
