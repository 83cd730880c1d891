"""Lane refill: what happens to a lane of an adaptive kernel at a stop, in scalar loops.

Recorders begin and end, the current jumps, a cell ends, and the next takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise_adaptive import AdaptiveNoise
from hhfast.kernel.build.settling import LaneSettling
from hhfast.kernel.spec import ACTIONS, EDGE, NOT_FINITE, REASON
from hhfast.kernel.tree.nodes import Break, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name


class LaneRefill:
    """The statements for a lane i that is due: at a stop, given up, or without a cell."""

    def __init__(
        self,
        builder: Builder,
        was: Sequence[Symbol],
        settling: LaneSettling | None,
        noise: AdaptiveNoise | None,
    ) -> None:
        self.builder, self.scratch, self.own = builder, builder.scratch, builder.own
        self.was = was  # the value of each state before the step
        self.settling, self.noise = settling, noise
        kept = (
            "cell_of",
            "node_of",
            "edge_of",
            "is_due",
            "failed",
            "t",
            "t_end",
            "next_stop",
            "step",
            "began",
            "accepted",
            "error",
            "ok",
        )
        self.places: dict[str, Any] = {name: self.scratch.element(self.own[name]) for name in kept}
        self.edge: dict[str, Any] = {"EDGE": Number(EDGE)}
        self.ends_early = "failed > 0.0"
        if settling is not None:
            self.places["settled"] = self.scratch.element(settling.settled)
            self.ends_early = "failed > 0.0 or settled > 0.0"

    def code(self, text: str, **names: Any) -> list[Statement]:
        """Statements in which what a lane keeps is at its place, not in a local variable."""
        return self.builder.quote.code(text, **{**self.places, **names})

    def nest(
        self, head: str, body: list[Statement], orelse: list[Statement] | None = None, **names: Any
    ) -> list[Statement]:
        return self.builder.quote.nest(head, body, orelse or [], **{**self.places, **names})

    def statements(self) -> list[Statement]:
        """The whole; a lane whose cell ends is due again, for the next."""
        builder, scratch = self.builder, self.scratch
        all_end = sum(1 << (ACTIONS * recorder.number + 1) for recorder in builder.recorders.all)
        statements = [
            *self.code("cell = cell_of\nt = t_end"),
            *self.nest("if cell < 0", self._begin()),
            *self.code("act = 0"),
            *self.nest(f"if {self.ends_early}", self.code("act = all_end", all_end=Number(all_end)), self._arrive()),
        ]
        for recorder in builder.recorders.all:
            begin, end = (Number(1 << (ACTIONS * recorder.number + k)) for k in range(2))
            names: dict[str, Any] = {"on": scratch.element(recorder.is_on), "begin": begin, "end": end}
            if recorder.hooks.end:
                body = [*self.code("on = 0.0", **names), *scratch.framed(recorder.end)]
                statements += self.nest("if (act & end) != 0 and on > 0.0", body, **names)
            if recorder.hooks.begin:
                body = [*self.code("on = 1.0", **names), *scratch.framed(builder.quote.in_lanes(recorder.begin))]
                statements += self.nest("if (act & begin) != 0", body, **names)
        anew = builder.quote.code(
            """\
begins_anew = one
step = step if step < dt_first else dt_first
log_error_before = zero""",
            one=builder.quote.number(1.0),
            zero=builder.quote.number(0.0),
        )
        anew += self._moved_edges()
        statements += self.nest(
            "if (act & EDGE) != 0", [*builder.quote.code("any_anew = True"), *scratch.framed(anew)], **self.edge
        )
        is_over = f"if {self.ends_early} or node_of == len(t_node)"
        statements += self.nest(is_over, self._end(), self._next_stop())
        return self.nest("while is_due > 0.0", [*self.code("is_due = 0.0"), *statements])

    def _moved_edges(self) -> list[Statement]:
        """Statements of a lane at an edge that a parameter moves: later by dp, its jump acts on x for so much less."""
        builder, lets = self.builder, list[Statement]()
        for p, (k, name) in builder.applied.moved.items():
            jump, moves = builder.applied.jump(k), builder.applied.moves(k, name)
            moved = Symbol("moved")
            lets += builder.quote.code("moved = -jump * moves if t > 0.0 else 0.0", moved=moved, jump=jump, moves=moves)
            lets += builder.bindings({f"{x}_by_i_app_": e for x, e in builder.by_i_app.items()})
            for x in builder.by_i_app:
                names = {"s": builder.states[sensitivity_name(x, p)], "by": builder.symbol_of(f"{x}_by_i_app_")}
                by = builder.quote.cast(Name(moved))
                lets += builder.quote.code("s = s + (by * moved if moved != 0.0 else 0.0)", moved=by, **names)
        return lets

    def _next_stop(self) -> list[Statement]:
        statements = self.code("""\
next_stop = t_node[node_of]
if edge_of < edges.shape[1]:
    next_stop = min(next_stop, edges[min(cell, edges.shape[0] - 1), edge_of])""")
        for k in self.builder.applied.pointed:
            statements += self.code("next_stop = min(next_stop, until)", until=self.builder.applied.next_point(k))
        return statements if self.noise is None else [*statements, *self.noise.next_stop(self.places)]

    def _begin(self) -> list[Statement]:
        """Put the next cell in the lane, or leave it idle: its steps then have no length."""
        builder, scratch = self.builder, self.scratch
        sampling = [recorder for recorder in builder.recorders.all if recorder.hooks.samples]
        idle = self.code("step = 0.0\nnext_stop = np.inf")
        for recorder in sampling:
            idle += self.code("next_sample = np.inf", next_sample=scratch.element(recorder.next_sample))
        if self.settling is not None:
            idle += self.code("next_check = np.inf", next_check=scratch.element(self.settling.next_check))
        idle.append(Break())
        numbers = {"zero": builder.quote.number(0.0), "one": builder.quote.number(1.0)}
        start = builder.quote.code("""\
t = 0.0
t_end = 0.0
step = dt_first
began = np.float64(turns)
accepted = 0.0
failed = 0.0""")
        start += [Let(recorder.is_on, Number(0.0)) for recorder in builder.recorders.all]
        for recorder in sampling:
            start += builder.quote.code(
                "next_sample = times[0]", next_sample=recorder.next_sample, times=self.own[f"times_{recorder.number}"]
            )
        start += builder.quote.code("log_error_before = zero\nok = one\nbegins_anew = one", **numbers)
        noise = [] if self.noise is None else self.noise.begin()  # first: it has lane constants of its own
        constants = builder.constant(builder.constants.of_lanes)
        of_noise = builder.constant(builder.of_noise.of_lanes) if self.noise is not None else []
        return [
            *self.nest("if next_cell == last_cell", idle),
            *self.code("cell = next_cell\ncell_of = cell\nnext_cell = next_cell + 1\nrunning = running + 1"),
            *builder.transfer.load(),
            *scratch.framed(self._bounds()),
            *scratch.framed(constants),
            *scratch.framed(of_noise),
            *scratch.framed(builder.recorders.arm()),
            *scratch.framed(start),
            *scratch.framed(builder.applied.before_points()),
            *noise,
            *self.code("node_of = 0\nedge_of = 0\nany_anew = True"),
            *(s for recorder in sampling for s in self.code("sample = 0", sample=scratch.element(recorder.sample))),
            *([] if self.settling is None else scratch.framed(self.settling.begin())),
        ]

    def _bounds(self) -> list[Statement]:
        """The potentials that are possible for the cell."""
        low, high = (self.builder.quote.cast(self.builder.quote.value(f"bounds[cell, {k}]")) for k in range(2))
        return self.builder.guards.begin(low, high)

    def _arrive(self) -> list[Statement]:
        """Find what is to be done at the time that the lane has reached."""
        statements = self.code(
            """\
while node_of < len(t_node) and t_node[node_of] <= t:
    act = act | action[node_of]
    node_of = node_of + 1
while edge_of < edges.shape[1] and edges[min(cell, edges.shape[0] - 1), edge_of] <= t:
    act = act | EDGE
    edge_of = edge_of + 1""",
            **self.edge,
        )
        statements += [s for k in self.builder.applied.pointed for s in self._to_next_points(k)]
        if self.noise is None:
            return statements
        return [*statements, *self.noise.arrive("act = act | EDGE", {**self.places, **self.edge})]

    def _to_next_points(self, k: int) -> list[Statement]:
        """Lead a stimulus past the points that the lane has reached; after a jump the step starts anew."""
        builder, jumps = self.builder, self.builder.applied.pointed[k].jumps
        if k == builder.applied.clamp:
            onward = [*builder.applied.to_next_point(k), *builder.applied.clamp_V(), *builder.recorders.disarm()]
            if self.noise is not None:
                onward = [*self.noise.before_jump(), *onward, *self.noise.after_jump()]
            body = [*self.scratch.framed(onward), *self.code("act = act | EDGE", **self.edge)]
            until = builder.applied.next_point(k)
            return self.nest("while until <= t + 1e-15 * t", body, until=until)
        onward = builder.applied.to_next_point(k)
        until = builder.applied.next_point(k)
        if jumps:
            current = builder.applied.of_stimulus(k, "level + slope * (t - since)")
            onward = [
                *builder.quote.code("was = current", current=current),
                *onward,
                *builder.quote.code("jumps = abs(current - was) > 1e-09 * abs(was)", current=current),
            ]
        body = self.scratch.framed(onward)
        if jumps:
            body += self.code("if jumps:\n    act = act | EDGE", **self.edge)
        return self.nest("while until <= t + 1e-15 * t", body, until=until)

    def _end(self) -> list[Statement]:
        """Hand the cell back, and ask for the next."""
        builder, scratch = self.builder, self.scratch
        back = [
            s
            for x, was in zip(builder.states.values(), self.was, strict=True)
            for s in self.code("x = was", x=self.scratch.element(x), was=self.scratch.element(was))
        ]
        return [
            *self.nest("if ok <= 0.0", back),  # the last step was rejected
            *self.code(
                "if failed > 0.0:\n    status[cell] = wild if error - error != 0.0 else 3",
                wild=Number(REASON + NOT_FINITE),
            ),
            *builder.guards.judge(Name(self.own["cell"]), builder.transfer.not_finite),
            *([] if self.settling is None else scratch.framed(self.settling.finish(), keep=False)),
            *builder.transfer.store(Name(self.own["cell"])),
            *self.code("""\
n_steps[cell] = int(accepted)
n_rejected[cell] = int(turns - began - accepted)
cell_of = -1
running = running - 1
is_due = 1.0"""),
        ]
