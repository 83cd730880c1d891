"""Runs in which every cell has a duration of its own, with derivatives by its initial states or by parameters.

Time is counted in units that differ between cells, so that each run lasts from 0 to 1; what is sampled is at the same
fractions of all durations, as the phases of a cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.method import Method
from hhfast.batch.result import Result
from hhfast.batch.simulation import Simulation
from hhfast.model import Model
from hhfast.model.elements import Parameter
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import CURRENT
from hhfast.parts.stimulus import Values
from hhfast.parts.stimulus_decorator import stimulus

_RTOL = 1e-10  # what is differentiated here is differenced elsewhere
_MOST_STEPS = 20_000_000
_RTOL_OF_JUMPS = 1e-13  # where slopes jump, errors are larger than they are estimated
_JUMP = 1e-6  # of the slopes, by which they jump on the way
_MOVED = 3e-4  # of a state's size, to difference what it leads to
CONSTANT_CURRENT = "constant_current"  # its name among parameters


@stimulus(CONSTANT_CURRENT, units={CONSTANT_CURRENT: CURRENT}, edges=lambda values: [], onset=None)
def _ConstantCurrent(constant_current: Values) -> None:
    """A current without begin or end."""


@dataclass(frozen=True)
class OwnDurations:
    """Cells of a model under constant currents, to be run each for its own time.

    model : the cells' own. params : name -> (n,) values. i_app : (n,), in the model's unit.
    """

    model: Model
    params: dict[str, np.ndarray]
    i_app: np.ndarray
    threads: int | None = None
    rtol: float = _RTOL

    @classmethod
    def of(cls, cells: Cells, i_app: np.ndarray, threads: int | None = None) -> OwnDurations:
        values = {name: np.asarray(cells.values(name)) for name in cells.model.parameters}
        return cls(cells.model, values, np.asarray(i_app, np.float64), threads)

    @property
    def n(self) -> int:
        return len(self.i_app)

    def take(self, rows: np.ndarray) -> OwnDurations:
        """The cells of these rows, each as often as it is named."""
        return replace(self, params={k: v[rows] for k, v in self.params.items()}, i_app=self.i_app[rows])

    def changed(self, name: str, by: np.ndarray) -> OwnDurations:
        """The same cells with a parameter changed by (n,) numbers."""
        return replace(self, params=self.params | {name: self.params[name] + by})

    @property
    def cells(self) -> Cells:
        """The cells in the layout of the compiled equations."""
        P = np.array(list(self.params.values()))
        return Cells(self.model, self.n, np.full(len(P), np.nan), np.arange(len(P)), P)

    def slopes(self, X: np.ndarray) -> np.ndarray:
        """(n_states, n) dx/dt at the states X (n_states, n), per ms."""
        A, B = self.cells.rates(X, self.i_app)
        return np.asarray(A - B * X)

    def run(
        self, X: np.ndarray, duration: np.ndarray, record: Sequence[Recorder] = (), derived: Sequence[str] = ()
    ) -> tuple[Result, np.ndarray]:
        """The result, its times as fractions of (n,) durations, ms; and the states at the end.

        X : (n_states, n) initial states, and below them their derivatives by each of the parameters `derived` in turn,
        where there are any; of `DIRECTION`, those along a displacement of the initial states alone; one may be
        `CONSTANT_CURRENT`.
        """
        model, unit, direction = _extended(self.model)
        own = self.params | {unit: np.broadcast_to(duration, self.n), direction: np.zeros(self.n)}
        wanted = tuple(direction if name == DIRECTION else name for name in derived)
        units = {
            name: model.variables["i_app"] if name == CONSTANT_CURRENT else model.parameters[name].unit
            for name in wanted
        }
        record = tuple(r.derived_by(units) if units and isinstance(r, Spikes) else r for r in record)
        current = _ConstantCurrent(self.i_app)
        method = Method(
            integrator="tsit5", rtol=self.rtol, dt=1e-3, dt_min=1e-15, dt_max=0.01, max_steps=_MOST_STEPS,
            threads=self.threads,
        )  # fmt: skip
        simulation = Simulation.of(
            model, method, current, 1.0, record, "t_stop", self.n, progress=False, sensitivity=wanted, time_unit=unit
        )
        cells, X = Cells.of(model, own, current), np.ascontiguousarray(X, np.float64).copy()
        bounds = possible_range(cells, current, X[: len(model.states)])
        result = simulation.advance(cells, X, bounds)
        X[:, ~np.isin(result.status, (0, 2))] = np.nan
        return result, X

    def transitions(self, X: np.ndarray, duration: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the states X (m, n) lead to in the time given, (m, n), and the derivative by them, (n, m, m).

        size : (m, n) of the states. The equations of derivatives do not see a jump of the slopes on the way (an `if`
        whose sides differ); where what they make of the slopes is not the slopes at the end, runs are differenced.
        """
        m, n = X.shape
        rows = np.repeat(np.arange(n), m)
        start = np.vstack([X[:, rows], np.tile(np.eye(m), n)])
        _, end = self.take(rows).run(start, np.asarray(duration)[rows], (), (DIRECTION,))
        end, M = end[:m, ::m], end[m:].reshape(m, n, m).transpose(1, 0, 2).copy()
        missed = self.missed(X, end, M, size)
        rows = np.flatnonzero(missed > _JUMP)
        if len(rows):
            own = self.take(rows)
            found = own.differenced_transitions(X[:, rows], duration[rows], size[:, rows])
            better = own.missed(X[:, rows], end[:, rows], found, size[:, rows]) < missed[rows]
            M[rows[better]] = found[better]
        return end, M

    def missed(self, X: np.ndarray, end: np.ndarray, M: np.ndarray, size: np.ndarray) -> np.ndarray:
        """(n,) how far M times the slopes at X is from those at the end, over the largest of both."""
        begin, after = (self.slopes(states) / size for states in (X, end))
        carried = (M @ (begin * size).T[:, :, None])[:, :, 0].T / size
        largest = np.maximum(np.abs(begin).max(axis=0), np.abs(after).max(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.abs(carried - after).max(axis=0) / largest)

    def differenced_transitions(self, X: np.ndarray, duration: np.ndarray, size: np.ndarray) -> np.ndarray:
        """(n, m, m): the derivative by the states, by central differences of fourth order."""
        (m, n), by = X.shape, np.array([-2.0, -1.0, 1.0, 2.0])
        rows = np.repeat(np.arange(n), 4 * m)
        step = _MOVED * np.maximum(size, 0.01 * np.abs(X))  # also of a state that hardly moves
        moved = np.tile(np.kron(np.eye(m), by), n) * step[:, rows]
        _, end = replace(self.take(rows), rtol=_RTOL_OF_JUMPS).run(X[:, rows] + moved, duration[rows])
        ends = end.reshape(m, n, m, 4) @ np.array([1.0, -8.0, 8.0, -1.0])
        return np.asarray(ends / (12.0 * step.T[None])).transpose(1, 0, 2)


DIRECTION = "direction"  # what stands for a displacement of the initial states among parameters


@lru_cache(maxsize=64)
def _extended(model: Model) -> tuple[Model, str, str]:
    """The model with two further parameters, and their names: a unit of time, and one on which nothing depends."""
    unit, direction = _free(model, "time_unit"), _free(model, DIRECTION)
    more = (Parameter(unit, 1.0, "ms"), Parameter(direction, 0.0, "1"))
    return replace(model, shared=(*model.shared, *more), text="", trusted=False), unit, direction


def _free(model: Model, name: str) -> str:
    """The name, or one like it that the model does not use."""
    used = {*model.parameters, *model.recordable, *(f.name for f in model.formulas), *(f.name for f in model.functions)}
    used |= {g.name for c in model.every_channel for g in c.gates} | {s.name for s in model.sections}
    while name in used:
        name += "x"
    return name
