"""A kernel in the making: its rows and lane constants, and the lines that every kind of kernel is made of.

Naming in a kernel: every name of hhfast's own ends in an underscore, so no model can collide with it. A lane is one
cell; a block is W_ lanes, advanced together; one call advances cells first..last. Where the values of the lanes are
kept is the business of `rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sympy as sp

from hhfast.kernel.build.scratch import Rows, indent
from hhfast.kernel.equations.system import I_APP, System, system_of
from hhfast.kernel.math.elementary import FUNCTIONS
from hhfast.kernel.math.phi import FUNCTIONS as PHI
from hhfast.kernel.optimise.binding_times import DT, LaneConstants, bind, with_common_parts
from hhfast.kernel.optimise.loop_fission import reads_and_writes, renamed
from hhfast.kernel.optimise.shared_exponentials import Assignment
from hhfast.kernel.print.sympy_printer import Printer
from hhfast.kernel.spec import KernelSpec, stimulus_name
from hhfast.parts.piecewise_linear import POINT_ROWS
from hhfast.parts.recorder import Part


def split(text: str, **names: object) -> list[str]:
    """The lines of a part's text with its placeholders filled in."""
    return text.format(**names).splitlines()


def header(dtype: str) -> list[str]:
    """The imports of a generated module."""
    names = [f"{there} as {here}" for here, there in FUNCTIONS[dtype].items()]
    helpers = ("window", "train", "waveform", "sin", "crossing", "polynomial_crossing")
    names += [f"{name} as {name}_" for name in helpers]
    phi = [f"{there} as {here}" for here, there in PHI[dtype].items()]
    noise = ["normal as normal_", "ornstein_uhlenbeck as ornstein_uhlenbeck_"]
    modules = (("random", noise), ("phi", phi), ("elementary", names))
    return ["import numpy as np", "", *(f"from hhfast.kernel.math.{m} import {', '.join(n)}" for m, n in modules), ""]


class Draft:
    """What fixed-step and adaptive kernels share while they are written: rows, constants, and common lines."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self.system: System = system_of(spec.model)
        self.printer = Printer(spec.dtype)
        self.constants = LaneConstants(frozenset(self.system.parameters))
        self.detectors = sorted({d for _, d in spec.parts if d >= 0})
        self.timed = sorted({d for part, d in spec.parts if "t_spike_" in part.spike})
        self.smooth = any(kind.smooth for kind in spec.kinds)
        self.rows = Rows(spec.dtype)
        self.rows.add(*self.system.parameters, *self.system.states)  # in this order: they are loaded by number
        self.rows.add_extra(*spec.stimulus_parameters)  # likewise
        self.pointed = {k: kind.points for k, kind in enumerate(spec.kinds) if kind.points}
        self.rows.add_extra(*(stimulus_name(n, k) for k, p in self.pointed.items() for n in (*POINT_ROWS, *p.rows)))
        if spec.kinds:
            self.rows.add("i_app")

    def declare_recording(self) -> None:
        """Give rows to what detectors and recorders keep."""
        for d in self.detectors:
            self.rows.add(f"armed_{d}_", f"spike_{d}_")
        for r, (part, _) in enumerate(self.spec.parts):
            self.rows.add_extra(*(name.format(r=r) for name in part.extra))
            begun = reads_and_writes(split(part.begin, r=r))[1]
            self.rows.add(*(name for name in begun if name not in self.rows))

    def steps_use(self, name: str) -> bool:
        """Whether what some recorder does at every step uses the name."""
        return any(name in part.step for part, _ in self.spec.parts)

    # --- lines of a lane ---
    def cast(self, text: str) -> str:
        """A float64 expression in the lane's dtype."""
        return f"np.float32({text})" if self.spec.dtype == "float32" else text

    def literals(self, lines: Iterable[str]) -> list[str]:
        """The lines with their numbers in the lane's dtype."""
        if self.spec.dtype == "float64":
            return list(lines)
        return [re.sub(r"(?<![\w.])\d+\.\d*(e-?\d+)?", lambda m: self.printer.number(float(m[0])), x) for x in lines]

    def bindings(self, wanted: dict[str, sp.Expr], over: sp.Expr = sp.S.One) -> list[str]:
        """Lines that compute the expressions times `over`, under the given names."""
        if not self.spec.kinds:
            wanted = {name: e.subs(I_APP, 0) for name, e in wanted.items()}
        lines = self.printer.lines(bind(self.system, wanted, self.constants, self.spec.dtype, over))
        self.rows.add(*(name for name, _ in (*self.constants.of_lanes, *self.constants.of_steps)))
        return lines

    def constant(self, assignments: Sequence[Assignment]) -> list[str]:
        """Lines that compute lane constants."""
        return self.printer.lines(with_common_parts(assignments))

    def rates(self, states: Iterable[str], over: float | None = None) -> list[str]:
        """a_x_, b_x_ and f_x_ = a - b x of the states; times a fraction of the step, if one is given."""
        states = tuple(states)
        wanted = {f"{c}_{x}_": coefficient[x] for x in states
                  for c, coefficient in (("a", self.system.a), ("b", self.system.b))}
        follow = {f"b_{x}_": f"f_{x}_ = a_{x}_ - b_{x}_ * {x}" for x in states}
        lines = []
        for line in self.bindings(wanted, sp.S.One if over is None else sp.Rational(str(over)) * DT):
            name = line.partition(" = ")[0]
            lines += [line, follow[name]] if name in follow else [line]
        return lines

    def current(self, at: str, end: str = "t_end_") -> str:
        """The applied current at the time named `at`, in float64; the step goes from t_ to the time named `end`."""
        return " + ".join(self.of_stimulus(k, kind.text, at, end) for k, kind in enumerate(self.spec.kinds))

    def of_stimulus(self, k: int, text: str, at: str = "t_", end: str = "t_end_") -> str:
        """Text of stimulus k under the names of the kernel."""
        kind = self.spec.kinds[k]
        own = (*kind.parameters, *POINT_ROWS, *(kind.points.rows + kind.points.arrays if kind.points else ()))
        names = {name: stimulus_name(name, k) for name in own} | {"t": at, "t0": "t_", "t1": end}
        functions = ("window", "train", "waveform", "sin", "normal", "ornstein_uhlenbeck")
        return renamed(text, names | {name: f"{name}_" for name in functions})

    def begun(self) -> list[str]:
        """Lines of a lane that precede the first points of its stimuli."""
        return [line for k, points in self.pointed.items() for line in self.of_stimulus(k, points.begin).splitlines()]

    def onward(self, k: int) -> list[str]:
        """Lines of a lane that lead stimulus k to the points around t_, for a step up to t_end_."""
        return self.of_stimulus(k, self.pointed[k].onward).splitlines()

    def until(self, k: int) -> str:
        """The name of the time of the next point."""
        return stimulus_name("until", k)

    # --- recording ---
    def after_step(self) -> list[str]:
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
        return self.literals(lines)

    def told(self, detector: int, is_on: str) -> list[str]:
        """Tell the recorders of a detector, in a scalar loop, of a spike; `is_on` is the condition, of {r}."""
        lines = []
        for r, (part, number) in enumerate(self.spec.parts):
            if number == detector and part.spike:
                lines += [f"if {is_on.format(r=r)}:", *indent(split(part.spike, r=r))]
        return lines

    def sampled(self, part: Part) -> list[str]:
        """The lines that compute what a recorder samples and is no state."""
        named = {name: self.system.named[name] for name in part.samples if name in self.system.named}
        lines = self.bindings(named) if named else []
        if "i_app" in part.samples and not self.spec.kinds:
            lines += self.literals(["i_app = 0.0 * V"])
        return lines

    # --- beginning and end ---
    def load(self) -> list[str]:
        """The lines that fill the parameters and states of lane i_ with those of cell lane_."""
        n, m = len(self.system.parameters), len(self.system.states)
        value = "P_[col_[{k}], lane_] if col_[{k}] >= 0 else p0_[{k}]"
        lines = [f"for k_ in range({n}):", f"    s_[k_ * W_ + i_] = {value.format(k='k_')}"]
        if self.spec.kinds:
            lines += [f"for k_ in range({len(self.spec.stimulus_parameters)}):",
                      f"    q_[k_ * W_ + i_] = {value.format(k=f'{n} + k_')}"]
        return [*lines, f"for k_ in range({m}):", f"    s_[({n} + k_) * W_ + i_] = X_[k_, lane_]"]

    def store(self, cell: str) -> list[str]:
        """The lines that hand the states of lane i_ back."""
        n, m = len(self.system.parameters), len(self.system.states)
        return [f"for k_ in range({m}):", f"    X_[k_, {cell}] = s_[({n} + k_) * W_ + i_]"]

    @property
    def not_finite(self) -> str:
        """An expression that is NaN where a state of lane i_ is infinite or NaN, and 0 elsewhere."""
        places = (self.rows.place(x) for x in self.system.states)
        return " + ".join(f"({place} - {place})" for place in places)

    def armed(self) -> list[str]:
        """Detectors at the start: a cell above threshold is not armed."""
        return self.literals(f"armed_{d}_ = 0.0 if V >= threshold_{d}_ else 1.0" for d in self.detectors)

    def module(self, tables: dict[str, tuple[float, ...]], body: list[str]) -> str:
        """The source of the kernel's module, around the body of its function."""
        spec = self.spec
        levels = [f"{name}_{d}_ = {self.cast(f'levels_[{d}, {k}]')}"
                  for d in self.detectors for k, name in enumerate(("threshold", "rearm"))]
        current = "+".join(kind.name for kind in spec.kinds) or "no stimulus"
        what = (spec.model.name, spec.integrator.name, current, spec.dtype)
        head = [
            repr(f"{', '.join(what)}. Generated by hhfast."),
            *header(spec.dtype),
            *self.rows.declarations(),
            *(f"{name} = np.float32({value!r})" for value, name in self.printer.constants.items()),
            *(f"{name} = np.array({values}, np.{spec.dtype})" for name, values in tables.items()),
        ]
        signature = ", ".join(spec.arguments)
        function = [*levels, *body]
        return "\n".join([*head, "", "", f"def kernel({signature}):", *indent(function)]) + "\n"
