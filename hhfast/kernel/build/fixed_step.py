"""Fixed-step kernels: all lanes of a block take the same steps, from node to node of the time grid."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hhfast.kernel.build.parts_of_kernel import Draft, split
from hhfast.kernel.build.phi_fallback import Mending
from hhfast.kernel.build.scratch import Woven, indent
from hhfast.kernel.optimise.loop_fission import crossing
from hhfast.kernel.spec import ACTIONS, DIVERGED
from hhfast.parts.integrators import Stage
from hhfast.parts.recorder import Part


class Stepping:
    """The text of a kernel with a fixed-step integrator."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.spec, self.system, self.rows = draft.spec, draft.system, draft.rows
        self.detectors, self.timed, self.smooth = draft.detectors, draft.timed, draft.smooth
        self.stages = [s for s in self.spec.integrator.stages if self._applies(s)]
        self.tables: dict[str, tuple[float, ...]] = {}
        self._declare_rows()

    def _declare_rows(self) -> None:
        """Give a row to every value that outlives a lane loop."""
        if self.smooth:
            self.rows.add(*self._current_rows())
        if self.keeps_V:
            self.rows.add("V_was_")
        if self.timed:
            self.rows.add("dV_was_")
        self.draft.declare_recording()
        if any(stage.coefficients for stage in self.stages):
            for stage in self.stages:
                for name in re.findall(r"{(\w+)}", stage.text):
                    if name not in ("x", "a", "b", "f"):
                        for x in self.system.groups[stage.states]:
                            self.rows.add(f"{x}_{name}_")
        for part, _ in self.spec.parts:
            self.rows.add(*part.samples)

    @property
    def keeps_V(self) -> bool:
        return bool(self.timed) or self.draft.steps_use("V_was_") or self.draft.steps_use("V_step_")

    def _applies(self, stage: Stage) -> bool:
        group = self.system.groups[stage.states]
        if not group:
            return False
        curved = stage.when != "always" and self.system.depends_on(stage.states, group)
        return stage.when == "always" or (stage.when == "curved") == curved

    def _stage(self, stage: Stage) -> tuple[list[str], list[str]]:
        """The evaluation and the updates of one stage."""
        group = self.system.groups[stage.states]
        before, updates = [], []
        for x in group:
            names = {n: f"{x}_{n}_" for n in re.findall(r"{(\w+)}", stage.text)}
            names |= {"x": x, "a": f"a_{x}_", "b": f"b_{x}_", "f": f"f_{x}_"}
            lines = self.draft.literals(split(stage.text, **names))
            # What precedes an exponential update is needed to prepare it; see `mending`.
            k = next((k for k, line in enumerate(lines) if "phi_(" in line), 0)
            before += lines[:k]
            updates += lines[k:]
        if not stage.evaluates:
            return [], updates
        lines = [f"i_app = {self._current_row(stage)}"] if self.smooth and not stage.coefficients else []
        return lines + self.draft.rates(group, stage.over) + before, updates

    # --- pieces of the kernel ---
    @staticmethod
    def _current_row(stage: Stage) -> str:
        return f"i_app_{round(100 * stage.at[0])}_"

    def _current_rows(self) -> dict[str, float]:
        """Row -> time, for each time within a step at which a stage that runs once asks for a smooth current."""
        asking = (stage for stage in self.stages if stage.evaluates and not stage.coefficients)
        return {self._current_row(stage): stage.at[0] for stage in asking}

    def _stimulus(self, row: str, at: str) -> list[str]:
        """Set a row to the applied current at `at`."""
        if not self.spec.kinds:
            return []
        value = self.draft.cast(self.draft.current("t_at_"))
        return [*([f"t_at_ = {at}"] if self.smooth else []), *self.rows.loop([f"{row} = {value}"])]

    def _onward(self, stimuli: Iterable[int]) -> list[str]:
        """Lead stimuli past the points before the end of the step; the rounding of times is none (see `window`)."""
        lines = []
        for k in stimuli:
            passed = "{} < t_end_ - 1e-07 * dt64_:"
            if self.draft.pointed[k].together:
                until = self.rows.place(self.draft.until(k), "0")
                lines += [f"while {passed.format(until)}", *indent(self.rows.loop(self.draft.onward(k)))]
            else:
                until = self.rows.place(self.draft.until(k))
                lines += ["for i_ in range(W_):", f"    if {passed.format(until)}",
                          *indent(self.rows.framed(self.draft.onward(k)), 2)]
        return lines

    def _step(self) -> list[str]:
        """One time step of a block."""
        lines = ["t_ = t_node_[node_] + step_ * dt64_", "t_end_ = t_ + dt64_"]
        apart = self._onward(k for k, points in self.draft.pointed.items() if not points.together)
        lines += ["if moving_ != 0:", *indent(apart)] if apart else []
        if self.spec.kinds and not self.smooth:
            lines += ["if moving_ != 0:", *indent(self._stimulus("i_app", "t_"))]
        if self.smooth:
            lines += [x for row, at in self._current_rows().items() for x in self._stimulus(row, f"t_ + {at} * dt64_")]
        lines += [f"hit_{d}_ = False" for d in self.detectors]
        flags: list[str] = []
        lanes: list[list[str]] = [[]]  # straight lines of a lane, each list to be cut into loops ...
        between: list[list[str]] = [[]]  # ... and what comes before each
        for stage in self.stages:
            evaluation, updates = self._stage(stage)
            if stage.coefficients:
                between.append(self._repeated(stage, evaluation + updates))
                lanes.append([])
            elif "phi_(" in stage.text:
                mending = Mending(self.draft, self.system.groups[stage.states], len(flags))
                flags.append(mending.flag)
                self.tables[mending.half] = mending.halves
                lanes[-1] += evaluation + mending.check()
                between.append(mending.mend())
                lanes.append(mending.near(updates))
            else:
                lanes[-1] += evaluation + updates
        self.rows.pass_on(*crossing(lanes))
        stepped_whole = any(stage.coefficients for stage in self.stages)  # then a repeated stage keeps dV/dt
        lines += [f"{flag} = False" for flag in flags]
        for k, (code, body) in enumerate(zip(between, lanes, strict=True)):
            woven = Woven(
                first=["V_was_ = V"] if k == 0 and self.keeps_V else [],
                after={"f_V_": self._slope()} if k == 0 and self.timed and not stepped_whole else {},
                last=self._after_step() if body is lanes[-1] else [],
            )
            lines += code + self.rows.loops(body, woven)
        return lines + self._events()

    def _slope(self) -> str:
        """Keep dV/dt of the first evaluation of a step."""
        over = next(stage.over for stage in self.stages if stage.evaluates)
        (line,) = self.draft.literals(["dV_was_ = f_V_" if over is None else f"dV_was_ = f_V_ / ({over} * dt_)"])
        return line

    def _repeated(self, stage: Stage, piece: list[str]) -> list[str]:
        inner = []
        for name, values in stage.coefficients:
            self.tables[f"{name}table_"] = values
            inner.append(f"{name} = {name}table_[stage_]")
        if self.smooth:
            self.tables["at_table_"] = stage.at
            inner += self._stimulus("i_app", "t_ + np.float64(at_table_[stage_]) * dt64_")
        woven = Woven(after={"f_V_": "dV_was_ = f_V_ if stage_ == 0 else dV_was_"} if self.timed else {})
        return [f"for stage_ in range({len(stage.at)}):", *indent(inner + self.rows.loops(piece, woven))]

    def _after_step(self) -> list[str]:
        """Detectors and recorders, after what the latter ask of the step: here only its ends are known."""
        lines = ["V_step_ = 0.5 * (V_was_ + V)"] if self.draft.steps_use("V_step_") else []
        lines += ["V_high_ = V", "V_low_ = V"] if self.draft.steps_use("V_high_") else []
        return self.draft.literals(lines) + self.draft.after_step()

    def _events(self) -> list[str]:
        """The rare work, in a scalar loop: a spike has its time found and its recorders told."""
        lines = []
        for d in self.detectors:
            time = f"t_spike_ = t_ + dt64_ * crossing_(V_was_, V, dV_was_, f_V_, dt64_, levels_[{d}, 0])"
            timed = [*self.draft.rates(("V",)), time] if d in self.timed else []
            told = self.draft.told(d, "on_{r}_")
            body = self.rows.framed(["lane_ = block_ + i_", *timed, *told], passing=False)
            lines += [
                f"if hit_{d}_:",
                *indent(["for i_ in range(n_):", f"    if {self.rows.place(f'spike_{d}_')} > 0.0:", *indent(body, 2)]),
            ]
        return lines

    def _node(self) -> list[str]:
        """What happens at a node of the time grid, before the steps that follow it."""
        lines = []
        if self.spec.kinds:
            update = ["t_ = t_node_[node_]", "t_end_ = t_ + dt64_"]
            if onward := self._onward(self.draft.pointed):
                update += ["if n_node_[node_] > 0:", *indent(onward)]
            update += self._stimulus("i_app", "t_")
            # A current that jumps has its value before the last node; one that varies has one there, too.
            lines += update if self.smooth else ["if n_node_[node_] > 0:", *indent(update)]
        for r, (part, _) in enumerate(self.spec.parts):
            begin, end, sample = (1 << (ACTIONS * r + k) for k in range(ACTIONS))
            if part.samples:
                lines += [f"if action_[node_] & {sample}:", *indent(self._sample(part, r))]
            if part.end:
                text = ["lane_ = block_ + i_", *split(part.end, r=r)]
                lines += [f"if action_[node_] & {end}:", f"    on_{r}_ = False", *indent(self.rows.loop(text, "n_"))]
            if part.begin:
                text = self.draft.literals(split(part.begin, r=r))
                lines += [f"if action_[node_] & {begin}:", f"    on_{r}_ = True", *indent(self.rows.loop(text))]
        return lines

    def _sample(self, part: Part, r: int) -> list[str]:
        """Compute the sampled variables for whole blocks (so that every lane is rounded alike), then copy them out."""
        lines = self.rows.loop(self.draft.sampled(part))
        target = f"trace_{r}_[{{}}, block_ + i_, sample_{r}_]"
        copies = [f"{target.format(k)} = {self.rows.place(name)}" for k, name in enumerate(part.samples)]
        return [*lines, "for i_ in range(n_):", *indent(copies), f"sample_{r}_ = sample_{r}_ + 1"]

    def _new_dt(self) -> list[str]:
        """Set the step, and what depends on it."""
        constants = self.draft.constants
        dt = ["dt64_ = dt_node_[node_]", f"dt_ = {self.draft.cast('dt64_')}"]
        alone = self.draft.printer.lines(constants.of_step)  # scalars: a number times the step each, nothing to share
        return [*dt, *alone, *self.rows.loop(self.draft.constant(constants.of_steps))]

    def _block(self) -> list[str]:
        """The life of one block: load, run, store."""
        step = indent(self._step(), 2)
        node = indent(self._node())
        lines = [
            "n_ = min(W_, last_ - block_)",
            "for i_ in range(W_):",
            "    lane_ = block_ + min(i_, n_ - 1)  # the last block is filled up with its last cell",
            *indent(self.draft.load()),
            *self.rows.loop(self.draft.constant(self.draft.constants.of_lanes)),
            *self.rows.loop(self.draft.armed()),
            *self.rows.loop(self.draft.begun()),
        ]
        lines += [f"on_{r}_ = False" for r, (part, _) in enumerate(self.spec.parts) if part.begin]
        lines += [f"sample_{r}_ = 0" for r, (part, _) in enumerate(self.spec.parts) if part.samples]
        stop = ["if step_ & 255 == 0 and stop_[0] != 0:", "    return"]
        lines += [
            "dt64_ = np.nan",
            "for node_ in range(len(t_node_)):",
            "    if dt_node_[node_] != dt64_:",
            *indent(self._new_dt(), 2),
            *node,
            *indent(["for step_ in range(n_node_[node_]):", *indent(stop)]),
            *step,
            "for i_ in range(n_):",
            *indent([
                f"if {self.draft.not_finite} != 0.0 or abs({self.rows.place('V')}) > {DIVERGED}:",
                "    status_[block_ + i_] = 1",
                *self.draft.store("block_ + i_"),
            ]),
        ]
        return lines

    def source(self) -> str:
        """The whole module."""
        block = self._block()
        return self.draft.module(self.tables, ["for block_ in range(first_, last_, W_):", *indent(block)])
