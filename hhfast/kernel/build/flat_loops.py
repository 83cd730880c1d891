"""Flat loops: what is done alike to all states of all lanes, in one loop over their rows, which lie one after another.

What a lane has for all of them (the size of its step) is repeated for each state: so all that such a loop touches lies
at constant distances, and it vectorises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.tree.nodes import LaneLoop, Let, Name, Number, Statement, Store, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes

Family = dict[str, Symbol]  # state -> symbol; their rows lie one after another


class FlatLoops:
    """Builds them, in names of families: x for all states, w0, w1 ... for the increments of all ..."""

    def __init__(self, builder: Builder, families: Mapping[str, Family], increments: Sequence[Family]) -> None:
        self.builder, self.element = builder, Symbol("p")  # the number of an element
        self.names = {name: Symbol(name) for name in families}
        self.increments = [Symbol(f"w{j}") for j in range(len(increments))]
        named = zip([*self.names.values(), *self.increments], [*families.values(), *increments], strict=True)
        self._first_row = {symbol: next(iter(family.values())) for symbol, family in named}

    def loop(self, text: str, **names: Any) -> list[Statement]:
        """A loop over all states and lanes, of statements in the names of the families, and others."""
        body = self.builder.quote.lane_code(text, **{**self.names, **names})
        reads, writes = reads_and_writes(body)
        scratch = self.builder.scratch
        place = {s: scratch.element(row, Name(self.element)) for s, row in self._first_row.items()}
        loads = [Let(s, place[s]) for s in reads if s in place]
        stores = [Store(place[s], Name(s)) for s in writes if s in place]
        count = self.builder.quote.value("n * W", n=Number(len(self.builder.states)))
        return [LaneLoop(self.element, count, (*loads, *body, *stores))]
