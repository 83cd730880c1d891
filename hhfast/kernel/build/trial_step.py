"""A trial step of an adaptive method: from the states X to new ones, with the increments of all stages.

Kept of a state x are its value before the step and the increments w of the stages; in an explicit method these are
slopes, and the rates are computed straight into the row of their stage. The rates stand in a kernel once, in a loop
over the stages, because it is they that take time to compile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.flat_loops import Family, FlatLoops
from hhfast.kernel.build.quotation import sum_of
from hhfast.kernel.build.rosenbrock import LinearSystem
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol
from hhfast.parts.tableaux import Tableau


class TrialStep:
    """Builds a trial step of size h in each lane, beginning at t."""

    def __init__(self, builder: Builder, tableau: Tableau) -> None:
        self.builder, self.tableau, self.scratch, self.own = builder, tableau, builder.scratch, builder.own
        self.scratch.add("lane", *(self.own[name] for name in ("h", "begins_anew", "ok")))
        for name in ("stage", "first_stage"):
            self.own.setdefault(name, Symbol(name))
        self.slopes = {x: rates.f for x, rates in builder.rates_of.items()}
        self.increments = [self._family(f"w{j}", "increment") for j in range(tableau.stages)]
        self.was = {x: self.own["V_was"] if s.is_membrane else Symbol(f"{x}_was") for x, s in builder.states.items()}
        self.scratch.add("lane", *self.was.values())
        self.each = self._family("h_of") if tableau.gamma > 0.0 else {}
        # Of the states alone: derivatives follow their steps, and change none; but where the Jacobian jumps, steps that
        # are right for the states are not for them.
        controlled = builder.states if builder.jacobian_jumps else builder.spec.model.states
        self.begun, self.errors, self.absolute = (
            {x: Symbol(f"{name}_{x}") for x in controlled} for name in ("e", "relative_e", "atol")
        )
        self.relative = Symbol("relative")
        if self._last_but_one >= 0:
            self.scratch.add("lane", *self.begun.values())
        self.linear = LinearSystem(builder, tableau.gamma) if tableau.gamma > 0.0 else None
        self.slot = Symbol("slot")  # where the increment of the stage lies, after that of the first stage
        if self.linear is None:
            for x, f in self.slopes.items():
                self.scratch.move(f, self.increments[0][x], self.slot)
        else:
            self.scratch.add("lane", *self.slopes.values())
        families = {"x": builder.states, "was": self.was, "f": self.slopes}
        if self.linear is not None:
            families |= {"y": self.linear.unknowns, "h_of": self.each}
        self.flat = FlatLoops(builder, families, self.increments)

    def _family(self, name: str, kind: str = "lane") -> Family:
        family = {x: Symbol(f"{name}_{x}") for x in self.builder.states}
        self.scratch.add(kind, *family.values())
        return family

    @property
    def reuses_last_slope(self) -> bool:
        """Whether the last slope of a step is the first of the next."""
        return self.tableau.first_same_as_last

    def _sum(self, weights: Iterable[float], increments: Sequence[Symbol]) -> Expression:
        """The weighted sum of the increments of the stages."""
        terms = [
            self.builder.quote.value("weight * w", weight=self.builder.quote.number(weight), w=w)
            for weight, w in zip(weights, increments, strict=False)
            if weight != 0.0
        ]
        return sum_of(terms)

    def total(self, weights: Iterable[float], x: Symbol) -> Expression:
        """The weighted sum of the increments of one state, in its unit."""
        return self.scaled(self._sum(weights, [w[x.name] for w in self.increments]))

    def scaled(self, total: Expression) -> Expression:
        """A sum of increments in the unit of the state: those of explicit methods are slopes."""
        return total if self.linear else self.builder.quote.value("h * total", total=total)

    # --- the trial ---
    def begin(self) -> list[Any]:
        """Take over the last step, if it was accepted, and go to the states of the first stage: of one lane."""
        lets: list[Any] = []
        for x, symbol in self.builder.states.items():
            names = {"x": symbol, "was": self.was[x]}
            lets += self.builder.quote.code("was = x if ok > 0.0 else was", **names)
            if self.linear is not None:
                lets += self.builder.quote.code("h_of = h", h_of=self.each[x])
            ahead: Expression = Name(self.was[x])
            if self.reuses_last_slope:
                lets += self.builder.quote.code(
                    "w = last if ok > 0.0 else w", w=self.increments[0][x], last=self.increments[-1][x]
                )
                ahead = self._further(x, self.tableau.A[0])
            lets.append(Let(symbol, ahead))
        return lets

    def _further(self, x: str, weights: Iterable[float]) -> Expression:
        """A state, moved on from before the step by the weighted sum of its increments."""
        total = self.total(weights, self.builder.states[x])
        return self.builder.quote.value("was + total", was=self.was[x], total=total)

    def _moved(self, weights: Sequence[float]) -> list[Any]:
        """All states, moved on so: of one lane."""
        return [Let(symbol, self._further(x, weights)) for x, symbol in self.builder.states.items()]

    def statements(self) -> list[Statement]:
        """The whole trial step, after `begin`."""
        builder, stages = self.builder, self.tableau.stages
        statements = self._after_jumps()
        if self.linear is not None:
            statements += self.linear.factorise()
        each = [*self._current(), *builder.of_fluctuations(), *self.scratch.loops(builder.rates(builder.states))]
        if self.linear is None:
            each = [*self._choose_slot(), *each]
        else:
            each += self._choose([self._right_side(j) for j in range(stages)])
            each += self.linear.solve()
        each += self._choose([self._finish(j) for j in range(stages)])
        first = Name(self.own["first_stage"]) if self.reuses_last_slope else Number(0)
        statements += builder.quote.nest("for stage in range(first, n)", each, first=first, n=Number(stages))
        if not self.reuses_last_slope:
            statements += self.scratch.loop(self._moved(self.tableau.b))
        return [*statements, *builder.quote.code("any_anew = False")]

    def _choose_slot(self) -> list[Statement]:
        """Which increment the rates are to be; where the first is known, it is computed in the place of the last."""
        names = {"slot": self.slot, "size": self.builder.quote.value("n * W", n=Number(len(self.builder.states)))}
        if not self.reuses_last_slope:
            return self.builder.quote.code("slot = stage * size", **names)
        return self.builder.quote.code(
            "slot = (stage if stage > 0 else last) * size", last=Number(self.tableau.stages - 1), **names
        )

    def _after_jumps(self) -> list[Statement]:
        """What lanes that begin anew ask of all: their current, and the states before the step."""
        builder, statements = self.builder, []
        if builder.spec.kinds and not builder.applied.smooth:  # the same until the next stop
            lets: list[Any] = []
            for name, value in builder.applied.values(Name(self.own["t"]), Name(self.own["next_stop"])).items():
                now = builder.quote.cast(value)
                lets += builder.quote.code("x = now if begins_anew > 0.0 else x", x=self.own[name], now=now)
            if not self.reuses_last_slope:
                lets += builder.quote.lane_code("begins_anew = 0.0")
            statements += self.scratch.loop(lets)
        if not self.reuses_last_slope:
            return builder.quote.nest("if any_anew", statements) if statements else []
        anew = [*builder.quote.code("first_stage = 0"), *statements, *self.flat.loop("x = was")]
        return [*builder.quote.code("first_stage = 1"), *builder.quote.nest("if any_anew", anew)]

    def _choose(self, branches: list[list[Statement]]) -> list[Statement]:
        """What each stage does, by its number."""
        chosen: list[Statement] = []
        for j in range(len(branches) - 1, -1, -1):
            if branches[j]:
                chosen = self.builder.quote.nest("if stage == j", branches[j], chosen, j=Number(j))
        return chosen

    def _current(self) -> list[Statement]:
        """Set i_app to a smooth current at the time of the stage."""
        if not self.builder.applied.smooth:
            return []
        t_at = Symbol("t_at")
        lets = self.builder.quote.code(
            "t_at = t + np.float64(c[stage]) * np.float64(h)",
            t_at=t_at,
            c=self.builder.table("c_table", self.tableau.c),
        )
        return self.scratch.loop([*lets, *self.builder.applied.set_to(Name(t_at))])

    def _finish(self, j: int) -> list[Statement]:
        """Go to the states of the stage after j."""
        if j == 0 and self.reuses_last_slope:
            return self.scratch.loop(self._finish_known())
        if self.linear is None:
            return self.scratch.loop(self._ahead(j))
        lines, names = ["w = y"], dict[str, Any](w=self.flat.increments[j])
        if j + 1 < self.tableau.stages:
            lines.append("x = was + total")
            names["total"] = self._sum(self.tableau.A[j], self.flat.increments)
        return self.flat.loop("\n".join(lines), **names)

    def _ahead(self, j: int) -> list[Any]:
        """The states of the stage after j, and what the error is so far."""
        lets = self._moved(self.tableau.A[j]) if j + 1 < self.tableau.stages else []
        if j == self._last_but_one:
            for x, begun in self.begun.items():
                lets.append(Let(begun, self._sum(self.tableau.e[:-1], [w[x] for w in self.increments])))
        return lets

    def _finish_known(self) -> list[Any]:
        """The first slope is that of the step before, except in lanes that begin anew."""
        lets: list[Any] = []
        for x, symbol in self.builder.states.items():
            w, last = self.increments[0][x], self.increments[-1][x]
            lets += self.builder.quote.code("w = last if begins_anew > 0.0 else w", w=w, last=last)
            lets.append(Let(symbol, self._further(x, self.tableau.A[0])))
        return [*lets, *self.builder.quote.lane_code("begins_anew = 0.0")]

    @property
    def _last_but_one(self) -> int:
        """The stage whose loop reads all increments but the last, and so begins the sum of the error; -1: none does."""
        return self.tableau.stages - 2 if self.reuses_last_slope else -1

    def _right_side(self, j: int) -> list[Statement]:
        """The right side of the linear system of stage j."""
        if j == 0:
            statements = self.flat.loop("y = f")
        else:
            statements = self.flat.loop(
                "y = f + total / h_of", total=self._sum(self.tableau.C[j], self.flat.increments)
            )
        if self.builder.applied.smooth and self.tableau.d[j] != 0.0:
            assert self.linear is not None
            statements += self.linear.push(self.tableau.d[j])
        return statements

    def tolerances(self) -> list[Statement]:
        """The tolerances of the call, in the type of the lanes."""
        quote = self.builder.quote
        absolute = [quote.value("atol[k]", k=Number(k)) for k in range(len(self.absolute))]
        of_call = zip((self.relative, *self.absolute.values()), (quote.value("rtol"), *absolute), strict=True)
        return [Let(symbol, quote.cast(value)) for symbol, value in of_call]

    # --- after the trial ---
    def estimate(self) -> list[Any]:
        """The estimated error of every state, relative to its tolerance; of explicit methods, per ms: of one lane."""
        lets: list[Any] = []
        for x, error in self.errors.items():
            w = [family[x] for family in self.increments]
            total = self._sum(self.tableau.e, w)
            if self._last_but_one >= 0:
                weight = self.builder.quote.number(self.tableau.e[-1])
                total = self.builder.quote.value("e + weight * w", weight=weight, w=w[-1], e=self.begun[x])
            lets += self.builder.quote.lane_code(
                "error = total * reciprocal_rough(absolute + relative * (abs(x) if abs(x) > abs(was) else abs(was)))",
                error=error, total=total, absolute=self.absolute[x], relative=self.relative,
                x=self.builder.states[x], was=self.was[x],
            )  # fmt: skip
        return lets
