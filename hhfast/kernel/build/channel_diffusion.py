"""Fluctuations of open fractions as diffusion: Gaussian, with the variances and correlations of the channels in time.

Of N channels whose subunits are independent, the open fraction is the mean of products of subunits. Written as each
subunit's probability x plus its deviation, the product falls into parts, one for every choice of how many subunits
of each gate deviate: uncorrelated, each decaying with the sum of their rates, with the variance, times N, of the
product of their x (1 - x) (Linaro, Storace & Giugliano 2011, PLoS Comput Biol 7:e1001102, at steady state). Here x
follows V(t), and every step takes from a part what decays and adds what makes its variance right again; so mean and
covariance in time are those of the Markov chain under V(t), at any step, and at a constant V those of the exact
solution.

A scheme has the Langevin equation with one source of noise for each pair of reactions, so that the occupancies sum to 1
(Goldwyn, Imennov, Famulare & Shea-Brown 2011, Phys Rev E 83:041908; Orio & Soudry 2012, PLoS ONE 7:e36670). Pairs are
advanced one after another, each exactly; the error of that vanishes with the step.

Nothing is clipped to 0..1, which would shift means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from math import comb, prod, sqrt
from typing import Any

import sympy as sp

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.equations.channel_noise import NoisyChannel
from hhfast.kernel.math.channel_noise import INITIAL
from hhfast.kernel.tree.nodes import Expression, Name, Number, Statement, Symbol
from hhfast.model.algebra import symbol

OverStep = Callable[[dict[str, sp.Expr]], list[Any]]  # lane statements that give names to rates, times the step


def initial_draws(builder: Builder, targets: list[Symbol], first: int) -> list[Any]:
    """Lane statements that give symbols a normal number each; first : the number of the first one's stream."""
    lets: list[Any] = []
    for k, target in enumerate(targets):
        drawn = builder.quote.value(
            "initial_deviate(noise_seed, noise_cell, stream)", stream=Number(INITIAL + first + k, "uint64")
        )
        lets += builder.quote.code("z = drawn", z=target, drawn=builder.quote.cast(drawn))
    return lets


def per_root(builder: Builder, channel: NoisyChannel, target: Symbol) -> list[Any]:
    """Lane statements that compute one over the root of the number of channels."""
    name = f"channels_{channel.name}_"
    lets: list[Any] = builder.noise_bindings({name: channel.count})
    count = builder.symbol_of(name)
    # A choice, as in float32 the reciprocal root of infinity may come out as NaN.
    return lets + builder.quote.lane_code("x = 1.0 / np.sqrt(count) if count < 1e30 else 0.0", x=target, count=count)


class GateDiffusion:
    """The fluctuation of the product of a channel's gates. first : the number of its first part among all."""

    def __init__(self, builder: Builder, channel: NoisyChannel, first: int) -> None:
        self.builder, self.quote, self.channel, self.first = builder, builder.quote, channel, first
        self.powers = [power for _, power in channel.gates]
        self.parts = {
            tuple(deviating): Symbol("part_" + "_".join([channel.name, *map(str, deviating)]))
            for deviating in product(*(range(power + 1) for power in self.powers))
            if any(deviating)
        }
        self.n_deviates = len(self.parts)
        self.x = [builder.states[gate] for gate, _ in channel.gates]
        self.was = [Symbol(f"{gate}_was") for gate, _ in channel.gates]
        self.kept = [Symbol(f"{gate}_kept") for gate, _ in channel.gates]  # of a deviation after the step
        self.variance, self.left = ([Symbol(f"{gate}_{c}") for gate, _ in channel.gates] for c in ("variance", "left"))
        self.per_root = self.finite = Symbol(f"per_root_{channel.name}")
        builder.scratch.add("lane", *self.parts.values(), *self.was, self.per_root)

    def begin(self) -> list[Any]:
        parts = list(self.parts)
        lets = per_root(self.builder, self.channel, self.per_root)
        for x, was, variance in zip(self.x, self.was, self.variance, strict=True):
            lets += self.quote.lane_code("v = x * (1.0 - x)\nwas = x", v=variance, x=x, was=was)
        lets += initial_draws(self.builder, list(self.parts.values()), self.first)
        for deviating in parts:
            size = self._product(self.variance, deviating)
            lets += self.quote.lane_code(
                "v = size\npart = part * np.sqrt(v if v > 0.0 else 0.0)",
                v=Symbol("size"),
                size=size,
                part=self.parts[deviating],
            )
        return lets

    def begin_each(self) -> list[Statement]:
        return []

    def advance(self, deviates: list[Symbol], decays: Mapping[str, Symbol], over_step: OverStep) -> list[Any]:
        """Lane statements of a step, after that of the gates; decays : their b, times the step."""
        lets: list[Any] = []
        rates = [decays[gate] for gate, _ in self.channel.gates]
        gates = zip(self.x, self.was, self.kept, self.variance, self.left, rates, strict=True)
        for x, was, kept, variance, left, b in gates:
            lets += self.quote.lane_code(
                """\
kept = exp(-b)
variance = x * (1.0 - x)
left = kept * kept * (was * (1.0 - was))
was = x""",
                x=x,
                was=was,
                kept=kept,
                variance=variance,
                left=left,
                b=b,
            )
        for (deviating, part), z in zip(self.parts.items(), deviates, strict=True):
            fresh = Symbol("fresh")
            lets += self.quote.lane_code(
                "fresh = after - before\npart = kept * part + root * z",
                fresh=fresh,
                root=self._root(fresh),
                after=self._product(self.variance, deviating),
                before=self._product(self.left, deviating),
                kept=self._product(self.kept, deviating),
                part=part,
                z=z,
            )
        return lets

    def events(self) -> list[Statement]:
        return []

    def settle(self) -> list[Any]:
        """Lane statements that put the fluctuation of the product together."""
        total: Expression = self.quote.number(0.0)
        for deviating, part in self.parts.items():
            ways = prod(comb(p, k) for p, k in zip(self.powers, deviating, strict=True))
            others = [p - k for p, k in zip(self.powers, deviating, strict=True)]
            term: Expression = self.quote.value("w * part", w=self.quote.number(sqrt(ways)), part=part)
            if any(others):
                term = self.quote.value("term * rest", term=term, rest=self._product(self.x, others))
            total = self.quote.value("total + term", total=total, term=term)
        delta = self.builder.symbol_of(self.channel.fluctuation())
        return self.quote.code("delta = total * per_root", delta=delta, total=total, per_root=self.per_root)

    def _root(self, fresh: Symbol) -> Expression:
        """The size of what a step adds, by a root in float32: an error of 6e-8 of it matters less than time."""
        return self.quote.value(
            f"np.{self.quote.dtype}(np.sqrt(np.float32(fresh if fresh > none else none)))",
            fresh=fresh,
            none=self.quote.number(0.0),
        )

    def _product(self, symbols: list[Symbol], powers: Any) -> Expression:
        factors = [Name(s) for s, n in zip(symbols, powers, strict=True) for _ in range(n)]
        found: Expression = factors[0]
        for factor in factors[1:]:
            found = self.quote.value("a * b", a=found, b=factor)
        return found


class SchemeDiffusion:
    """The fluctuations of the occupancies of a scheme. first : the number of its first among all."""

    def __init__(self, builder: Builder, channel: NoisyChannel, first: int) -> None:
        self.builder, self.quote, self.channel, self.first = builder, builder.quote, channel, first
        self.n_deviates = len(channel.reactions)
        self.parts = {state: Symbol(f"part_{state}") for state in channel.states}
        self.per_root = self.finite = Symbol(f"per_root_{channel.name}")
        self.initial = [Symbol(f"drawn_{state}") for state in channel.states]
        builder.scratch.add("lane", *self.parts.values(), self.per_root)

    def _occupancies(self) -> tuple[list[Any], dict[str, Symbol]]:
        """Lane statements that give the mean occupancy of every state a name: what is not integrated, too."""
        names = {state: f"mean_{state}_" for state in self.channel.states}
        lets: list[Any] = self.builder.noise_bindings({name: symbol(state) for state, name in names.items()})
        return lets, {state: self.builder.symbol_of(name) for state, name in names.items()}

    def begin(self) -> list[Any]:
        """Lane statements that start from the variances of the multinomial distribution."""
        lets = per_root(self.builder, self.channel, self.per_root)
        more, mean = self._occupancies()
        lets += more + initial_draws(self.builder, self.initial, self.first)
        total = Symbol("total")
        lets += self.quote.lane_code("total = 0.0", total=total)
        for state, z in zip(self.channel.states, self.initial, strict=True):
            lets += self.quote.lane_code(
                "z = z * np.sqrt(p if p > 0.0 else 0.0)\ntotal = total + z", z=z, p=mean[state], total=total
            )
        for state, z in zip(self.channel.states, self.initial, strict=True):
            names = {"part": self.parts[state], "z": z, "p": mean[state], "total": total}
            lets += self.quote.code("part = z - p * total", **names)
        return lets

    def begin_each(self) -> list[Statement]:
        return []

    def advance(self, deviates: list[Symbol], decays: Mapping[str, Symbol], over_step: OverStep) -> list[Any]:
        """Lane statements of a step whose mean occupancies are there."""
        lets, mean = self._occupancies()
        for k, ((here, there, forward, backward), z) in enumerate(zip(self.channel.reactions, deviates, strict=True)):
            rates = {f"forward_{self.channel.name}_{k}_": forward, f"backward_{self.channel.name}_{k}_": backward}
            lets += over_step(rates)
            there_rate, back_rate = map(self.builder.symbol_of, rates)
            lets += self.quote.lane_code(
                """\
sum = forward + backward
spread = (forward * p + backward * q) * phi_far(sum + sum)
flow = phi_far(sum) * (forward * here - backward * there) + np.sqrt(spread if spread > 0.0 else 0.0) * z
here = here - flow
there = there + flow""",
                forward=there_rate,
                backward=back_rate,
                here=self.parts[here],
                there=self.parts[there],
                p=mean[here],
                q=mean[there],
                z=z,
                sum=Symbol("sum"),
                spread=Symbol("spread"),
                flow=Symbol("flow"),
            )
        return lets

    def events(self) -> list[Statement]:
        return []

    def settle(self) -> list[Any]:
        """Lane statements that give the fluctuations of the states that count as open."""
        lets: list[Any] = []
        for state, part in self.parts.items():
            if self.channel.fluctuation(state) in self.channel.currents:
                delta = self.builder.symbol_of(self.channel.fluctuation(state))
                lets += self.quote.code("delta = part * per_root", delta=delta, part=part, per_root=self.per_root)
        return lets
