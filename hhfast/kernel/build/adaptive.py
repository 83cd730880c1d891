"""Adaptive kernels: every lane has its own time and step, and takes a new cell when its own is done.

All lanes try a step at once; where the estimated error is too large the lane keeps its old state, so no lane
waits for another, and none influences another. What happens rarely (a cell ends or begins, a stimulus edge, a spike,
a sample) is done lane by lane, in scalar loops. A lane stops exactly at the edges of its stimulus and of the
recorders' windows; spikes and samples come from the method's dense output and change no step.
"""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.adaptive_events import AdaptiveEvents
from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise_adaptive import AdaptiveNoise
from hhfast.kernel.build.dense_output import DenseOutput
from hhfast.kernel.build.guards import EVERY
from hhfast.kernel.build.lane_refill import LaneRefill
from hhfast.kernel.build.scratch import RecordingStatements
from hhfast.kernel.build.settling import LaneSettling
from hhfast.kernel.build.step_size import StepSize
from hhfast.kernel.build.trial_step import TrialStep
from hhfast.kernel.build.turns_inside import TurnsInside
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Comment, Expression, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name

# What a lane keeps, in float64: its time, the end of the trial step, its next stop, the step it proposes, the turn in
# which its cell began, how many steps were accepted, whether it stands at a stop, and whether its cell is given up.
_OF_TIME = ("t", "t_end", "next_stop", "step", "began", "accepted", "is_due", "failed")
# In the lanes' type: the error, and the logarithm of that of the last accepted step.
_OF_STEP = ("error", "log_error_before")

# Of the whole call: the end of the run, the next cell, how many lanes have one.
_OF_CALL = ("t_stop", "next_cell", "running", "turns", "size")


class Adaptive:
    """Builds a kernel with an adaptive integrator."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        tableau = builder.spec.integrator.tableau
        assert tableau is not None
        for name in (*_OF_TIME, *_OF_STEP, *_OF_CALL, "h", "ok", "begins_anew", "cell_of", "node_of", "edge_of"):
            self.own.setdefault(name, Symbol(name))
        for name in ("any_due", "any_anew"):
            self.own[name] = Symbol(name, is_flag=True)
        self.scratch.add("float64", *(self.own[name] for name in _OF_TIME))
        self.scratch.add("lane", *(self.own[name] for name in _OF_STEP))
        self.noise = AdaptiveNoise(builder) if builder.spec.channel_noise else None
        self.trial = TrialStep(builder, tableau)
        self.size, self.dense = StepSize(builder, self.trial), DenseOutput(builder, self.trial)
        builder.recorders.declare()
        settles = builder.recorders.settling
        self.settling = None if settles is None else LaneSettling(builder, settles)
        self.turns = TurnsInside(builder, self.dense)
        self.events = AdaptiveEvents(builder, self.trial, self.dense, self.turns, self.settling, self.noise)
        self.sampling = builder.recorders.sampling
        self.scratch.add(
            "float64",
            *(recorder.is_on for recorder in builder.recorders.all),
            *(recorder.next_sample for recorder in self.sampling),
        )
        self.scratch.add(
            "int64",
            *(self.own[name] for name in ("cell_of", "node_of", "edge_of")),
            *(recorder.sample for recorder in self.sampling),
        )

    # --- a step ---
    def _after_step(self) -> list[Any]:
        """Detectors and recorders, after what they ask of the step; one not accepted is a step of no length."""
        builder = self.builder
        lets: list[Any] = builder.quote.code("V = V if ok > 0.0 else V_was")
        if builder.recorders.steps_use("V_step"):
            lets += builder.quote.lane_code(
                "V_step = V_was + change_of_mean if ok > 0.0 else V", change_of_mean=self.dense.mean(builder.V)
            )
        lets += self.turns.in_lanes()
        lets += self._derivatives_of_step()
        lets += builder.recorders.after_step(near=self.turns.near)
        if self.settling is not None:
            begin, end = self.dense.slopes_at_ends(builder.V)
            lets += self.settling.notice(begin, end, builder.quote.value("ok > 0.0"))
        for recorder in self.sampling:
            lets += builder.quote.code(
                "passed = passed | ((next_sample <= t_end) & (ok > 0.0))",
                passed=recorder.passed,
                next_sample=recorder.next_sample,
            )
        return lets

    def _derivatives_of_step(self) -> list[Any]:
        """The derivatives of the mean of V over a step, and of its extrema, where recorders ask for them."""
        builder, lets = self.builder, list[Any]()
        if any(builder.recorders.steps_use(f"V_high_by_{k}") for k, _ in enumerate(builder.spec.sensitivity)):
            lets += self._place_of_turn()
        for k, p in enumerate(builder.spec.sensitivity):
            s = builder.states[sensitivity_name("V", p)]
            names = {"s": s, "was": self.trial.was[s.name]}
            if builder.recorders.steps_use(f"V_step_by_{k}"):
                lets += builder.quote.lane_code(
                    f"V_step_by_{k} = was + change if ok > 0.0 else 0.0", change=self.dense.mean(s), **names
                )
            if builder.recorders.steps_use(f"V_high_by_{k}"):
                value: Expression = builder.quote.number(0.0)
                for c in reversed(self.dense.coefficients(s)):
                    value = builder.quote.value("(value + c) * at", value=value, c=c, at=self.own["at"])
                lets += builder.quote.code(
                    f"by_turn = was + value\nV_high_by_{k} = by_turn if turn > V else s\n"
                    f"V_low_by_{k} = by_turn if turn < V else s",
                    value=value, by_turn=Symbol("by_turn"), **names,
                )  # fmt: skip
        return lets

    def _place_of_turn(self) -> list[Any]:
        """Where V turns, by Newton's method on the dense output.

        The cubic's place would do for V, which is level there, but not for its derivatives, which are not.
        """
        quote, at, curve = self.builder.quote, self.own["at"], self.dense.coefficients(self.builder.V)
        names = [Symbol(f"c{p}") for p in range(1, len(curve) + 1)]
        slope: Expression = quote.number(0.0)
        bend: Expression = quote.number(0.0)
        for p, c in reversed([*enumerate(names, 1)]):
            slope = quote.value("slope * at + n * c", slope=slope, n=quote.number(float(p)), c=c, at=at)
            if p > 1:
                n = quote.number(p * (p - 1.0))
                bend = quote.value("bend * at + n * c", bend=bend, n=n, c=c, at=at)
        nearer = quote.lane_code(
            "moved = at - slope / bend\nat = moved if (moved > 0.0) & (moved < 1.0) else at",
            slope=slope, bend=bend, at=at,
        )  # fmt: skip
        return [*(Let(name, c) for name, c in zip(names, curve, strict=True)), *nearer, *nearer]

    def _find_due(self) -> list[Any]:
        """A lane that stands at a stop, or gives up, is due; an idle lane never is."""
        return [
            *self.builder.guards.potential(),
            *self.builder.quote.code(
                """\
failed = 1.0 if (failed > 0.0) | (np.float64(reason) > 0.0) else 0.0
is_due = 1.0 if ((t_end >= next_stop) | (failed > 0.0)) & (h > 0.0) else 0.0
any_due = any_due | (is_due > 0.0)""",
                reason=self.builder.guards.reason,
            ),
        ]

    # --- the whole ---
    def kernel(self) -> Kernel:
        """The whole kernel."""
        builder, code, nest = self.builder, self.builder.quote.code, self.builder.quote.nest
        recording = RecordingStatements(last=[*self._after_step(), *self._find_due()])
        step = [
            Comment("the size of the trial step; the last one is taken over, if it was accepted"),
            *self.scratch.loops([*self.size.choose(), *self.trial.begin()]),
            Comment("the trial step"),
            *self.trial.statements(),
            Comment("its error, whether it is accepted, the next size; recorders"),
            *(Let(d.hit, Number(value=False)) for d in builder.recorders.detectors),
            *(Let(recorder.passed, Number(value=False)) for recorder in self.sampling),
            *([] if self.settling is None else [Let(self.settling.hit, Number(value=False))]),
            *self.scratch.loops(self.size.control(), recording),
            *self.events.statements(),
        ]
        renew = [] if self.noise is None else self.noise.renew()
        refill = nest(
            "for i in range(W)",
            LaneRefill(builder, list(self.trial.was.values()), self.settling, self.noise).statements(),
        )
        turn = [
            Comment("lanes at a stop, or whose cell is done"),
            *nest(
                "if any_due", [*code("any_due = False"), *refill, *nest("if running == 0", [nodes.Return()]), *renew]
            ),
            *code("turns = turns + 1\nif (turns & 63) == 0 and stop[0] != 0:\n    return"),
            *self._look_at_others(),
            *step,
        ]
        body = [
            *self._cleared(),
            *([] if self.settling is None else self.settling.prepare()),
            *self.trial.tolerances(),
            *code(
                "t_stop = t_node[len(t_node) - 1]\nnext_cell = first_cell\nrunning = 0\nturns = 0\n"
                "any_anew = True\nany_due = True"
            ),
            *([] if self.noise is None else [self.noise.never()]),
            *nest(
                "for i in range(W)",
                code(
                    "is_due = 1.0\ncell_of = -1",
                    is_due=self.scratch.element(self.own["is_due"]),
                    cell_of=self.scratch.element(self.own["cell_of"]),
                ),
            ),
            *nest("while True", turn),
        ]
        return builder.kernel(body)

    def _look_at_others(self) -> list[Statement]:
        """Every few turns, whether gates or concentrations are out of bounds."""
        guards = self.builder.guards
        body = self.scratch.loop(guards.others_if_accepted()) if guards.limits else []
        return self.builder.quote.nest("if (turns & last) == 0", body, last=Number(EVERY - 1)) if body else []

    def _cleared(self) -> list[Statement]:
        """Everything in the scratch space 0: idle lanes compute, too, and must not meet what was there before."""
        zero = {
            "lane": self.builder.quote.number(0.0),
            "float64": Number(0.0),
            "int64": Number(0),
            "increment": self.builder.quote.number(0.0),
        }
        statements: list[Statement] = []
        for kind, value in zero.items():
            place = nodes.ScratchElement(kind, Name(self.own["i"]))
            rows = Number(self.scratch.size(kind))
            body = (nodes.Store(place, value),)
            statements.append(nodes.LaneLoop(self.own["i"], self.builder.quote.value("rows * W", rows=rows), body))
        return statements
