"""Nodes of the time grid: what happens there, before the fixed steps that follow."""

from __future__ import annotations

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise import FixedStepNoise
from hhfast.kernel.build.fixed_step_stimuli import FixedStepStimuli
from hhfast.kernel.build.recorders import KernelRecorder
from hhfast.kernel.build.sampled_quantities import sampled, sampled_symbol
from hhfast.kernel.build.settling_fixed import FixedStepSettling
from hhfast.kernel.spec import ACTIONS
from hhfast.kernel.tree.nodes import Comment, Let, Name, Number, Statement


class TimeNodes:
    """The statements of a node: stimuli, samples, recorders that begin and end, and the step from there on."""

    def __init__(
        self,
        builder: Builder,
        stimuli: FixedStepStimuli,
        settling: FixedStepSettling | None,
        noise: FixedStepNoise | None,
    ) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        self.stimuli, self.settling, self.noise = stimuli, settling, noise

    def statements(self) -> list[Statement]:
        """What happens at a node of the time grid, before the steps that follow it."""
        nest = self.builder.quote.nest
        statements = self.stimuli.at_node()
        for recorder in self.builder.recorders.all:
            begin, end, sample = (Number(1 << (ACTIONS * recorder.number + k)) for k in range(ACTIONS))
            asked = "if (action[node] & bit) != 0"
            if recorder.hooks.samples:
                statements += nest(asked, self._sample(recorder), bit=sample)
            if recorder.hooks.end:
                text = [*self.builder.quote.code("cell = block + i"), *recorder.end]
                ending = self.scratch.loop(text, Name(self.own["n"]))
                if self.settling is not None:
                    ending = nest("for i in range(n)", self.settling.unless_settled(self.scratch.framed(text)))
                off = [Let(recorder.is_on, Number(value=False)), *ending]
                statements += nest(asked, off, bit=end)
            if recorder.hooks.begin:
                on = [
                    Let(recorder.is_on, Number(value=True)),
                    *self.scratch.loop(self.builder.quote.in_lanes(recorder.begin)),
                ]
                statements += nest(asked, on, bit=begin)
        return statements

    def _sample(self, recorder: KernelRecorder) -> list[Statement]:
        """Compute the sampled variables for whole blocks (so that every lane is rounded alike), then copy them out."""
        lets = sampled(self.builder, recorder.hooks, Name(self.own["t"]))
        if self.noise is not None:
            lets += self.noise.channels.sampled(recorder.hooks)
        statements = self.scratch.loop(lets)
        copies = [
            statement
            for k, name in enumerate(recorder.hooks.samples)
            for statement in self.builder.quote.code(
                "trace[k, block + i, sample] = value",
                trace=recorder.arrays["trace"],
                k=Number(k),
                sample=recorder.sample,
                value=self.scratch.element(sampled_symbol(self.builder, name)),
            )
        ]
        if self.settling is not None:
            copies = self.settling.unless_settled(copies)
        return [
            *statements,
            *self.builder.quote.nest("for i in range(n)", copies),
            *self.builder.quote.code("sample = sample + 1", sample=recorder.sample),
        ]

    def new_dt(self) -> list[Statement]:
        """Set the step, and what depends on it."""
        constants = self.builder.constants
        dt = [
            *self.builder.quote.code("dt64 = dt_node[node]"),
            Let(self.own["dt"], self.builder.quote.cast(Name(self.own["dt64"]))),
        ]
        # Scalars: a number times the step each, nothing to share.
        alone = self.builder.translator.lets(constants.of_step)
        return [
            Comment("what depends on the step, too"),
            *dt,
            *alone,
            *self.scratch.loop(self.builder.constant(constants.of_steps)),
        ]
