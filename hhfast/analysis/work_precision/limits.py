"""The order that an integrator reaches, and the longest step that it bears."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hhfast.analysis.work_precision.problem import Problem, Setting
from hhfast.analysis.work_precision.reference import Reference, distance
from hhfast.parts.integrators import Integrator

_ORDER_UNTIL = 10.0  # ms from the onset: a spike and its end; later the phase, of maybe higher order, hides the rest
_ROUNDING = 100 * np.finfo(float).eps  # of the states after that, relative, with any step
_HALVED = 0.1 * 0.5 ** np.arange(10)  # ms
_RIGHT = 0.95  # the share of cells whose spike count must be right at a step that is called stable
_STEPS = 2.0 ** (np.arange(-80, 9) / 8.0)  # ms, 0.001 to 2


def measured_order(problem: Problem, integrator: Integrator) -> float:
    """By how many powers of two the change of all states falls from one halving of the step to the next, at last.

    "At last": before rounding takes over. The change at the last halving bounds the rounding of that, and rounding
    grows with the number of steps, so it is known how much of any change could be rounding. NaN where there are no
    two changes to compare.
    """
    start = problem.until(_ORDER_UNTIL + float(np.nanmax(problem.stimulus.onset)))
    states = [start.final(start.run(Setting(integrator, dt))) for dt in _HALVED]
    changes = np.array([distance(before, after) for before, after in pairwise(states)])
    rounding = np.maximum(changes[-1] * 0.5 ** np.arange(len(changes))[::-1], _ROUNDING)
    finite = changes[np.isfinite(changes)]
    drowned = ~(finite > 2.0 * rounding[-len(finite) :])
    last = finite[: int(np.argmax(drowned))][-2:] if len(finite) else finite
    return float(np.log2(last[0] / last[1])) if len(last) == 2 else np.nan


def longest_step(problem: Problem, reference: Reference, integrator: Integrator) -> float:
    """The longest step, ms (to 9 %), with which all cells stay finite and 95 % of them have the right spike count.

    Searched from 0.001 up to 2 ms; NaN where 0.001 ms is too long, or the integrator chooses its steps itself.
    """

    def bears(dt: float) -> bool:
        found = reference.errors(problem.run(Setting(integrator, dt)))
        return found.diverged == 0 and found.wrong_counts <= (1.0 - _RIGHT) * problem.population.n

    if integrator.adaptive or not bears(_STEPS[0]):
        return np.nan
    # By octaves from below: at much longer steps a count may be right again by accident.
    low = 0
    while low + 8 < len(_STEPS) and bears(_STEPS[low + 8]):
        low += 8
    high = min(low + 8, len(_STEPS))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bears(_STEPS[middle]) else (low, middle)
    return float(_STEPS[low])
