"""Settling in a kernel: what happens at the events of a lane, in scalar code, until the lane has reached its attractor.

In the lane loop an event is only noticed: V turns, or crosses the spike threshold or the plateau level; or a time has
come at which it is seen whether the state stands still. What follows from events is in `kernel.math.settling`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.recorders import KernelRecorder
from hhfast.kernel.math.endings import OUTCOMES
from hhfast.kernel.math.section_rings import CROSSED, KEPT, KIND, REST, STATE, checked_at, memory_of
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol

_FIRST_CHECK = 10.0  # ms after the current became constant; later a tenth of the time since then, where that is longer


@dataclass(frozen=True)
class EventsOfStep:
    """How a kind of kernel finds what happened in the last step of lane i: statements of scalar code.

    turning : set t_turn and V_turn; `down` says whether V has a maximum. passing : set t_pass, at which V crosses the
    plateau level. crossing : set t_section, at which it crosses the spike threshold. back : what the others need, if
    there is a section or the slopes are looked at. at_section : put the state at t_section into the memory. slopes : of
    every state at the end of the step.
    """

    turning: Sequence[Statement]
    passing: Sequence[Statement]
    crossing: Sequence[Statement]
    back: Sequence[Statement]
    at_section: Sequence[Statement]
    slopes: Mapping[str, Expression]


class LaneSettling:
    """Statements about the lanes of a kernel that end by themselves."""

    def __init__(self, builder: Builder, recorder: KernelRecorder) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        self.detector = next(d for d in builder.recorders.detectors if d.number == recorder.detector)
        self.event, self.next_check, self.settled = Symbol("event"), Symbol("next_check"), Symbol("settled")
        self.hit, self.plateau = Symbol("hit", is_flag=True), Symbol("plateau")
        for name in ("base", "mode", "down", "t_section", "t_turn", "V_turn", "t_pass"):
            self.own.setdefault(name, Symbol(name))
        self.scratch.add("lane", self.event)
        self.scratch.add("float64", self.next_check, self.settled)
        names = {"event": self.event, "next_check": self.next_check, "settled": self.settled, "hit": self.hit}
        numbers = {
            "n_states": len(builder.states), "size": memory_of(len(builder.states)), "first_check": _FIRST_CHECK,
            "KIND": KIND, "REST": REST, "CROSSED": CROSSED, "STATE": STATE, "OUTCOMES": OUTCOMES, "KEPT": KEPT,
        }  # fmt: skip
        self.names: dict[str, Any] = {
            **recorder.arrays,
            **names,
            **{name: Number(value) for name, value in numbers.items()},
            "plateau": self.plateau,
            "spike": self.detector.spike,
            "level": builder.quote.value(f"levels[{self.detector.number}, 0]"),
        }

    def code(self, text: str, **names: Any) -> list[Statement]:
        """Statements in which the recorder's arrays, and what lanes keep of events, have their names."""
        return self.builder.quote.code(text, **{**self.names, **names})

    def nest(self, head: str, body: Sequence[Statement], **names: Any) -> list[Statement]:
        return self.builder.quote.nest(head, body, **{**self.names, **names})

    def prepare(self) -> list[Statement]:
        """What precedes everything: the plateau level in the lanes' type."""
        return [Let(self.plateau, self.builder.quote.cast(self.builder.quote.value("settings[1]", **self.names)))]

    # --- in the lane loop ---
    def notice(self, before: Expression, after: Expression, moves: Expression) -> list[Any]:
        """Whether the lane has an event: 2 a maximum of V, 3 a minimum, 1 anything else.

        before, after : numbers with the signs of the slopes of V. moves : whether the lane took a step.
        """
        text = """\
down = (before > 0.0) & (after <= 0.0)
up = (before < 0.0) & (after >= 0.0)
crosses = ((V_was < plateau) & (V >= plateau)) | ((V_was >= plateau) & (V < plateau))
kind = 2.0 if down else (3.0 if up else 1.0)
event = kind if (down | up | crosses | (spike > 0.0) | (t_end >= next_check)) & moves else 0.0
hit = hit | (event > 0.0)"""
        return self.builder.quote.in_lanes(self.code(text, before=before, after=after, moves=moves))

    # --- in scalar code, of lane i ---
    def remember(self, values: Mapping[str, Expression]) -> list[Statement]:
        """Put a state into the lane's memory."""
        return [
            statement
            for j, value in enumerate(values.values())
            for statement in self.code("memory[base + place] = value", place=Number(STATE + j), value=value)
        ]

    @property
    def _state(self) -> dict[str, Expression]:
        return {x: Name(symbol) for x, symbol in self.builder.states.items()}

    def begin(self) -> list[Statement]:
        """Begin a cell."""
        return [
            *self.code("base = i * size"),
            *self.remember(self._state),
            *self.code("""\
done = settling_begin(memory, base, n_states, settings[1])
settled = 0.0
next_check = after[cell] + first_check"""),
        ]

    def respond(self, step: EventsOfStep) -> list[Statement]:
        """Work on the events of the last step; leaves `settled` 1 where the lane has settled."""
        turned = [*step.turning, *self.code("done = settling_extremum(memory, base, V_turn)")]
        passed = [
            *step.passing,
            *self.code("done = settling_plateau(memory, base, t_pass, 1.0 if V >= plateau else 0.0)"),
        ]
        kept = [
            *step.at_section,
            *self.code("""\
if settling_section(memory, base, mode, n_states, t_section, settings[3], settings[4], settings[0], floor) > 0.0:
    settled = 1.0"""),
        ]
        return [
            *self.code("base = i * size\ndown = event == 2.0\nmode = -1"),
            *self.remember(self._state),
            *self.code("done = settling_spread(memory, base, n_states)"),
            *self.nest("if event > 1.0", turned),
            *self.nest("if (V_was < plateau) != (V < plateau)", passed),
            *self.nest("if spike > 0.0", [*step.crossing, *self.code("mode = 0\nmemory[base + CROSSED] = 1.0")]),
            *self.code("""\
if down and mode < 0:
    if memory[base + CROSSED] == 0.0:
        mode = 1
        t_section = t_turn
    memory[base + CROSSED] = 0.0"""),
            *(self.nest("if mode >= 0 or t_end >= next_check", step.back) if step.back else []),
            *self.nest("if mode >= 0 and t_section > after[cell]", kept),
            *self.code("""\
if down and mode == 0:
    memory[base + CROSSED] = 0.0
    done = settling_extremum(memory, base, V_turn)"""),
            *self.nest("if t_end >= next_check", self._check(step)),
        ]

    def _check(self, step: EventsOfStep) -> list[Statement]:
        """See whether the state stands still: it moved within tolerance since the last check, as it will in 1 ms."""
        statements = self.code("wait = max(first_check, 0.1 * (t_end - after[cell]))\nworst = 0.0")
        for j, (x, slope) in enumerate(step.slopes.items()):
            text = """\
scale = wide[j] if wide[j] > 0.0 else abs(x)
worst = max(worst, max(abs(x - memory[base + checked]), abs(slope)) / scale)
memory[base + checked] = x"""
            checked = Number(checked_at(len(self.builder.states)) + j)
            statements += self.code(text, j=Number(j), x=self.builder.states[x], slope=slope, checked=checked)
        return [
            *statements,
            *self.code("""\
if worst < rest_tolerance[cell] and abs(V) < np.inf:  # NaN stands still, too
    memory[base + KIND] = REST
    settled = 1.0
next_check = t_end + wait"""),
        ]

    def finish(self) -> list[Statement]:
        """Hand back what is known of the cell."""
        current = Name(self.own["i_app"]) if self.builder.spec.kinds else Number(0.0)
        text = """\
base = i * size
memory[base + STATE] = V
place = cell * OUTCOMES
first = cell - first_cell
apart = len(section_time) // KEPT
looseness = settings[2]
done = settling_finish(
    memory, base, n_states, outcome, place, section_time, first, apart, t_end, current, looseness, floor
)"""
        return self.code(text, current=self.builder.quote.value("np.float64(current)", current=current))
