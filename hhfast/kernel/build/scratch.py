"""Rows: where the values of a block's lanes are kept, and the loops over the lanes that load and store them.

The values of W_ lanes of a quantity x are a row of the scratch array `s_` (the lane's dtype), `q_` (float64) or `w_`
(int64), beginning at the constant offset `x_row_`; inside a loop x is a local variable. With constant offsets LLVM
sees that the rows of an array do not overlap, and it is told so of the arrays (see `machine`): else it would not
vectorise a loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hhfast.kernel.optimise.loop_fission import crossing, cut, reads_and_writes
from hhfast.kernel.spec import LANES, SCRATCH


def indent(lines: Iterable[str], depth: int = 1) -> list[str]:
    """The lines, further to the right."""
    return ["    " * depth + line if line else line for line in lines]


@dataclass(frozen=True)
class Woven:
    """Lines that record, to be added to those that compute: before all, after that of a name, and after all.

    They do not influence where the lines are cut, so that recording never changes how a trajectory is rounded.
    """

    first: list[str] = field(default_factory=list)
    after: dict[str, str] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)


@dataclass
class Rows:
    """The rows of one kernel, in order; a quantity without a row lives inside one loop only."""

    dtype: str
    main: dict[str, int] = field(default_factory=dict)
    extra: dict[str, int] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)
    _passing: set[str] = field(default_factory=set)  # rows that only pass values from one loop of a step to another

    def add(self, *names: str) -> None:
        """Give each name a row in the lane's dtype (once)."""
        for name in names:
            self.main.setdefault(name, len(self.main))

    def add_extra(self, *names: str) -> None:
        """Give each name a row in float64."""
        for name in names:
            self.extra.setdefault(name, len(self.extra))

    def add_whole(self, *names: str) -> None:
        """Give each name a row of whole numbers."""
        for name in names:
            self.whole.setdefault(name, len(self.whole))

    def pass_on(self, *names: str) -> None:
        """Give each name a row in which its value passes from one loop of a step to another."""
        for name in names:
            if name not in self:
                self.add(name)
                self._passing.add(name)

    @property
    def _arrays(self) -> dict[str, dict[str, int]]:
        """Scratch array -> the numbers of its rows."""
        return {"s_": self.main, "q_": self.extra, "w_": self.whole}

    def __contains__(self, name: str) -> bool:
        return any(name in numbers for numbers in self._arrays.values())

    def place(self, name: str, lane: str = "i_") -> str:
        """The element of a row that belongs to a lane."""
        array = next((array for array, numbers in self._arrays.items() if name in numbers), "s_")
        return f"{array}[{name}_row_ + {lane}]"

    def loop(self, lines: list[str], lanes: str = "W_") -> list[str]:
        """A loop over lanes around straight lines: loads what they read, stores what outlives them."""
        if not lines:
            return []
        return [f"for i_ in range({lanes}):", *indent(self.framed(lines))]

    def loops(self, lines: list[str], woven: Woven) -> list[str]:
        """The lines in several loops over the lanes, for speed (see `pieces`); then with others woven in."""
        pieces = cut(lines) or [[]]
        pieces[0] = woven.first + pieces[0]
        for name, line in woven.after.items():
            piece, k = next((p, k) for p in pieces for k, x in enumerate(p) if x.startswith(f"{name} = "))
            piece.insert(k + 1, line)
        pieces[-1] = pieces[-1] + woven.last
        self.pass_on(*crossing(pieces))
        return [line for piece in pieces for line in self.loop(piece)]

    def framed(self, lines: list[str], passing: bool = True, keep: bool = True) -> list[str]:
        """The lines with loads before them and, if `keep`, stores after; of passing values only if `passing`."""
        reads, writes = reads_and_writes(lines)
        kept = {name for name in (*reads, *writes) if name in self and (passing or name not in self._passing)}
        loads = [f"{name} = {self.place(name)}" for name in reads if name in kept]
        stores = [f"{self.place(name)} = {name}" for name in writes if name in kept and keep]
        return loads + lines + stores

    @property
    def lanes(self) -> int:
        """The number of lanes in a block: as many as fit."""
        size = 8 if self.dtype == "float64" else 4
        choices = LANES[self.dtype]
        return next((n for n in choices if n * len(self.main) * size <= SCRATCH), choices[-1])

    def declarations(self) -> list[str]:
        """The constants of the module."""
        tables = self._arrays.values()
        places = [(name, k) for numbers in tables for name, k in numbers.items()]
        sizes = tuple(len(numbers) * self.lanes for numbers in tables)
        return [f"W_ = {self.lanes}", f"SCRATCH_ = {sizes}",
                *(f"{name}_row_ = {k * self.lanes}" for name, k in places)]
