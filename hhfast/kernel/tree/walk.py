"""Walking over trees: what is inside a node, and nodes rebuilt with a change to what is inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from hhfast.kernel.tree.nodes import KINDS, Node

_FIELDS = {kind: tuple(item.name for item in fields(kind)) for kind in KINDS}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node, in the order of their writing."""
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        for part in value if isinstance(value, tuple) else (value,):
            if type(part) in _FIELDS:
                yield part


def walk(*nodes: Node) -> Iterator[Node]:
    """Nodes and all nodes inside them."""
    for node in nodes:
        yield node
        yield from walk(*children(node))


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A node with `change` applied to every node inside it, and then to itself; a tuple of nodes likewise."""
    if isinstance(node, tuple):
        return tuple(rebuilt(part, change) for part in node)
    if type(node) not in _FIELDS:
        return node
    parts = [rebuilt(getattr(node, name), change) for name in _FIELDS[type(node)]]
    return change(type(node)(*parts))
