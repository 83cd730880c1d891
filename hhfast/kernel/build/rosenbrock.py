"""The linear systems of Rosenbrock methods, (1 / (gamma h) - J) y = right side, in every lane.

A gate couples only to V and to pools, so the matrix is an arrow: eliminating the gates first, then the pools, then V,
fills in nothing (or little), and both cost operations in proportion to the number of states. No pivoting is
needed: the diagonal of 1 / (gamma h) - J dominates for all steps that an error control accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.equations.jacobian import Jacobian, of_more
from hhfast.kernel.tree.naming import free_name
from hhfast.kernel.tree.nodes import Expression, Let, Name, Negative, Number, Statement, Symbol

_NONE: Mapping[tuple[str, str], Symbol] = MappingProxyType({})


class LinearSystem:
    """Factorises 1 / (gamma h) - J, with a unit diagonal in the lower factor, and solves with the factors."""

    def __init__(self, builder: Builder, gamma: float) -> None:
        self.builder, self.scratch, self.gamma = builder, builder.scratch, gamma
        self.jacobian = Jacobian(builder.system)
        order = self.jacobian.order
        self.unknowns = {x: Symbol(f"y_{x}") for x in builder.states}
        taken: set[str] = set()
        self.name = {  # (x, y) -> the name of the entry in row x and column y, as algebra knows it
            (x, y): free_name(f"J_{x}_by_{y}", taken) + "_"
            for x in order
            for y in order
            if x == y or (x, y) in self.jacobian.filled or (x, y) in self.jacobian.entries
        }
        self.entry = {place: builder.symbol_of(name) for place, name in self.name.items()}
        self.pivot = {x: Symbol(f"pivot_{x}") for x in order}  # the reciprocals of the diagonal of the factors
        self.scratch.add("lane", *self.unknowns.values())
        kept = (self.entry[x, y] for x in order for y in order if (x, y) in self.jacobian.filled)
        self.scratch.add("lane", *kept, *self.pivot.values())
        if builder.applied.smooth:
            self.drive = Symbol("drive")
            self.scratch.add("lane", self.drive)

    def factorise(self) -> list[Statement]:
        """Factorise; and find how fast a smooth current drives V at the start of the step."""
        diagonal = Symbol("diagonal")
        lets: list[Any] = self.builder.quote.lane_code(
            "diagonal = 1.0 / (gamma * h)", diagonal=diagonal, gamma=self.builder.quote.number(self.gamma)
        )
        lets += self.builder.bindings({self.name[place]: e for place, e in self.jacobian.entries.items()})
        of_fluctuations, held = self._of_fluctuations()
        if self.builder.applied.clamp is not None:  # where V is clamped, V' depends on no state
            entries = {place: self.entry[place] for place in self.jacobian.entries}
            for J in (symbol for part in (entries, held) for (x, _), symbol in part.items() if x == "V"):
                lets += self.builder.quote.lane_code("J = 0.0 if clamped > 0.0 else J", J=J)
        lets += self._factors(diagonal, held)
        statements = [*self._conductance_at_start(), *of_fluctuations, *self.scratch.loops(lets)]
        return statements + self._driven() if self.builder.applied.smooth else statements

    def _of_fluctuations(self) -> tuple[list[Statement], dict[tuple[str, str], Symbol]]:
        """Loops for what fluctuations of channels that are held over the step add to entries, and where it is."""
        more = of_more(self.builder.system, self.builder.held, self.jacobian.entries)
        held = {place: self.builder.symbol_of(f"noise_{self.name[place]}") for place in more}
        lets: list[Any] = self.builder.noise_bindings({f"noise_{self.name[place]}": e for place, e in more.items()})
        for symbol in (symbol for (x, _), symbol in held.items() if x != "V"):  # a pool need not be linear in them
            lets += self.builder.quote.lane_code("J = J if noisy > 0.0 else 0.0", J=symbol)
        self.scratch.add("lane", *held.values())
        return (self.scratch.loops(lets) if held else []), held

    def _conductance_at_start(self) -> list[Statement]:
        """Set g_app, which the Jacobian has, to its value at the start of the step: it was left at that of a stage."""
        applied = self.builder.applied
        if not (applied.smooth and applied.conducts):
            return []
        return self.scratch.loop(applied.set_to(Name(self.builder.own["t"])))

    def _factors(self, diagonal: Symbol, held: Mapping[tuple[str, str], Symbol] = _NONE) -> list[Any]:
        """The factors. held : what fluctuations of channels add to entries: last, so where it is 0 no bit changes."""
        order, filled, entry = self.jacobian.order, self.jacobian.filled, self.entry
        lets: list[Any] = []
        for x in order:
            for y in order:
                known: Expression | None = Name(entry[x, y]) if (x, y) in self.jacobian.entries else None
                zero = self.builder.quote.number(0.0)
                if x == y:
                    lets += self.builder.quote.code(
                        "here = diagonal - known",
                        here=entry[x, x],
                        diagonal=diagonal,
                        known=zero if known is None else known,
                    )
                elif (x, y) in filled:
                    lets.append(Let(entry[x, y], zero if known is None else Negative(known)))
                if (x, y) in held:
                    lets += self.builder.quote.code("here = here - more", here=entry[x, y], more=held[x, y])
        for p, x in enumerate(order):
            after = order[p + 1 :]
            one = self.builder.quote.number(1.0)
            lets += self.builder.quote.code("pivot = one / here", pivot=self.pivot[x], one=one, here=entry[x, x])
            for r in after:
                if (r, x) in filled:
                    lets += self.builder.quote.code("left = left * pivot", left=entry[r, x], pivot=self.pivot[x])
                    lets += [
                        let
                        for c in after
                        if (x, c) in filled
                        for let in self.builder.quote.code(
                            "here = here - left * above", here=entry[r, c], left=entry[r, x], above=entry[x, c]
                        )
                    ]
        return lets

    def solve(self) -> list[Statement]:
        """Solve for the unknowns in place of the right side."""
        order, lets = self.jacobian.order, []
        for p, x in enumerate(order):
            lets += self._eliminated(x, order[:p])
        for p in range(len(order) - 1, -1, -1):
            x = order[p]
            lets += self._eliminated(x, order[p + 1 :])
            lets += self.builder.quote.code("y = y * pivot", y=self.unknowns[x], pivot=self.pivot[x])
        return self.scratch.loops(lets)

    def _eliminated(self, x: str, others: tuple[str, ...]) -> list[Any]:
        return [
            let
            for c in others
            if (x, c) in self.jacobian.filled
            for let in self.builder.quote.code(
                "y = y - entry * known", y=self.unknowns[x], entry=self.entry[x, c], known=self.unknowns[c]
            )
        ]

    # --- smooth currents ---
    def _driven(self) -> list[Statement]:
        """The change of V by the change of the current, over one step at its rate at the start."""
        builder = self.builder
        # A one-sided difference, which never looks over the edge that the step begins at.
        times = [Symbol(f"t_{k}") for k in range(3)]
        values = [Symbol(f"i_{k}") for k in range(3)]
        lets: list[Any] = []
        for k, t in enumerate(times):
            lets += builder.quote.code("t_k = t + part * np.float64(h)", t_k=t, part=Number(k * 1e-3))
        for value, t in zip(values, times, strict=True):
            lets.append(Let(value, self._applied(Name(t))))
        slope = builder.quote.value(
            "(2.0 * second - 1.5 * first - 0.5 * third) / 1.0e-3", first=values[0], second=values[1], third=values[2]
        )
        lets += builder.quote.code(
            "drive = slope / C_m", drive=self.drive, slope=builder.quote.cast(slope), C_m=builder.parameters["C_m"]
        )
        if builder.applied.clamp is not None:
            lets += builder.quote.lane_code("drive = 0.0 if clamped > 0.0 else drive", drive=self.drive)
        return self.scratch.loop(lets)

    def _applied(self, at: Expression) -> Expression:
        """The applied current at a time and at the V of the start of the step, in float64."""
        values = self.builder.applied.values(at)
        if "g_app" not in values:
            return values["i_app"]
        return self.builder.quote.value("I - g * np.float64(V)", I=values["i_app"], g=values["g_app"], V=self.builder.V)

    def push(self, weight: float) -> list[Statement]:
        """Add the drive of a smooth current to the right side of V."""
        return self.scratch.loops(
            self.builder.quote.code(
                "y = y + weight * drive",
                y=self.unknowns["V"],
                drive=self.drive,
                weight=self.builder.quote.number(weight),
            )
        )
