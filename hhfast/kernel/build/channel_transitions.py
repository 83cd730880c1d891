"""Fluctuations of open fractions transition by transition: every channel a Markov chain, V held within a step.

The direct method of Gillespie (1977, J Phys Chem 81:2340-2361): the time to the next transition is exponential, and
which one it is, by chance in proportion to its rate. Within a step, whose V is held, that is exact, however many
transitions it has; so at a constant V the channels are exactly those of the chain, and elsewhere the error vanishes
with the step. A channel with gates is expanded into its states, of which one has all gates open (m^3 h: eight).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import comb
from typing import Any

import sympy as sp

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_diffusion import OverStep
from hhfast.kernel.equations.channel_noise import NoisyChannel
from hhfast.kernel.math.channel_noise import TRANSITIONS
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Name, Number, Statement, Symbol
from hhfast.model.algebra import symbol

_GOES_ON = "stop[0] == 0"  # one step of a cell with very many channels takes long: Ctrl-C is looked for at each


class Transitions:
    """The numbers of channels in each state. number : of the channel, for its stream of random numbers."""

    n_deviates = 0

    def __init__(self, builder: Builder, channel: NoisyChannel, number: int) -> None:
        self.builder, self.quote, self.channel = builder, builder.quote, channel
        self.stream = Number(TRANSITIONS + number, "uint64")
        self.powers = [power for _, power in channel.gates]
        states: list[Any] = list(channel.states)  # names, or of gates how many subunits of each are open
        if channel.gates:
            states = list(product(*(range(p + 1) for p in self.powers)))
        self.numbers = {state: Symbol(f"n_{channel.name}_{_label(state)}") for state in states}
        self.chances = {state: Symbol(f"chance_{channel.name}_{_label(state)}") for state in self.numbers}
        self.total, self.share = Symbol(f"n_{channel.name}"), Symbol(f"share_{channel.name}")  # share: of one, or 0
        self.finite = self.share
        self.there = [Symbol(f"there_{channel.name}_{k}") for k in range(len(channel.gates or channel.reactions))]
        self.back = [Symbol(f"back_{channel.name}_{k}") for k in range(len(self.there))]
        builder.scratch.add("float64", *self.numbers.values(), self.total, self.share)
        builder.scratch.add("lane", *self.chances.values(), *self.there, *self.back)

    # --- the beginning ---
    def begin(self) -> list[Any]:
        """Lane statements that count the channels, and give each state its chance."""
        name = f"channels_{self.channel.name}_"
        lets: list[Any] = self.builder.noise_bindings({name: self.channel.count})
        lets += self.quote.code(
            """\
whole = np.floor(np.float64(count) + 0.5)
counted = (whole >= 1.0) & (whole < 1e15)
total = whole if counted else 0.0
share = 1.0 / whole if counted else 0.0""",
            count=self.builder.symbol_of(name),
            total=self.total,
            share=self.share,
        )
        lets += self._chances()
        for n in self.numbers.values():
            lets += self.quote.code("n = 0.0", n=n)
        return lets

    def begin_each(self) -> list[Statement]:
        """The statements of one lane that place its channels one by one."""
        before = self.quote.code("drawn = 0.0")
        one: list[Statement] = self.quote.code(
            "u, v = uniforms(noise_seed, noise_cell, 0.0, stream, drawn)", stream=self.stream
        )
        one += self._placed() + self.quote.code("drawn = drawn + 1.0")
        return [*before, *self.quote.nest(f"while drawn < total and {_GOES_ON}", one, total=self.total)]

    def _chances(self) -> list[Any]:
        """Lane statements of the probability of each state."""
        if not self.channel.gates:
            wanted = {f"chance_{s}_": symbol(s) for s in self.channel.states}
        else:
            gates = [symbol(gate) for gate, _ in self.channel.gates]
            wanted = {
                f"chance_{_label(state)}_": sp.Mul(
                    *(comb(p, k) * x**k * (1 - x) ** (p - k) for x, p, k in zip(gates, self.powers, state, strict=True))
                )
                for state in self.numbers
            }
        lets: list[Any] = self.builder.noise_bindings(wanted)
        for name, chance in zip(wanted, self.chances.values(), strict=True):
            lets += self.quote.code("chance = p", chance=chance, p=self.builder.symbol_of(name))
        return lets

    def _placed(self) -> list[Statement]:
        """Count one channel in the state that u falls on."""
        pairs = list(zip(self.numbers.values(), self.chances.values(), strict=True))
        statements: list[Statement] = self.quote.code("reached = 0.0")
        marks: list[Symbol] = []
        for _, chance in pairs[:-1]:
            marks.append(Symbol("mark"))
            statements += self.quote.code(
                "reached = reached + np.float64(chance)\nmark = reached", chance=chance, mark=marks[-1]
            )
        chosen: list[Statement] = self.quote.code("n = n + 1.0", n=pairs[-1][0])
        for (n, _), mark in zip(reversed(pairs[:-1]), reversed(marks), strict=True):
            chosen = self.quote.nest("if u < mark", self.quote.code("n = n + 1.0", n=n), chosen, mark=mark)
        return statements + chosen

    # --- a step ---
    def advance(self, deviates: list[Symbol], decays: Mapping[str, Symbol], over_step: OverStep) -> list[Any]:
        """Lane statements that keep the rates of the step."""
        lets: list[Any] = []
        if self.channel.gates:
            for (gate, _), there, back in zip(self.channel.gates, self.there, self.back, strict=True):
                rates = self.builder.rates_of[gate]
                lets += self.quote.lane_code(
                    "there = a\nback = b - a if b > a else 0.0", there=there, back=back, a=rates.a, b=rates.b
                )
            return lets
        for k, (_, _, forward, backward) in enumerate(self.channel.reactions):
            names = {"there": self.there[k], "back": self.back[k]}
            wanted = {f"forward_{self.channel.name}_{k}_": forward, f"backward_{self.channel.name}_{k}_": backward}
            lets += over_step(wanted)
            f, b = map(self.builder.symbol_of, wanted)
            lets += self.quote.code("there = f\nback = b", f=f, b=b, **names)
        return lets

    def events(self) -> list[Statement]:
        """The transitions of a step, of one lane."""
        body: list[Statement] = self.quote.code("left = 1.0\nevent = 0.0")
        turn: list[Statement] = self.quote.code("reached = 0.0")
        transitions = list(self._transitions())
        marks: list[Symbol] = []
        for source, _, rate in transitions:
            marks.append(Symbol("mark"))
            turn += self.quote.code(
                "reached = reached + n * np.float64(rate)\nmark = reached", n=source, rate=rate, mark=marks[-1]
            )
        turn += self.quote.code(
            """\
u, v = uniforms(noise_seed, noise_cell, noise_step, stream, event)
event = event + 1.0
left = left + log(u) / (reached if reached > 1e-300 else 1e-300)
aim = v * reached""",
            stream=self.stream,
        )
        chosen: list[Statement] = []
        for (source, goal, _), mark in zip(reversed(transitions), reversed(marks), strict=True):
            moved = self.quote.code("a = a - 1.0\nb = b + 1.0", a=source, b=goal)
            chosen = self.quote.nest("if aim < mark", moved, chosen, mark=mark)
        turn += self.quote.nest("if left > 0.0", chosen)
        body += self.quote.nest(f"while left > 0.0 and {_GOES_ON}", turn)
        return self.quote.nest("if total > 0.0", body, total=self.total)

    def _transitions(self) -> Any:
        if not self.channel.gates:
            for (here, there, forward, backward), f, b in zip(
                self.channel.reactions, self.there, self.back, strict=True
            ):
                if forward != 0:
                    yield self.numbers[here], self.numbers[there], Name(f)
                if backward != 0:
                    yield self.numbers[there], self.numbers[here], Name(b)
            return
        for state in self.numbers:
            for k, power in enumerate(self.powers):
                if state[k] < power:
                    goal = (*state[:k], state[k] + 1, *state[k + 1 :])
                    closed, opened = self.numbers[state], self.numbers[goal]
                    yield closed, opened, self._times(power - state[k], self.there[k])
                    yield opened, closed, self._times(goal[k], self.back[k])

    def _times(self, factor: int, rate: Symbol) -> nodes.Expression:
        return self.quote.value("k * rate", k=self.quote.number(float(factor)), rate=rate)

    def settle(self) -> list[Any]:
        """Lane statements that give the fluctuations of what is open around its mean."""
        lets: list[Any] = []
        names: dict[Any, str]
        mean: dict[Any, sp.Expr]
        if self.channel.gates:
            all_open = tuple(self.powers)
            mean = {all_open: sp.Mul(*(symbol(gate) ** power for gate, power in self.channel.gates))}
            names = {all_open: self.channel.fluctuation()}
        else:
            names = {s: self.channel.fluctuation(s) for s in self.channel.states}
            names = {s: name for s, name in names.items() if name in self.channel.currents}
            mean = {s: symbol(s) for s in names}
        for state, name in names.items():
            average = f"mean_{self.channel.name}_{_label(state)}_"
            lets += self.builder.noise_bindings({average: mean[state]})
            lets += self.quote.lane_code(
                "delta = open - mean if share > 0.0 else 0.0",
                delta=self.builder.symbol_of(name),
                mean=self.builder.symbol_of(average),
                share=self.share,
                open=self.quote.cast(self.quote.value("n * share", n=self.numbers[state], share=self.share)),
            )
        return lets


def _label(state: Any) -> str:
    return state if isinstance(state, str) else "_".join(map(str, state))
