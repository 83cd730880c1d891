"""The scratch space: where the values of a block's lanes are kept, and the loops over lanes that load and store them.

The values that the lanes of a block have of a quantity are a row. The rows of one kind (of the lanes' own type, in
float64, whole numbers) lie one after another in one array, at constant places: so LLVM sees that they do not overlap,
or it would not vectorise a loop. Inside a loop the quantity is a local variable. A moving row is at a place that is
chosen while the kernel runs: the increment of the stage that is computed; such rows have an array of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hhfast.kernel.optimise.loop_fission import crossing, cut
from hhfast.kernel.tree.nodes import Binary, Expression, LaneLoop, Let, Name, RowElement, Statement, Store, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes


@dataclass(frozen=True)
class RecordingStatements:
    """Statements that record, to be added to those that compute: before all, after that of a symbol, and after all.

    They do not influence where loops are cut, so that recording never changes how a trajectory is rounded.
    """

    first: Sequence[Any] = ()
    after: Mapping[Symbol, Any] = field(default_factory=dict)
    last: Sequence[Any] = ()


class Scratch:
    """The rows of one kernel, in order; a quantity without a row lives inside one loop only.

    lane, n_lanes : the symbols of the number of a lane, and of how many a block has; lanes : how many it has at most.
    """

    def __init__(self, dtype: str, lane: Symbol, n_lanes: Symbol, lanes: int) -> None:
        self.dtype, self.lane, self.n_lanes, self.lanes = dtype, lane, n_lanes, lanes
        self.rows: dict[Symbol, tuple[str, int]] = {}
        self.moving: dict[Symbol, tuple[Symbol, Symbol]] = {}  # symbol -> (a row, how many elements further on it is)
        self._passing: set[Symbol] = set()  # rows that only pass values from one loop of a step to another

    def add(self, kind: str, *symbols: Symbol) -> None:
        """Give each symbol a row of a kind ("lane", "float64", "int64"), once."""
        for symbol in symbols:
            if symbol not in self.rows:
                self.rows[symbol] = kind, self.size(kind)

    def pass_on(self, *symbols: Symbol) -> None:
        """Give each symbol a row in which its value passes from one loop of a step to another."""
        for symbol in symbols:
            if symbol not in self:
                self.add("lane", symbol)
                self._passing.add(symbol)

    def move(self, symbol: Symbol, row: Symbol, offset: Symbol) -> None:
        """Let the row of a symbol be another one, or one further on by an offset."""
        self.moving[symbol] = row, offset

    def size(self, kind: str) -> int:
        """How many rows of a kind there are."""
        return sum(other == kind for other, _ in self.rows.values())

    def __contains__(self, symbol: Symbol) -> bool:
        return symbol in self.rows or symbol in self.moving

    def element(self, symbol: Symbol, lane: Expression | None = None) -> RowElement:
        """The element of a row that belongs to a lane, by default to that of the loop."""
        place = Name(self.lane) if lane is None else lane
        if symbol in self.moving:
            row, offset = self.moving[symbol]
            return RowElement(row, Binary("+", Name(offset), place))
        return RowElement(symbol, place)

    # --- loops ---
    def loop(self, body: Sequence[Statement], lanes: Expression | None = None) -> list[Statement]:
        """A loop over lanes around straight statements: loads what they read, stores what outlives them."""
        if not body:
            return []
        return [LaneLoop(self.lane, Name(self.n_lanes) if lanes is None else lanes, tuple(self.framed(body)))]

    def loops(self, body: Sequence[Any], recording: RecordingStatements | None = None) -> list[Statement]:
        """The statements in several loops over the lanes, for speed (see `loop_fission`); then with others added."""
        recording = recording or RecordingStatements()
        pieces = cut(body) or [[]]
        pieces[0] = [*recording.first, *pieces[0]]
        for symbol, statement in recording.after.items():
            piece, k = next((p, k) for p in pieces for k, let in enumerate(p) if let.target is symbol)
            piece.insert(k + 1, statement)
        pieces[-1] = [*pieces[-1], *recording.last]
        self.pass_on(*crossing(pieces))
        return [statement for piece in pieces for statement in self.loop(piece)]

    def framed(self, body: Iterable[Statement], passing: bool = True, keep: bool = True) -> list[Statement]:
        """The statements with loads before them and, if `keep`, stores after; of passing values only if `passing`."""
        body = list(body)
        reads, writes = reads_and_writes(body)
        kept = {s for s in (*reads, *writes) if s in self and (passing or s not in self._passing)}
        loads = [Let(s, self.element(s)) for s in reads if s in kept]
        stores = [Store(self.element(s), Name(s)) for s in writes if s in kept and keep]
        return [*loads, *body, *stores]
