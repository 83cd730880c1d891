"""Guards with fixed steps: one test per step and block, which nearly never asks for more.

In the loop over lanes, only the largest distance of a potential from the middle of the bounds is found. LLVM vectorises
a maximum of whole numbers, but one of floating-point numbers only where NaN would be ignored; the bits of numbers that
are not negative, taken for whole numbers, are in the same order. If that distance reaches the narrowest bounds of the
block, each lane is compared with its own; and a lane that is out of them has its cell marked, and no bounds any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hhfast.kernel.build.guards import EVERY, Guards
from hhfast.kernel.spec import OUT_OF_BOUNDS
from hhfast.kernel.tree.nodes import Bits, Cast, Expression, Let, Name, Number, Statement, Symbol

_WIDEST = 1e9  # mV; bounds beyond it are compared lane by lane
_NEARER = 1.0 - 1e-6  # of the bounds: what rounding does to distances must not hide a potential out of them


class FixedStepGuards:
    """The statements of a fixed-step kernel that guard its cells."""

    def __init__(self, guards: Guards) -> None:
        self.guards, self.quote, self.scratch = guards, guards.quote, guards.scratch
        self.dtype = "int32" if self.scratch.dtype == "float32" else "int64"  # of the bits
        self.middle, self.reach, self.bits = Symbol("middle"), Symbol("reach"), Symbol("bits")
        self.furthest, self.worst = Symbol("furthest", is_flag=True), Symbol("worst", is_flag=True)
        self.is_out = Symbol("is_out", is_flag=True)
        symbols = {"reason": guards.reason, "low": guards.lowest, "high": guards.highest, "V": guards.states["V"]}
        self.places: dict[str, Any] = {name: self.scratch.element(symbol) for name, symbol in symbols.items()}
        self.places |= {"far": self.quote.number(float(OUT_OF_BOUNDS)), "none": self.quote.number(float("inf"))}
        self.own: dict[str, Any] = {"middle": self.middle, "reach": self.reach}
        self.own |= {name: Symbol(name) for name in ("lower", "upper", "taken")} | {"widest": Number(_WIDEST)}

    # --- a block ---
    def load(self, lanes: Sequence[Statement], cell: Expression) -> list[Statement]:
        """Load the lanes of a block by these statements, and the bounds of their cells; where these are narrowest."""
        low, high = (self.quote.value(f"bounds[cell, {k}]", cell=cell) for k in range(2))
        begin = self.guards.begin(self.quote.cast(low), self.quote.cast(high))
        each = [
            *lanes,
            *self.scratch.framed(begin),
            *self.quote.code("lower = max(lower, low)\nupper = min(upper, high)", **self.own, low=low, high=high),
            *self._mark(cell),
        ]
        distance = "nearer * min(upper - np.float64(middle), np.float64(middle) - lower)"
        nearest = self.quote.value(distance, nearer=Number(_NEARER), **self.own)
        return [
            *self.quote.code("lower = -widest\nupper = widest\ntaken = 0", **self.own),
            *self.quote.nest("for i in range(W)", each),
            Let(self.middle, self.quote.cast(self.quote.value("0.5 * (lower + upper)", **self.own))),
            Let(self.reach, self._bits(nearest)),
        ]

    def _mark(self, cell: Expression) -> list[Statement]:
        """For lane i: note a potential out of bounds, once."""
        noted = self.quote.code("reason = far\nlow = -none\nhigh = none", **self.places)
        beyond = "if np.float64(V) > bounds[cell, 1] or np.float64(V) < bounds[cell, 0]"
        return self.quote.nest(beyond, noted, cell=cell, **self.places)

    # --- a step ---
    def begin_step(self) -> list[Statement]:
        return [Let(self.furthest, Number(0, self.dtype))]

    def watch(self) -> list[Any]:
        """Lane statements, at the end of a step: how far from the middle of the bounds a potential is."""
        return self._largest(self.furthest, self.quote.value("abs(V - middle)", **self.own))

    def _largest(self, found: Symbol, number: Expression) -> list[Any]:
        """Lane statements: the bits of the largest of numbers, or 0 if none is above."""
        text = "found = bits if bits > found else found"
        return [Let(self.bits, self._bits(number)), *self.quote.code(text, found=found, bits=self.bits)]

    def _bits(self, number: Expression) -> Bits:
        return Bits(self.dtype, Cast(self.scratch.dtype, number))  # Numba knows the bits of what has a type only

    def look(self) -> list[Statement]:
        """What follows a step: potentials, if one may be out of bounds; every few steps, the other states."""
        nest, cell = self.quote.nest, self.quote.value("block + i")
        names = {"is_out": self.is_out, "low": self.guards.lowest, "high": self.guards.highest}
        potentials = [
            Let(self.is_out, Number(value=False)),
            *self.scratch.loop(self.quote.code("is_out = is_out | ((V >= high) | (V <= low))", **names)),
            *nest("if is_out", nest("for i in range(n)", self._mark(cell)), is_out=self.is_out),
        ]
        found = nest("if furthest >= reach", potentials, furthest=self.furthest, reach=self.reach)
        if not self.guards.limits:
            return found
        others = [
            Let(self.worst, Number(0, self.dtype)),
            *self.scratch.loop(self._worst()),
            *nest("if worst > 0", self.scratch.loop(self.guards.others()), worst=Name(self.worst)),
        ]
        count = self.quote.code("taken = taken + 1", **self.own)
        return [*found, *count, *nest("if (taken & last) == 0", others, last=Number(EVERY - 1), **self.own)]

    def _worst(self) -> list[Any]:
        """Lane statements: by how much a gate or concentration is out of bounds, at most."""
        lets: list[Any] = []
        for name, (low, high) in self.guards.limits.items():
            x = self.guards.states[name]
            excess = self.quote.value("low - x", x=x, low=self.quote.number(low * _NEARER))
            if high is not None:
                middle, half = self.quote.number(0.5 * (low + high)), self.quote.number(0.5 * (high - low) * _NEARER)
                excess = self.quote.value("abs(x - middle) - half", x=x, middle=middle, half=half)
            lets += self._largest(self.worst, excess)
        return lets
