"""One cell solved with SciPy: none of hhfast's integrators, kernels, grids of time or spike detection takes part."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hhfast.analysis.linear import slopes_of
from hhfast.analysis.precision.problem import Problem
from hhfast.cells import initial_states
from hhfast.kernel.recorders import Spikes
from hhfast.kernel.stimuli import Stimulus
from hhfast.kernel.vmath import train, window

_TOLERANCE = 1e-12
_LONGEST = 0.25  # ms, of a step: no spike is so short that its crossing could be stepped over


@dataclass(frozen=True)
class Solution:
    """Spike times, ms, and V at the end, mV."""

    train: np.ndarray
    V: float


def solve(problem: Problem, row: int) -> Solution:
    """One cell of a problem by DOP853 (Hairer, Norsett & Wanner 1993), restarted at every edge of the stimulus."""
    from scipy.integrate import solve_ivp

    alone = problem.take(np.array([row]))
    X = initial_states(alone.cohort.cells, "model")[:, 0]
    slopes = slopes_of(alone.cohort.model)
    parameters = [float(alone.cohort.values(name)[0]) for name in alone.cohort.model.parameters]
    stimulus = _of_one_cell(alone.stimulus)
    edges = [edge for edge in stimulus.edges(problem.t_stop)[0] if 0 < edge < problem.t_stop]
    rises, falls = [np.empty(0)], [np.empty(0)]
    for begin, end in pairwise(np.unique([0.0, *edges, problem.t_stop])):
        current = _current(stimulus, begin, end)
        run = solve_ivp(
            lambda t, X, current=current: slopes(*X, *parameters, current(t)), (begin, end), X, method="DOP853",
            rtol=_TOLERANCE, atol=_TOLERANCE, max_step=_LONGEST, events=_LEVELS,
        )  # fmt: skip
        X = run.y[:, -1]
        rises.append(run.t_events[0])
        falls.append(run.t_events[1])
    return Solution(_armed(np.concatenate(rises), np.concatenate(falls)), float(X[0]))


def _of_one_cell(stimulus: Stimulus) -> Stimulus:
    parts = ((kind, {name: float(np.ravel(v)[0]) for name, v in values.items()}) for kind, values in stimulus.parts)
    return Stimulus(tuple(parts))


def _current(stimulus: Stimulus, begin: float, end: float) -> Callable[[float], float]:
    """The current between two edges as a function of time: a window is open there, or it is not."""
    third = (end - begin) / 3.0
    known = {"sin": math.sin, "window": window, "train": train, "t0": begin + third, "t1": end - third}
    parts = [(compile(kind.text, kind.name, "eval"), {**known, **values}) for kind, values in stimulus.parts]
    # The texts are those of hhfast's own stimuli, never a user's.
    return lambda t: sum(eval(code, {"__builtins__": {}}, {**names, "t": t}) for code, names in parts)  # noqa: S307


def _level(V: float, direction: float) -> Any:
    def event(t: float, X: np.ndarray) -> float:
        return X[0] - V

    event.direction = direction  # type: ignore[attr-defined]
    return event


_LEVELS = (_level(Spikes().threshold, 1.0), _level(Spikes().rearm, -1.0))


def _armed(rises: np.ndarray, falls: np.ndarray) -> np.ndarray:
    """The crossings of the threshold with one below the rearming level since the crossing before."""
    spikes: list[float] = []
    for t in rises:
        if not spikes or ((falls > spikes[-1]) & (falls < t)).any():
            spikes.append(t)
    return np.array(spikes)
