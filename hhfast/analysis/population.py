"""Cohort: the cells of an analysis, that can be taken apart, repeated, and run again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells, rest
from hhfast.batch.result import Result
from hhfast.batch.simulate import as_model, simulate
from hhfast.model import Model
from hhfast.parts.stimuli import Pulse, Stimulus


@dataclass(frozen=True)
class Method:
    """How an analysis simulates, and what it calls a spike.

    threshold, rearm : mV, the spike contract of `simulate`. dt : ms. integrator, rtol, threads : as in `simulate`.
    """

    threshold: float = -20.0
    rearm: float = -40.0
    dt: float = 0.025
    integrator: str = "rk4"
    rtol: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Cohort:
    """n cells of a model; params : name -> number or (n,) array."""

    model: Model
    params: Mapping[str, Any]
    n: int

    @classmethod
    def of(cls, model: str | Path | Model, params: Mapping[str, Any] | None) -> Cohort:
        """Check the parameters; raises `InputError` as `simulate` does."""
        found = as_model(model)
        return cls(found, dict(params or {}), Cells.of(found, params or {}).n)

    def take(self, rows: np.ndarray) -> Cohort:
        """The cells of these rows, each as often as it is named."""
        picked = {name: np.asarray(v, np.float64)[rows] if np.ndim(v) else v for name, v in self.params.items()}
        return Cohort(self.model, picked, len(rows))

    @cached_property
    def cells(self) -> Cells:
        """The same cells laid out for the compiled equations."""
        names = list(self.model.parameters)
        P = np.array([self.values(name) for name in names])
        C_m = P[names.index("C_m")]
        C_m[~(C_m > 0)] = np.nan  # such a cell is flagged, as in `simulate`
        return Cells(self.model, self.n, np.full(len(names), np.nan), np.arange(len(names)), P)

    def values(self, name: str) -> np.ndarray:
        """(n,) values of a parameter."""
        given = self.params.get(name, self.model.parameters[name].value)
        return np.broadcast_to(np.asarray(given, np.float64), self.n)

    def rest(self, i_app: float | np.ndarray = 0.0) -> np.ndarray:
        """(n_states, n): where the cells rest (`hhfast.batch.cells.rest`)."""
        return rest(self.cells, i_app)

    def run(self, X: np.ndarray, stimulus: Stimulus, t_stop: float, record: Any, method: Method) -> Result:
        """Simulate all cells from the states X (n_states, n)."""
        return simulate(
            self.model, self.params, stimulus=stimulus, t_stop=t_stop, dt=method.dt, integrator=method.integrator,
            rtol=method.rtol, record=record, initial=dict(zip(self.model.states, X, strict=True)),
            threads=method.threads,
        )  # fmt: skip


def final_states(cohort: Cohort, result: Result) -> np.ndarray:
    """(n_states, n) at the end of a run that recorded `Final()`."""
    return np.array([result[f"{x}_final"] for x in cohort.model.states])


def constant(amplitude: Any) -> Stimulus:
    """A current that never ends, as a pulse: so that all analyses of a model share their kernels."""
    return Pulse(amplitude=amplitude, start=0.0, width=float("inf"))
