"""The size of adaptive steps: what a lane tries, whether it is accepted, and what it proposes for the next."""

from __future__ import annotations

from math import log
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.quotation import sum_of
from hhfast.kernel.build.trial_step import TrialStep
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name

_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0  # the proposed step, relative to the one that would just do; its limits
_FEW = 100.0  # times dt_min
_LEAST = 1e-10  # square of the smallest relative error that is told from zero


class StepSize:
    """Lane statements before and after a trial step."""

    def __init__(self, builder: Builder, trial: TrialStep) -> None:
        self.builder, self.own, self.trial, self.tableau = builder, builder.own, trial, trial.tableau

    def choose(self) -> list[Statement]:
        """The size of the trial step: as proposed, but up to the next stop and not over it."""
        return self.builder.quote.code(
            """\
t = t_end
room = next_stop - t
step = step if step < dt_max else dt_max
size = room if 1.01 * step >= room else (0.5 * room if 2.0 * step > room else step)
h = h_of_size
t_end = next_stop if size == room else t + np.float64(h)""",
            h_of_size=self.builder.quote.cast(Name(self.own["size"])),
        )  # a last step of nearly that size is stretched; two are alike

    def control(self) -> list[Any]:
        """Whether the step is accepted, and the next size (a PI controller: Gustafsson 1991, ACM TOMS 17:533-554)."""
        k = 2.0 * self.tableau.error_order  # the exponents are of the error, not its square
        numbers = {
            "least": _LEAST,
            "of_before": 0.4 / k,
            "of_now": 0.7 / k,
            "alone": -1.0 / k,
            "safety": _SAFETY,
            "slowest": log(_SLOWEST / _SAFETY),
            "fastest": log(_FASTEST / _SAFETY),
        }
        constants = {name: self.builder.quote.number(value) for name, value in numbers.items()}
        lanes = self.builder.quote.lane_code(
            """\
rejected_before = 1.0 - ok
e = error if error < 10000000000.0 else 10000000000.0
e = e if e > least else least
ok = 1.0 if (e <= 1.0) & (h > 0.0) else 0.0
log_error = log_rough(e)
power = of_before * log_error_before - of_now * log_error if ok > 0.0 else alone * log_error
power = power if power > slowest else slowest
power = power if power < fastest else fastest
root = exp_small(0.125 * power)
root = root * root
root = root * root
change = safety * (root * root)
change = 1.0 if (rejected_before > 0.0) & (change > 1.0) else change
log_error_before = log_error if ok > 0.0 else log_error_before
dt = h if ok > 0.0 else 0.0
proposed = np.float64(h * change)
step = proposed if (ok <= 0.0) | (proposed > step) | (np.float64(h) >= step) else step""",
            **constants,
        )
        # The step wants no more digits than these of its logarithm; `exp_small` is right up to 0.25, so power up to 2.
        # The last line: a step cut short by a stop says nothing against the one proposed before.
        return [
            *self.trial.estimate(),
            *self._mean_error(),
            *lanes,
            *self.builder.quote.code("""\
t_end = t_end if ok > 0.0 else t
accepted = accepted + np.float64(ok)
is_small = (ok <= 0.0) & (np.float64(h) <= dt_min) & (h > 0.0)
failed = 1.0 if is_small | ((turns - began >= max_steps) & (t_end < t_stop)) else 0.0"""),
        ]

    def _mean_error(self) -> list[Statement]:
        """The mean square of the estimated errors, each relative to its tolerance."""
        errors, spec = self.trial.errors, self.builder.spec
        lets: list[Statement] = [Let(self.own["error"], self._mean_square([errors[x] for x in spec.model.states]))]
        for p in spec.sensitivity if len(errors) > len(spec.model.states) else ():
            of_p = self._mean_square([errors[sensitivity_name(x, p)] for x in spec.model.states])
            # Near a jump the error of a derivative is of first order in h: below such steps it is left as it is.
            lets += self.builder.quote.lane_code(
                "of_p = mean\nerror = of_p if (of_p > error) & (np.float64(h) > few * dt_min) else error",
                mean=of_p, of_p=Symbol("of_p"), few=Number(_FEW),
            )  # fmt: skip
        return lets

    def _mean_square(self, errors: list[Symbol]) -> Expression:
        total = sum_of([self.builder.quote.value("e * e", e=e) for e in errors])
        share = self.builder.quote.number(1.0 / len(errors))
        return self.trial.scaled(self.trial.scaled(self.builder.quote.value("share * total", share=share, total=total)))
