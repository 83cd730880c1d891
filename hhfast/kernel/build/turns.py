"""Where V turns between fixed steps: the extrema that recorders of V_max and V_min ask for.

In the lane loop a turn is only noticed: V was larger, or smaller, at the beginning of a step than at both other ends.
The extremum, found in scalar code, is that of the cubic through three ends of steps with the slope at the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.spec import EDGE
from hhfast.kernel.tree.nodes import Comment, If, Let, Name, Number, Statement, Symbol


class Turns:
    """The statements that notice turns of V and tell recorders of them."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.scratch = builder, builder.scratch
        self.turned, self.hit = Symbol("turned"), Symbol("hit", is_flag=True)
        self.even = Symbol("even")  # 1 if the step is as long as the one before, and no edge is between them
        self.scratch.add("lane", self.turned)

    @staticmethod
    def wanted(builder: Builder) -> bool:
        """Whether some recorder is to be told. A clamped V turns at the points of its command only."""
        return any(r.turn for r in builder.recorders.all) and builder.applied.clamp is None

    def at_node(self) -> list[Statement]:
        """Before the step is set: at an edge of the stimulus V bends, and no cubic goes through."""
        text = "even = 1.0 if (dt_node[node] == dt64) & ((action[node] & EDGE) == 0) else 0.0"
        return self.builder.quote.code(text, even=self.even, EDGE=Number(EDGE))

    def notice(self) -> list[Any]:
        """In the lane loop, at the end of a step."""
        text = """\
turned = (V_was - V_before) * (V_was - V)
hit = hit | (turned > 0.0)"""
        return self.builder.quote.lane_code(text, turned=self.turned, hit=self.hit)

    def events(self, unless_settled: Callable[[Sequence[Statement]], list[Statement]] | None) -> list[Statement]:
        """In scalar code after a step; `unless_settled` leaves out lanes that have ended by themselves."""
        nest = self.builder.quote.nest
        told = [If(Name(r.is_on), r.turn) for r in self.builder.recorders.all if r.turn]
        found = self._where_no_edge([*self._extremum(), *told])
        turning = nest(
            "if turned > 0.0", self.scratch.framed(found, passing=False), turned=self.scratch.element(self.turned)
        )
        if unless_settled is not None:
            turning = unless_settled(turning)
        each = nest("for i in range(n)", turning)
        condition = "if hit and even > 0.0" if self._compares else "if hit and even > 0.0 and moving == 0"
        return [
            Comment("turns of V: find the extrema, and tell the recorders"),
            *nest(condition, each, hit=self.hit, even=self.even),
            *self.builder.quote.code("even = 1.0", even=self.even),
        ]

    @property
    def _compares(self) -> bool:
        """Whether what is applied in the step before can be told, and so, of each lane, an edge that is its own."""
        applied = self.builder.applied
        return not (applied.smooth or applied.pointed)

    def _where_no_edge(self, body: Sequence[Statement]) -> list[Statement]:
        """The statements, unless an edge of the lane's own lies in this step or the one before."""
        applied, quote = self.builder.applied, self.builder.quote
        if not (self.builder.spec.kinds and self._compares):
            return list(body)
        t, here = self.builder.own["t"], Symbol("t_here")
        names = {name: Symbol(f"{name}_before") for name in applied.names}
        earlier = applied.values(Name(t), Name(here))
        compute = [Let(names[name], quote.cast(value)) for name, value in earlier.items()]
        earlier_names: dict[str, Any] = {f"{name}_before": symbol for name, symbol in names.items()}
        same = " and ".join(f"{name} == {name}_before" for name in names)
        return [
            *quote.code("t_here = t\nt = t_here - dt64", t_here=here),
            *compute,
            *quote.code("t = t_here", t_here=here),
            *quote.nest(f"if {same}", body, **earlier_names),
        ]

    def _extremum(self) -> list[Statement]:
        """Set V_turn, and dt_turn where it is asked for.

        The slope of a method of first order fits its steps no better than a parabola does. A parabola rises by at most
        a quarter of `second` above the ends; where the cubic rises by more than twice that, the steps do not resolve
        V, and the end of a step is taken.
        """
        quote, timed = self.builder.quote, self.builder.recorders.steps_use("dt_turn")
        if self.builder.spec.integrator.order == 1:
            when = quote.lane_code("dt_turn = -0.5 * dt * (V - V_before) / (V_before + V - 2.0 * V_was)")
            return [
                *quote.lane_code(
                    "V_turn = V_was - 0.125 * (V - V_before) * (V - V_before) / (V_before + V - 2.0 * V_was)"
                ),
                *(when if timed else []),
            ]
        text = """\
second = 0.5 * (V_before + V) - V_was
mean = 0.5 * (V - V_before)
third = 0.5 * (dt * f - mean) - second
first = mean - third
root = second * second - 3.0 * third * first
root = sqrt(root if root > 0.0 else 0.0)
later = -first / (second + (root if second > 0.0 else -root))
rise = later * (first + later * (second + later * third))
resolved = (abs(later) <= 1.0) & (abs(rise) <= 0.5 * abs(second))
V_turn = V_was + rise if resolved else V_was"""
        own = {name: Symbol(name) for name in ("first", "second", "third", "mean", "root", "later", "rise", "resolved")}
        when = quote.lane_code("dt_turn = dt * later if resolved else 0.0 * dt", **own)
        return [
            *self.builder.rates(("V",)),
            *quote.lane_code(text, f=self.builder.rates_of["V"].f, **own),
            *(when if timed else []),
        ]
