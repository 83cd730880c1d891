"""Step control of adaptive integrators: the tolerances of a step, its limits, and the times that no step may cross."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hhfast.batch.time_grid import actions, check_duration, distinct, inside, nearest
from hhfast.errors import InputError, unknown
from hhfast.inputs import number, positive
from hhfast.kernel.spec import EDGE
from hhfast.parts.recorder import Recorder

_ATOL = 0.1  # of rtol: what costs least for a wanted error of spike times, over the models of the library
STEPS_PER_MS = 16  # of a typical run, to share work among threads
# Where no max_steps is given: steps of any cell, further ones per ms at an rtol of 1e-6, and per stop. The published
# models take up to some hundred per ms; a cell that needs more is stiff, and would make its whole batch wait.
_STEPS_ANYWAY, _MOST_STEPS_PER_MS, _STEPS_PER_STOP = 20_000, 2_000, 50


@dataclass(frozen=True)
class StepControl:
    """How an adaptive integrator chooses its steps.

    rtol, atol : the estimated error of a step is at most atol + rtol |x| for each state x (root mean square of all);
        atol: a number for all states, or state -> number (mV for V, 1 for gates, the pool's unit), those not named
        as by default: a tenth of rtol in the state's unit.
    dt_min, dt_max : ms; a cell whose step falls below dt_min is given up (status 3). max_steps : the number of steps,
        rejected ones included, after which it is given up, too; None: 2,000 per ms of the run and 20,000 more (and for
        an rtol below 1e-6, and for each time at which it must stop, what these may take), so that no cell makes all
        others wait. Such a cell is stiff: `rodas4` is for it.

    Raises `InputError` for values out of range.
    """

    rtol: float = 1e-6
    atol: float | Mapping[str, float] | None = None
    dt_min: float = 1e-9
    dt_max: float = 5.0
    max_steps: int | None = None

    def __post_init__(self) -> None:
        atol = self.atol
        if isinstance(atol, Mapping):
            atol = {name: positive(f"atol of {name}", value) for name, value in atol.items()}
        elif atol is not None:
            atol = positive("atol", atol)
        values = {name: number(name, getattr(self, name)) for name in ("rtol", "dt_min", "dt_max")}
        for name, value in [("atol", atol), *values.items()]:
            object.__setattr__(self, name, value)
        if not 1e-14 <= self.rtol < 1.0:
            raise InputError(f"rtol = {self.rtol}: must be a number from 1e-14 to below 1")
        if not 0 < self.dt_min <= self.dt_max:
            raise InputError(f"dt_min = {self.dt_min}, dt_max = {self.dt_max}: need 0 < dt_min <= dt_max, ms")
        if self.max_steps is None:
            return
        most = number("max_steps", self.max_steps)
        if not 1 <= most < 2**63:
            raise InputError(f"max_steps = {most:g}: must be at least 1, and below 2**63")
        object.__setattr__(self, "max_steps", int(most))

    def most_steps(self, t_stop: float, stops: int) -> int:
        """The number of steps after which a cell is given up in a run of t_stop ms with so many stops."""
        if self.max_steps is not None:
            return self.max_steps
        anyway, per_ms, per_stop = self.steps_allowed
        return int(min(anyway + (per_ms * t_stop + per_stop * stops), 2.0**62))

    @property
    def steps_allowed(self) -> tuple[float, float, float]:
        """How many steps a cell may take: in any run, further ones per ms, and per stop."""
        if self.max_steps is not None:
            return float(self.max_steps), 0.0, 0.0
        finer = max(1e-6 / self.rtol, 1.0) ** (1 / 3)  # of the lowest order
        return float(_STEPS_ANYWAY), _MOST_STEPS_PER_MS * finer, _STEPS_PER_STOP * finer

    def absolute(self, states: Sequence[str]) -> np.ndarray:
        """(n_states,) the absolute tolerance of each state. Raises `InputError` for the name of no state."""
        named = self.atol if isinstance(self.atol, Mapping) else {}
        for name in named:
            if name not in states:
                raise unknown("state", name, states, "atol")
        others = self.atol if isinstance(self.atol, float) else _ATOL * self.rtol
        return np.array([named.get(x, others) for x in states], np.float64)

    def tighter(self, factor: float) -> StepControl:
        """With tolerances smaller by a factor, and as many more steps as a method of third order may need."""
        atol, most = self.atol, self.max_steps
        if isinstance(atol, Mapping):
            atol = {name: value / factor for name, value in atol.items()}
        elif atol is not None:
            atol = atol / factor
        longer = factor ** (1 / 3)
        most = None if most is None else int(min(most * longer, 2.0**62))
        return replace(
            self, rtol=max(self.rtol / factor, 1e-14), atol=atol, dt_min=self.dt_min / longer, max_steps=most
        )


CONTROL = tuple(f.name for f in fields(StepControl))  # the keywords of adaptive integrators


@dataclass(frozen=True)
class AdaptiveSchedule:
    """The times at which all cells stop, those at which each does, and the step control, as an adaptive kernel takes
    them.

    t, action : (n_nodes,) times, ms, at which recorders begin and end or all cells have a stimulus edge; and what is
    done there, as bits. edges : (n_cells or 1, n_edges) edges that differ between cells, ascending, inf where fewer.
    samples : the sample times of each recorder that has any. dt : ms, the first step, and the one after each edge.
    n_points : of a stimulus that is linear between points, at which cells stop, too.
    """

    t: np.ndarray
    action: np.ndarray
    edges: np.ndarray
    samples: tuple[np.ndarray, ...]
    states: tuple[str, ...]
    dt: float
    control: StepControl
    n_points: int = 0
    # When a call has no further cell to begin, its lanes fall idle one after another: so a call has many cells.
    least_blocks: int = 32
    calls_per_thread: int = 4

    @property
    def n_steps(self) -> int:
        """Roughly, the steps of one cell."""
        return math.ceil(STEPS_PER_MS * float(self.t[-1]))

    @property
    def most_steps(self) -> int:
        """The number of steps after which a cell is given up."""
        return self.control.most_steps(float(self.t[-1]), len(self.t) + self.edges.shape[1] + self.n_points)

    def fair_share(self, left: int, blocks: int, threads: int) -> int:
        """How many of the blocks that are left the next call takes: as many as any other."""
        return blocks // (self.calls_per_thread * threads)

    def arguments(self, counts: np.ndarray) -> tuple[Any, ...]:
        """The kernel's arguments; counts: (2, n_cells) accepted and rejected steps, to be filled."""
        control = self.control
        return (
            self.t,
            self.action,
            self.edges,
            control.rtol,
            control.absolute(self.states),
            self.dt,
            control.dt_min,
            control.dt_max,
            self.most_steps,
            counts[0],
            counts[1],
            *self.samples,
        )

    @property
    def of_unlike_cells(self) -> AdaptiveSchedule:
        """The same for cells of which some take many times the steps of others: calls are as large as threads allow."""
        return replace(self, least_blocks=512, calls_per_thread=1)

    def at(self, rows: np.ndarray) -> AdaptiveSchedule:
        """The schedule of some of the cells."""
        return replace(self, edges=self.edges[rows] if len(self.edges) > 1 else self.edges)


def adaptive_schedule(
    t_stop: float,
    dt: float,
    edges: Sequence[float],
    own_edges: np.ndarray,
    record: Sequence[Recorder],
    states: tuple[str, ...],
    control: StepControl,
    n_points: int = 0,
) -> AdaptiveSchedule:
    """The schedule of a run. edges : ms, of all cells; own_edges : (n_cells, k) further ones of each, in any order."""
    check_duration(t_stop, dt)
    times = [recorder.times(t_stop) for recorder in record]
    common = inside(edges, t_stop)
    windows = [t for window, _ in times for t in window]
    nodes = distinct(np.sort([0.0, t_stop, *common, *windows]), 1e-12 * t_stop)
    action = actions(nodes, [(window, np.empty(0)) for window, _ in times])
    action[nearest(nodes, common)] |= EDGE
    samples = tuple(np.minimum(s, t_stop) for _, s in times if len(s))
    each = np.ascontiguousarray(np.sort(own_edges, axis=1))
    return AdaptiveSchedule(nodes, action, each, samples, states, dt, control, n_points)
