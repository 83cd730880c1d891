"""Settling with fixed steps: the lanes of a block take the same steps, and the block ends when all have settled.

What is recorded of a lane stops when it has settled. The state at a section is found by a Runge-Kutta step back
from the end of the step, so that sections are of fourth order in dt whatever the integrator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.settling import EventsOfStep, LaneSettling
from hhfast.kernel.tree.nodes import Name, Number, Statement, Symbol


class FixedStepSettling:
    """The statements that a fixed-step kernel has for it."""

    def __init__(self, builder: Builder, settling: LaneSettling) -> None:
        self.builder, self.settling, self.scratch = builder, settling, builder.scratch
        self.names: dict[str, Any] = {name: Symbol(name) for name in ("dt_before", "unsettled")}
        self.names |= {name: builder.own[name] for name in ("V_before", "cell")}
        builder.recorders.timed.add(settling.detector.number)  # it keeps the slope at the beginning of the step

    def code(self, text: str, **names: Any) -> list[Statement]:
        return self.settling.code(text, **{**self.names, **names})

    def prepare(self) -> list[Statement]:
        return self.settling.prepare()

    # --- in the lane loop ---
    def notice(self) -> list[Any]:
        quote = self.builder.quote
        moves = quote.value("settled == 0.0", **self.settling.names)
        before = quote.value("V_was - V_before", **self.names)
        return self.settling.notice(before, quote.value("V - V_was"), moves)

    # --- in scalar code ---
    def begin(self) -> list[Statement]:
        """Begin the cells of a block."""
        begin = [*self.code("cell = block + i"), *self.settling.begin(), *self.code("V_was = V\nV_before = V")]
        idle = self.code("settled = 1.0")  # lanes beyond the last cell
        return [
            *self.code("unsettled = n\ndt_before = 1.0"),
            *self.settling.nest("for i in range(n)", self.scratch.framed(begin)),
            *self.builder.quote.nest("for i in range(n, W)", self.scratch.framed(idle)),
        ]

    def unless_settled(self, body: Sequence[Statement]) -> list[Statement]:
        """What is only done for lanes that have not settled."""
        return self.settling.nest("if settled == 0.0", body, settled=self.scratch.element(self.settling.settled))

    def leave(self) -> list[Statement]:
        """Leave the loop over steps, or that over nodes, when all lanes have settled."""
        return self.code("if unsettled == 0:\n    break")

    def finish(self) -> list[Statement]:
        """Hand back what is known of lane i, whose cell ends."""
        return [*self.code("cell = block + i"), *self.scratch.framed(self.settling.finish(), passing=False, keep=False)]

    def events(self) -> list[Statement]:
        """The events of a step; a lane that has settled hands everything back."""
        settling, recorders = self.settling, self.builder.recorders
        respond = settling.respond(self._step())
        ends = [
            statement for r in recorders.all if r.hooks.end for statement in settling.nest("if on", r.end, on=r.is_on)
        ]
        over = [
            *self.code("unsettled = unsettled - 1"),
            *ends,
            *settling.finish(),
            *self._store(),
        ]
        body = [*self.code("cell = block + i"), *respond, *settling.nest("if settled > 0.0", over)]
        eventful = settling.nest(
            "if event > 0.0", self.scratch.framed(body, passing=False), event=self.scratch.element(settling.event)
        )
        return [
            *settling.nest("if hit", settling.nest("for i in range(n)", eventful)),
            *self.code("dt_before = dt64"),
        ]

    def _store(self) -> list[Statement]:
        return [
            statement
            for k, symbol in enumerate(self.builder.states.values())
            for statement in self.code("X[k, cell] = x", k=Number(k), x=symbol)
        ]

    def _step(self) -> EventsOfStep:
        slopes = {x: Symbol(f"{x}_slope") for x in self.builder.states}
        there = {x: Symbol(f"{x}_there") for x in self.builder.states}
        f = self.builder.rates_of["V"].f
        return EventsOfStep(
            turning=self.code("""\
rise = np.float64(V_was - V_before) / dt_before
bend = (np.float64(V - V_was) / dt64 - rise) / (dt_before + dt64)
later = -0.5 * (rise / bend + dt_before)
V_turn = V_was + later * (rise + bend * (later + dt_before))
t_turn = t + later"""),  # the extremum of the parabola through three steps
            passing=self.code("t_pass = t + dt64 * ((settings[1] - V_was) / np.float64(V - V_was))"),
            crossing=[
                *self.builder.rates(("V",)),
                *self.code("t_section = t + dt64 * crossing(V_was, V, dV_was, f, dt64, level)", f=f),
            ],
            back=self._back(slopes, there),
            at_section=self.settling.remember({x: Name(symbol) for x, symbol in there.items()}),
            slopes={x: Name(symbol) for x, symbol in slopes.items()},
        )

    def _back(self, slopes: dict[str, Symbol], there: dict[str, Symbol]) -> list[Statement]:
        """From the end of the step back to the section, by the classical Runge-Kutta method; without one, only the
        slopes at the end. slopes, there : state -> what they and the states at the section are called.
        """
        code, states = self.code, self.builder.states
        here, total = ({x: Symbol(f"{x}_{what}") for x in states} for what in ("here", "total"))
        weights = self.builder.table("back_weight", (1 / 6, 1 / 3, 1 / 3, 1 / 6))
        ahead = self.builder.table("back_ahead", (0.5, 0.5, 1.0, 0.0))
        ago = self.builder.quote.cast(self.builder.quote.value("t_end - t_section if mode >= 0 else 0.0", **self.names))
        before = [*code("stages = 4 if mode >= 0 else 1"), *code("ago = value", value=ago)]
        inner = list[Statement](self.builder.rates(states))
        after: list[Statement] = []
        zero = self.builder.quote.number(0.0)
        for x, symbol in states.items():
            names = {
                "x": symbol,
                "here": here[x],
                "total": total[x],
                "slope": slopes[x],
                "f": self.builder.rates_of[x].f,
            }
            before += code("here = x\ntotal = zero\nslope = zero", zero=zero, **names)
            inner += code(
                """\
slope = f if stage == 0 else slope
total = total + weights[stage] * f
x = here - ago * ahead[stage] * f""",
                weights=weights,
                ahead=ahead,
                **names,
            )
            after += code("there = here - ago * total\nx = here", there=there[x], **names)
        return [*before, *self.settling.nest("for stage in range(stages)", inner), *after]
