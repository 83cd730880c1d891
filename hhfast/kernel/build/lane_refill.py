"""What happens to a lane of an adaptive kernel at a stop, in scalar loops: recorders begin and end, the current jumps,
a cell ends, and the next takes its place.
"""

from __future__ import annotations

from hhfast.kernel.build.parts_of_kernel import Draft, split
from hhfast.kernel.build.scratch import indent
from hhfast.kernel.spec import ACTIONS, DIVERGED, EDGE


class Turnover:
    """The text for a lane i_ that is due: at a stop, given up, or without a cell."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.rows = draft, draft.rows
        self.parts = [(r, part) for r, (part, _) in enumerate(draft.spec.parts)]
        self.cell, self.node, self.edge = map(self.rows.place, ("cell_", "node_", "edge_"))

    def lines(self) -> list[str]:
        """The whole; a lane whose cell ends is due again, for the next."""
        begins = self._begin()
        lines = [
            f"lane_ = {self.cell}",
            "if lane_ < 0:",
            *indent(begins),
            "act_ = 0",
            f"if {self.rows.place('failed_')} > 0.0:",
            f"    act_ = {sum(1 << (ACTIONS * r + 1) for r, _ in self.parts)}",
            "else:",
            *indent(self._arrive()),
        ]
        for r, part in self.parts:
            begin, end = (1 << (ACTIONS * r + k) for k in range(2))
            on = self.rows.place(f"on_{r}_")
            if part.end:
                text = self.rows.framed(split(part.end, r=r))
                lines += [f"if act_ & {end} and {on} > 0.0:", *indent([f"{on} = 0.0", *text])]
            if part.begin:
                text = self.rows.framed(self.draft.literals(split(part.begin, r=r)))
                lines += [f"if act_ & {begin}:", *indent([f"{on} = 1.0", *text])]
        zero, one = self.draft.printer.number(0.0), self.draft.printer.number(1.0)
        restart = ["fresh_ = " + one, "step_ = step_ if step_ < dt_first_ else dt_first_",
                   "before_ = " + zero, "again_ = " + zero]
        lines += [f"if act_ & {EDGE}:", "    anew_ = True", *indent(self.rows.framed(restart))]
        until = self.rows.place("until_")
        lines += [
            f"if {self.rows.place('failed_')} > 0.0 or {self.node} == len(t_node_):",
            *indent(self._end()),
            "else:",
            f"    {until} = t_node_[{self.node}]",
            f"    if {self.edge} < edges_.shape[1]:",
            f"        {until} = min({until}, edges_[min(lane_, edges_.shape[0] - 1), {self.edge}])",
            *(f"    {until} = min({until}, {self.rows.place(self.draft.until(k))})" for k in self.draft.pointed),
        ]
        due = self.rows.place("due_")
        return [f"while {due} > 0.0:", f"    {due} = 0.0", *indent(lines)]

    def _begin(self) -> list[str]:
        """Put the next cell in the lane, or leave it idle: its steps then have no length."""
        samples = [r for r, part in self.parts if part.samples]
        idle = [f"{self.rows.place('step_')} = 0.0", f"{self.rows.place('until_')} = np.inf"]
        idle += [f"{self.rows.place(f'next_{r}_')} = np.inf" for r in samples]
        constants = self.draft.constant(self.draft.constants.of_lanes)
        zero = self.draft.printer.number(0.0)
        start = ["t_ = 0.0", "t_end_ = 0.0", "step_ = dt_first_", "tries_ = 0.0", "taken_ = 0.0", "failed_ = 0.0"]
        start += [f"on_{r}_ = 0.0" for r, _ in self.parts] + [f"next_{r}_ = times_{r}_[0]" for r in samples]
        start += [f"atol_{x}_ = {self.draft.cast(f'atol_[{k}]')}" for k, x in enumerate(self.draft.system.states)]
        start += [f"before_ = {zero}", f"again_ = {zero}", f"fresh_ = {self.draft.printer.number(1.0)}"]
        return [
            "if next_cell_ == last_:", *indent([*idle, "break"]),
            "lane_ = next_cell_",
            f"{self.cell} = lane_",
            "next_cell_ = next_cell_ + 1",
            "running_ = running_ + 1",
            *self.draft.load(),
            *self.rows.framed(constants), *self.rows.framed(self.draft.armed()), *self.rows.framed(start),
            *self.rows.framed(self.draft.begun()),
            f"{self.node} = 0", f"{self.edge} = 0", "anew_ = True",
            *(f"{self.rows.place(f'sample_{r}_')} = 0" for r in samples),
        ]

    def _arrive(self) -> list[str]:
        """Find what is to be done at the time that the lane has reached."""
        t, row = self.rows.place("t_"), "min(lane_, edges_.shape[0] - 1)"
        return [
            f"while {self.node} < len(t_node_) and t_node_[{self.node}] <= {t}:",
            f"    act_ = act_ | action_[{self.node}]",
            f"    {self.node} = {self.node} + 1",
            f"while {self.edge} < edges_.shape[1] and edges_[{row}, {self.edge}] <= {t}:",
            f"    act_ = act_ | {EDGE}",
            f"    {self.edge} = {self.edge} + 1",
            *(line for k in self.draft.pointed for line in self._onward(k)),
        ]

    def _onward(self, k: int) -> list[str]:
        """Lead a stimulus past the points that the lane has reached; after a jump the step starts anew."""
        t, until = self.rows.place("t_"), self.rows.place(self.draft.until(k))
        current = self.draft.of_stimulus(k, "level + slope * (t - since)")
        lines = [f"was_ = {current}", *self.draft.onward(k), f"jump_ = abs({current} - was_) > 1e-09 * abs(was_)"]
        lines = self.rows.framed(lines if self.draft.pointed[k].jumps else self.draft.onward(k))
        lines += ["if jump_:", f"    act_ = act_ | {EDGE}"] if self.draft.pointed[k].jumps else []
        return [f"while {until} <= {t} + 1e-15 * {t}:", *indent(lines)]

    def _end(self) -> list[str]:
        """Hand the cell back, and ask for the next."""
        error, V = self.rows.place("error_"), self.rows.place("V")
        return [
            f"if {self.rows.place('failed_')} > 0.0:",
            f"    status_[lane_] = 1 if {error} - {error} != 0.0 else 3",
            f"if {self.draft.not_finite} != 0.0 or abs({V}) > {DIVERGED}:",
            "    status_[lane_] = 1",
            *self.draft.store("lane_"),
            f"n_steps_[lane_] = np.int64({self.rows.place('taken_')})",
            f"n_rejected_[lane_] = np.int64({self.rows.place('tries_')} - {self.rows.place('taken_')})",
            f"{self.cell} = -1",
            "running_ = running_ - 1",
            f"{self.rows.place('due_')} = 1.0",
        ]
