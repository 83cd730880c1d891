"""Guards: what no neuron does, seen while a kernel runs, and kept: potentials, gates, concentrations out of bounds.

The potential is looked at in every step: with fixed steps as in `guards_fixed`, while an adaptive kernel compares that
of each lane, and ends a cell at once. The other states, which leave their bounds for good where a step is too long for
them, are compared every few steps.
"""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.quotation import Quotation
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.spec import NEGATIVE, NOT_FINITE, OUT_OF_BOUNDS, OUT_OF_GATE, REASON
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.model.limits import state_limits
from hhfast.model.model import Model

EVERY = 16  # steps, between two looks at the other states


class Guards:
    """Why the cell of a lane is impossible (0: it is not), and the bounds of its potential, as rows.

    states : name -> symbol of all states.
    """

    def __init__(self, model: Model, quote: Quotation, scratch: Scratch, states: dict[str, Symbol]) -> None:
        self.quote, self.scratch, self.states = quote, scratch, states
        self.reason, self.lowest, self.highest = Symbol("impossible"), Symbol("V_lowest"), Symbol("V_highest")
        self.limits = state_limits(model)
        scratch.add("lane", self.reason, self.lowest, self.highest)

    def begin(self, low: Expression, high: Expression) -> list[Any]:
        """Lane statements of a new cell, whose potential is possible from low to high."""
        names = {"reason": self.reason, "lowest": self.lowest, "highest": self.highest}
        return self.quote.lane_code("reason = 0.0\nlowest = low\nhighest = high", low=low, high=high, **names)

    def potential(self) -> list[Any]:
        """Lane statements of an adaptive step: note a potential out of bounds."""
        return self.quote.lane_code(
            "reason = code if ((V > high) | (V < low)) & (reason <= 0.0) else reason",
            code=self.quote.number(float(OUT_OF_BOUNDS)),
            reason=self.reason,
            low=self.lowest,
            high=self.highest,
        )

    def others(self) -> list[Any]:
        """Lane statements: note gates and concentrations out of bounds."""
        lets: list[Any] = []
        for name, (low, high) in self.limits.items():
            code = self.quote.number(float(NEGATIVE if high is None else OUT_OF_GATE))
            names: dict[str, Any] = {"x": self.states[name], "code": code, "reason": self.reason}
            outside = "(x < low)" if high is None else "((x < low) | (x > high))"
            names |= {"low": self.quote.number(low)} | ({} if high is None else {"high": self.quote.number(high)})
            lets += self.quote.lane_code(f"reason = code if {outside} & (reason <= 0.0) else reason", **names)
        return lets

    def others_if_accepted(self) -> list[Any]:
        """As `others`, where the states are those of an accepted step."""
        names: dict[str, Any] = {"reason": self.reason, "kept": Symbol("kept")}
        return [
            *self.quote.code("kept = reason", **names),
            *self.others(),
            *self.quote.lane_code("reason = reason if ok > 0.0 else kept", **names),
        ]

    def judge(self, cell: Expression, not_finite: Expression) -> list[Statement]:
        """Statements at the end of the cell in lane i: its status, if it is impossible.

        not_finite : NaN where a state of lane i is.
        """
        names: dict[str, Any] = {"reason": self.scratch.element(self.reason), "cell": cell, "first": Number(REASON)}
        told = self.quote.code("status[cell] = first + int(reason)", **names)
        wild = self.quote.code("status[cell] = first + wild", wild=Number(NOT_FINITE), **names)
        otherwise = self.quote.nest("if wrong != 0.0", wild, wrong=not_finite)
        return [*self.scratch.framed(self.others()), *self.quote.nest("if reason > 0.0", told, otherwise, **names)]
