"""Channel noise in a kernel: the channels that are counted, and what follows the stages of every fixed step.

There, the stages advance V and the gates as they would without noise. Then the fluctuations of what is open are
advanced, at the new V, by diffusion or transition by transition; and what they carry is added to V and the pools. So a
channel that is infinitely many leaves every bit as it was, and the error of the splitting vanishes with the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import sympy as sp

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_diffusion import GateDiffusion, OverStep, SchemeDiffusion
from hhfast.kernel.build.channel_transitions import Transitions
from hhfast.kernel.build.sampled_quantities import sampled_symbol
from hhfast.kernel.equations.channel_noise import effects, noisy_channels
from hhfast.kernel.math.channel_noise import DEVIATES
from hhfast.kernel.optimise.binding_times import DT
from hhfast.kernel.tree.nodes import Comment, Expression, Let, Name, Number, Statement, Symbol
from hhfast.model.algebra import symbol
from hhfast.parts.recorder import Hooks


class Fluctuations(Protocol):
    """The fluctuations of one channel in a kernel.

    n_deviates : random numbers that a step takes. finite : a row above 0 where the channels are finitely many.
    begin, begin_each : lane statements of a new cell, and then what is not straight. advance : lane statements of a
    step, given the deviates, gate -> its b times the step, and what binds rates times the step. events : what then is
    not straight, of one lane. settle : lane statements of the fluctuations.
    """

    n_deviates: int
    finite: Symbol

    def begin(self) -> list[Any]: ...
    def begin_each(self) -> list[Statement]: ...
    def advance(self, deviates: list[Symbol], decays: Mapping[str, Symbol], over_step: OverStep) -> list[Any]: ...
    def events(self) -> list[Statement]: ...
    def settle(self) -> list[Any]: ...


class FluctuatingChannels:
    """All channels that are counted, and what a step does to them, whoever chooses it. number : of the step."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.quote, self.scratch = builder, builder.quote, builder.scratch
        self.channels = noisy_channels(builder.spec.model)
        self.number = builder.own.setdefault("noise_step", Symbol("noise_step"))  # of the step, from 1 on
        self.noisy = builder.own.setdefault("noisy", Symbol("noisy"))
        self.all: list[Fluctuations] = []
        first = 0  # number of the channel's first fluctuation, for streams of random numbers
        for k, channel in enumerate(self.channels):
            self.scratch.add("lane", *(builder.symbol_of(name) for name in channel.currents))
            if builder.spec.channel_noise == "markov":
                self.all.append(Transitions(builder, channel, k))
            elif channel.gates:
                self.all.append(GateDiffusion(builder, channel, first))
            else:
                self.all.append(SchemeDiffusion(builder, channel, first))
            first += max(self.all[-1].n_deviates, len(channel.states))
        n = sum(f.n_deviates for f in self.all)
        self.deviates = [Symbol(f"deviate_{k}") for k in range(n)]
        self.scratch.add("lane", *self.deviates)
        self.gates = [gate for channel in self.channels for gate, _ in channel.gates]

    def drawn(self) -> list[Statement]:
        """Loops that draw the deviates of a step."""
        return [
            statement
            for k in range(0, len(self.deviates), DEVIATES)
            for statement in self.scratch.loop(self._drawn(self.deviates[k : k + DEVIATES], k // DEVIATES + 1))
        ]

    def _drawn(self, deviates: list[Symbol], stream: int) -> list[Any]:
        """Lane statements that draw up to a dozen deviates."""
        words = [Symbol("word") for _ in range(4)]
        lets: list[Any] = self.quote.code(
            "a, b, c, d = noise_words(noise_seed, noise_cell, number, stream)",
            **dict(zip("abcd", words, strict=True)),
            number=self.number,
            stream=Number(stream, "uint64"),
        )
        for k in range(0, len(deviates), 3):
            parts = [Symbol("part") for _ in range(3)]
            lets += self.quote.code(
                "x, y, z = deviates(word)", **dict(zip("xyz", parts, strict=True)), word=words[k // 3]
            )
            lets += [Let(z, self.quote.cast(Name(part))) for z, part in zip(deviates[k : k + 3], parts, strict=False)]
        return lets

    def advance(self, decays: Mapping[str, Symbol], over_step: OverStep) -> list[Any]:
        """Lane statements of a step of all."""
        lets: list[Any] = []
        used = 0
        for fluctuations in self.all:
            lets += fluctuations.advance(self.deviates[used : used + fluctuations.n_deviates], decays, over_step)
            used += fluctuations.n_deviates
        return lets

    def events(self) -> list[Statement]:
        """What then is not straight, of one lane."""
        return [statement for f in self.all for statement in f.events()]

    def settle(self) -> list[Any]:
        """Lane statements of all fluctuations, and of the sum of their sizes: 0 where there is no noise."""
        lets: list[Any] = [let for f in self.all for let in f.settle()]
        total: Expression = self.quote.number(0.0)
        for name in (name for channel in self.channels for name in channel.currents):
            total = self.quote.value("total + abs(delta)", total=total, delta=self.builder.symbol_of(name))
        return [*lets, *self.quote.code("noisy = total", noisy=self.noisy, total=total)]

    def sampled(self, hooks: Hooks) -> list[Any]:
        """Lane statements that add to what a recorder samples what is due to the noise."""
        lets: list[Any] = []
        for name in hooks.samples:
            if (extra := self._extra(name)) == 0:
                continue
            more = f"noise_of_{name}_"
            lets += self.builder.noise_bindings({more: extra})
            names = {"x": sampled_symbol(self.builder, name), "more": self.builder.symbol_of(more)}
            text = "x = x + (more if clamped > 0.0 else 0.0)" if name == "i_clamp" else "x = x + more"
            lets += self.quote.lane_code(text, **names)
        return lets

    def _extra(self, name: str) -> sp.Expr:
        """What the noise adds to a current or conductance that is sampled."""
        main = {channel.name for channel in self.builder.spec.model.channels}
        terms = []
        for channel in self.channels:
            if name == f"i_{channel.name}" or (name == "i_clamp" and channel.name in main):
                terms += _weighted(channel.currents)
            if name == f"g_{channel.name}":
                terms += _weighted(channel.conductances)
        return sp.Add(*terms)


class FixedStepNoise:
    """The noise of all channels that are counted, in steps that all lanes share.

    keep_decays : asks the stages to keep the b of gates, times the step, and gives the rows where they do.
    """

    def __init__(self, builder: Builder, keep_decays: Callable[[Sequence[str]], dict[str, Symbol]]) -> None:
        self.builder, self.quote, self.scratch = builder, builder.quote, builder.scratch
        self.channels = FluctuatingChannels(builder)
        diffuses = builder.spec.channel_noise == "diffusion"
        self.decays = keep_decays(self.channels.gates) if diffuses else {}

    def begin(self) -> list[Statement]:
        """The statements of a block of new cells, after their lane constants."""
        statements: list[Statement] = [Comment("channel noise"), Let(self.channels.number, Number(0.0))]
        for fluctuations in self.channels.all:
            statements += self.scratch.loop(fluctuations.begin()) + self._each(fluctuations.begin_each())
        return statements + self.scratch.loop(self.channels.settle())

    def _each(self, of_lane: list[Statement]) -> list[Statement]:
        return self.quote.nest("for i in range(n)", self.scratch.framed(of_lane)) if of_lane else []

    def step(self) -> list[Statement]:
        """The statements that follow the stages of a step."""
        channels = self.channels
        statements: list[Statement] = [Comment("channel noise")]
        statements += self.quote.code("number = number + 1.0", number=channels.number)
        statements += channels.drawn()
        gates = channels.gates
        lets: list[Any] = [] if self.decays or not gates else self.builder.rates(gates, over=1.0)
        decays = {gate: self.builder.rates_of[gate].b for gate in gates} | self.decays
        lets += channels.advance(decays, lambda wanted: list(self.builder.noise_bindings(wanted, over=DT)))
        events = self._each(channels.events())
        after = channels.settle() + self._carried()
        if not events:
            return statements + self.scratch.loops(lets + after)
        return statements + self.scratch.loops(lets) + events + self.scratch.loops(after)

    def _carried(self) -> list[Any]:
        """Lane statements that add what the fluctuations carry to potentials and pools."""
        lets: list[Any] = []
        for x, (a, b) in effects(self.builder.spec.model).items():
            wanted = {f"noise_a_{x}_": a, f"noise_b_{x}_": b}
            lets += self.builder.noise_bindings(wanted, over=DT)
            names = {"x": self.builder.states[x], "y": Symbol(f"{x}_noisy")}
            names |= {c: self.builder.symbol_of(f"noise_{c}_{x}_") for c in "ab"}
            # A rational phi, right to third order, for any b.
            lets += self.quote.lane_code("y = x + (a - b * x) / (1.0 + b * (0.5 + 0.08333333333333333 * b))", **names)
            if x == "V" and self.builder.applied.clamp is not None:
                lets += self.quote.lane_code("x = x if clamped > 0.0 else y", **names)
            elif x in self.builder.system.groups["pools"]:  # which need not be linear in what is added
                lets += self.quote.lane_code("x = y if noisy > 0.0 else x", noisy=self.channels.noisy, **names)
            else:
                lets += self.quote.code("x = y", **names)
        return lets


def _weighted(each: dict[str, sp.Expr]) -> list[sp.Expr]:
    return [weight * symbol(name) for name, weight in each.items()]
