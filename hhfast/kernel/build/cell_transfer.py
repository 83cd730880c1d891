"""From the arrays of all cells into a lane, and back: parameters and states."""

from __future__ import annotations

from collections.abc import Mapping

from hhfast.kernel.build.quotation import Quotation, sum_of
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.spec import KernelSpec
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Name, Number, Statement, Symbol


class CellTransfer:
    """Statements at the beginning and the end of a cell in lane i.

    parameters, states : their symbols, whose rows are the first of the scratch space, in this order.
    """

    def __init__(
        self, spec: KernelSpec, quote: Quotation, scratch: Scratch,
        parameters: Mapping[str, Symbol], states: Mapping[str, Symbol],
    ) -> None:  # fmt: skip
        self.spec, self.quote, self.scratch = spec, quote, scratch
        self.parameters, self.states = parameters, states

    def load(self) -> list[Statement]:
        """The statements that fill the parameters and states of lane i with those of its cell."""
        n, m = len(self.parameters), len(self.states)
        found = self._load_parameters("lane", n, 0)
        if self.spec.further_parameters:
            found += self._load_parameters("float64", self.spec.further_parameters, n)
        state = nodes.ScratchElement("lane", self.quote.value("(n + k) * W + i", n=Number(n), k=(k := Symbol("k"))))
        return [
            *found,
            *self.quote.nest(
                "for k in range(m)", self.quote.code("state = X[k, cell]", state=state, k=k), m=Number(m), k=k
            ),
        ]

    def _load_parameters(self, kind: str, n: int, first: int) -> list[Statement]:
        k = Symbol("k")
        place = nodes.ScratchElement(kind, self.quote.value("k * W + i", k=k))
        number: Expression = self.quote.value("first + k", first=Number(first), k=k) if first else Name(k)
        body = self.quote.code(
            """\
if col[number] >= 0:
    place = P[col[number], cell]
else:
    place = p0[number]""",
            place=place,
            number=number,
        )
        return self.quote.nest("for k in range(n)", body, n=Number(n), k=k)

    def store(self, cell: Expression) -> list[Statement]:
        """The statements that hand the states of lane i back."""
        n, k = len(self.parameters), Symbol("k")
        state = nodes.ScratchElement("lane", self.quote.value("(n + k) * W + i", n=Number(n), k=k))
        body = self.quote.code("X[k, cell] = state", state=state, k=k, cell=cell)
        return self.quote.nest("for k in range(m)", body, m=Number(len(self.states)), k=k)

    @property
    def not_finite(self) -> Expression:
        """An expression that is NaN where a state of lane i is infinite or NaN, and 0 elsewhere."""
        terms = [self.quote.value("x - x", x=self.scratch.element(s)) for s in self.states.values()]
        return sum_of(terms)
