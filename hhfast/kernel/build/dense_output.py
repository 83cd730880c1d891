"""Dense output: the states inside a step, as polynomials of where in it, and the slopes at its ends."""

from __future__ import annotations

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.quotation import sum_of
from hhfast.kernel.build.trial_step import TrialStep
from hhfast.kernel.tree.nodes import Expression, Statement, Symbol


class DenseOutput:
    """The interpolant of a method, after a trial step. at : the symbol of the fraction of the step."""

    def __init__(self, builder: Builder, trial: TrialStep) -> None:
        self.builder, self.trial, self.dense = builder, trial, trial.tableau.dense
        self.at = Symbol("at")

    def coefficients(self, x: Symbol) -> list[Expression]:
        """Of the change of a state since the beginning of the step: those of `at`, its square ..."""
        return [self.trial.total([row[p] for row in self.dense], x) for p in range(len(self.dense[0]))]

    def mean(self, x: Symbol) -> Expression:
        """The mean over the step of the change of a state since its beginning."""
        return self.trial.total([sum(c / (p + 2) for p, c in enumerate(row)) for row in self.dense], x)

    def slopes_at_ends(self, x: Symbol) -> tuple[Expression, Expression]:
        """The slopes of a state at the beginning and the end of the step, times its size."""
        ends = [sum((p + 1) * c for p, c in enumerate(row)) for row in self.dense]
        ends = [c if abs(c) > 1e-12 else 0.0 for c in ends]  # of a last stage at the end the others' sums are rounding
        return self.trial.total([row[0] for row in self.dense], x), self.trial.total(ends, x)

    def states(self) -> tuple[list[Statement], dict[str, Expression]]:
        """Statements, and then the states at the fraction `at` of the step, from the dense output."""
        quote, lets, weights = self.builder.quote, list[Statement](), list[Symbol]()
        for row in self.dense:
            value: Expression = quote.number(row[-1])
            for c in reversed(row[:-1]):
                value = quote.value("c + at * value", c=quote.number(c), at=self.at, value=value)
            weights.append(Symbol("weight"))
            lets += quote.code("weight = at * value", weight=weights[-1], at=self.at, value=value)
        found = {}
        for x, was in self.trial.was.items():
            terms = [quote.value("g * w", g=g, w=w[x]) for g, w in zip(weights, self.trial.increments, strict=True)]
            found[x] = quote.value("was + change", was=was, change=self.trial.scaled(sum_of(terms)))
        return lets, found
