"""Adaptive kernels: every lane has its own time and step, and takes a new cell when its own is done.

All lanes attempt a step at once; where the estimated error is too large the lane keeps its old state, so no lane
waits for another, and none influences another. What happens rarely (a cell ends or begins, a stimulus edge, a spike,
a sample) is done lane by lane, in scalar loops. A lane stops exactly at the edges of its stimulus and of the
recorders' windows; spikes and samples come from the method's dense output and change no step.
"""

from __future__ import annotations

from hhfast.kernel.build.lane_refill import Turnover
from hhfast.kernel.build.parts_of_kernel import Draft
from hhfast.kernel.build.scratch import Woven, indent
from hhfast.kernel.build.trial_step import Attempt
from hhfast.kernel.spec import DIVERGED
from hhfast.parts.recorder import Part
from hhfast.parts.tableaux import Tableau

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
        self.sampling = [(r, part) for r, part in self.parts if part.samples]
        self.rows.add_extra(*(f"on_{r}_" for r, _ in self.parts), *(f"next_{r}_" for r, _ in self.sampling))
        self.rows.add_whole("cell_", "node_", "edge_", *(f"sample_{r}_" for r, _ in self.sampling))

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
        least = self._number(_LEAST)
        lines = self.draft.literals([
            "e_ = error_ if error_ < 10000000000.0 else 10000000000.0",  # NaN, too
            f"e_ = e_ if e_ > {least} else {least}",
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
        lines += [f"far_{r}_ = far_{r}_ | ((next_{r}_ <= t_end_) & (ok_ > 0.0))" for r, _ in self.sampling]
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
            body = self.rows.framed(["lane_ = cell_", *timed, *self.draft.told(d, "on_{r}_ > 0.0")])
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
        lines += [f"trace_{r}_[{k}, cell_, sample_{r}_] = {name}" for k, name in enumerate(part.samples)]
        next_, end, sample = map(self.rows.place, (f"next_{r}_", "t_end_", f"sample_{r}_"))
        inner = [
            f"next_ = {next_}",
            *self.rows.framed(lines, keep=False),
            f"{sample} = {sample} + 1",
            f"{next_} = times_{r}_[{sample}] if {sample} < len(times_{r}_) else np.inf",
        ]
        # At a stop the sample is taken after it, when the current has its new value; but there is nothing after t_stop.
        passed = f"{next_} < {end} or ({next_} <= {end} and {end} >= t_stop_)"
        return [f"if far_{r}_:", f"    far_{r}_ = False", "    for i_ in range(W_):",
                f"        while {self.rows.place('ok_')} > 0.0 and ({passed}):", *indent(inner, 3)]

    # --- the whole ---
    def source(self) -> str:
        """The whole module."""
        draft = self.draft
        step = [*self.rows.loop(self._size()), *self.attempt.lines(), "anew_ = False",
                *self._error(), *self.rows.loops(self._control(), Woven()), *self._commit()]
        step += [f"hit_{d}_ = False" for d in draft.detectors] + [f"far_{r}_ = False" for r, _ in self.sampling]
        step += self.rows.loops(self._after_step(), Woven())
        step += self._spikes()
        step += [line for r, part in self.sampling for line in self._samples(r, part)]
        step += self._advance()
        body = [
            "s_[:] = 0.0",
            "q_[:] = 0.0",
            "w_[:] = 0",
            f"relative_ = {draft.cast('rtol_')}",
            "t_stop_ = t_node_[len(t_node_) - 1]",
            "next_cell_ = first_",
            "running_ = 0",
            "count_ = 0",
            "anew_ = True",
            "any_due_ = True",
            "for i_ in range(W_):",
            f"    {self.rows.place('due_')} = 1.0",
            f"    {self.rows.place('cell_')} = -1",
            "while True:",
            *indent([
                "if any_due_:",
                "    any_due_ = False",
                "    for i_ in range(W_):",
                *indent(Turnover(self.draft).lines(), 2),
                "    if running_ == 0:",
                "        return",
                "count_ = count_ + 1",
                "if count_ & 63 == 0 and stop_[0] != 0:",
                "    return",
                *step,
            ]),
        ]
        return draft.module(self.attempt.tables, body)
