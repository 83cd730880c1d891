"""What nearly every step of a kernel does, as a tree whose machine code can be counted.

Rare branches (a spike, a cell that ends, steps too long for phi's polynomials, edges that differ between cells) are
left to a return, so that their tests remain; stages stand one after another, and so do the rows of loops over several.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import (
    Binary,
    Compare,
    For,
    If,
    LaneLoop,
    Let,
    Name,
    Number,
    Return,
    Symbol,
)
from hhfast.kernel.tree.walk import rebuilt, walk

RARE = ("moving", "any_due", "any_anew")  # what else is rare, besides the flags of lane loops


def common_path(kernel: Kernel) -> Kernel:
    """The kernel without what is rare, and without loops around those over lanes within a step."""

    def change(node: Any) -> Any:
        match node:
            case Let(target=symbol, value=Number(value=True)) if symbol.name in RARE:
                return Let(symbol, Number(False))  # what is needed at the first step is rare, too
            case If(test=test) if _is_rare(test):
                return If(test, (Return(),))
            case For(stop=Number()) if any(isinstance(inner, LaneLoop) for inner in walk(*node.body)):
                return _Several(_stages(node))
            case LaneLoop(count=Binary(op="*", left=Number(value=n), right=Name(symbol=lanes))):
                shift = kernel.constants[lanes]
                return _Several(LaneLoop(node.index, Name(lanes), _shifted(node, r * shift)) for r in range(int(n)))
        return _flat(node)

    return replace(kernel, body=_flattened(rebuilt(kernel.body, change)))


class _Several(tuple):  # noqa: SLOT001
    """Statements that stand in the place of one."""


def _flattened(body: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(part for node in body for part in (node if isinstance(node, _Several) else (node,)))


def _flat(node: Any) -> Any:
    """A statement whose bodies hold the statements that took the place of one."""
    bodies = {name: getattr(node, name) for name in ("body", "orelse") if isinstance(getattr(node, name, None), tuple)}
    return replace(node, **{name: _flattened(body) for name, body in bodies.items()}) if bodies else node


def _is_rare(test: Any) -> bool:
    """Whether a test is a flag that lanes set, or one of the whole batch."""
    symbols = [node.symbol for node in walk(test) if isinstance(node, Name)]
    return bool(symbols) and all(s.is_flag or s.name in RARE for s in symbols)


def _with(body: Any, symbol: Symbol, value: Any) -> Any:
    """Statements with a value for a name, and the branches that this decides."""

    def change(node: Any) -> Any:
        match node:
            case Name(symbol=found) if found is symbol:
                return value
            case If(test=Compare(op="==", left=Number(value=left), right=Number(value=right))):
                return _Several(_flattened(node.body if left == right else node.orelse))
        return _flat(node)

    return _flattened(rebuilt(body, change))


def _stages(node: For) -> list[Any]:
    """The stages of a step; where the first is not always needed, the others."""
    first = int(node.start.value) if isinstance(node.start, Number) else 1
    stop = int(node.stop.value)
    return [part for k in range(first, stop) for part in _with(_flattened(node.body), node.index, Number(k, "int64"))]


def _shifted(node: LaneLoop, by: int) -> Any:
    return _with(node.body, node.index, Binary("+", Name(node.index), Number(by, "int64"))) if by else node.body
