"""Population: the cells of an analysis, that can be selected, repeated, and run again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.batch.arguments import as_table
from hhfast.batch.cells import Cells
from hhfast.batch.fastest_rate import told_before, warn_of_long_steps
from hhfast.batch.initial_states import initial_states
from hhfast.batch.method import Method
from hhfast.batch.resting_state import resting_states
from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.recorder import Recorder
from hhfast.parts.stimuli import Pulse, Stimulus

FOR_EVER = 1e15  # ms: longer than any run


@dataclass(frozen=True)
class Population:
    """n cells of a model, and the method that simulates them; params : name -> number or (n,) array."""

    model: Model
    params: Mapping[str, Any]
    n: int
    method: Method = field(default_factory=Method)

    @classmethod
    def of(
        cls, model: str | Path | Model, params: Mapping[str, Any] | None = None, method: Method | None = None
    ) -> Population:
        """Check the parameters; raises `InputError` as `simulate` does, and for a precision below float64."""
        found, method, own = find_model(model), method or Method(), as_table("params", params)
        if method.dtype != "float64":
            raise InputError(f"dtype: is '{method.dtype}'; an analysis needs float64")
        cells = Cells.of(found, own)
        if not method.adaptive:
            warn_of_long_steps(cells, initial_states(cells, "model"), method.scheme, method.dt)
        return cls(found, own, cells.n, method)

    def take(self, rows: np.ndarray) -> Population:
        """The cells of these rows, each as often as it is named."""
        picked = {name: np.asarray(v, np.float64)[rows] if np.ndim(v) else v for name, v in self.params.items()}
        return replace(self, params=picked, n=len(rows))

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

    def rest(self) -> np.ndarray:
        """(n_states, n): where the cells rest without current."""
        return resting_states(self.cells)

    def run(
        self, X: np.ndarray, stimulus: Stimulus, t_stop: float, record: Sequence[Recorder], until: str = "t_stop"
    ) -> Result:
        """Simulate all cells from the states X (n_states, n)."""
        from hhfast.batch.simulate import simulate  # of which equilibria have no need

        with told_before():  # once for the whole analysis, in `of`
            return simulate(
                self.model, self.params, stimulus=stimulus, t_stop=t_stop, record=record,
                until=until,
                initial=dict(zip(self.model.states, X, strict=True)), method=self.method,
            )  # fmt: skip

    @property
    def current_unit(self) -> str:
        """The unit of an applied current."""
        return self.model.variables["i_app"]


def final_states(model: Model, result: Result) -> np.ndarray:
    """(n_states, n) at the end of a run that recorded `Final()`."""
    return np.array([result[f"{x}_final"] for x in model.states])


def constant(amplitude: Any) -> Stimulus:
    """A current that never ends, as a pulse: so that all analyses of a model share their kernels."""
    return Pulse(amplitude=amplitude, start=0.0, width=FOR_EVER)
