"""Runs that end when each cell has reached its attractor: what the kernel is given, and what its findings mean.

The kernel ends a cell on a cycle by itself. A cell that stands still is only a candidate for a rest: it is one where
there is a stable equilibrium beside it (`stable_equilibrium`). Cells of which that is not so are run again from the
start, and must stand still a hundred times better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.method import Method
from hhfast.batch.settling_checks import check_constant, check_not_settled, check_settled
from hhfast.batch.stable_equilibrium import stable_equilibrium
from hhfast.kernel.math import endings
from hhfast.kernel.math.section_rings import KEPT, memory_of
from hhfast.kernel.spec import ADAPTIVE_LANES, LANES
from hhfast.model import Model
from hhfast.parts.activity import (
    ACTIVITIES,
    IRREGULAR,
    RESTS,
    SETTLED_FEATURES,
    UNSETTLED,
    Endings,
    Settled,
    features_of,
)
from hhfast.parts.features import of_cycle
from hhfast.parts.recorder import Hooks, Recorder, Run, Window
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimulus import Stimulus
from hhfast.parts.variable import Variable

_WIDE = {"potential": 100.0, "gate": 1.0, "other": 0.0}  # ranges by which a state is judged to stand still; 0: its size
_LEAST = {"potential": 1.0, "gate": 1e-3, "other": 0.0}  # least ranges by which it is judged to return
_NEAR = 100.0  # of the tolerance: how far a cell that stands still may be from the equilibrium beside it
_NUMBERS = [endings.KINDS, endings.EVENTS, endings.AT, endings.PEAK, endings.TROUGH, endings.ABOVE, endings.DRIFT]
TIGHTER = 1e-2  # the next tolerance of candidates that were none
_TIGHTEST = 1e-12  # a tolerance below this is 0
# Of a fixed step of 0.025 ms: how nearly cycles return at best, by the order of the method; their sections fall
# differently into the steps of each period. It goes with the step as the error of one step.
_ROUGHNESS = {1: 2e-2, 2: 3e-3}
_ROUGH_RETURNS = 6  # in a row, of cycles that return so roughly: chaos, and spikes of a long burst, do so by chance


@dataclass(frozen=True)
class Settling:
    """The recorder that lets cells end by themselves.

    names : of the features it delivers. tolerance : of a cycle's return. after : (n,) ms, from when on the current of
    each cell is constant.
    rest_tolerance : (n,) of standing still; 0: never.
    """

    model: Model
    rule: Settled
    names: tuple[str, ...]
    levels: tuple[float, float]
    tolerance: float
    after: np.ndarray = field(repr=False)
    rest_tolerance: np.ndarray = field(repr=False)
    with_current: bool = False  # whether to deliver the current at the end, as `i_app`, too

    @cached_property
    def hooks(self) -> Hooks:
        vectors = ("memory", "outcome", "section_time", "floor", "wide", "after", "rest_tolerance", "settings")
        return Hooks(arrays=tuple((name, "float64[::1]") for name in vectors), detects=True, settles=True)

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return (0.0, t_stop), np.empty(0)

    def open(self, run: Run) -> SettlingRecording:
        return SettlingRecording(self, run.n_cells, run.dtype)

    def at(self, rows: np.ndarray, tighter: float = 1.0) -> Settling:
        """The same for some of the cells."""
        tolerance = self.rest_tolerance[rows] * tighter
        tolerance[tolerance < _TIGHTEST] = 0.0
        return replace(self, after=self.after[rows], rest_tolerance=tolerance)

    def ranges(self, of: dict[str, float]) -> np.ndarray:
        kinds = (
            "potential" if s.name == s.potential else "gate" if s.group == "gates" else "other" for s in self.model.rows
        )
        return np.array([of[kind] for kind in kinds])


class SettlingRecording:
    """What the kernel found of the cells of one run."""

    def __init__(self, recorder: Settling, n_cells: int, dtype: str) -> None:
        self.recorder, self.n = recorder, n_cells
        self.lanes = max(LANES[dtype], ADAPTIVE_LANES[dtype])
        self.outcome = np.full((n_cells, endings.OUTCOMES), np.nan)
        self.outcome[:, [endings.KINDS, endings.EVENTS]] = -1.0, 0.0
        self.times: dict[int, np.ndarray] = {}
        self.V_rest = np.full(n_cells, np.nan)

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        r = self.recorder
        space = np.empty(self.lanes * memory_of(len(r.model.states)))
        times = np.empty(KEPT * (last - first))  # of which each cell writes as many as its outcome says
        fewest = 2 if r.tolerance <= r.rule.settle_tol else _ROUGH_RETURNS
        loose = max(r.rule.looseness, r.tolerance)
        settings = np.array([r.tolerance, r.rule.plateau_level, loose, r.rule.burst_ratio, fewest])
        ranges = (r.ranges(_LEAST), r.ranges(_WIDE))
        return space, self.outcome.reshape(-1), times, *ranges, r.after, r.rest_tolerance, settings

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        times = arguments[2].reshape(KEPT, -1).T
        kept = _kept(self.outcome[first : first + len(times)])
        self.times[first] = times[:, : kept.shape[1]][kept]

    def prove(self, cells: Cells, X: np.ndarray) -> np.ndarray:
        """The cells, by number, that stand still but not at a stable equilibrium; the others get their V_rest.

        X : (n_states, n) where the cells ended.
        """
        rows = np.flatnonzero(self.outcome[:, endings.KINDS] == RESTS)
        if not len(rows):
            return rows
        r = self.recorder
        wide = r.ranges(_WIDE)[:, None]
        scale = np.where(wide > 0, wide, np.abs(X[:, rows]))
        found = stable_equilibrium(
            cells.at(rows), X[:, rows], self.outcome[rows, endings.I_APP], _NEAR * r.rule.settle_tol * scale
        )
        self.V_rest[rows] = found[0]
        self.outcome[rows[np.isnan(found[0])], endings.KINDS] = -1.0
        return np.asarray(rows[np.isnan(found[0])])

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        """All features of all cells; computed for one call after the other: the times of all would fill the memory."""
        firsts = [*sorted(self.times), self.n]
        parts = [self._features_of(slice(a, b)) for a, b in pairwise(firsts)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _features_of(self, rows: slice) -> dict[str, np.ndarray]:
        """Those of the cells of one call."""
        outcome = self.outcome[rows]
        kind, events, at, peak, trough, above, drift = outcome[:, _NUMBERS].T
        kept = _kept(outcome)
        times = np.full((len(outcome), max(kept.shape[1], 1 + int(events.max(initial=0.0)))), np.nan)
        times[:, : kept.shape[1]][kept] = self.times[rows.start]
        periods = outcome[:, endings.LAST : endings.THIRD + 1]
        ends = Endings(kind, events, at, peak, trough, above, drift, periods, times, self.V_rest[rows])
        return features_of(ends, self.recorder.rule, self.recorder.levels[0])

    @property
    def at_cap(self) -> np.ndarray:
        """(n,) whether a cell has not settled."""
        return np.asarray(self.outcome[:, endings.KINDS] < 0)

    def variables(self) -> dict[str, Variable]:
        found = {}
        for name in self.recorder.names:
            feature = SETTLED_FEATURES[name]
            flags = ACTIVITIES if name == "activity" else ()
            values, unit = self.features[name], feature.unit
            found[name] = Variable(values, ("cell",), unit, feature.long_name, flags, feature.kind, feature.error_of)
        if self.recorder.with_current:
            unit = self.recorder.model.variables["i_app"]
            found["i_app"] = Variable(self.outcome[:, endings.I_APP].copy(), ("cell",), unit, "current at the end")
        return found

    def of_last_period(self, variables: dict[str, Variable], record: Iterable[Recorder]) -> dict[str, Variable]:
        """The usual features as those of the last period, where there is one, or of the rest."""
        settled = ~np.isin(self.features["activity"], [UNSETTLED, IRREGULAR])
        found = {}
        for name, own in of_cycle(record).items():
            if own:
                was = variables[name]
                values = np.where(settled, self.features[own], was.values)
                found[name] = replace(was, values=values, kind="size" if own == "rate" else was.kind)
        return found


def _kept(outcome: np.ndarray) -> np.ndarray:
    """(n, the most of any cell) which of the times of each cell were handed back."""
    n = np.nan_to_num(outcome[:, endings.TIMES])
    return np.asarray(np.arange(n.max(initial=0.0)) < n[:, None])


def settling_of(
    model: Model,
    until: Any,
    method: Method,
    stimulus: Stimulus,
    t_stop: float,
    record: Sequence[Recorder],
    n_cells: int,
) -> Settling | None:
    """The recorder that `until` asks for; None for "t_stop".

    Raises `InputError` for what does not go with it, and for features that only settled cells have without it.
    """
    rule = Settled.of(until)
    wanted = tuple(name for r in record for name in getattr(r, "settled_names", ()))
    if rule is None:
        check_not_settled(record)
        return None
    check_settled(record)
    after = check_constant(stimulus, t_stop)
    by_name = sorted(record, key=lambda r: not getattr(r, "settled_names", ()))  # those that name its features first
    levels = next((r.levels for r in by_name if r.levels is not None), Spikes().levels)
    everywhere = np.broadcast_to(np.maximum(after, 0.0), n_cells).copy()
    tolerance = np.full(n_cells, rule.settle_tol)
    order = method.scheme.order
    rough = 0.0 if method.adaptive else min(_ROUGHNESS.get(order, 0.0) * (method.dt / 0.025) ** order, 0.05)
    of_cycles = max(rule.settle_tol, rough)
    return Settling(model, rule, wanted or tuple(SETTLED_FEATURES), levels, of_cycles, everywhere, tolerance)
