"""Whole functions as trees: a kernel, and what it calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hhfast.kernel.tree.nodes import Statement, Symbol

Effort: TypeAlias = Literal["none", "scalars", "vectors"]


@dataclass(frozen=True)
class Kernel:
    """A function that advances cells.

    arguments : what it takes, with types such as "int64" or "float64[:, ::1]".
    lanes : cells in a block. scratch : kind of scratch array -> (its argument, number of its elements).
    rows : symbol -> (kind of scratch array, number of the row).
    tables : symbol -> (type, constants). constants : symbol -> number known when the kernel is made.
    shared : arguments that another thread may write meanwhile. notes : the model's equations, for the reader.
    effort : how far the compiler goes: to vectors, or it keeps to one value at a time, or optimises nothing.
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
    effort: Effort = "vectors"


@dataclass(frozen=True)
class KernelFunction:
    """A function of `kernel.math` as a tree."""

    name: str
    parameters: tuple[Symbol, ...]
    body: tuple[Statement, ...]
