"""Adaptive kernels: every lane has its own time and step, and takes a new cell when its own is done.

All lanes attempt a step at once; where the estimated error is too large the lane keeps its old state, so no lane
waits for another, and none influences another. What happens rarely (a cell ends or begins, a stimulus edge, a spike,
a sample) is done lane by lane, in scalar loops. A lane stops exactly at the edges of its stimulus and of the
recorders' windows; spikes and samples come from the method's dense output and change no step.
"""

from __future__ import annotations

from hhfast.kernel.attempt import Attempt
from hhfast.kernel.draft import Draft, split
from hhfast.kernel.recording import Part
from hhfast.kernel.rows import Woven, indent
from hhfast.kernel.spec import ACTIONS, DIVERGED, EDGE
from hhfast.kernel.tableaux import Tableau

_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0  # the proposed step, relative to the one that would just do; its limits
_LEAST = 1e-10  # square of the smallest relative error that is told from zero


class Adaptive:
    """The text of a kernel with an adaptive integrator."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.rows = draft, draft.rows
        tableau = draft.spec.integrator.tableau
        assert tableau is not None
        self.tableau: Tableau = tableau
        self.rows.add_extra("t_", "t_end_", "until_", "step_", "tries_", "taken_", "due_", "failed_")
        self.rows.add("dt_", "ok_", "error_", "before_", "again_")
        self.attempt = Attempt(draft, tableau)
        draft.declare_recording()
        self.parts = [(r, part) for r, (part, _) in enumerate(draft.spec.parts)]
        self.rows.add_extra(*(f"on_{r}_" for r, _ in self.parts), *(f"next_{r}_" for r, p in self.parts if p.samples))

    # --- a step ---
    def _size(self) -> list[str]:
        """The size of the step to attempt: as proposed, but up to the next stop and not over it."""
        return [
            "room_ = until_ - t_",
            "step_ = step_ if step_ < dt_max_ else dt_max_",
            # A last step of nearly the proposed size is stretched; two steps to go are taken alike.
            "size_ = room_ if 1.01 * step_ >= room_ else (0.5 * room_ if 2.0 * step_ > room_ else step_)",
            f"h_ = {self.draft.cast('size_')}",
            "t_end_ = until_ if size_ == room_ else t_ + np.float64(h_)",
        ]

    def _error(self) -> list[str]:
        """The mean square of the estimated errors, each relative to its tolerance."""
        size = "({atol} + relative_ * (abs({x}) if abs({x}) > abs({was}) else abs({was})))"
        total = " + ".join(f"e_{x}_ * e_{x}_" for x in self.draft.system.states)
        error = f"error_ = {self._number(1.0 / len(self.draft.system.states))} * ({total})"
        return [*self.attempt.alike(f"{{e}} = {self.attempt.total(self.tableau.error)} / {size}"),
                *self.rows.loop([error])]

    def _control(self) -> list[str]:
        """Whether the step is taken, and what to try next (a PI controller: Gustafsson 1991, ACM TOMS 17:533-554)."""
        k = 2.0 * self.tableau.estimate  # the exponents are of the error, not its square
        lines = self.draft.literals([
            "e_ = error_ if error_ < 10000000000.0 else 10000000000.0",  # NaN, too
            "e_ = e_ if e_ > least_ else least_".replace("least_", self._number(_LEAST)),
            "ok_ = 1.0 if (e_ <= 1.0) & (h_ > 0.0) else 0.0",
            "log_ = log(e_)",
            f"power_ = {0.4 / k!r} * before_ - {0.7 / k!r} * log_ if ok_ > 0.0 else -{1.0 / k!r} * log_",
            f"change_ = {_SAFETY} * exp(power_)",
            f"change_ = change_ if change_ > {_SLOWEST} else {_SLOWEST}",
            f"change_ = change_ if change_ < {_FASTEST} else {_FASTEST}",
            "change_ = 1.0 if (again_ > 0.0) & (change_ > 1.0) else change_",
            "before_ = log_ if ok_ > 0.0 else before_",
            "again_ = 1.0 - ok_",
            "dt_ = h_ if ok_ > 0.0 else 0.0",
            "proposed_ = np.float64(h_ * change_)",
            # A step cut short by a stop says nothing against the one proposed before.
            "step_ = proposed_ if (ok_ <= 0.0) | (proposed_ > step_) | (np.float64(h_) >= step_) else step_",
        ])
        return [
            *lines,
            "t_end_ = t_end_ if ok_ > 0.0 else t_",
            "tries_ = tries_ + (1.0 if h_ > 0.0 else 0.0)",
            "taken_ = taken_ + np.float64(ok_)",
            "small_ = (ok_ <= 0.0) & (np.float64(h_) <= dt_min_) & (h_ > 0.0)",
            "failed_ = 1.0 if small_ | ((tries_ >= max_steps_) & (t_end_ < t_stop_)) else 0.0",
        ]

    def _commit(self) -> list[str]:
        """Keep the new states where the step is taken, else the old ones."""
        return [*self.attempt.repeat("ok_"), *self.attempt.alike("{x} = {x} if {each} > 0.0 else {was}")]

    def _after_step(self) -> list[str]:
        """Detectors and recorders, after what they ask of the step; one not taken is a step of no length."""
        lines, draft, dense = [], self.draft, self.tableau.dense
        if draft.steps_use("V_step_"):
            mean = [sum(c / (p + 2) for p, c in enumerate(row)) for row in dense]
            lines.append(f"V_step_ = V_was_ + {self.attempt.total(mean, 'V')} if ok_ > 0.0 else V")
        if draft.steps_use("V_high_"):
            begin = self.attempt.total([row[0] for row in dense], "V")
            end = self.attempt.total([sum((p + 1) * c for p, c in enumerate(row)) for row in dense], "V")
            lines += [  # the extremum of the cubic with the values and slopes of the ends
                f"d0_ = {begin}",
                f"d1_ = {end}",
                "cubic_ = d0_ + d1_ - 2.0 * (V - V_was_)",
                "square_ = V - V_was_ - d0_ - cubic_",
                "root_ = square_ * square_ - 3.0 * cubic_ * d0_",
                "root_ = sqrt(root_ if root_ > 0.0 else 0.0)",
                "at_ = d0_ / ((root_ if d0_ > 0.0 else -root_) - square_)",
                "turn_ = V_was_ + at_ * (d0_ + at_ * (square_ + at_ * cubic_))",
                "turn_ = turn_ if (d0_ * d1_ < 0.0) & (ok_ > 0.0) else V",
                "V_high_ = turn_ if turn_ > V else V",
                "V_low_ = turn_ if turn_ < V else V",
            ]
        lines = draft.literals(lines) + draft.after_step()
        lines += [f"far_{r}_ = far_{r}_ | ((next_{r}_ <= t_end_) & (ok_ > 0.0))" for r, p in self.parts if p.samples]
        return lines

    def _advance(self) -> list[str]:
        """Go to the end of the step; a lane that stands at a stop, or gives up, is due."""
        lines = [
            "t_ = t_end_",
            f"failed_ = 1.0 if (failed_ > 0.0) | (abs(V) > {self._number(DIVERGED)}) else 0.0",
            "due_ = 1.0 if ((t_ >= until_) | (failed_ > 0.0)) & (h_ > 0.0) else 0.0",  # an idle lane never is
            "any_due_ = any_due_ | (due_ > 0.0)",
            f"fresh_ = {self._number(0.0)}",
        ]
        text = self.rows.loop(lines)
        if self.tableau.first_same_as_last:
            text += self.attempt.alike(f"{{w0}} = {{w{self.tableau.stages - 1}}} if {{each}} > 0.0 else {{w0}}")
        return text

    def _number(self, value: float) -> str:
        return self.draft.printer.number(value)

    # --- rare events, lane by lane ---
    def _spikes(self) -> list[str]:
        """Find the time of a spike on the dense output, and tell the recorders."""
        lines = []
        for d in self.draft.detectors:
            degree = len(self.tableau.dense[0])
            curve = [f"curve{p + 1}_ = {self.attempt.total([row[p] for row in self.tableau.dense], 'V')}"
                     for p in range(degree)]
            curve += [f"curve{p + 1}_ = 0.0" for p in range(degree, 4)]
            where = f"polynomial_crossing_(V_was_, curve1_, curve2_, curve3_, curve4_, levels_[{d}, 0])"
            time = f"t_spike_ = t_ + np.float64(dt_) * {where}"
            timed = [*curve, time] if d in self.draft.timed else []
            body = self.rows.framed(["lane_ = cell_[i_]", *timed, *self.draft.told(d, "on_{r}_ > 0.0")])
            lines += [f"if hit_{d}_:", "    for i_ in range(W_):",
                      f"        if {self.rows.place(f'spike_{d}_')} > 0.0:", *indent(body, 3)]
        return lines

    def _samples(self, r: int, part: Part) -> list[str]:
        """Fill the samples of one recorder that the step has passed, from the dense output."""
        scale = "" if self.attempt.implicit else "h_ * "
        powers = [f"({' + at_ * ('.join(map(self._number, row))}{')' * len(row)}" for row in self.tableau.dense]
        lines = ["at_ = " + self.draft.cast("(next_ - t_) / (t_end_ - t_)")]
        lines += [f"g{j}_ = at_ * {power}" for j, power in enumerate(powers)]
        for x in self.draft.system.states:
            total = " + ".join(f"g{j}_ * w{j}_{x}_" for j in range(self.tableau.stages))
            lines.append(f"{x} = {x}_was_ + {scale}({total})")
        if "i_app" in part.samples and self.draft.smooth:
            lines.append(f"i_app = {self.draft.cast(self.draft.current('next_'))}")
        lines += self.draft.sampled(part)
        lines += [f"trace_{r}_[{k}, cell_[i_], sample_{r}_[i_]] = {name}" for k, name in enumerate(part.samples)]
        next_, end = self.rows.place(f"next_{r}_"), self.rows.place("t_end_")
        inner = [
            f"next_ = {next_}",
            *self.rows.framed(lines, keep=False),
            f"sample_{r}_[i_] = sample_{r}_[i_] + 1",
            f"{next_} = times_{r}_[sample_{r}_[i_]] if sample_{r}_[i_] < len(times_{r}_) else np.inf",
        ]
        # At a stop the sample is taken after it, when the current has its new value; but there is nothing after t_stop.
        passed = f"{next_} < {end} or ({next_} <= {end} and {end} >= t_stop_)"
        return [f"if far_{r}_:", f"    far_{r}_ = False", "    for i_ in range(W_):",
                f"        while {self.rows.place('ok_')} > 0.0 and ({passed}):", *indent(inner, 3)]

    def _due(self) -> list[str]:
        """What happens at a stop: recorders begin and end, the current jumps, the cell ends and the next begins."""
        begins = self._begin()
        lines = [
            "lane_ = cell_[i_]",
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
        zero, one = self._number(0.0), self._number(1.0)
        restart = ["fresh_ = " + one, "step_ = step_ if step_ < dt_first_ else dt_first_",
                   "before_ = " + zero, "again_ = " + zero]
        lines += [f"if act_ & {EDGE}:", "    anew_ = True", *indent(self.rows.framed(restart))]
        until = self.rows.place("until_")
        lines += [
            f"if {self.rows.place('failed_')} > 0.0 or node_[i_] == len(t_node_):",
            *indent(self._end()),
            "else:",
            f"    {until} = t_node_[node_[i_]]",
            "    if edge_[i_] < edges_.shape[1]:",
            f"        {until} = min({until}, edges_[min(lane_, edges_.shape[0] - 1), edge_[i_]])",
            *(f"    {until} = min({until}, {self.rows.place(self.draft.until(k))})" for k in self.draft.pointed),
        ]
        due = self.rows.place("due_")
        return [f"while {due} > 0.0:", f"    {due} = 0.0", *indent(lines)]

    def _begin(self) -> list[str]:
        """Put the next cell in the lane, or leave it idle: its steps then have no length."""
        samples = [r for r, part in self.parts if part.samples]
        idle = [f"{self.rows.place('step_')} = 0.0", f"{self.rows.place('until_')} = np.inf"]
        idle += [f"{self.rows.place(f'next_{r}_')} = np.inf" for r in samples]
        constants = self.draft.printer.lines(self.draft.constants.of_lanes)
        zero = self._number(0.0)
        start = ["t_ = 0.0", "t_end_ = 0.0", "step_ = dt_first_", "tries_ = 0.0", "taken_ = 0.0", "failed_ = 0.0"]
        start += [f"on_{r}_ = 0.0" for r, _ in self.parts] + [f"next_{r}_ = times_{r}_[0]" for r in samples]
        start += [f"atol_{x}_ = {self.draft.cast(f'atol_[{k}]')}" for k, x in enumerate(self.draft.system.states)]
        start += [f"before_ = {zero}", f"again_ = {zero}", f"fresh_ = {self._number(1.0)}"]
        return [
            "if next_cell_ == last_:", *indent([*idle, "break"]),
            "lane_ = next_cell_",
            "cell_[i_] = lane_",
            "next_cell_ = next_cell_ + 1",
            "running_ = running_ + 1",
            *self.draft.load(),
            *self.rows.framed(constants), *self.rows.framed(self.draft.armed()), *self.rows.framed(start),
            *self.rows.framed(self.draft.begun()),
            "node_[i_] = 0", "edge_[i_] = 0", "anew_ = True",
            *(f"sample_{r}_[i_] = 0" for r in samples),
        ]

    def _arrive(self) -> list[str]:
        """Find what is to be done at the time that the lane has reached."""
        t, row = self.rows.place("t_"), "min(lane_, edges_.shape[0] - 1)"
        return [
            f"while node_[i_] < len(t_node_) and t_node_[node_[i_]] <= {t}:",
            "    act_ = act_ | action_[node_[i_]]",
            "    node_[i_] = node_[i_] + 1",
            f"while edge_[i_] < edges_.shape[1] and edges_[{row}, edge_[i_]] <= {t}:",
            f"    act_ = act_ | {EDGE}",
            "    edge_[i_] = edge_[i_] + 1",
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
            "cell_[i_] = -1",
            "running_ = running_ - 1",
            f"{self.rows.place('due_')} = 1.0",
        ]

    # --- the whole ---
    def source(self) -> str:
        """The whole module."""
        draft = self.draft
        samples = [(r, part) for r, part in self.parts if part.samples]
        step = [*self.rows.loop(self._size()), *self.attempt.lines(), "anew_ = False",
                *self._error(), *self.rows.loops(self._control(), Woven()), *self._commit()]
        step += [f"hit_{d}_ = False" for d in draft.detectors] + [f"far_{r}_ = False" for r, _ in samples]
        step += self.rows.loops(self._after_step(), Woven()) if self._after_step() else []
        step += self._spikes()
        step += [line for r, part in samples for line in self._samples(r, part)]
        step += self._advance()
        arrays = ["node_", "edge_", *(f"sample_{r}_" for r, _ in samples)]
        body = [
            "s_[:] = 0.0",
            "q_[:] = 0.0",
            f"relative_ = {draft.cast('rtol_')}",
            "t_stop_ = t_node_[len(t_node_) - 1]",
            "cell_ = np.full(W_, -1)",
            *(f"{name} = np.zeros(W_, np.int64)" for name in arrays),
            "next_cell_ = first_",
            "running_ = 0",
            "count_ = 0",
            "anew_ = True",
            "any_due_ = True",
            "for i_ in range(W_):",
            f"    {self.rows.place('due_')} = 1.0",
            "while True:",
            *indent([
                "if any_due_:",
                "    any_due_ = False",
                "    for i_ in range(W_):",
                *indent(self._due(), 2),
                "    if running_ == 0:",
                "        return",
                "count_ = count_ + 1",
                "if count_ & 63 == 0 and stop_[0] != 0:",
                "    return",
                *step,
            ]),
        ]
        return draft.module(self.attempt.tables, body)
