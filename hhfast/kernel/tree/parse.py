"""From text to nodes: the grammar of integrators, stimuli, recorders and the functions of `kernel.math`.

It is a small part of Python: assignments, `if`, `while`, `for` over `range`, arithmetic, comparisons, conditional
expressions, elements of arrays, and calls of known functions. Text is read once, by Python's own parser, and never
executed; whatever is not in the grammar is refused with its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, MutableMapping

from hhfast.errors import InputError
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.parse_expressions import BINARY, ExpressionParser, Meaning


def statements(text: str, meanings: Mapping[str, Meaning], local: MutableMapping[str, Symbol]) -> tuple[Statement, ...]:
    """The statements of a text.

    meanings : what names stand for. local : symbols of further names, to which those that the text assigns are added.
    Raises `InputError` for what is not in the grammar, and for names that mean nothing.
    """
    return StatementParser(text, meanings, local).statements(_parsed(text).body)


def expression(text: str, meanings: Mapping[str, Meaning], local: Mapping[str, Symbol] | None = None) -> Expression:
    """The node of one expression, which may use local names but assigns none."""
    match _parsed(text).body:
        case [ast.Expr(value=value)]:
            return ExpressionParser(text, meanings, local or {}).expression(value)
    raise InputError(f"'{text}' is not one expression")


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"'{text}' is not in the grammar of kernels: {getattr(error, 'msg', error)}") from None


class StatementParser:
    """Turns syntax trees of statements into nodes; `where` is named in errors."""

    def __init__(self, where: str, meanings: Mapping[str, Meaning], local: MutableMapping[str, Symbol]) -> None:
        self.where, self.meanings, self.local = where, meanings, local
        expressions = ExpressionParser(where, meanings, local)
        self.expression, self.refuse = expressions.expression, expressions.refuse

    def statements(self, body: Iterable[ast.stmt]) -> tuple[Statement, ...]:
        return tuple(self.statement(node) for node in body if not isinstance(node, ast.Pass))

    def statement(self, node: ast.stmt) -> Statement:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                found = self.expression(value)
                return nodes.LetAll(tuple(self.assigned(target) for target in targets), found)
            case ast.Assign(targets=[target], value=value):
                return self.assignment(target, self.expression(value))
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in BINARY:
                was = self.expression(_loaded(target))
                return self.assignment(target, nodes.Binary(BINARY[type(op)], was, self.expression(value)))
            case ast.If(test=test, body=body, orelse=orelse):
                return nodes.If(self.expression(test), self.statements(body), self.statements(orelse))
            case ast.While(test=test, body=body, orelse=[]):
                return nodes.While(self.expression(test), self.statements(body))
            case ast.For(
                target=ast.Name() as target,
                iter=ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]),
                orelse=[],
            ):
                return self.loop(node, target, bounds)
            case ast.Return(value=None):
                return nodes.Return()
            case ast.Return(value=ast.expr() as value):
                return nodes.Return(self.expression(value))
            case ast.Break():
                return nodes.Break()
        raise self.refuse(node)

    @staticmethod
    def bounds(given: list[Expression]) -> tuple[Expression, Expression, Expression]:
        zero, one = Number(0), Number(1)
        start, stop, step = {1: (zero, *given, one), 2: (*given, one), 3: given}[len(given)]
        return start, stop, step

    def loop(self, node: ast.For, target: ast.Name, bounds: list[ast.expr]) -> Statement:
        given = [self.expression(bound) for bound in bounds]
        if not 1 <= len(given) <= 3 or (len(given) == 3 and isinstance(given[2], Number) and not given[2].value > 0):
            raise InputError(f"'{self.where}': range takes one to three numbers, and steps are upwards")
        start, stop, step = self.bounds(given)
        return nodes.For(self.assigned(target), start, stop, step, self.statements(node.body))

    def assignment(self, target: ast.expr, value: Expression) -> Statement:
        if isinstance(target, ast.Subscript):
            element = self.expression(_loaded(target))
            if not isinstance(element, nodes.Element):
                raise self.refuse(target)
            return nodes.Store(element, value)
        meaning = self.meanings.get(target.id) if isinstance(target, ast.Name) else None
        if isinstance(meaning, nodes.Element | nodes.RowElement | nodes.ScratchElement):
            return nodes.Store(meaning, value)
        return nodes.Let(self.assigned(target), value)

    def assigned(self, target: ast.expr) -> Symbol:
        if not isinstance(target, ast.Name):
            raise self.refuse(target)
        meaning = self.meanings.get(target.id)
        if isinstance(meaning, Symbol):
            return meaning
        if meaning is not None:
            raise InputError(f"'{self.where}': {target.id} cannot be assigned; choose another name")
        return self.local.setdefault(target.id, Symbol(target.id))


def _loaded(target: ast.expr) -> ast.expr:
    """What is assigned, as what is read."""
    return ast.parse(ast.unparse(target), mode="eval").body
