"""Exponential updates: phi by a polynomial, and what happens to the lanes whose steps are beyond its range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder, Rates
from hhfast.kernel.math.phi import RANGES
from hhfast.kernel.optimise.merged_divisions import is_nonnegative
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Binary, Expression, Name, Number, Statement, Symbol
from hhfast.kernel.tree.walk import rebuilt


class PhiFallback:
    """The statements around the updates x + phi(z) f of some states, where z, which is their b, is a rate times a time.

    Where z is beyond the polynomial's range, which is rare, f becomes phi(z) f and z becomes 0, phi(0) = 1: so every
    lane is updated by the same arithmetic, whatever its neighbours need.
    """

    def __init__(self, builder: Builder, states: Sequence[str]) -> None:
        self.builder = builder
        self.rates = [builder.rates_of[x] for x in states]
        degrees = dict(zip(builder.states, builder.spec.phi_degrees, strict=True))
        self.degree = {rates.b: degrees[rates.state] for rates in self.rates}
        self.flag = Symbol("beyond", is_flag=True)
        # z is in range if |z - half| <= half
        self.half = builder.table("half_range", [RANGES[self.degree[rates.b]] / 2 for rates in self.rates])
        for of in (lambda rates: rates.b, lambda rates: rates.f):
            builder.scratch.pass_on(*map(of, self.rates))  # in this order: `fall_back` takes them by number

    def check(self) -> list[Any]:
        """Raise the flag if z of some state is out of range: one comparison for all states that are alike."""
        lets: list[Any] = []
        beyond: list[Expression] = []
        largest: dict[int, Symbol] = {}  # polynomial -> the largest z
        for rates in self.rates:
            z, degree = rates.b, self.degree[rates.b]
            if not self._is_nonnegative(rates):
                half = self.builder.quote.number(RANGES[degree] / 2)
                beyond.append(self.builder.quote.value("abs(z - half) > half", z=z, half=half))
            elif degree in largest:
                larger = Symbol("largest")
                lets += self.builder.quote.code(
                    "larger = z if z > largest else largest", larger=larger, z=z, largest=largest[degree]
                )
                largest[degree] = larger
            else:
                largest[degree] = z
        beyond += [
            self.builder.quote.value("z > limit", z=z, limit=self.builder.quote.number(RANGES[k]))
            for k, z in largest.items()
        ]
        raised: Expression = Name(self.flag)
        for condition in beyond:
            raised = Binary("|", raised, condition)
        return [*lets, nodes.Let(self.flag, raised)]

    def _is_nonnegative(self, rates: Rates) -> bool:
        return is_nonnegative(self.builder.system.b[rates.state])

    def fall_back(self) -> list[Statement]:
        """Change f and z where the flag is up: vectorised, and for all states in one loop, as it may happen often."""
        first = self.rates[0]
        z, f = (self.builder.scratch.element(symbol) for symbol in (first.b, first.f))
        half = self.builder.quote.value("half[i // W]", half=self.half)
        body = self.builder.quote.code(
            """\
z = z_row
f = f_row
product = f * phi_far(z)
far = abs(z - half) > half
f_row = product if far else f
z_row = zero if far else z""",
            z_row=z,
            f_row=f,
            half=half,
            zero=self.builder.quote.number(0.0),
        )
        count = self.builder.quote.value("n * W", n=Number(len(self.rates)))
        loop = nodes.LaneLoop(self.builder.scratch.lane, count, tuple(body))
        return [nodes.If(Name(self.flag), (nodes.Comment("of every lane: no branch"), loop))]

    def near(self, updates: Sequence[Any]) -> list[Any]:
        """The updates by polynomials."""

        def chosen(node: Any) -> Any:
            match node:
                case nodes.Call(function="phi", arguments=(Name(symbol=symbol) as z,)) if symbol in self.degree:
                    return nodes.Call(self.builder.functions[f"phi_{self.degree[symbol]}"], (z,))
            return node

        return [rebuilt(update, chosen) for update in updates]
