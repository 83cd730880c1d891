"""Adaptive kernels: every lane has its own time and step, and takes a new cell when its own is done.

All lanes try a step at once; where the estimated error is too large the lane keeps its old state, so no lane
waits for another, and none influences another. What happens rarely (a cell ends or begins, a stimulus edge, a spike,
a sample) is done lane by lane, in scalar loops. A lane stops exactly at the edges of its stimulus and of the
recorders' windows; spikes and samples come from the method's dense output and change no step.
"""

from __future__ import annotations

from math import log
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.guards import EVERY
from hhfast.kernel.build.lane_refill import LaneRefill
from hhfast.kernel.build.quotation import sum_of
from hhfast.kernel.build.recorders import KernelRecorder
from hhfast.kernel.build.scratch import RecordingStatements
from hhfast.kernel.build.settling import EventsOfStep, LaneSettling
from hhfast.kernel.build.trial_step import TrialStep
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Comment, Expression, Kernel, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name, shift_names
from hhfast.parts.tableaux import Tableau

_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0  # the proposed step, relative to the one that would just do; its limits
_LEAST = 1e-10  # square of the smallest relative error that is told from zero
# What a lane keeps, in float64: its time, the end of the trial step, its next stop, the step it proposes, the turn in
# which its cell began, how many steps were accepted, whether it stands at a stop, and whether its cell is given up.
_OF_TIME = ("t", "t_end", "next_stop", "step", "began", "accepted", "is_due", "failed")
# In the lanes' type: the error, and the logarithm of that of the last accepted step.
_OF_STEP = ("error", "log_error_before")

# Of the whole call: the relative tolerance in the lanes' type, the end of the run, the next cell, how many lanes have
# one.
_OF_CALL = ("relative", "t_stop", "next_cell", "running", "turns", "size")


class Adaptive:
    """Builds a kernel with an adaptive integrator."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        tableau = builder.spec.integrator.tableau
        assert tableau is not None
        self.tableau: Tableau = tableau
        for name in (*_OF_TIME, *_OF_STEP, *_OF_CALL, "h", "ok", "begins_anew", "cell_of", "node_of", "edge_of"):
            self.own.setdefault(name, Symbol(name))
        for name in ("any_due", "any_anew"):
            self.own[name] = Symbol(name, is_flag=True)
        self.scratch.add("float64", *(self.own[name] for name in _OF_TIME))
        self.scratch.add("lane", *(self.own[name] for name in _OF_STEP))
        self.trial = TrialStep(builder, tableau)
        builder.recorders.declare()
        settles = builder.recorders.settling
        self.settling = None if settles is None else LaneSettling(builder, settles)
        self.sampling = [recorder for recorder in builder.recorders.all if recorder.hooks.samples]
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
    def _size(self) -> list[Statement]:
        """The size of the trial step: as proposed, but up to the next stop and not over it."""
        return self.builder.quote.code(
            """\
t = t_end
room = next_stop - t
step = step if step < dt_max else dt_max
size = room if 1.01 * step >= room else (0.5 * room if 2.0 * step > room else step)
h = h_of_size
t_end = next_stop if size == room else t + np.float64(h)""",
            h_of_size=self.builder.quote.cast(Name(self.own["size"])),
        )  # a last step of nearly that size is stretched; two are alike

    def _mean_error(self) -> Let:
        """The mean square of the estimated errors, each relative to its tolerance."""
        # Of the states alone: derivatives follow their steps, and change none.
        errors = [self.trial.errors[x] for x in self.builder.spec.model.states]
        total = sum_of([self.builder.quote.value("e * e", e=e) for e in errors])
        share = self.builder.quote.number(1.0 / len(errors))
        mean = self.builder.quote.value("share * total", share=share, total=total)
        return Let(self.own["error"], self.trial.scaled(self.trial.scaled(mean)))

    def _control(self) -> list[Any]:
        """Whether the step is accepted, and the next size (a PI controller: Gustafsson 1991, ACM TOMS 17:533-554)."""
        k = 2.0 * self.tableau.error_order  # the exponents are of the error, not its square
        numbers = {
            "least": _LEAST,
            "of_before": 0.4 / k,
            "of_now": 0.7 / k,
            "alone": -1.0 / k,
            "safety": _SAFETY,
            "slowest": log(_SLOWEST / _SAFETY),
            "fastest": log(_FASTEST / _SAFETY),
        }
        constants = {name: self.builder.quote.number(value) for name, value in numbers.items()}
        lanes = self.builder.quote.lane_code(
            """\
rejected_before = 1.0 - ok
e = error if error < 10000000000.0 else 10000000000.0
e = e if e > least else least
ok = 1.0 if (e <= 1.0) & (h > 0.0) else 0.0
log_error = log_rough(e)
power = of_before * log_error_before - of_now * log_error if ok > 0.0 else alone * log_error
power = power if power > slowest else slowest
power = power if power < fastest else fastest
root = exp_small(0.125 * power)
root = root * root
root = root * root
change = safety * (root * root)
change = 1.0 if (rejected_before > 0.0) & (change > 1.0) else change
log_error_before = log_error if ok > 0.0 else log_error_before
dt = h if ok > 0.0 else 0.0
proposed = np.float64(h * change)
step = proposed if (ok <= 0.0) | (proposed > step) | (np.float64(h) >= step) else step""",
            **constants,
        )
        # The step wants no more digits than these of its logarithm; `exp_small` is right up to 0.25, so power up to 2.
        # The last line: a step cut short by a stop says nothing against the one proposed before.
        return [
            self._mean_error(),
            *lanes,
            *self.builder.quote.code("""\
t_end = t_end if ok > 0.0 else t
accepted = accepted + np.float64(ok)
is_small = (ok <= 0.0) & (np.float64(h) <= dt_min) & (h > 0.0)
failed = 1.0 if is_small | ((turns - began >= max_steps) & (t_end < t_stop)) else 0.0"""),
        ]

    def _after_step(self) -> list[Any]:
        """Detectors and recorders, after what they ask of the step; one not accepted is a step of no length."""
        builder, dense = self.builder, self.tableau.dense
        lets: list[Any] = builder.quote.code("V = V if ok > 0.0 else V_was")
        if builder.recorders.steps_use("V_step"):
            mean = [sum(c / (p + 2) for p, c in enumerate(row)) for row in dense]
            lets += builder.quote.lane_code(
                "V_step = V_was + change_of_mean if ok > 0.0 else V", change_of_mean=self.trial.total(mean, builder.V)
            )
        begin, end = self._slopes_at_ends(builder.V)
        if builder.recorders.steps_use("V_high"):
            lets += builder.quote.lane_code(
                """\
d0 = begin
d1 = end
cubic = d0 + d1 - 2.0 * (V - V_was)
square = V - V_was - d0 - cubic
root = square * square - 3.0 * cubic * d0
root = sqrt(root if root > 0.0 else 0.0)
at = d0 / ((root if d0 > 0.0 else -root) - square)
turn = V_was + at * (d0 + at * (square + at * cubic))
turn = turn if (d0 * d1 < 0.0) & (ok > 0.0) else V
V_high = turn if turn > V else V
V_low = turn if turn < V else V""",
                begin=begin,
                end=end,
            )  # the extremum of the cubic with the values and slopes of the ends
        lets += builder.recorders.after_step()
        if self.settling is not None:
            lets += self.settling.notice(begin, end, builder.quote.value("ok > 0.0"))
        for recorder in self.sampling:
            lets += builder.quote.code("passed = passed | ((next_sample <= t_end) & (ok > 0.0))", **_names(recorder))
        return lets

    def _slopes_at_ends(self, x: Symbol) -> tuple[Expression, Expression]:
        """The slopes of a state at the beginning and the end of the step, times its size."""
        dense = self.tableau.dense
        ends = [sum((p + 1) * c for p, c in enumerate(row)) for row in dense]
        ends = [c if abs(c) > 1e-12 else 0.0 for c in ends]  # of a last stage at the end the others' sums are rounding
        return self.trial.total([row[0] for row in dense], x), self.trial.total(ends, x)

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

    # --- rare events, lane by lane ---
    def _spikes(self) -> list[Statement]:
        """Find the time of a spike on the dense output, and tell the recorders."""
        builder, statements = self.builder, []
        for d in builder.recorders.detectors:
            timed: list[Statement] = []
            at = Symbol("where")
            if d.number in builder.recorders.timed:
                dense = self.tableau.dense
                curve: list[Expression] = [
                    self.trial.total([row[p] for row in dense], builder.V) for p in range(len(dense[0]))
                ]
                filled = [*curve, *[Number(0.0)] * (4 - len(curve))]
                where = nodes.Call(
                    builder.functions["polynomial_crossing"],
                    (Name(self.own["V_was"]), *filled, builder.quote.value("levels[d, 0]", d=Number(d.number))),
                )
                timed = builder.quote.code("where = found\nt_spike = t + np.float64(h) * where", found=where, where=at)
                timed += self._shifts(at, curve)
            told = builder.recorders.tell(d, lambda recorder: builder.quote.value("on > 0.0", on=recorder.is_on))
            if not told:
                continue
            body = self.scratch.framed([*builder.quote.code("cell = cell_of"), *timed, *told])
            spiking = builder.quote.nest("if spike > 0.0", body, spike=self.scratch.element(d.spike))
            statements += builder.quote.nest("if hit", builder.quote.nest("for i in range(W)", spiking), hit=d.hit)
        return statements

    def _shifts(self, at: Symbol, curve: list[Expression]) -> list[Statement]:
        """The derivatives of the time of a spike: -(dV/dp) / (dV/dt), where V crosses the threshold.

        curve : the coefficients of V over the step.
        """
        builder, dense = self.builder, self.tableau.dense
        if not builder.spec.sensitivity:
            return []
        slope, by = Symbol("slope"), Symbol("by")
        code = builder.quote.code
        lets: list[Statement] = code("slope = 0.0", slope=slope)
        for p in range(len(curve) - 1, -1, -1):
            lets += code(
                "slope = slope * where + n * np.float64(c)", slope=slope, where=at, n=Number(p + 1.0), c=curve[p]
            )
        for name, parameter in zip(shift_names(builder.spec.sensitivity), builder.spec.sensitivity, strict=True):
            state = builder.states[sensitivity_name("V", parameter)]
            lets += code("by = 0.0", by=by)
            for p in range(len(dense[0]) - 1, -1, -1):
                c = self.trial.total([row[p] for row in dense], state)
                lets += code("by = (by + np.float64(c)) * where", by=by, where=at, c=c)
            lets += code(
                "shift = -np.float64(h) * (np.float64(was) + by) / slope",
                shift=self.own[name], was=self.trial.was[state.name], by=by, slope=slope,
            )  # fmt: skip
        return lets

    def _samples(self, recorder: KernelRecorder) -> list[Statement]:
        """Fill the samples of one recorder that the step has passed, from the dense output."""
        builder, scratch, hooks = self.builder, self.scratch, recorder.hooks
        at = builder.quote.cast(builder.quote.value("(t_sample - t) / (t_end - t)", t_sample=self._t_sample))
        weights, states = self._states_inside()
        lets: list[Any] = [Let(self._at, at), *weights]
        lets += [Let(builder.states[x], value) for x, value in states.items()]
        if {"i_app", "i_clamp"} & {*hooks.samples} and builder.applied.smooth:
            lets += builder.applied.set_to(Name(self._t_sample))
        lets += builder.sampled(hooks, Name(self._t_sample))
        cell = builder.quote.value("cell_of", cell_of=scratch.element(self.own["cell_of"]))
        for k, name in enumerate(hooks.samples):
            lets += builder.quote.code(
                "trace[k, cell, sample] = value",
                trace=recorder.arrays["trace"],
                k=Number(k),
                cell=cell,
                sample=scratch.element(recorder.sample),
                value=builder.variable(name),
            )
        places: dict[str, Any] = {
            "next_sample": scratch.element(recorder.next_sample),
            "sample": scratch.element(recorder.sample),
            "t_end": scratch.element(self.own["t_end"]),
            "ok": scratch.element(self.own["ok"]),
        }
        times = builder.own[f"times_{recorder.number}"]
        inner = [
            *builder.quote.code("t_sample = next_sample", t_sample=self._t_sample, **places),
            *scratch.framed(lets, keep=False),
            *builder.quote.code(
                """\
sample = sample + 1
if sample < len(times):
    next_sample = times[sample]
else:
    next_sample = np.inf""",
                times=times,
                **places,
            ),
        ]
        # At a stop the sample is taken after it, when the current has its new value; but there is nothing after t_stop.
        while_passed = builder.quote.nest(
            "while ok > 0.0 and (next_sample < t_end or (next_sample <= t_end and t_end >= t_stop))", inner, **places
        )
        off = Let(recorder.passed, Number(value=False))
        return builder.quote.nest(
            "if passed", [off, *builder.quote.nest("for i in range(W)", while_passed)], passed=recorder.passed
        )

    def _states_inside(self) -> tuple[list[Statement], dict[str, Expression]]:
        """Statements, and then the states at the fraction `at` of the step, from the dense output."""
        quote, lets, weights = self.builder.quote, list[Statement](), list[Symbol]()
        for row in self.tableau.dense:
            value: Expression = quote.number(row[-1])
            for c in reversed(row[:-1]):
                value = quote.value("c + at * value", c=quote.number(c), at=self._at, value=value)
            weights.append(Symbol("weight"))
            lets += quote.code("weight = at * value", weight=weights[-1], at=self._at, value=value)
        found = {}
        for x, was in self.trial.was.items():
            terms = [quote.value("g * w", g=g, w=w[x]) for g, w in zip(weights, self.trial.increments, strict=True)]
            found[x] = quote.value("was + change", was=was, change=self.trial.scaled(sum_of(terms)))
        return lets, found

    def _settle(self) -> list[Statement]:
        """The events of lanes that end by themselves; a lane that has settled is due."""
        settling = self.settling
        if settling is None:
            return []
        code = settling.code
        dense = self.tableau.dense
        degree = [self.trial.total([row[p] for row in dense], self.builder.V) for p in range(len(dense[0]))]
        c1, c2, c3, c4 = ([*degree, Number(0.0), Number(0.0)])[:4]
        curve = code("c1 = one\nc2 = two\nc3 = three\nc4 = four", one=c1, two=c2, three=c3, four=c4)
        weights, states = self._states_inside()
        step = EventsOfStep(
            turning=code("""\
sign = -1.0 if down else 1.0
at = polynomial_crossing(sign * c1, 2.0 * sign * c2, 3.0 * sign * c3, 4.0 * sign * c4, 0.0, 0.0)
V_turn = V_was + at * (c1 + at * (c2 + at * (c3 + at * c4)))
t_turn = t + np.float64(h) * at"""),
            passing=code("""\
sign = 1.0 if V >= plateau else -1.0
at = polynomial_crossing(sign * V_was, sign * c1, sign * c2, sign * c3, sign * c4, sign * settings[1])
t_pass = t + np.float64(h) * at"""),
            crossing=code("t_section = t + np.float64(h) * polynomial_crossing(V_was, c1, c2, c3, c4, level)"),
            at_section=[
                Let(self._at, self.builder.quote.cast(self.builder.quote.value("(t_section - t) / np.float64(h)"))),
                *weights,
                *settling.remember(states),
            ],
            back=[],
            slopes={
                x: self.builder.quote.value("end / h", end=self._slopes_at_ends(symbol)[1])
                for x, symbol in self.builder.states.items()
            },
        )
        due = [*code("if settled > 0.0:\n    is_due = 1.0\n    any_due = True")]
        body = [*code("cell = cell_of"), *curve, *settling.respond(step), *due]
        eventful = settling.nest(
            "if event > 0.0", self.scratch.framed(body), event=self.scratch.element(settling.event)
        )
        return settling.nest("if hit", settling.nest("for i in range(W)", eventful))

    # --- the whole ---
    def kernel(self) -> Kernel:
        """The whole kernel."""
        builder, code, nest = self.builder, self.builder.quote.code, self.builder.quote.nest
        self._t_sample, self._at = Symbol("t_sample"), Symbol("at")
        recording = RecordingStatements(last=[*self._after_step(), *self._find_due()])
        step = [
            Comment("the size of the trial step; the last one is taken over, if it was accepted"),
            *self.scratch.loops([*self._size(), *self.trial.begin()]),
            Comment("the trial step"),
            *self.trial.statements(),
            Comment("its error, whether it is accepted, the next size; recorders"),
            *self.trial.estimate(),
            *(Let(d.hit, Number(value=False)) for d in builder.recorders.detectors),
            *(Let(recorder.passed, Number(value=False)) for recorder in self.sampling),
            *([] if self.settling is None else [Let(self.settling.hit, Number(value=False))]),
            *self.scratch.loops(self._control(), recording),
            *self._spikes(),
            *self._settle(),
            *(statement for recorder in self.sampling for statement in self._samples(recorder)),
        ]
        refill = nest(
            "for i in range(W)",
            LaneRefill(
                builder, list(self.trial.tolerances.values()), list(self.trial.was.values()), self.settling
            ).statements(),
        )
        turn = [
            Comment("lanes at a stop, or whose cell is done"),
            *nest("if any_due", [*code("any_due = False"), *refill, *nest("if running == 0", [nodes.Return()])]),
            *code("turns = turns + 1\nif (turns & 63) == 0 and stop[0] != 0:\n    return"),
            *self._look_at_others(),
            *step,
        ]
        body = [
            *self._cleared(),
            *([] if self.settling is None else self.settling.prepare()),
            Let(self.own["relative"], builder.quote.cast(builder.quote.value("rtol"))),
            *code(
                "t_stop = t_node[len(t_node) - 1]\nnext_cell = first_cell\nrunning = 0\nturns = 0\n"
                "any_anew = True\nany_due = True"
            ),
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


def _names(recorder: KernelRecorder) -> dict[str, Any]:
    return {"passed": recorder.passed, "next_sample": recorder.next_sample}
