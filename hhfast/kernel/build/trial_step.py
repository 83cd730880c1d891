"""One attempted step of an adaptive method, as text: from the states X to new ones, with the increments of all stages.

The values of a state x before the step are x_was_, its slope f_x_, its increments w0_x_, w1_x_ ... The rates stand in
the text once, inside a loop over the stages, because it is they that take time to compile. What is done alike to all
states is one flat loop over their rows, which lie one after another; what a lane has for all of them (the size of
its step) is repeated, for each state, in the rows each_x_: so all that such a loop touches lies at constant
distances, and it vectorises.
"""

from __future__ import annotations

from collections.abc import Iterable

from hhfast.kernel.build.parts_of_kernel import Draft
from hhfast.kernel.build.scratch import Woven, indent
from hhfast.kernel.equations.jacobian import Jacobian, place
from hhfast.parts.tableaux import Tableau


class Attempt:
    """The text of one attempted step, of size h_ in each lane, beginning at t_."""

    def __init__(self, draft: Draft, tableau: Tableau) -> None:
        self.draft, self.tableau = draft, tableau
        self.rows, self.states = draft.rows, draft.system.states
        self.implicit = tableau.gamma > 0.0
        self.rows.add("h_", "fresh_")
        increments = (f"w{j}_{{}}_" for j in range(tableau.stages))
        for family in ("f_{}_", "{}_was_", "each_{}_", "e_{}_", "atol_{}_", *increments):
            self.rows.add(*(family.format(x) for x in self.states))
        self.tables = {"at_table_": tableau.at} if draft.smooth else {}
        if self.implicit:
            self.jacobian = Jacobian(draft.system)
            self.rows.add(*(f"y_{x}_" for x in self.states), *self.jacobian.rows)
            if draft.smooth:
                self.rows.add("push_")

    def all(self, family: str) -> str:
        """The element p_ of the rows of all states, of a family such as `f_{}_`."""
        return f"s_[{family.format(self.states[0])}_row_ + p_]"

    def alike(self, *lines: str) -> list[str]:
        """A loop over all states and lanes of lines of the names in braces: {x} a state, {f} its slope, {each} ..."""
        names = {"f": "f_{}_", "was": "{}_was_", "each": "each_{}_", "y": "y_{}_", "e": "e_{}_", "atol": "atol_{}_"}
        names |= {f"w{j}": f"w{j}_{{}}_" for j in range(self.tableau.stages)}
        places = {name: self.all(family) for name, family in names.items()}
        text = [line.format(x=self.all("{}"), **places) for line in self.draft.literals(lines)]
        return [f"for p_ in range({len(self.states)} * W_):", *indent(text)]

    def repeat(self, name: str) -> list[str]:
        """Let each_x_ of every state be what the lane has under the name."""
        return self.rows.loop([f"each_{x}_ = {name}" for x in self.states])

    def total(self, weights: Iterable[float], x: str | None = None) -> str:
        """The weighted sum of the increments of the stages: of one state by name, or of all."""
        number = self.draft.printer.number
        name = "{{w{}}}" if x is None else f"w{{}}_{x}_"
        terms = [f"{number(w)} * {name.format(j)}" for j, w in enumerate(weights) if w != 0.0]
        scale = "" if self.implicit else "{each} * " if x is None else "h_ * "
        return f"{scale}({' + '.join(terms)})"

    def loops(self, lines: Iterable[str]) -> list[str]:
        """Loops over the lanes, of lines with plain numbers."""
        return self.rows.loops(self.draft.literals(lines), Woven())

    # --- the attempt ---
    def lines(self) -> list[str]:
        """The whole attempt."""
        lines = [*self.repeat("h_"), *self.alike("{was} = {x}")]
        if self.draft.spec.kinds and not self.draft.smooth:
            now = self.draft.cast(self.draft.current("t_", end="until_"))  # the same until the next stop
            lines += ["if anew_:", *indent(self.rows.loop([f"i_app = {now} if fresh_ > 0.0 else i_app"]))]
        lines += self._linearised() if self.implicit else []
        stages = range(self.tableau.stages)
        rates = self._current() + self.rows.loops(self.draft.rates(self.states), Woven())
        if self.tableau.first_same_as_last:
            rates = ["if stage_ > 0 or anew_:", *indent(rates)]
        if self.implicit:
            rates += self._choose(self._right_side(j) for j in stages)
            rates += self.loops(self.jacobian.solved)
        lines += [f"for stage_ in range({self.tableau.stages}):", *indent(rates)]
        lines += indent(self._choose(self._finish(j) for j in stages))
        if not self.tableau.first_same_as_last:
            lines += self.alike(f"{{x}} = {{was}} + {self.total(self.tableau.b)}")
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
        new = "{y}" if self.implicit else "{f}"
        lines = [f"{{w{j}}} = {new}"]
        if j + 1 < self.tableau.stages:
            lines.append(f"{{x}} = {{was}} + {self.total(self.tableau.a[j])}")
        if j == 0 and self.tableau.first_same_as_last:
            # The slope is known from the end of the step before, except after a jump.
            known = self.rows.loop([f"f_{x}_ = f_{x}_ if fresh_ > 0.0 else w0_{x}_" for x in self.states])
            return [*known, *self.alike(*lines)]
        return self.alike(*lines)

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
        sum_ = f" + {self.total(self.tableau.coupling[j])} / {{each}}" if j else ""
        lines = self.alike(f"{{y}} = {{f}}{sum_}")
        if self.draft.smooth and self.tableau.slope[j] != 0.0:
            lines += self.loops([f"y_V_ = y_V_ + {self.tableau.slope[j]} * push_"])
        return lines
