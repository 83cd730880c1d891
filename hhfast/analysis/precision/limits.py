"""The order that an integrator reaches, and the longest step that it bears."""

from __future__ import annotations

import numpy as np

from hhfast.analysis.precision.problem import Problem, Setting
from hhfast.analysis.precision.reference import Reference, distance
from hhfast.kernel.integrators import Integrator

_ORDER_UNTIL = 10.0  # ms: a spike and its end; later the phase, whose order may be higher, hides the other errors
_ROUNDING = 2.0**-54  # of a step, relative: runs of many steps differ by that times their number
_HALVED = 0.1 * 0.5 ** np.arange(9)  # ms
_RIGHT = 0.95  # the share of cells whose spike count must be right at a step that is called stable
_STEPS = 2.0 ** (np.arange(-80, 9) / 8.0)  # ms, 0.001 to 2


def measured_order(problem: Problem, integrator: Integrator) -> float:
    """By how many powers of two the change of all states falls from one halving of the step to the next, at last.

    "At last": where the change comes near the rounding of float64, which grows with the number of steps, no halving
    teaches anything. NaN where there are no two changes to compare.
    """
    start = problem.until(_ORDER_UNTIL)
    states = [start.final(start.run(Setting(integrator, dt))) for dt in _HALVED]
    changes: list[float] = []
    for dt, before, after in zip(_HALVED[1:], states[:-1], states[1:], strict=True):
        change = distance(before, after)
        if change < _ROUNDING * start.t_stop / dt:
            break
        changes.append(change)
    last = changes[-2:]
    return float(np.log2(last[0] / last[1])) if len(last) == 2 and np.isfinite(last).all() else np.nan


def longest_step(problem: Problem, reference: Reference, integrator: Integrator) -> float:
    """The longest step, ms (to 9 %), with which all cells stay finite and 95 % of them have the right spike count.

    Bisected between 0.001 and 2 ms; NaN where 0.001 ms is too long, or the integrator chooses its steps itself.
    """

    def bears(dt: float) -> bool:
        found = reference.errors(problem.run(Setting(integrator, dt)))
        return found.diverged == 0 and found.wrong_counts <= (1.0 - _RIGHT) * problem.cohort.n

    if integrator.adaptive or not bears(_STEPS[0]):
        return np.nan
    low, high = 0, len(_STEPS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bears(_STEPS[middle]) else (low, middle)
    return float(_STEPS[low])
