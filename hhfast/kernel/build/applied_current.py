"""What stimuli apply in a kernel: their texts, how lanes go from point to point, and how a clamp sets V.

The membrane has C_m V' = i_app - g_app V + ...: i_app is the current of the stimuli at V = 0 (that of a conductance g
with the reversal potential E is g E there), and g_app the sum of their conductances; without any, there is no g_app.
"""

from __future__ import annotations

from collections.abc import Iterable

from hhfast.kernel.build.quotation import Names, Quotation, sum_of
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.spec import KernelSpec, array_name
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol
from hhfast.parts.clamp_command import COMMAND
from hhfast.parts.piecewise_linear import POINT_ROWS
from hhfast.parts.sensitivity import moved_edges


class AppliedCurrent:
    """The stimuli of a kernel, each with symbols of its own for its parameters and points.

    names : of what lanes keep of them: i_app, and g_app if some stimulus is a conductance.
    clamp : the number of the voltage clamp among the stimuli, if there is one.
    """

    def __init__(self, spec: KernelSpec, quote: Quotation, scratch: Scratch) -> None:
        self.kinds, self.quote, self.own, self.scratch = spec.kinds, quote, quote.own, scratch
        self.smooth = any(kind.smooth for kind in spec.kinds)
        self.conducts = any(kind.conductances for kind in spec.kinds)
        # Of a parameter that moves edges, the current has no derivative between them (see `moved_edges`).
        of_stimuli = spec.derived_stimulus_parameters.items()
        self.linear = {p: of for p, of in of_stimuli if not moved_edges(spec.kinds[of.stimulus], of.name)}
        self.moved = {p: of for p, of in of_stimuli if p not in self.linear}
        self.names = ("i_app", *(["g_app"] if self.conducts else []), *(f"i_app_by_{p}" for p in self.linear))
        self.clamp = next((k for k, kind in enumerate(spec.kinds) if kind.clamp is not None), None)
        self.parameters: list[dict[str, Symbol]] = [
            {name: Symbol(name) for name in kind.parameters} for kind in spec.kinds
        ]
        # first: they are loaded by number
        scratch.add("float64", *(s for names in self.parameters for s in names.values()))
        self.pointed = {k: kind.points for k, kind in enumerate(spec.kinds) if kind.points}
        for k, points in self.pointed.items():
            kept = {name: Symbol(name) for name in (*POINT_ROWS, *points.rows)}
            scratch.add("float64", *kept.values())
            self.parameters[k] |= kept | {name: self.own[array_name(name, k)] for name in points.arrays}
        if spec.kinds:
            scratch.add("lane", *(self.own.setdefault(name, Symbol(name)) for name in self.names))
        if self.clamp is not None:  # whether V is clamped (1, or 0), and how fast its command changes, mV/ms
            scratch.add("lane", *(self.own.setdefault(name, Symbol(name)) for name in ("clamped", "V_slope")))

    # --- currents and conductances ---
    def values(self, at: Expression, end: Expression | None = None) -> dict[str, Expression]:
        """i_app and g_app at a time, in float64; the step goes from t to `end`, by default t_end."""
        numbers = range(len(self.kinds))
        found = {"i_app": self.current(numbers, at, end)}
        if self.conducts:
            found["g_app"] = self.conductance(numbers, at, end)
        for p, (k, name) in self.linear.items():
            found[f"i_app_by_{p}"] = self.by(name, self.kinds[k].text, self._names_of_stimulus(k, at, end))
        return found

    def by(self, p: str, text: str, names: Names) -> Expression:
        """The derivative of an expression of a stimulus that is linear in its parameter p."""
        one, none = (parse.expression(text, {**names, p: Number(value)}) for value in (1.0, 0.0))
        return self.quote.value("one - none", one=one, none=none)

    def jump(self, k: int) -> Expression:
        """By how much the current of stimulus k, constant between its edges, jumps at the time t."""
        names = self.quote.functions | self.parameters[k]
        sides = {"before": ("t - 1.0e-6", "t"), "after": ("t", "t + 1.0e-6")}
        values = {}
        for side, (start, stop) in sides.items():
            times = {"t": Name(self.own["t"]), "t0": self.quote.value(start), "t1": self.quote.value(stop)}
            values[side] = parse.expression(self.kinds[k].text, {**names, **times})
        return self.quote.value("after - before", **values)

    def moves(self, k: int, p: str) -> Expression:
        """How far, per unit of p, the edge of stimulus k moves at which the time t is; 0: at none that p moves."""
        total: Expression = Number(0.0)
        for edge in moved_edges(self.kinds[k], p):
            names = self._names_of_stimulus(k, None, None)
            total = self.quote.value(
                "rate if abs(t - edge) <= 1.0e-9 else total",
                rate=self.by(p, edge, names), edge=parse.expression(edge, names), total=total,
            )  # fmt: skip
        return total

    def current(self, stimuli: Iterable[int], at: Expression, end: Expression | None = None) -> Expression:
        """The current of some of the stimuli at V = 0."""
        terms: list[Expression] = []
        for k in stimuli:
            if self.kinds[k].text:
                terms.append(self.of_stimulus(k, self.kinds[k].text, at, end))
            for g, E in self.kinds[k].conductances:
                both = {"g": self.of_stimulus(k, g, at, end), "E": self.of_stimulus(k, E, at, end)}
                terms.append(self.quote.value("g * E", **both))
        return sum_of(terms) if terms else Number(0.0)

    def conductance(self, stimuli: Iterable[int], at: Expression, end: Expression | None = None) -> Expression:
        """The conductance of some of the stimuli."""
        terms = [self.of_stimulus(k, g, at, end) for k in stimuli for g, _ in self.kinds[k].conductances]
        return sum_of(terms) if terms else Number(0.0)

    def set_to(self, at: Expression, end: Expression | None = None) -> list[Let]:
        """Statements of a lane that set i_app and g_app to their values at a time."""
        return [Let(self.own[name], self.quote.cast(value)) for name, value in self.values(at, end).items()]

    def of_stimulus(self, k: int, text: str, at: Expression | None = None, end: Expression | None = None) -> Expression:
        """An expression of stimulus k."""
        return parse.expression(text, self._names_of_stimulus(k, at, end))

    def _names_of_stimulus(self, k: int, at: Expression | None, end: Expression | None) -> Names:
        t, t_end = Name(self.own["t"]), Name(self.own["t_end"])
        times = {"t": t if at is None else at, "t0": t, "t1": t_end if end is None else end}
        return self.quote.functions | self.parameters[k] | times

    # --- points ---
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
        return self.scratch.element(self.parameters[k]["until"], lane)

    # --- the voltage clamp ---
    def clamp_V(self) -> list[Statement]:
        """Statements of a lane whose clamp has come to a point at t: V becomes the command, if it is clamped."""
        assert self.clamp is not None
        names = {name: self.parameters[self.clamp][name] for name in ("held", "slope")}
        return self.quote.code(
            """\
clamped = is_clamped
V = command if held > 0.0 else V
V_slope = command_slope""",
            **names,
            is_clamped=self.quote.cast(Name(names["held"])),
            command=self.quote.cast(self.of_stimulus(self.clamp, COMMAND)),
            command_slope=self.quote.cast(self.quote.value("slope if held > 0.0 else 0.0", **names)),
        )

    def series(self, at: Expression) -> tuple[Expression, Expression]:
        """(current at V = 0, conductance) of a clamp through a series resistance, at a time; both 0 if it has none."""
        own = [] if self.clamp is None else [self.clamp]
        return self.current(own, at), self.conductance(own, at)
