"""The nodes of the kernel tree: symbols, expressions, statements, and the kernel that they make up.

A symbol is an object: two of one name are two, and what it is (the membrane potential, a flag of the whole block) it
says itself. Where a symbol lives is the kernel's business: in an argument, in a row of the scratch space, in a table of
constants, or else in a local variable. Numbers without a type of their own are of the type of what they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import FunctionType
from typing import Any, TypeAlias


@dataclass(frozen=True, eq=False, slots=True)
class Symbol:
    """What a name in a kernel stands for.

    is_membrane : whether it is the potential V of the membrane.
    is_flag : whether it is one value for a whole block of lanes, raised by any of them.
    """

    name: str
    is_membrane: bool = False
    is_flag: bool = False


# --- expressions -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Number:
    """A number or truth value; dtype: its NumPy type, or None for Python's own."""

    value: Any
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a symbol."""

    symbol: Symbol


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an argument or of a table."""

    array: Symbol
    index: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class RowElement:
    """The value that a lane has in the scratch space; a lane beyond the last goes on in the rows that follow."""

    row: Symbol
    lane: Expression


@dataclass(frozen=True, slots=True)
class ScratchElement:
    """The element of a whole scratch array, by its number."""

    kind: str
    index: Expression


@dataclass(frozen=True, slots=True)
class Length:
    """The length of an argument along an axis."""

    array: Symbol
    axis: int


@dataclass(frozen=True, slots=True)
class Negative:
    """-x."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic of two numbers: + - * / // & | ^ << >>."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Compare:
    """< <= > >= == != ; false with NaN, except for !=."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical:
    """`and` or `or` of conditions: the second is looked at only where the first does not decide."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Select:
    """One of two values; both are computed."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `kernel.math`, or by name one that every processor has: abs, sqrt, floor, isnan."""

    function: FunctionType | str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """A number as another type."""

    dtype: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Bits:
    """The bits of a number, taken for another type."""

    dtype: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Several:
    """Several values: what a function returns."""

    items: tuple[Expression, ...]


# --- statements ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Let:
    """Give a symbol a value."""

    target: Symbol
    value: Expression


@dataclass(frozen=True, slots=True)
class LetAll:
    """Give symbols the values that a call returns."""

    targets: tuple[Symbol, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Store:
    """Write an element."""

    target: Element | RowElement | ScratchElement
    value: Expression


@dataclass(frozen=True, slots=True)
class LaneLoop:
    """Straight statements for every lane; the lanes do not depend on each other, so the loop vectorises."""

    index: Symbol
    count: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class For:
    """A loop from start to before stop."""

    index: Symbol
    start: Expression
    stop: Expression
    step: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class While:
    """A loop as long as a condition holds."""

    test: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Statements by a condition."""

    test: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the function, with a value where it has one."""

    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """A line for the reader."""

    text: str


Expression: TypeAlias = (
    Number | Name | Element | RowElement | ScratchElement | Length | Negative | Binary | Compare | Logical | Select |
    Call | Cast | Bits | Several
)  # fmt: skip
Statement: TypeAlias = Let | LetAll | Store | LaneLoop | For | While | If | Break | Return | Comment
Node: TypeAlias = Expression | Statement


# --- the whole -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Kernel:
    """A function that advances cells.

    arguments : what it takes, with types such as "int64" or "float64[:, ::1]".
    lanes : cells in a block. scratch : kind of scratch array -> (its argument, number of its elements).
    rows : symbol -> (kind of scratch array, number of the row).
    tables : symbol -> (type, constants). constants : symbol -> number known when the kernel is made.
    shared : arguments that another thread may write meanwhile. notes : the model's equations, for the reader.
    """

    title: str
    name: str
    arguments: Mapping[Symbol, str]
    body: tuple[Statement, ...]
    lanes: int = 1
    scratch: Mapping[str, tuple[Symbol, int]] = field(default_factory=dict)
    rows: Mapping[Symbol, tuple[str, int]] = field(default_factory=dict)
    tables: Mapping[Symbol, tuple[str, tuple[float, ...]]] = field(default_factory=dict)
    constants: Mapping[Symbol, int] = field(default_factory=dict)
    shared: frozenset[Symbol] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class KernelFunction:
    """A function of `kernel.math` as a tree."""

    name: str
    parameters: tuple[Symbol, ...]
    body: tuple[Statement, ...]


# --- walking ---------------------------------------------------------------------------------------------------------
KIND_OF_STATEMENT: tuple[type, ...] = Statement.__args__
KINDS: tuple[type, ...] = (*Expression.__args__, *KIND_OF_STATEMENT)
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
