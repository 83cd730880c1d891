"""Joins model, integrator, stimulus and recorders into the source of one kernel. Pure: the same parts, the same text.

Naming in a kernel: every name of hhfast's own ends in an underscore, so no model can collide with it. A lane is one
cell; a block is W_ lanes, advanced together; one call advances cells first..last. Where the values of the lanes are
kept is the business of `rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from hhfast.kernel.integrators import Stage
from hhfast.kernel.optimise import DT, LaneConstants, bind
from hhfast.kernel.phi import FUNCTIONS as PHI
from hhfast.kernel.phi import REACHES
from hhfast.kernel.pieces import crossing, reads_and_writes, renamed
from hhfast.kernel.printer import Printer
from hhfast.kernel.rational import is_nonnegative
from hhfast.kernel.recording import Part, Recorder
from hhfast.kernel.rows import Rows, Woven, indent
from hhfast.kernel.spec import ACTIONS, DIVERGED, RATES_ARGUMENTS, KernelSpec, kernel_spec
from hhfast.kernel.stimuli import Stimulus
from hhfast.kernel.system import I_APP, System, system_of
from hhfast.kernel.vmath import FUNCTIONS
from hhfast.model.model import Model


def kernel_source(
    model: Model, integrator: str, stimulus: Stimulus | None = None, record: Iterable[Recorder] = (),
    dtype: str = "float64", dt: float = 0.025,
) -> str:
    """The Python source of the kernel that runs this combination (what `hhfast source` prints)."""
    return generate(kernel_spec(model, integrator, stimulus, record, dtype, dt))


def generate(spec: KernelSpec) -> str:
    """The Python source of a kernel."""
    return _Kernel(spec).source()


def split(text: str, **names: object) -> list[str]:
    """The lines of a part's text with its placeholders filled in."""
    return text.format(**names).splitlines()


@dataclass
class _Kernel:
    """One kernel in the making: its rows, constants and lines."""

    spec: KernelSpec
    tables: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spec = self.spec
        self.system: System = system_of(spec.model)
        self.printer = Printer(spec.dtype)
        self.constants = LaneConstants(frozenset(self.system.parameters))
        self.detectors = sorted({d for _, d in spec.parts if d >= 0})
        self.timed = sorted({d for part, d in spec.parts if "t_spike_" in part.spike})
        self.smooth = any(kind.smooth for kind in spec.kinds)
        self.stages = [s for s in spec.integrator.stages if self._applies(s)]
        self.rows = Rows(spec.dtype)
        self.rows.add(*self.system.parameters, *self.system.states)  # in this order: they are loaded by number
        self.rows.add_extra(*spec.stimulus_parameters)
        self._declare_rows()

    def _declare_rows(self) -> None:
        """Give a row to every value that outlives a lane loop."""
        if self.spec.kinds:
            self.rows.add("i_app")
        if self.smooth:
            self.rows.add(*self._current_rows())
        if self.keeps_V:
            self.rows.add("V_was_")
        if self.timed:
            self.rows.add("dV_was_")
        for d in self.detectors:
            self.rows.add(f"armed_{d}_")
            self.rows.add(f"spike_{d}_")
        if any(stage.coefficients for stage in self.stages):
            for stage in self.stages:
                for name in re.findall(r"{(\w+)}", stage.text):
                    if name not in ("x", "a", "b", "f"):
                        for x in self.system.groups[stage.states]:
                            self.rows.add(f"{x}_{name}_")
        for r, (part, _) in enumerate(self.spec.parts):
            self.rows.add_extra(*(name.format(r=r) for name in part.extra))
            begun = reads_and_writes(split(part.begin, r=r))[1]
            self.rows.add(*(name for name in begun if name not in self.rows), *part.samples)

    @property
    def keeps_V(self) -> bool:
        return bool(self.timed) or any("V_was_" in part.step for part, _ in self.spec.parts)

    def _applies(self, stage: Stage) -> bool:
        group = self.system.groups[stage.states]
        if not group:
            return False
        curved = stage.when != "always" and self.system.depends_on(stage.states, group)
        return stage.when == "always" or (stage.when == "curved") == curved

    # --- lines of a lane ---
    def _literals(self, lines: Iterable[str]) -> list[str]:
        """Numbers in the lane's dtype."""
        if self.spec.dtype == "float64":
            return list(lines)
        return [re.sub(r"(?<![\w.])\d+\.\d*(e-?\d+)?", lambda m: self.printer.number(float(m[0])), x) for x in lines]

    def _bindings(self, wanted: dict[str, sp.Expr], over: sp.Expr = sp.S.One) -> list[str]:
        if not self.spec.kinds:
            wanted = {name: e.subs(I_APP, 0) for name, e in wanted.items()}
        lines = self.printer.lines(bind(self.system, wanted, self.constants, self.spec.dtype, over))
        self.rows.add(*(name for name, _ in (*self.constants.of_lanes, *self.constants.of_steps)))
        return lines

    def _rates(self, states: Iterable[str], over: float | None = None) -> list[str]:
        """a_x_, b_x_ and f_x_ = a - b x of the states, times that fraction of the step."""
        states = tuple(states)
        wanted = {f"{c}_{x}_": coefficient[x] for x in states
                  for c, coefficient in (("a", self.system.a), ("b", self.system.b))}
        follow = {f"b_{x}_": f"f_{x}_ = a_{x}_ - b_{x}_ * {x}" for x in states}
        lines = []
        for line in self._bindings(wanted, sp.S.One if over is None else sp.Rational(str(over)) * DT):
            name = line.partition(" = ")[0]
            lines += [line, follow[name]] if name in follow else [line]
        return lines

    def _stage(self, stage: Stage) -> tuple[list[str], list[str]]:
        """The evaluation and the updates of one stage."""
        group = self.system.groups[stage.states]
        before, updates = [], []
        for x in group:
            names = {n: f"{x}_{n}_" for n in re.findall(r"{(\w+)}", stage.text)}
            names |= {"x": x, "a": f"a_{x}_", "b": f"b_{x}_", "f": f"f_{x}_"}
            lines = self._literals(split(stage.text, **names))
            # What precedes an exponential update is needed to prepare it; see _exponential.
            k = next((k for k, line in enumerate(lines) if "phi_(" in line), 0)
            before += lines[:k]
            updates += lines[k:]
        if not stage.evaluates:
            return [], updates
        lines = [f"i_app = {self._current_row(stage)}"] if self.smooth and not stage.coefficients else []
        return lines + self._rates(group, stage.over) + before, updates

    def _exponential(self, stage: Stage, updates: list[str]) -> tuple[list[str], list[str], list[str]]:
        """For updates by phi(z) f, z = b: a check before them, what to mend, and the updates, phi a polynomial.

        Where z is out of the polynomial's reach, which is rare, f becomes phi(z) f and z becomes 0, phi(0) = 1: so
        every lane is updated by the same arithmetic, whatever its neighbours need.
        """
        states = self.system.groups[stage.states]
        reach = dict(zip(self.system.states, self.spec.reaches, strict=True))
        k = self.stages.index(stage)
        self.tables[f"half_{k}_"] = tuple(REACHES[reach[x]] / 2 for x in states)
        for c in ("b", "f"):
            self.rows.pass_on(*(f"{c}_{x}_" for x in states))  # in this order: they are mended by number
        z, f = (f"s_[{c}_{states[0]}__row_ + k_ * W_ + i_]" for c in ("b", "f"))
        mend = [f"if wide_{k}_:", f"    for k_ in range({len(states)}):", "        for i_ in range(W_):", *indent([
            f"far_ = abs({z} - half_{k}_[k_]) > half_{k}_[k_]",
            f"{f} = {f} * phi_far_({z}) if far_ else {f}",
            f"{z} = {self.printer.number(0.0)} if far_ else {z}",
        ], 3)]
        near = [re.sub(r"phi_\((b_(\w+)_)\)", lambda m: f"phi_{reach[m[2]]}_({m[1]})", line) for line in updates]
        return self._reached(states, reach, f"wide_{k}_"), mend, near

    def _reached(self, states: Iterable[str], reach: Mapping[str, int], flag: str) -> list[str]:
        """Raise the flag if b of some state is out of the reach of its polynomial: one comparison for all alike."""
        lines, largest, beyond = [], {}, []
        for x in states:
            b, k = f"b_{x}_", reach[x]
            if not is_nonnegative(self.system.b[x]):
                half = self.printer.number(REACHES[k] / 2)
                beyond.append(f"(abs({b} - {half}) > {half})")
            elif k in largest:
                lines.append(f"z_{x}_ = {b} if {b} > {largest[k]} else {largest[k]}")
                largest[k] = f"z_{x}_"
            else:
                largest[k] = b
        beyond += [f"({name} > {self.printer.number(REACHES[k])})" for k, name in largest.items()]
        return [*lines, f"{flag} = {flag} | ({' | '.join(beyond)})"]

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
        terms = []
        for k, kind in enumerate(self.spec.kinds):
            names = {name: f"{name}_{k}_" for name in kind.parameters} | {"t": "t_at_", "t0": "t_", "t1": "t_end_"}
            names |= {"window": "window_", "train": "train_", "sin": "sin_"}
            terms.append(renamed(kind.text, names))
        if not terms:
            return []
        value = " + ".join(terms)
        cast = f"np.float32({value})" if self.spec.dtype == "float32" else value
        return [*([f"t_at_ = {at}"] if self.smooth else []), *self.rows.loop([f"{row} = {cast}"])]

    def _step(self) -> list[str]:
        """One time step of a block."""
        lines = ["t_ = t_node_[node_] + step_ * dt64_", "t_end_ = t_ + dt64_"]
        if self.spec.kinds and not self.smooth:
            lines += ["if moving_ != 0:", *indent(self._stimulus("i_app", "t_"))]
        if self.smooth:
            lines += [x for row, at in self._current_rows().items() for x in self._stimulus(row, f"t_ + {at} * dt64_")]
        lines += [f"hit_{d}_ = False" for d in self.detectors]
        lanes: list[list[str]] = [[]]  # straight lines of a lane, each list to be cut into loops ...
        between: list[list[str]] = [[]]  # ... and what comes before each
        for stage in self.stages:
            evaluation, updates = self._stage(stage)
            if stage.coefficients:
                between.append(self._repeated(stage, evaluation + updates))
                lanes.append([])
            elif "phi_(" in stage.text:
                prepare, mend, near = self._exponential(stage, updates)
                lanes[-1] += evaluation + prepare
                between.append(mend)
                lanes.append(near)
            else:
                lanes[-1] += evaluation + updates
        self.rows.pass_on(*crossing(lanes))
        stepped_whole = any(stage.coefficients for stage in self.stages)  # then a repeated stage keeps dV/dt
        flags = dict.fromkeys(flag for body in lanes for flag in re.findall(r"\bwide_\w+_\b", "\n".join(body)))
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
        """dV/dt from the first evaluation of a step."""
        over = next(stage.over for stage in self.stages if stage.evaluates)
        (line,) = self._literals(["dV_was_ = f_V_" if over is None else f"dV_was_ = f_V_ / ({over} * dt_)"])
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
        """Spike detection and the recorders' running values, at the end of a step."""
        lines = []
        for d in self.detectors:
            lines += [
                f"spike_{d}_ = armed_{d}_ if V >= threshold_{d}_ else 0.0",
                f"armed_{d}_ = 1.0 if V < rearm_{d}_ else armed_{d}_ - spike_{d}_",
                f"hit_{d}_ = hit_{d}_ | (spike_{d}_ > 0.0)",
            ]
        for r, (part, _) in enumerate(self.spec.parts):
            lines += split(part.step, r=r)
        return self._literals(lines)

    def _events(self) -> list[str]:
        """The rare work, in a scalar loop: a spike has its time found and its recorders told."""
        lines = []
        for d in self.detectors:
            told: list[str] = []
            for r, (part, number) in enumerate(self.spec.parts):
                if number == d and part.spike:
                    told += [f"if on_{r}_:", *indent(split(part.spike, r=r))]
            time = f"t_spike_ = t_ + dt64_ * crossing_(V_was_, V, dV_was_, f_V_, dt64_, levels_[{d}, 0])"
            timed = [*self._rates(("V",)), time] if d in self.timed else []
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
            update = ["t_ = t_node_[node_]", "t_end_ = t_ + dt64_", *self._stimulus("i_app", "t_")]
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
                text = self._literals(split(part.begin, r=r))
                lines += [f"if action_[node_] & {begin}:", f"    on_{r}_ = True", *indent(self.rows.loop(text))]
        return lines

    def _sample(self, part: Part, r: int) -> list[str]:
        """Compute the sampled variables for whole blocks (so that every lane is rounded alike), then copy them out."""
        named = {name: self.system.named[name] for name in part.samples if name in self.system.named}
        lines = self.rows.loop(self._bindings(named)) if named else []
        if "i_app" in part.samples and not self.spec.kinds:
            lines += self.rows.loop(self._literals(["i_app = 0.0 * V"]))
        target = f"trace_{r}_[{{}}, block_ + i_, sample_{r}_]"
        copies = [f"{target.format(k)} = {self.rows.place(name)}" for k, name in enumerate(part.samples)]
        return [*lines, "for i_ in range(n_):", *indent(copies), f"sample_{r}_ = sample_{r}_ + 1"]

    def _block(self) -> list[str]:
        """The life of one block: load, run, store."""
        n, m = len(self.system.parameters), len(self.system.states)
        step = indent(self._step(), 2)
        node = indent(self._node())
        value = "P_[col_[{k}], lane_] if col_[{k}] >= 0 else p0_[{k}]"
        load = [f"for k_ in range({n}):", f"    s_[k_ * W_ + i_] = {value.format(k='k_')}"]
        if self.spec.kinds:
            load += [f"for k_ in range({len(self.spec.stimulus_parameters)}):",
                     f"    q_[k_ * W_ + i_] = {value.format(k=f'{n} + k_')}"]
        load += [f"for k_ in range({m}):", f"    s_[({n} + k_) * W_ + i_] = X_[k_, lane_]"]
        finite = " + ".join(f"({self.rows.place(x)} - {self.rows.place(x)})" for x in self.system.states)
        lines = [
            "n_ = min(W_, last_ - block_)",
            "for i_ in range(W_):",
            *indent(["lane_ = block_ + min(i_, n_ - 1)  # the last block is filled up with its last cell", *load]),
            *self.rows.loop(self.printer.lines(self.constants.of_lanes)),
        ]
        for d in self.detectors:
            lines += self.rows.loop(self._literals([f"armed_{d}_ = 0.0 if V >= threshold_{d}_ else 1.0"]))
        lines += [f"on_{r}_ = False" for r, (part, _) in enumerate(self.spec.parts) if part.begin]
        lines += [f"sample_{r}_ = 0" for r, (part, _) in enumerate(self.spec.parts) if part.samples]
        stop = ["if step_ & 255 == 0 and stop_[0] != 0:", "    return"]
        dt = [f"dt_ = {self._cast('dt64_')}", *self.printer.lines(self.constants.of_step)]
        dt += self.rows.loop(self.printer.lines(self.constants.of_steps))
        lines += [
            "dt64_ = np.nan",
            "for node_ in range(len(t_node_)):",
            "    if dt_node_[node_] != dt64_:",
            *indent(["dt64_ = dt_node_[node_]", *dt], 2),
            *node,
            *indent(["for step_ in range(n_node_[node_]):", *indent(stop)]),
            *step,
            "for i_ in range(n_):",
            *indent([
                f"if {finite} != 0.0 or abs({self.rows.place('V')}) > {DIVERGED}:",
                "    status_[block_ + i_] = 1",
                f"for k_ in range({m}):",
                f"    X_[k_, block_ + i_] = s_[({n} + k_) * W_ + i_]",
            ]),
        ]
        return lines

    def _cast(self, text: str) -> str:
        return f"np.float32({text})" if self.spec.dtype == "float32" else text

    def source(self) -> str:
        """The whole module."""
        spec = self.spec
        block = self._block()
        levels = [f"{name}_{d}_ = {self._cast(f'levels_[{d}, {k}]')}"
                  for d in self.detectors for k, name in enumerate(("threshold", "rearm"))]
        body = [
            *self.rows.allocation(),
            *levels,
            "for block_ in range(first_, last_, W_):",
            *indent(block),
        ]
        current = "+".join(kind.name for kind in spec.kinds) or "no stimulus"
        what = (spec.model.name, spec.integrator.name, current, spec.dtype)
        head = [
            f'"""{", ".join(what)}. Generated by hhfast."""',
            *header(spec.dtype),
            *self.rows.declarations(),
            *(f"{name} = np.float32({value!r})" for value, name in self.printer.constants.items()),
            *(f"{name} = np.array({values}, np.{spec.dtype})" for name, values in self.tables.items()),
        ]
        signature = ", ".join(spec.arguments)
        return "\n".join([*head, "", "", f"def kernel({signature}):", *indent(body)]) + "\n"


def header(dtype: str) -> list[str]:
    """The imports of a generated module."""
    names = [f"{there} as {here}" for here, there in FUNCTIONS[dtype].items()]
    names += ["window as window_", "train as train_", "sin as sin_", "crossing as crossing_"]
    phi = [f"{there} as {here}" for here, there in PHI[dtype].items()]
    imports = [f"from hhfast.kernel.{module} import {', '.join(n)}" for module, n in (("phi", phi), ("vmath", names))]
    return ["import numpy as np", "", *imports, ""]


def generate_rates(model: Model) -> str:
    """The source of a function that gives a and b of every state, x' = a - b x, for cells first..last.

    It serves what needs the equations outside a run: initial gates, resting states, tests.
    """
    system = system_of(model)
    constants = LaneConstants(frozenset())
    pair = (("a", system.a), ("b", system.b))
    wanted = {f"{c}_{x}_": coefficient[x] for x in system.states for c, coefficient in pair}
    lines = Printer("float64").lines(bind(system, wanted, constants, "float64"))
    reads = set(reads_and_writes(lines)[0])
    body = [f"{p} = P_[col_[{k}], i_] if col_[{k}] >= 0 else p0_[{k}]"
            for k, p in enumerate(system.parameters) if p in reads]
    body += [f"{x} = X_[{k}, i_]" for k, x in enumerate(system.states) if x in reads]
    body += ["i_app = current_[i_]", *lines]
    body += [f"{array}[{k}, i_] = {name}_{x}_" for k, x in enumerate(system.states)
             for array, name in (("A_", "a"), ("B_", "b"))]
    signature = ", ".join(RATES_ARGUMENTS)
    head = [f'"""{model.name}: a and b of every state. Generated by hhfast."""', *header("float64")]
    head += ["", f"def rates({signature}):", "    for i_ in range(first_, last_):"]
    return "\n".join([*head, *indent(body, 2)]) + "\n"
