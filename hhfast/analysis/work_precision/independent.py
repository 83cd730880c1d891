"""One cell solved with SciPy: none of hhfast's integrators, kernels, grids of time or spike detection takes part."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from hhfast.analysis.work_precision.problem import Problem
from hhfast.batch.initial_states import initial_states
from hhfast.batch.linearisation import slopes_of
from hhfast.kernel.math.within_step import train, window
from hhfast.kernel.tree.interpret import value_of
from hhfast.kernel.tree.nodes import Symbol
from hhfast.kernel.tree.parse import expression
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import Stimulus

_TOLERANCE = 1e-12
_APART = 1e-9  # ms; what lies closer together is one time, but for rounding
_LONGEST = 0.25  # ms, of a step: no spike is so short that its crossing could be stepped over


@dataclass(frozen=True)
class Solution:
    """Spike times, ms, and V at the end, mV."""

    train: np.ndarray
    V: float


def solve(problem: Problem, row: int) -> Solution:
    """One cell of a problem by DOP853 (Hairer, Norsett & Wanner 1993), restarted where the current jumps or bends."""
    from scipy.integrate import solve_ivp

    alone = problem.take(np.array([row]))
    X = initial_states(alone.population.cells, problem.initial)[:, 0]
    slopes = slopes_of(alone.population.model)
    parameters = [float(alone.population.values(name)[0]) for name in alone.population.model.parameters]
    stimulus = _of_one_cell(alone.stimulus)
    current = _Current(stimulus, problem.t_stop)
    rises, falls = [np.empty(0)], [np.empty(0)]
    for begin, end in pairwise(current.times):
        i_app = current.between(begin, end)
        run = solve_ivp(
            lambda t, X, i_app=i_app: slopes(*X, *parameters, i_app(t)), (begin, end), X,
            method="DOP853", rtol=_TOLERANCE, atol=_TOLERANCE, max_step=_LONGEST, events=_LEVELS,
        )  # fmt: skip
        X = run.y[:, -1]
        rises.append(run.t_events[0])
        falls.append(run.t_events[1])
    return Solution(_armed(np.concatenate(rises), np.concatenate(falls)), float(X[0]))


def _of_one_cell(stimulus: Stimulus) -> Stimulus:
    parts = ((kind, {**values, **{name: float(np.ravel(values[name])[0]) for name in kind.parameters}})
             for kind, values in stimulus.parts)  # fmt: skip
    return Stimulus(tuple(parts))


class _Current:
    """The current of one cell; times : ms, from 0 to the end of the run, between which it is smooth."""

    def __init__(self, stimulus: Stimulus, t_stop: float) -> None:
        self._parts = [
            (kind.text, values, kind.points.curve(values, t_stop) if kind.points else None)
            for kind, values in stimulus.parts
        ]
        kinks = np.sort([*stimulus.edges(t_stop)[0], *stimulus.points(t_stop)[0]])
        kinks = kinks[(kinks > _APART) & (kinks < t_stop - _APART)]
        self.times = np.concatenate([[0.0], kinks[np.diff(kinks, prepend=0.0) > _APART], [t_stop]])

    def between(self, begin: float, end: float) -> Callable[[float], float]:
        """It as a function of time between two of the times: there a window is open or not, and lines are straight."""
        third = (end - begin) / 3.0
        first, last = begin + third, end - third
        t = Symbol("t")
        parts = []
        for text, values, curve in self._parts:
            known = {"t0": first, "t1": last, "since": first, **values}
            if curve:
                level, later = np.interp([first, last], curve[0], curve[1], left=0.0, right=0.0)
                known |= {"level": level, "slope": (later - level) / third}
            symbols = {name: Symbol(name) for name in known} | {"t": t}
            node = expression(text, _FUNCTIONS | symbols)
            parts.append((node, {symbols[name]: value for name, value in known.items()}))
        return lambda now: sum(value_of(node, {**known, t: now}) for node, known in parts)


def _sine(x: float) -> float:
    """Python's, not that of the kernels."""
    return math.sin(x)


_FUNCTIONS = {"sin": _sine, "window": window, "train": train}


def _level(V: float, direction: float) -> Any:
    def event(t: float, X: np.ndarray) -> float:
        return float(X[0]) - V

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
