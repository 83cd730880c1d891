"""The applied current in a kernel: the texts of its stimuli, and how lanes go from point to point."""

from __future__ import annotations

from hhfast.kernel.build.quotation import Names, Quotation, sum_of
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.spec import KernelSpec, array_name
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.nodes import Expression, Name, Statement, Symbol
from hhfast.parts.piecewise_linear import POINT_ROWS


class AppliedCurrent:
    """The stimuli of a kernel, each with symbols of its own for its parameters and points."""

    def __init__(self, spec: KernelSpec, quote: Quotation, scratch: Scratch) -> None:
        self.kinds, self.quote, self.own, self.scratch = spec.kinds, quote, quote.own, scratch
        self.smooth = any(kind.smooth for kind in spec.kinds)
        self.names: list[dict[str, Symbol]] = [{name: Symbol(name) for name in kind.parameters} for kind in spec.kinds]
        scratch.add("float64", *(s for names in self.names for s in names.values()))  # first: they are loaded by number
        self.pointed = {k: kind.points for k, kind in enumerate(spec.kinds) if kind.points}
        for k, points in self.pointed.items():
            kept = {name: Symbol(name) for name in (*POINT_ROWS, *points.rows)}
            scratch.add("float64", *kept.values())
            self.names[k] |= kept | {name: self.own[array_name(name, k)] for name in points.arrays}
        if spec.kinds:
            scratch.add("lane", self.own["i_app"])

    def at(self, at: Expression, end: Expression | None = None) -> Expression:
        """The applied current at a time, in float64; the step goes from t to `end`, by default t_end."""
        terms = [self.of_stimulus(k, kind.text, at, end) for k, kind in enumerate(self.kinds)]
        return sum_of(terms)

    def of_stimulus(self, k: int, text: str, at: Expression | None = None, end: Expression | None = None) -> Expression:
        """An expression of stimulus k."""
        return parse.expression(text, self._names_of_stimulus(k, at, end))

    def _names_of_stimulus(self, k: int, at: Expression | None, end: Expression | None) -> Names:
        t, t_end = Name(self.own["t"]), Name(self.own["t_end"])
        times = {"t": t if at is None else at, "t0": t, "t1": t_end if end is None else end}
        return self.quote.functions | self.names[k] | times

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
        return self.scratch.element(self.names[k]["until"], lane)
