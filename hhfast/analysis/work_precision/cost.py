"""What a setting costs, measured: nanoseconds of one processor per neuron and millisecond of its life."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from hhfast.analysis.work_precision.problem import Problem, Setting
from hhfast.kernel.spec import LANES

_WORK = 2_000_000  # neuron-steps of a run that is timed: ten milliseconds or more, far above the cost of starting it


def measured(
    problem: Problem, settings: Sequence[Setting], steps: Sequence[float], repeats: int, done: Callable[[], None]
) -> np.ndarray:
    """(n_settings,) ns per neuron-ms, the least of `repeats` runs of each, on one thread.

    steps : per neuron, as counted. The settings take turns, so that a moment in which the machine is busy harms none
    of them alone. `done` is called after every turn.
    """
    batches = [_sized(problem, setting, n) for setting, n in zip(settings, steps, strict=True)]
    best = np.full(len(settings), np.inf)
    for _ in range(repeats):
        for k, (batch, setting) in enumerate(zip(batches, settings, strict=True)):
            began = time.perf_counter_ns()
            batch.run(setting, threads=1)
            best[k] = min(best[k], (time.perf_counter_ns() - began) / (batch.population.n * batch.t_stop))
        done()
    return best


def _sized(problem: Problem, setting: Setting, steps: float) -> Problem:
    """The cells in whole blocks of lanes, as many as a run needs to be long enough.

    Where one round of the cells is more than long enough, and every step costs the same, a part of their time. The
    work of an integrator that chooses its own steps depends on what the cells do, so those run to the end.
    """
    lanes = LANES["float64"]
    least = -(-problem.population.n // lanes)
    blocks = max(least, round(_WORK / (steps * lanes)))
    batch = problem.take(np.resize(np.arange(problem.population.n), blocks * lanes))
    share = _WORK / (steps * blocks * lanes)
    return batch if setting.integrator.adaptive else batch.until(batch.t_stop * min(share, 1.0))
