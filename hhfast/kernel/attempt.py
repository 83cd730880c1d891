"""One attempted step of an adaptive method, as text: from the states X to new ones, with the increments of all stages.

What all states have in common is a loop over their rows, which lie one after another: `states`, `was` (before the
step), `f` (slopes) and `w0`, `w1` ... (stages). Only the equations, and the linear systems of a Rosenbrock method,
are written out state by state. The rates stand in the text once, inside a loop over the stages: it is they that
take time to compile.
"""

from __future__ import annotations

from collections.abc import Iterable

from hhfast.kernel.draft import Draft
from hhfast.kernel.jacobian import Jacobian, place
from hhfast.kernel.rows import Woven, indent
from hhfast.kernel.tableaux import Tableau


class Attempt:
    """The text of one attempted step, of size h_ in each lane, beginning at t_."""

    def __init__(self, draft: Draft, tableau: Tableau) -> None:
        self.draft, self.tableau = draft, tableau
        self.rows, self.states = draft.rows, draft.system.states
        self.implicit = tableau.gamma > 0.0
        self.rows.add("h_", "fresh_")
        for family in ("f_{}_", "{}_was_", *(f"w{j}_{{}}_" for j in range(tableau.stages))):
            self.rows.add(*(family.format(x) for x in self.states))
        self.tables = {"at_table_": tableau.at} if draft.smooth else {}
        if self.implicit:
            self.jacobian = Jacobian(draft.system)
            self.rows.add(*(f"y_{x}_" for x in self.states), *self.jacobian.rows)
            if draft.smooth:
                self.rows.add("push_")

    # --- rows of all states ---
    def all(self, family: str) -> str:
        """The element p_ of the rows of all states, e.g. of the family `f_{}_`."""
        return f"s_[{family.format(self.states[0])}_row_ + p_]"

    def over_states(self, lines: Iterable[str]) -> list[str]:
        """A loop over all states and lanes; the lane is i_, the place among the rows of all states p_."""
        inner = ["p_ = k_ * W_ + i_", *self.draft.literals(lines)]
        return [f"for k_ in range({len(self.states)}):", "    for i_ in range(W_):", *indent(inner, 2)]

    def total(self, weights: Iterable[float], state: str | None = None) -> str:
        """The weighted sum of the stages, in the unit of the state: of all states, or by name of one."""
        family = "w{}_" + ("{{}}_" if state is None else f"{state}_")
        terms = [(w, self.all(family.format(j)) if state is None else family.format(j))
                 for j, w in enumerate(weights) if w != 0.0]
        text = " + ".join(f"{self.draft.printer.number(w)} * {name}" for w, name in terms) or "0.0"
        if self.implicit:
            return f"({text})"
        return f"{self.rows.place('h_') if state is None else 'h_'} * ({text})"

    # --- the attempt ---
    def lines(self) -> list[str]:
        """The whole attempt."""
        lines = [f"for p_ in range({len(self.states)} * W_):", f"    {self.all('{}_was_')} = {self.all('{}')}"]
        if self.draft.spec.kinds and not self.draft.smooth:
            lines += ["if anew_:", *indent(self.rows.loop([f"i_app = {self.draft.cast(self.draft.current('t_'))}"]))]
        lines += self._linearised() if self.implicit else []
        stages = range(self.tableau.stages)
        rates = self._current() + self.rows.loops(self.draft.rates(self.states), Woven())
        if self.tableau.first_same_as_last:
            rates = ["if stage_ > 0 or anew_:", *indent(rates)]
        if self.implicit:
            rates += self._choose(self._right_side(j) for j in stages)
            rates += self.rows.loops(self.draft.literals(self.jacobian.solved), Woven())
        lines += [f"for stage_ in range({self.tableau.stages}):", *indent(rates)]
        lines += indent(self._choose(self._finish(j) for j in stages))
        if not self.tableau.first_same_as_last:
            lines += self.over_states([f"{self.all('{}')} = {self.all('{}_was_')} + {self.total(self.tableau.b)}"])
        return lines

    @staticmethod
    def _choose(branches: Iterable[list[str]]) -> list[str]:
        """What each stage does, by its number."""
        lines: list[str] = []
        for j, branch in enumerate(branches):
            lines += [f"{'el' if j else ''}if stage_ == {j}:", *indent(branch)]
        return lines

    def _current(self) -> list[str]:
        """Set i_app to a smooth current at the time of the stage."""
        if not self.draft.smooth:
            return []
        now = ["t_at_ = t_ + np.float64(at_table_[stage_]) * np.float64(h_)"]
        return self.rows.loop([*now, f"i_app = {self.draft.cast(self.draft.current('t_at_'))}"])

    def _finish(self, j: int) -> list[str]:
        """Keep the increments of stage j, and go to the states of the next."""
        if self.implicit:
            new = self.all("y_{}_")
        elif j == 0:
            # Where the first stage is the last of the step before, it need only be computed after a jump.
            new = f"{self.all('f_{}_')} if {self.rows.place('fresh_')} > 0.0 else {self.all('w0_{}_')}"
            new = new if self.tableau.first_same_as_last else self.all("f_{}_")
        else:
            new = self.all("f_{}_")
        lines = [f"{self.all(f'w{j}_{{}}_')} = {new}"]
        if j + 1 < self.tableau.stages:
            lines.append(f"{self.all('{}')} = {self.all('{}_was_')} + {self.total(self.tableau.a[j])}")
        return self.over_states(lines)

    # --- Rosenbrock methods ---
    def _linearised(self) -> list[str]:
        """Factorise 1 / (gamma h) - J; and find how fast a smooth current drives V at the start of the step."""
        lines = self.draft.literals([f"diagonal_ = 1.0 / ({self.tableau.gamma} * h_)"])
        entries = self.draft.bindings({place(x, y): e for (x, y), e in self.jacobian.entries.items()})
        text = self.rows.loops(lines + entries + self.draft.literals(self.jacobian.factorised), Woven())
        if self.draft.smooth:
            # A one-sided difference, which never looks over the edge that the step begins at.
            currents = [f"t_{k}_ = t_ + {k}.0e-3 * np.float64(h_)" for k in range(3)]
            values = [f"i_{k}_ = {self.draft.current(f't_{k}_')}" for k in range(3)]
            slope = "(2.0 * i_1_ - 1.5 * i_0_ - 0.5 * i_2_) / 1.0e-3"
            lines = [*currents, *values, f"push_ = {self.draft.cast(slope)} / C_m"]  # times h: of one step
            text += self.rows.loop(lines)
        return text

    def _right_side(self, j: int) -> list[str]:
        """The right side of the linear system of stage j."""
        coupling = [*self.tableau.coupling[j], *[0.0] * (self.tableau.stages - j)]
        sum_ = f" + {self.total(coupling)} / {self.rows.place('h_')}" if j else ""
        lines = self.over_states([f"{self.all('y_{}_')} = {self.all('f_{}_')}{sum_}"])
        if self.draft.smooth and self.tableau.slope[j] != 0.0:
            driven = f"y_V_ = y_V_ + {self.tableau.slope[j]} * push_"
            lines += self.rows.loop(self.draft.literals([driven]))
        return lines
