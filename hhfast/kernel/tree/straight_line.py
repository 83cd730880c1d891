"""Straight-line code: assignments one after another, without branches; what they read and write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Node, Statement, Symbol
from hhfast.kernel.tree.walk import children


def is_straight_line(node: Statement) -> bool:
    """Whether a statement has no branch: an assignment, a last `return`, or a loop of a constant number of turns."""
    match node:
        case nodes.Let() | nodes.LetAll() | nodes.Store() | nodes.Comment() | nodes.Return():
            return True
        case nodes.For(start=nodes.Number(), stop=nodes.Number(), step=nodes.Number(), body=body):
            return all(map(is_straight_line, body))
    return False


def symbols_read(node: Node) -> list[Symbol]:
    """The symbols whose values a node uses, the outermost first: the order in which a loop loads them."""
    found: list[Symbol] = []
    level = [node]
    while level:
        found += [inner.symbol for inner in level if isinstance(inner, nodes.Name)]
        level = [child for inner in level for child in children(inner)]
    return found


def reads_and_writes(body: Iterable[Statement]) -> tuple[list[Symbol], list[Symbol]]:
    """Symbols read before any straight assignment, and symbols assigned, each in order of appearance."""
    reads: dict[Symbol, None] = {}
    writes: dict[Symbol, None] = {}

    def visit(statements: Iterable[Any], surely: bool) -> None:
        for node in statements:
            inner = [part for part in children(node) if isinstance(part, nodes.KIND_OF_STATEMENT)]
            own = [part for part in children(node) if not isinstance(part, nodes.KIND_OF_STATEMENT)]
            reads.update(dict.fromkeys(s for part in own for s in symbols_read(part) if s not in writes))
            targets = _targets(node)
            if not surely:  # what a branch assigns keeps its old value where the branch is not taken: it is read, too
                reads.update(dict.fromkeys(s for s in targets if s not in writes))
            writes.update(dict.fromkeys(targets))
            visit(inner, surely and isinstance(node, nodes.LaneLoop | nodes.For))

    visit(body, surely=True)
    return list(reads), list(writes)


def _targets(node: Statement) -> tuple[Symbol, ...]:
    match node:
        case nodes.Let(target=target):
            return (target,)
        case nodes.LetAll(targets=targets):
            return targets
        case nodes.For(index=index) | nodes.LaneLoop(index=index):
            return (index,)
    return ()
