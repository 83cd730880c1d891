"""The nodes of the kernel tree: symbols, expressions and statements.

A symbol is an object: two of one name are two, and what it is (the membrane potential, a flag of the whole block) it
says itself. Where a symbol lives is the kernel's business: in an argument, in a row of the scratch space, in a table of
constants, or else in a local variable. Numbers without a type of their own are of the type of what they meet.
"""

from __future__ import annotations

from dataclasses import dataclass
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
KIND_OF_STATEMENT: tuple[type, ...] = Statement.__args__
KINDS: tuple[type, ...] = (*Expression.__args__, *KIND_OF_STATEMENT)
