"""What a current is: a conductance times what opens it times v - E, or any other expression."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import numpy as np

from hhfast.model.importers.expressions import Expr, multiply, number, product, terms, value_of, variable
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.mechanism import Mechanism
from hhfast.model.importers.part import ChannelForm

_CONDUCTANCE = re.compile(r"(p|u|m|n|micro|milli)?(S|mho|siemens|ohm-1)/(cm2|um2|cm\^2|cm-2|m2|micron2)", re.IGNORECASE)


class CurrentReader:
    """Reads the currents of a mechanism; `value` gives the number of a parameter."""

    def __init__(self, mechanism: Mechanism, table: FormulaTable, value: Callable[[str], float]) -> None:
        self.m, self.table, self.value = mechanism, table, value

    def read(self, channel: ChannelForm, e: Expr) -> None:
        """Fill in what the current's expression says of the channel."""
        if not self.ohmic(channel, e):
            self.other(channel, e)

    def flat(self, e: Expr) -> tuple[int, list[Expr], list[Expr]]:
        """The factors of an expression, opened down to conductances and states."""
        sign, above, below = 1, [e], list[Expr]()
        for name in (*self.m.states, *self.conductances()):
            opened_above: list[Expr] = []
            opened_below: list[Expr] = []
            for group, own, other in ((above, opened_above, opened_below), (below, opened_below, opened_above)):
                for factor in group:
                    s, a, b = self.table.factors(factor, name)
                    sign *= s
                    own.extend(a)
                    other.extend(b)
            above, below = opened_above, opened_below
        return sign, above, below

    def conductances(self) -> list[str]:
        """The parameters that may be a maximal conductance: by their unit, then by their name."""
        given = self.m.parameters
        by_unit = [n for n, (_, unit) in given.items() if _CONDUCTANCE.fullmatch(unit.replace(" ", ""))]
        by_name = [n for n, (_, unit) in given.items() if n.lower().startswith("g") and n not in by_unit
                   and unit.strip() in ("", "1")]  # fmt: skip
        return by_unit + by_name

    def ohmic(self, channel: ChannelForm, e: Expr) -> bool:
        """Fill in g, E and the opening, where the current is such a product."""
        sign, above, below = self.table.factors(e, "v")
        for k, factor in enumerate(above):
            parts = terms(self.table.opened(factor))
            driving = [s for s, t in parts if isinstance(t, ast.Name) and t.id == "v"]
            rest = [(s, t) for s, t in parts if not (isinstance(t, ast.Name) and t.id == "v")]
            free = all(not self.table.bases(t) & {"v", *self.m.states} for _, t in rest)
            if len(driving) != 1 or len(rest) > 1 or not free:
                continue
            others = product(sign * driving[0], above[:k] + above[k + 1 :], below)
            reversal = product(-rest[0][0] * driving[0], [rest[0][1]], []) if rest else number(0)
            return self.conductance(channel, others, reversal)
        return False

    def conductance(self, channel: ChannelForm, G: Expr, reversal: Expr) -> bool:
        sign, above, below = self.flat(G)
        numbers = [(k, value_of(f)) for k, f in enumerate(above) if value_of(f) is not None]
        scale = 1e3 * sign * float(np.prod([v for _, v in numbers if v is not None] or [1.0]))
        for f in [f for f in below if value_of(f) not in (None, 0.0)]:
            scale /= value_of(f) or 1.0
        kept = [f for f in above if value_of(f) is None]
        below = [f for f in below if value_of(f) in (None, 0.0)]
        named = [f for f in kept if isinstance(f, ast.Name) and f.id in self.conductances()]
        others = [f for f in kept if not named or f is not named[0]]
        if scale <= 0:
            return False
        channel.g = scale * (self.value(named[0].id) if named else 1.0)
        channel.g_name, channel.scale = named[0].id if named else "", scale
        channel.reversal = reversal
        channel.opening = [product(1, others, below)] if below else others
        if named and any(named[0].id in self.table.bases(f) for f in channel.opening):
            channel.g, channel.opening = scale, [*channel.opening, named[0]]
            channel.g_name = ""
        return True

    def other(self, channel: ChannelForm, e: Expr) -> None:
        """Any other current: in uA/cm2 where the file has mA/cm2."""
        sign, above, below = self.flat(e)
        numbers = [value_of(f) or 0.0 for f in above if value_of(f) is not None]
        scale = 1e3 * float(np.prod(numbers or [1.0]))
        kept = [f for f in above if value_of(f) is None]
        named = [f for f in kept if isinstance(f, ast.Name) and f.id in self.conductances()
                 and _CONDUCTANCE.fullmatch(self.m.parameters[f.id][1].replace(" ", ""))]  # fmt: skip
        if named and not any(named[0].id in self.table.bases(f) for f in (*kept, *below) if f is not named[0]):
            channel.g, channel.g_name, channel.scale = scale * self.value(named[0].id), named[0].id, scale
            kept, scale = [variable("g@"), *(f for f in kept if f is not named[0])], 1.0
        channel.current = multiply(number(scale), product(sign, kept, below))
