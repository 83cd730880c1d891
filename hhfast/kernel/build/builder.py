"""What fixed-step and adaptive kernels are built with: their symbols, rows and lane constants, and common statements.

A lane is one cell; a block is a number of lanes, advanced together; one call advances the cells from first_cell to
before last_cell. Statements are quoted as text in the grammar of `tree.parse`, with names for the symbols of the
kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from hhfast.kernel.build.applied_current import AppliedCurrent
from hhfast.kernel.build.cell_transfer import CellTransfer
from hhfast.kernel.build.expressions import Translator
from hhfast.kernel.build.guards import Guards
from hhfast.kernel.build.notes import equations
from hhfast.kernel.build.quotation import Quotation
from hhfast.kernel.build.recorders import KernelRecorders
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.equations.channel_noise import effects
from hhfast.kernel.equations.sensitivities import by_stimulus, has_choices, slopes_by_current, with_sensitivities
from hhfast.kernel.equations.system import G_APP, I_APP, V_SLOPE, System, system_of
from hhfast.kernel.math import functions
from hhfast.kernel.optimise.binding_times import DT, LaneConstants, bind, with_common_parts
from hhfast.kernel.optimise.merged_divisions import RatePair
from hhfast.kernel.optimise.shared_exponentials import Assignment
from hhfast.kernel.spec import ADAPTIVE_LANES, LANES, SCRATCH_ARRAYS, SHARED, KernelSpec
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Let, Number, Statement, Symbol
from hhfast.parts.sensitivity import moved_edges, of_step_names, sensitivity_name, shift_names

# The names of every kernel; see `spec` for those of its arguments.
_OWN = (
    "i", "W", "V_before", "V_was", "V_step", "V_high", "V_low", "V_turn", "dV_was", "t", "t_end", "dt",
    "dt_high", "dt_turn", "t_spike", "cell", "i_app",
)  # fmt: skip


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


class Builder:
    """A kernel in the making."""

    def __init__(self, spec: KernelSpec) -> None:
        self.spec = spec
        self.system: System = system_of(spec.model)
        if any(kind.conductances for kind in spec.kinds):
            self.system = self.system.with_applied_conductance
        if spec.time_unit:
            self.system = self.system.in_units_of(spec.time_unit)
        if spec.sensitivity:
            self.by_i_app = slopes_by_current(self.system)
            of_stimuli = spec.derived_stimulus_parameters.items()
            linear = tuple(p for p, of in of_stimuli if not moved_edges(spec.kinds[of.stimulus], of.name))
            self.system = with_sensitivities(self.system, spec.sensitivity, linear)
        self.jacobian_jumps = bool(spec.sensitivity) and has_choices(self.system)
        self.constants = LaneConstants(frozenset(self.system.parameters))
        # Those of channel noise are apart: else what constants have in common, and so their rounding, would be another.
        adaptive = spec.integrator.adaptive
        self.of_noise = LaneConstants(self.constants.parameters, "q") if adaptive else self.constants
        self.tables: dict[Symbol, tuple[str, tuple[float, ...]]] = {}
        self.states = {x: Symbol(x, is_membrane=x == "V") for x in self.system.states}
        self.parameters = {p: Symbol(p) for p in self.system.parameters}
        self.rates_of = {x: Rates(x, *(Symbol(f"{c}_{x}") for c in "abf")) for x in self.states}
        self.arguments = {name: Symbol(name) for name in spec.arguments}
        self.V = self.states["V"]
        self.own: dict[str, Symbol] = {name: Symbol(name) for name in _OWN} | self.arguments | {"V": self.V}
        self.own |= {name: Symbol(name) for name in (*shift_names(spec.sensitivity), *of_step_names(spec.sensitivity))}
        self.own |= {f"V_by_{k}": self.states[sensitivity_name("V", p)] for k, p in enumerate(spec.sensitivity)}
        # The names that algebra uses end in an underscore, so no model's name is among them.
        self._symbols = {**self.states, **self.parameters, "i_app": self.own["i_app"], DT.name: self.own["dt"]}
        for rates in self.rates_of.values():
            self._symbols |= {rates.pair.a: rates.a, rates.pair.b: rates.b}
        self.quote = Quotation(self.own, spec.dtype, functions(spec.dtype))
        self.functions = self.quote.functions
        self.translator = Translator(self.symbol_of, self.functions, spec.dtype)
        lanes = (ADAPTIVE_LANES if spec.integrator.adaptive else LANES)[spec.dtype]
        self.scratch = Scratch(spec.dtype, self.own["i"], self.own["W"], lanes)
        self.scratch.add("lane", *self.parameters.values(), *self.states.values())  # first: they are loaded by number
        if spec.channel_noise:  # whose parameters precede those of the stimuli
            scratch_rows = (self.own.setdefault(name, Symbol(name)) for name in ("noise_seed", "noise_cell"))
            self.scratch.add("float64", *scratch_rows)
        # What fluctuations held over a step add to a and b of a state; with fixed steps it is added after them.
        self.held = effects(spec.model) if spec.channel_noise and spec.integrator.adaptive else {}
        self.applied = AppliedCurrent(spec, self.quote, self.scratch)
        i_app: Any = self.own["i_app"] if spec.kinds else Number(0.0)
        if self.applied.conducts:
            i_app = self.quote.value("i_app - g_app * V")
        self._symbols |= {G_APP.name: self.own["g_app"]} if self.applied.conducts else {}
        self._symbols |= {by_stimulus(p).name: self.own[f"i_app_by_{p}"] for p in self.applied.linear}
        self._symbols |= {V_SLOPE.name: self.own["V_slope"]} if self.applied.clamp is not None else {}
        self.recorders = KernelRecorders(
            spec, self.quote, self.scratch, {"C_m": self.parameters["C_m"], "i_app": i_app}
        )
        self.transfer = CellTransfer(spec, self.quote, self.scratch, self.parameters, self.states)
        self.guards = Guards(spec.model, self.quote, self.scratch, self.states)

    def symbol_of(self, name: str) -> Symbol:
        """The symbol of a name that algebra uses."""
        return self._symbols.setdefault(name, Symbol(name.rstrip("_")))

    def table(self, name: str, values: Sequence[float], dtype: str | None = None) -> Symbol:
        """A table of constants."""
        symbol = Symbol(name)
        self.tables[symbol] = dtype or self.spec.dtype, tuple(values)
        return symbol

    def bindings(
        self,
        wanted: dict[str, sp.Expr],
        pairs: Sequence[RatePair] = (),
        over: sp.Expr = sp.S.One,
        constants: LaneConstants | None = None,
    ) -> list[Let]:
        """Statements that compute the expressions times `over`, under the given names."""
        constants = constants or self.constants
        if not self.spec.kinds:
            wanted = {name: e.subs(I_APP, 0) for name, e in wanted.items()}
        lets = self.translator.lets(bind(self.system, wanted, constants, self.spec.dtype, pairs, over))
        self.scratch.add("lane", *(self.symbol_of(n) for n, _ in (*constants.of_lanes, *constants.of_steps)))
        return lets

    def noise_bindings(
        self, wanted: dict[str, sp.Expr], pairs: Sequence[RatePair] = (), over: sp.Expr = sp.S.One
    ) -> list[Let]:
        """The same for what channel noise asks, with constants of its own."""
        return self.bindings(wanted, pairs, over, self.of_noise)

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
                if of.state == "V" and self.applied.clamp is not None:
                    lets += self._clamped(of, over)
                names = {"f": of.f, "a": of.a, "b": of.b, "x": self.states[of.state]}
                lets.append(self.quote.let("f = a - b * x", **names))
                lets += self._held(of)
        return lets

    def of_fluctuations(self) -> list[Statement]:
        """What fluctuations of channels that are held add to a and b of states, in loops of their own.

        So it shares nothing with the rates, whose rounding is then as it is without.
        """
        wanted = {f"noise_{c}_{x}_": e for x, both in self.held.items() for c, e in zip("ab", both, strict=True)}
        lets = self.noise_bindings(wanted) if wanted else []
        self.scratch.add("lane", *map(self.symbol_of, wanted))
        return self.scratch.loops(lets) if lets else []

    def _held(self, of: Rates) -> list[Any]:
        """Statements that add to the slope of a state what fluctuations carry: where they are 0, no bit changes."""
        if of.state not in self.held:
            return []
        more = "noise_a - noise_b * x"
        rows = {f"noise_{c}": self.symbol_of(f"noise_{c}_{of.state}_") for c in "ab"}
        if of.state == "V" and self.applied.clamp is not None:
            more = f"(0.0 if clamped > 0.0 else {more})"
        elif of.state in self.system.groups["pools"]:  # which need not be linear in what is added
            more = f"(({more}) if noisy > 0.0 else 0.0)"
            rows["noisy"] = self.own["noisy"]
        return self.quote.lane_code(f"f = f + ({more})", f=of.f, x=self.states[of.state], **rows)

    def _clamped(self, of: Rates, over: float | None) -> list[Any]:
        """Where V is clamped, V' is the slope of the command: a is that, and b is 0; unless they are no numbers.

        A cell with NaN among its parameters is then flagged, as it is where V is free.
        """
        slope = self.quote.value("V_slope")
        if over is not None:
            slope = self.quote.value("V_slope * (over * dt)", over=self.quote.number(over))
        return self.quote.lane_code(
            "a = slope + (a - a) if clamped > 0.0 else a\nb = b - b if clamped > 0.0 else b",
            a=of.a,
            b=of.b,
            slope=slope,
        )

    def kernel(self, body: Sequence[Statement]) -> Kernel:
        """The kernel, around the body of its function."""
        spec = self.spec
        current = "+".join(kind.name for kind in spec.kinds) or "no stimulus"
        lanes = self.scratch.lanes
        return Kernel(
            title=f"{spec.model.name}, {spec.integrator.name}, {current}, {spec.dtype}",
            name="kernel",
            arguments={self.arguments[name]: kind for name, kind in spec.arguments.items()},
            body=(*self.recorders.levels(), *body),
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
