"""What fixed-step and adaptive kernels are built with: their symbols, rows and lane constants, and common statements.

A lane is one cell; a block is a number of lanes, advanced together; one call advances the cells from first_cell to
before last_cell. Statements are quoted as text in the grammar of `tree.parse`, with names for the symbols of the
kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from hhfast.kernel.build.expressions import Translator
from hhfast.kernel.build.notes import equations
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.equations.system import I_APP, System, system_of
from hhfast.kernel.math import functions
from hhfast.kernel.optimise.binding_times import DT, LaneConstants, bind, with_common_parts
from hhfast.kernel.optimise.merged_divisions import RatePair
from hhfast.kernel.optimise.shared_exponentials import Assignment
from hhfast.kernel.spec import ADAPTIVE_LANES, LANES, SCRATCH_ARRAYS, SHARED, KernelSpec, array_name
from hhfast.kernel.tree import nodes, parse
from hhfast.kernel.tree.nodes import Expression, Kernel, Let, Name, Number, Statement, Symbol
from hhfast.kernel.tree.straight import symbols_read
from hhfast.parts.grammar import names_used
from hhfast.parts.piecewise_linear import POINT_ROWS
from hhfast.parts.recorder import Hooks

Names = Mapping[str, Any]  # what names in a text stand for: symbols, nodes, functions


@dataclass(frozen=True)
class Rates:
    """The symbols of a and b of a state x, x' = a - b x, and of f = x'; and the names that algebra knows them by."""

    state: str
    a: Symbol
    b: Symbol
    f: Symbol

    @property
    def pair(self) -> RatePair:
        return RatePair(f"a_{self.state}_", f"b_{self.state}_", f"r_{self.state}_")


@dataclass(frozen=True)
class Detector:
    """The symbols of a spike detector: armed and spike of each lane, whether any lane has a spike, and its levels."""

    number: int
    armed: Symbol
    spike: Symbol
    hit: Symbol
    threshold: Symbol
    rearm: Symbol


class RecorderNames:
    """A recorder in a kernel: its hooks, the number of its detector, and what the names in its text stand for."""

    def __init__(self, number: int, hooks: Hooks, detector: int, arguments: Mapping[str, Symbol], own: Names) -> None:
        self.number, self.hooks, self.detector = number, hooks, detector
        self.arrays = {name: arguments[array_name(name, number)] for name, _ in hooks.arrays}
        self.local = {name: Symbol(name) for name in hooks.extra}
        self.is_on = Symbol("recording")
        self.sample, self.next_sample, self.passed = (
            Symbol("sample"),
            Symbol("next_sample"),
            Symbol("passed", is_flag=True),
        )
        self.meanings = {**own, **self.arrays}
        self.begin, self.step, self.spike, self.end = (
            parse.statements(text, self.meanings, self.local)
            for text in (hooks.begin, hooks.step, hooks.spike, hooks.end)
        )
        self.kept = [s for s in self.local.values() if s in {let.target for let in self.begin if isinstance(let, Let)}]
        self.extra = [self.local[name] for name in hooks.extra]

    def uses(self, symbol: Symbol) -> bool:
        """Whether what it does at every step uses a symbol."""
        return any(symbol in symbols_read(statement) for statement in self.step)


class Builder:
    """A kernel in the making."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self.system: System = system_of(spec.model)
        self.functions = functions(spec.dtype)
        self.arguments = {name: Symbol(name) for name in spec.arguments}
        self.constants = LaneConstants(frozenset(self.system.parameters))
        self.smooth = any(kind.smooth for kind in spec.kinds)
        self._own_symbols()
        self._rows()
        self.translator = Translator(self.symbol_of, self.functions, spec.dtype)
        self.recorders = [
            RecorderNames(r, hooks, d, self.arguments, self._seen_by_recorders())
            for r, (hooks, d) in enumerate(spec.hooks)
        ]
        self.detectors = [self._detector(d) for d in sorted({r.detector for r in self.recorders if r.detector >= 0})]
        t_spike = self.own["t_spike"]
        self.timed = {r.detector for r in self.recorders for s in r.spike if t_spike in symbols_read(s)}

    def _own_symbols(self) -> None:
        """The symbols of the kernel itself, of its model's quantities, and of its stimuli."""
        self.own: dict[str, Symbol] = {
            name: Symbol(name)
            for name in (
                "i",
                "W",
                "V_was",
                "V_step",
                "V_high",
                "V_low",
                "dV_was",
                "t",
                "t_end",
                "dt",
                "t_spike",
                "cell",
                "i_app",
            )
        }
        self.own |= self.arguments
        self.states = {x: Symbol(x, is_membrane=x == "V") for x in self.system.states}
        self.parameters = {p: Symbol(p) for p in self.system.parameters}
        self.V = self.own["V"] = self.states["V"]
        self.rates_of = {x: Rates(x, *(Symbol(f"{c}_{x}") for c in "abf")) for x in self.states}
        # The names that algebra uses end in an underscore, so no model's name is among them.
        self._symbols = {**self.states, **self.parameters, "i_app": self.own["i_app"], DT.name: self.own["dt"]}
        for rates in self.rates_of.values():
            self._symbols |= {rates.pair.a: rates.a, rates.pair.b: rates.b}
        self.tables: dict[Symbol, tuple[str, tuple[float, ...]]] = {}

    def _rows(self) -> None:
        spec = self.spec
        choices = (ADAPTIVE_LANES if spec.integrator.adaptive else LANES)[spec.dtype]
        self.scratch = Scratch(spec.dtype, self.own["i"], self.own["W"], choices)
        self.scratch.add("lane", *self.parameters.values(), *self.states.values())  # first: they are loaded by number
        self.stimulus_names: list[dict[str, Symbol]] = [
            {name: Symbol(name) for name in kind.parameters} for kind in spec.kinds
        ]
        self.scratch.add("float64", *(s for names in self.stimulus_names for s in names.values()))  # likewise
        self.pointed = {k: kind.points for k, kind in enumerate(spec.kinds) if kind.points}
        for k, points in self.pointed.items():
            kept = {name: Symbol(name) for name in (*POINT_ROWS, *points.rows)}
            self.scratch.add("float64", *kept.values())
            self.stimulus_names[k] |= kept | {name: self.arguments[array_name(name, k)] for name in points.arrays}
        if spec.kinds:
            self.scratch.add("lane", self.own["i_app"])

    def _seen_by_recorders(self) -> Names:
        names = (
            "V",
            "V_was",
            "V_step",
            "V_high",
            "V_low",
            "t",
            "t_end",
            "dt",
            "t_spike",
            "cell",
            "first_cell",
            "status",
        )
        i_app = self.own["i_app"] if self.spec.kinds else Number(0.0)
        of_every_model = {"C_m": self.parameters["C_m"], "i_app": i_app}
        return self.functions | of_every_model | {name: self.own[name] for name in names}

    def _detector(self, number: int) -> Detector:
        armed, spike, threshold, rearm = map(Symbol, ("armed", "spike", "threshold", "rearm"))
        return Detector(number, armed, spike, Symbol("hit", is_flag=True), threshold, rearm)

    def declare_recording(self) -> None:
        """Give rows to what detectors and recorders keep."""
        for d in self.detectors:
            self.scratch.add("lane", d.armed, d.spike)
        for recorder in self.recorders:
            self.scratch.add("float64", *recorder.extra)
            self.scratch.add("lane", *recorder.kept)

    def steps_use(self, name: str) -> bool:
        """Whether what some recorder does at every step uses the name."""
        return any(recorder.uses(self.own[name]) for recorder in self.recorders)

    def symbol_of(self, name: str) -> Symbol:
        """The symbol of a name that algebra uses."""
        return self._symbols.setdefault(name, Symbol(name.rstrip("_")))

    # --- quoting ---
    def code(self, text: str, **names: Any) -> list[Statement]:
        """The statements of a text; names stand for what is given, else for symbols of the kernel."""
        return list(parse.statements(text, self.functions | names, self.own))

    def let(self, text: str, **names: Any) -> Let:
        """The one assignment of a text."""
        (statement,) = self.code(text, **names)
        assert isinstance(statement, Let)
        return statement

    def stage_code(self, text: str, names: Names, own: dict[str, Symbol]) -> list[Statement]:
        """The statements of an integrator's stage; `own` are its own names, to which those it assigns are added."""
        return list(parse.statements(text, self.functions | {"dt": self.own["dt"]} | dict(names), own))

    def value(self, text: str, **names: Any) -> Expression:
        """The expression of a text."""
        return parse.expression(text, self.functions | names, self.own)

    def nest(
        self, head: str, body: Sequence[Statement], orelse: Sequence[Statement] = (), **names: Any
    ) -> list[Statement]:
        """A statement such as `if a > b` around others."""
        (outer,) = self.code(f"{head}:\n    pass", **names)
        assert isinstance(outer, nodes.If | nodes.While | nodes.For)
        if isinstance(outer, nodes.If):
            return [replace(outer, body=tuple(body), orelse=tuple(orelse))]
        return [replace(outer, body=tuple(body))]

    def number(self, value: float) -> Number:
        """A number of the lanes' type."""
        return Number(value, self.spec.dtype)

    def in_lanes(self, statements: Iterable[Any]) -> list[Any]:
        """The statements with their numbers in the lanes' type, lest the arithmetic becomes double."""

        def typed(node: Any) -> Any:
            is_plain = isinstance(node, Number) and node.dtype is None and isinstance(node.value, float)
            return self.number(node.value) if is_plain else node

        return [nodes.rebuilt(statement, typed) for statement in statements]

    def lane_code(self, text: str, **names: Any) -> list[Any]:
        """The statements of a text with their numbers in the lanes' type."""
        return self.in_lanes(self.code(text, **names))

    def cast(self, value: Expression) -> Expression:
        """A float64 expression in the lanes' type."""
        return nodes.Cast("float32", value) if self.spec.dtype == "float32" else value

    def table(self, name: str, values: Sequence[float], dtype: str | None = None) -> Symbol:
        """A table of constants."""
        symbol = Symbol(name)
        self.tables[symbol] = dtype or self.spec.dtype, tuple(values)
        return symbol

    # --- algebra ---
    def bindings(
        self, wanted: dict[str, sp.Expr], pairs: Sequence[RatePair] = (), over: sp.Expr = sp.S.One
    ) -> list[Let]:
        """Statements that compute the expressions times `over`, under the given names."""
        if not self.spec.kinds:
            wanted = {name: e.subs(I_APP, 0) for name, e in wanted.items()}
        lets = self.translator.lets(bind(self.system, wanted, self.constants, self.spec.dtype, pairs, over))
        self.scratch.add("lane", *(self.symbol_of(n) for n, _ in (*self.constants.of_lanes, *self.constants.of_steps)))
        return lets

    def constant(self, assignments: Sequence[Assignment]) -> list[Let]:
        """Statements that compute lane constants."""
        return self.translator.lets(with_common_parts(assignments))

    def rates(self, states: Iterable[str], over: float | None = None) -> list[Let]:
        """a, b and f = a - b x of the states; times a fraction of the step, if one is given."""
        wanted_rates = [self.rates_of[x] for x in states]
        wanted: dict[str, sp.Expr] = {}
        for rates in wanted_rates:
            wanted |= {rates.pair.a: self.system.a[rates.state], rates.pair.b: self.system.b[rates.state]}
        follow = {rates.b: rates for rates in wanted_rates}
        lets: list[Let] = []
        factor = sp.S.One if over is None else sp.Rational(str(over)) * DT
        for let in self.bindings(wanted, [rates.pair for rates in wanted_rates], factor):
            lets.append(let)
            if (of := follow.get(let.target)) is not None:
                names = {"f": of.f, "a": of.a, "b": of.b, "x": self.states[of.state]}
                lets.append(self.let("f = a - b * x", **names))
        return lets

    # --- stimuli ---
    def current(self, at: Expression, end: Expression | None = None) -> Expression:
        """The applied current at a time, in float64; the step goes from t to `end`, by default t_end."""
        terms = [self.of_stimulus(k, kind.text, at, end) for k, kind in enumerate(self.spec.kinds)]
        total = terms[0]
        for term in terms[1:]:
            total = nodes.Binary("+", total, term)
        return total

    def of_stimulus(self, k: int, text: str, at: Expression | None = None, end: Expression | None = None) -> Expression:
        """An expression of stimulus k."""
        return parse.expression(text, self._names_of_stimulus(k, at, end))

    def _names_of_stimulus(self, k: int, at: Expression | None, end: Expression | None) -> Names:
        t, t_end = Name(self.own["t"]), Name(self.own["t_end"])
        times = {"t": t if at is None else at, "t0": t, "t1": t_end if end is None else end}
        return self.functions | self.stimulus_names[k] | times

    def point_code(self, k: int, text: str) -> list[Statement]:
        """Statements of the points of stimulus k."""
        return list(parse.statements(text, self._names_of_stimulus(k, None, None), {}))

    def before_points(self) -> list[Statement]:
        """Statements of a lane that precede the first points of its stimuli."""
        return [statement for k, points in self.pointed.items() for statement in self.point_code(k, points.begin)]

    def to_next_point(self, k: int) -> list[Statement]:
        """Statements of a lane that lead stimulus k to the points around t, for a step up to t_end."""
        return self.point_code(k, self.pointed[k].onward)

    def next_point(self, k: int, lane: Expression | None = None) -> Expression:
        """The time of the next point of stimulus k, of a lane."""
        return self.scratch.element(self.stimulus_names[k]["until"], lane)

    # --- recording ---
    def after_step(self) -> list[Any]:
        """Spike detection and the recorders' running values, at the end of a step."""
        lets: list[Any] = []
        for d in self.detectors:
            lets += self.lane_code(
                """\
spike = armed if V >= threshold else 0.0
armed = 1.0 if V < rearm else armed - spike
hit = hit | (spike > 0.0)""",
                **self.names_of(d),
            )
        for recorder in self.recorders:
            lets += self.in_lanes(recorder.step)
        return lets

    @staticmethod
    def names_of(d: Detector) -> dict[str, Any]:
        return {"spike": d.spike, "armed": d.armed, "hit": d.hit, "threshold": d.threshold, "rearm": d.rearm}

    def told(self, detector: Detector, is_on: Any) -> list[Statement]:
        """Tell the recorders of a detector, in a scalar loop, of a spike; is_on : recorder -> condition."""
        return [
            statement
            for recorder in self.recorders
            if recorder.detector == detector.number and recorder.spike
            for statement in [nodes.If(is_on(recorder), recorder.spike)]
        ]

    def sampled(self, hooks: Hooks) -> list[Let]:
        """The statements that compute what a recorder samples and is no state."""
        named = {name: self.system.named[name] for name in hooks.samples if name in self.system.named}
        lets = self.bindings(named) if named else []
        if "i_app" in hooks.samples and not self.spec.kinds:
            lets += self.lane_code("i_app = 0.0 * V")
        return lets

    def variable(self, name: str) -> Symbol:
        """The symbol of what can be sampled: a state, i_app, or a named quantity."""
        return self.symbol_of(name)

    # --- beginning and end ---
    def load(self) -> list[Statement]:
        """The statements that fill the parameters and states of lane i with those of its cell."""
        n, m = len(self.parameters), len(self.states)
        found = self._load_parameters("lane", n, 0)
        if self.spec.kinds:
            found += self._load_parameters("float64", len(self.spec.stimulus_parameters), n)
        state = nodes.ScratchElement("lane", self.value("(n + k) * W + i", n=Number(n), k=(k := Symbol("k"))))
        return [
            *found,
            *self.nest("for k in range(m)", self.code("state = X[k, cell]", state=state, k=k), m=Number(m), k=k),
        ]

    def _load_parameters(self, kind: str, n: int, first: int) -> list[Statement]:
        k = Symbol("k")
        place = nodes.ScratchElement(kind, self.value("k * W + i", k=k))
        number: Expression = self.value("first + k", first=Number(first), k=k) if first else Name(k)
        body = self.code(
            """\
if col[number] >= 0:
    place = P[col[number], cell]
else:
    place = p0[number]""",
            place=place,
            number=number,
        )
        return self.nest("for k in range(n)", body, n=Number(n), k=k)

    def store(self, cell: Expression) -> list[Statement]:
        """The statements that hand the states of lane i back."""
        n, k = len(self.parameters), Symbol("k")
        state = nodes.ScratchElement("lane", self.value("(n + k) * W + i", n=Number(n), k=k))
        body = self.code("X[k, cell] = state", state=state, k=k, cell=cell)
        return self.nest("for k in range(m)", body, m=Number(len(self.states)), k=k)

    @property
    def not_finite(self) -> Expression:
        """An expression that is NaN where a state of lane i is infinite or NaN, and 0 elsewhere."""
        terms = [self.value("x - x", x=self.scratch.element(s)) for s in self.states.values()]
        total = terms[0]
        for term in terms[1:]:
            total = nodes.Binary("+", total, term)
        return total

    def arm(self) -> list[Any]:
        """Detectors at the start: a cell above threshold is not armed."""
        return [
            let
            for d in self.detectors
            for let in self.lane_code("armed = 0.0 if V >= threshold else 1.0", **self.names_of(d))
        ]

    def kernel(self, body: Sequence[Statement]) -> Kernel:
        """The kernel, around the body of its function."""
        spec = self.spec
        levels = [
            Let(symbol, self.cast(self.value(f"levels[{d.number}, {k}]")))
            for d in self.detectors
            for k, symbol in enumerate((d.threshold, d.rearm))
        ]
        current = "+".join(kind.name for kind in spec.kinds) or "no stimulus"
        lanes = self.scratch.lanes
        return Kernel(
            title=f"{spec.model.name}, {spec.integrator.name}, {current}, {spec.dtype}",
            name="kernel",
            arguments={self.arguments[name]: kind for name, kind in spec.arguments.items()},
            body=(*levels, *body),
            lanes=lanes,
            scratch={
                kind: (self.arguments[name], self.scratch.size(kind) * lanes) for kind, name in SCRATCH_ARRAYS.items()
            },
            rows=self.scratch.rows,
            tables=self.tables,
            constants={self.own["W"]: lanes},
            shared=frozenset({self.arguments[SHARED]}),
            notes=equations(spec.model),
        )


def uses_phi(text: str) -> bool:
    """Whether the text of a stage is an exponential update."""
    return "phi" in names_used(text)
