"""A trial step of an adaptive method: from the states X to new ones, with the increments of all stages.

Kept of a state x are its value before the step, its slope f, and the increments w of the stages. What is done alike to all
states is one flat loop over their rows, which lie one after another; what a lane has for all of them (the size of
its step) is repeated for each state: so all that such a loop touches lies at constant distances, and it vectorises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.rosenbrock import LinearSystem
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, LaneLoop, Let, Name, Number, Statement, Symbol
from hhfast.parts.tableaux import Tableau

Family = dict[str, Symbol]  # state -> symbol; their rows lie one after another


class TrialStep:
    """Builds a trial step of size h in each lane, beginning at t."""

    def __init__(self, builder: Builder, tableau: Tableau) -> None:
        self.builder, self.tableau, self.scratch, self.own = builder, tableau, builder.scratch, builder.own
        self.scratch.add("lane", self.own["h"], self.own["begins_anew"])
        self.own.setdefault("stage", Symbol("stage"))
        self.flat = Symbol("p")  # the number of an element in flat loops
        self.slopes = self._family("f", {x: rates.f for x, rates in builder.rates_of.items()})
        self.was = self._family("was", {x: self.own["V_was"] if s.is_membrane else Symbol(f"{x}_was")
                                        for x, s in builder.states.items()})
        self.each, self.errors, atol = (self._family(name) for name in ("h_of", "e", "atol"))
        self.atol, self.tolerances = atol, list(atol.values())
        self.increments = [self._family(f"w{j}") for j in range(tableau.stages)]
        self.linear = LinearSystem(builder, tableau.gamma) if tableau.gamma > 0.0 else None

    def _family(self, name: str, symbols: Family | None = None) -> Family:
        family = symbols or {x: Symbol(f"{name}_{x}") for x in self.builder.states}
        self.scratch.add("lane", *family.values())
        return family

    # --- what is done alike to all states ---
    def _names(self) -> dict[str, Any]:
        families = {"x": self.builder.states, "f": self.slopes, "was": self.was, "h_of": self.each, "e": self.errors,
                    "atol": self.atol}
        if self.linear is not None:
            families["y"] = self.linear.unknowns
        return {name: self._element(family) for name, family in families.items()}

    def _element(self, family: Family) -> Expression:
        return self.scratch.element(next(iter(family.values())), Name(self.flat))

    def _alike(self, text: str, **names: Any) -> list[Statement]:
        """A loop over all states and lanes, of statements about x, its slope f, its value `was` before the step ..."""
        body = self.builder.lane_code(text, **self._names(), **names)
        count = self.builder.value("n * W", n=Number(len(self.builder.states)))
        return [LaneLoop(self.flat, count, tuple(body))]

    def _repeat(self, symbol: Symbol) -> list[Statement]:
        """Let what a lane has be there for every state."""
        return self.scratch.loop([Let(each, Name(symbol)) for each in self.each.values()])

    def _sum(self, weights: Iterable[float], elements: Sequence[Expression]) -> Expression:
        """The weighted sum of the increments of the stages."""
        terms = [self.builder.value("weight * w", weight=self.builder.number(weight), w=w)
                 for weight, w in zip(weights, elements, strict=False) if weight != 0.0]
        total = terms[0]
        for term in terms[1:]:
            total = nodes.Binary("+", total, term)
        return total

    def _total(self, weights: Iterable[float]) -> Expression:
        """The weighted sum of increments, of the state of a flat loop: in the unit of the state."""
        total = self._sum(weights, [self._element(w) for w in self.increments])
        return total if self.linear else self.builder.value("h_of * total", total=total, h_of=self._element(self.each))

    def total(self, weights: Iterable[float], x: Symbol) -> Expression:
        """The weighted sum of the increments of one state, in its unit."""
        return self.scaled(self._sum(weights, [Name(w[x.name]) for w in self.increments]))

    def scaled(self, total: Expression) -> Expression:
        """A sum of increments in the unit of the state: those of explicit methods are slopes."""
        return total if self.linear else self.builder.value("h * total", total=total)

    # --- the trial ---
    def statements(self) -> list[Statement]:
        """The whole trial step."""
        builder, nest = self.builder, self.builder.nest
        statements = [*self._repeat(self.own["h"]), *self._alike("was = x")]
        if builder.spec.kinds and not builder.smooth:  # the same until the next stop
            now = builder.cast(builder.current(Name(self.own["t"]), Name(self.own["next_stop"])))
            update = builder.code("i_app = now if begins_anew > 0.0 else i_app", now=now)
            statements += nest("if any_anew", self.scratch.loop(update))
        if self.linear is not None:
            statements += self.linear.factorise()
        rates = [*self._current(), *self.scratch.loops(builder.rates(builder.states))]
        if self.tableau.first_same_as_last:
            rates = nest("if stage > 0 or any_anew", rates)
        stages = range(self.tableau.stages)
        if self.linear is not None:
            rates += self._choose([self._right_side(j) for j in stages])
            rates += self.linear.solve()
        rates += self._choose([self._finish(j) for j in stages])
        statements += nest("for stage in range(n)", rates, n=Number(self.tableau.stages))
        if not self.tableau.first_same_as_last:
            statements += self._alike("x = was + total", total=self._total(self.tableau.b))
        return statements

    def _choose(self, branches: list[list[Statement]]) -> list[Statement]:
        """What each stage does, by its number."""
        chosen: list[Statement] = []
        for j in range(len(branches) - 1, -1, -1):
            chosen = self.builder.nest("if stage == j", branches[j], chosen, j=Number(j))
        return chosen

    def _current(self) -> list[Statement]:
        """Set i_app to a smooth current at the time of the stage."""
        if not self.builder.smooth:
            return []
        t_at = Symbol("t_at")
        lets = self.builder.code("t_at = t + np.float64(c[stage]) * np.float64(h)", t_at=t_at,
                                 c=self.builder.table("c_table", self.tableau.c))
        return self.scratch.loop([*lets, Let(self.own["i_app"], self.builder.cast(self.builder.current(Name(t_at))))])

    def _finish(self, j: int) -> list[Statement]:
        """Keep the increments of stage j, and go to the states of the next."""
        text = f"w = {'y' if self.linear else 'f'}"
        names: dict[str, Any] = {"w": self._element(self.increments[j])}
        if j + 1 < self.tableau.stages:
            text += "\nx = was + total"
            names["total"] = self._total(self.tableau.A[j])
        if j == 0 and self.tableau.first_same_as_last:
            # The slope is known from the end of the step before, except after a jump.
            known = [let for x, f in self.slopes.items() for let in self.builder.code(
                "f = f if begins_anew > 0.0 else w", f=f, w=self.increments[0][x])]
            return [*self.scratch.loop(known), *self._alike(text, **names)]
        return self._alike(text, **names)

    def _right_side(self, j: int) -> list[Statement]:
        """The right side of the linear system of stage j."""
        if j == 0:
            statements = self._alike("y = f")
        else:
            statements = self._alike("y = f + total / h_of", total=self._total(self.tableau.C[j]))
        if self.builder.smooth and self.tableau.d[j] != 0.0:
            assert self.linear is not None
            statements += self.linear.push(self.tableau.d[j])
        return statements

    # --- after the trial ---
    def estimate(self) -> list[Statement]:
        """The estimated error of every state, relative to its tolerance."""
        return self._alike("e = total / (atol + relative * (abs(x) if abs(x) > abs(was) else abs(was)))",
                           total=self._total(self.tableau.e))

    def commit(self) -> list[Statement]:
        """Keep the new states where the step is accepted, else the old ones."""
        return [*self._repeat(self.own["ok"]), *self._alike("x = x if h_of > 0.0 else was")]

    def hand_on(self) -> list[Statement]:
        """The last slope of an accepted step is the first of the next."""
        if not self.tableau.first_same_as_last:
            return []
        first, last = (self._element(self.increments[j]) for j in (0, -1))
        return self._alike("first = last if h_of > 0.0 else first", first=first, last=last)
