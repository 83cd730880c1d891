"""What happens inside adaptive steps: spikes, samples and the events of settling, found on the dense output.

It is rare, and done lane by lane, in scalar loops.
"""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise_adaptive import AdaptiveNoise
from hhfast.kernel.build.dense_output import DenseOutput
from hhfast.kernel.build.recorders import KernelRecorder
from hhfast.kernel.build.sampled_quantities import sampled, sampled_symbol
from hhfast.kernel.build.settling import EventsOfStep, LaneSettling
from hhfast.kernel.build.trial_step import TrialStep
from hhfast.kernel.build.turns_inside import TurnsInside
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name, shift_names


class AdaptiveEvents:
    """The scalar statements after a trial step."""

    def __init__(
        self,
        builder: Builder,
        trial: TrialStep,
        dense: DenseOutput,
        turns: TurnsInside,
        settling: LaneSettling | None,
        noise: AdaptiveNoise | None,
    ) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        self.trial, self.dense, self.turns, self.settling, self.noise = trial, dense, turns, settling, noise
        self._t_sample = Symbol("t_sample")

    def statements(self) -> list[Statement]:
        """Spikes, the events of settling, samples."""
        return [
            *self._spikes(),
            *self._settle(),
            *(statement for recorder in self.builder.recorders.sampling for statement in self._samples(recorder)),
        ]

    def _spikes(self) -> list[Statement]:
        """Find the time of a spike on the dense output, and tell the recorders."""
        builder, statements = self.builder, []
        for d in builder.recorders.detectors:
            timed: list[Statement] = []
            at = Symbol("where")
            if d.number in builder.recorders.timed:
                curve = self.dense.coefficients(builder.V)
                filled = [*curve, *[Number(0.0)] * (4 - len(curve))]
                where = nodes.Call(
                    builder.functions["upward_crossing"],
                    (Name(self.own["V_was"]), *filled, builder.quote.value("levels[d, 0]", d=Number(d.number))),
                )
                timed = builder.quote.code("where = found\nt_spike = t + np.float64(h) * where", found=where, where=at)
                timed += self._shifts(at, curve)
            told = builder.recorders.tell(d, lambda recorder: builder.quote.value("on > 0.0", on=recorder.is_on))
            body = [*builder.quote.code("cell = cell_of"), *timed, *told]
            decided = self.turns.decide(d)
            decided += builder.quote.nest("if spike > 0.0", body, spike=d.spike) if told else []
            spiking = builder.quote.nest(
                "if spike > 0.0", self.scratch.framed(decided), spike=self.scratch.element(d.spike)
            )
            statements += builder.quote.nest("if hit", builder.quote.nest("for i in range(W)", spiking), hit=d.hit)
        return statements

    def _shifts(self, at: Symbol, curve: list[Expression]) -> list[Statement]:
        """The derivatives of the time of a spike: -(dV/dp) / (dV/dt), where V crosses the threshold.

        curve : the coefficients of V over the step.
        """
        builder = self.builder
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
            for c in reversed(self.dense.coefficients(state)):
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
        weights, states = self.dense.states()
        lets: list[Any] = [Let(self.dense.at, at), *weights]
        lets += [Let(builder.states[x], value) for x, value in states.items()]
        if {"i_app", "i_clamp"} & {*hooks.samples} and builder.applied.smooth:
            lets += builder.applied.set_to(Name(self._t_sample))
        lets += sampled(builder, hooks, Name(self._t_sample))
        lets += [] if self.noise is None else self.noise.channels.sampled(hooks)
        cell = builder.quote.value("cell_of", cell_of=scratch.element(self.own["cell_of"]))
        for k, name in enumerate(hooks.samples):
            lets += builder.quote.code(
                "trace[k, cell, sample] = value",
                trace=recorder.arrays["trace"],
                k=Number(k),
                cell=cell,
                sample=scratch.element(recorder.sample),
                value=sampled_symbol(builder, name),
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

    def _settle(self) -> list[Statement]:
        """The events of lanes that end by themselves; a lane that has settled is due."""
        settling = self.settling
        if settling is None:
            return []
        code = settling.code
        c1, c2, c3, c4 = [*self.dense.coefficients(self.builder.V), Number(0.0), Number(0.0)][:4]
        curve = code("c1 = one\nc2 = two\nc3 = three\nc4 = four", one=c1, two=c2, three=c3, four=c4)
        weights, states = self.dense.states()
        where = self.builder.quote.cast(self.builder.quote.value("(t_section - t) / np.float64(h)"))
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
            crossing=code("t_section = t + np.float64(h) * upward_crossing(V_was, c1, c2, c3, c4, level)"),
            at_section=[
                Let(self.dense.at, where),
                *weights,
                *settling.remember(states),
            ],
            back=[],
            slopes={
                x: self.builder.quote.value("end / h", end=self.dense.slopes_at_ends(symbol)[1])
                for x, symbol in self.builder.states.items()
            },
        )
        due = [*code("if settled > 0.0:\n    is_due = 1.0\n    any_due = True")]
        body = [*code("cell = cell_of"), *curve, *settling.respond(step), *due]
        eventful = settling.nest(
            "if event > 0.0", self.scratch.framed(body), event=self.scratch.element(settling.event)
        )
        return settling.nest("if hit", settling.nest("for i in range(W)", eventful))
