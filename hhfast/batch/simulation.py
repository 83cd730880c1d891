"""A simulation: what the cells of a batch have in common, and how it advances them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.channel_counts import channel_counts, work_of_a_step
from hhfast.batch.held_rates import within_rates
from hhfast.batch.initial_sensitivities import sensitivity_units_of
from hhfast.batch.method import Method
from hhfast.batch.recorded import check_names, nan_where_given_up, reasons, result_of
from hhfast.batch.result import BEYOND_RATES, CAP_REACHED, GAVE_UP, OK, Result
from hhfast.batch.settling import TIGHTER, Settling, SettlingRecording, settling_of
from hhfast.batch.step_control import AdaptiveSchedule, adaptive_schedule
from hhfast.batch.threads import dealt, run_blocks
from hhfast.batch.time_grid import TimeGrid, time_grid
from hhfast.errors import InputError
from hhfast.interrupts import interruptible
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import LANES, OUT_OF_BOUNDS, KernelSpec, kernel_spec
from hhfast.model import Model
from hhfast.parts.activity import Settled
from hhfast.parts.channel_noise import ChannelNoise
from hhfast.parts.recorder import Recorder, Recording, Run
from hhfast.parts.recorders import detectors
from hhfast.parts.sensitivity import quotient, sensitivities
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.variable import Variable


@dataclass(frozen=True)
class Simulation:
    """What all cells of a batch have in common: kernel, steps, recorders; onset: of the stimulus, ms."""

    spec: KernelSpec
    method: Method
    record: tuple[Recorder, ...]
    steps: TimeGrid | AdaptiveSchedule
    t_stop: float
    onset: Any
    progress: bool

    @classmethod
    def of(
        cls,
        model: Model,
        method: Method,
        stimulus: Stimulus,
        t_stop: float,
        record: tuple[Recorder, ...],
        until: str | Settled | Mapping[str, float],
        n_cells: int,
        progress: bool,
        sensitivity: tuple[str, ...] = (),
        time_unit: str = "",
        noise: ChannelNoise | None = None,
    ) -> Simulation:
        settling = settling_of(model, until, method, stimulus, t_stop, record, n_cells)
        if settling is not None:
            if sensitivity:
                raise InputError("sensitivity: does not go with until = 'settled'; give until = 't_stop'")
            record = (*record, settling)
        kind = noise.kind if noise is not None else ""
        spec = kernel_spec(
            model, method.scheme, stimulus, record, method.dtype, method.dt, sensitivity, time_unit, kind
        )
        edges, own_edges = stimulus.edges(t_stop)
        points, own_points = stimulus.points(t_stop)
        inside = own_points or own_edges.size > 0
        steps: TimeGrid | AdaptiveSchedule
        _check_clamp(stimulus, t_stop, method)
        if method.adaptive:
            n_points = len(points) + sum(map(len, stimulus.arrays))
            n_points += 0 if noise is None else int(min(t_stop / method.dt, 1e15))  # at which it is renewed
            steps = adaptive_schedule(
                t_stop, method.dt, edges, own_edges, record, spec.states, method.control, n_points
            )
            steps = steps if settling is None else steps.of_unlike_cells
        else:
            steps = time_grid(t_stop, method.dt, [*edges, *points], record, inside)
        return cls(spec, method, record, steps, t_stop, stimulus.onset, progress)

    def at(self, rows: np.ndarray, tighter: float = 1.0) -> Simulation:
        """The same for some of the cells, which must stand still `tighter` to count as resting."""
        record = tuple(r.at(rows, tighter) if isinstance(r, Settling) else r for r in self.record)
        onset = self.onset[rows] if np.ndim(self.onset) else self.onset
        return replace(self, record=record, steps=self.steps.at(rows), onset=onset)

    def advance(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> Result:
        """Advance cells from the states X (n_states, n), in place, to the end; bounds : as of `possible_range`.

        Cells whose potential leaves the range of exact rates, but not the bounds, are run again, and marked.
        """
        narrow = within_rates(bounds, self.spec.dtype)
        wider = (narrow[:, 0] > bounds[:, 0]) | (narrow[:, 1] < bounds[:, 1])
        start = X.copy() if wider.any() else X
        result = self.within(cells, X, narrow)
        rows = np.flatnonzero(wider & (result["reason"] == OUT_OF_BOUNDS))
        if not len(rows):
            return result
        ends = np.take(start, rows, axis=1)
        again = self.at(rows).within(cells.at(rows), ends, bounds[rows])
        again["reason"][~np.isin(again.status, GAVE_UP)] = BEYOND_RATES
        X[:, rows] = ends
        return result.with_rows(rows, again)

    def within(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> Result:
        """As `advance`, each potential within these bounds or given up."""
        if not isinstance(self.record[-1] if self.record else None, Settling):
            return self._advance(cells, X, bounds)[0]
        if not self.method.adaptive:
            return self.until_settled(cells, X, bounds)
        order = dealt(cells.n)  # neighbours on a grid are alike: without it a thread would get most of the long ones
        ends = np.take(X, order, axis=1)
        result = self.at(order).until_settled(cells.at(order), ends, bounds[order])
        X[:, order] = ends
        return result.with_rows(order, result)

    def until_settled(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> Result:
        """The same, of cells that end by themselves; those that only seemed to rest are run again."""
        start = X.copy()
        result, recording = self._advance(cells, X, bounds)
        rows = recording.prove(cells, X)
        result = self._settled(result, recording)
        if not len(rows):
            return result
        again = self.at(rows, TIGHTER).until_settled(cells.at(rows), np.take(start, rows, axis=1), bounds[rows])
        return result.with_rows(rows, again)

    def _work_of_a_step(self, cells: Cells) -> float:
        kind = self.spec.channel_noise
        counts = channel_counts(cells.model, cells.of_all) if kind == "markov" else {}
        return work_of_a_step(kind, counts, self.method.dt, self.steps.n_steps)

    def _settled(self, result: Result, recording: SettlingRecording) -> Result:
        """A result with the features of settled cells."""
        status = np.where((result.status == OK) & recording.at_cap, CAP_REACHED, result.status).astype(np.uint8)
        variables = {**result.variables, **recording.variables()}
        variables |= recording.of_last_period(variables, self.record)
        variables |= _where_it_ended(variables, self.spec.states)
        rule = {name: repr(value) for name, value in recording.recorder.rule.values.items()}
        return nan_where_given_up(Result(status, variables, {**result.attributes, "until": "settled", **rule}))

    def _advance(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> tuple[Result, Any]:
        """The result of one run, and the recording of the last recorder."""
        run = self._run(cells)
        recordings = [recorder.open(run) for recorder in self.record]
        check_names([r for r in self.record if not isinstance(r, Settling)])
        status = np.full(cells.n, OK, np.uint8)
        counts = np.zeros((2, cells.n if self.method.adaptive else 0), np.int64)
        self._run_kernel(cells, X, bounds, recordings, status, counts)
        reason = reasons(status, bounds)
        kept = [pair for pair in zip(self.record, recordings, strict=True) if not isinstance(pair[0], Settling)]
        finals = {x: (values, run.units[x]) for x, values in zip(self.spec.states, X, strict=True)}
        settings = {**self.method.attributes, "t_stop": repr(float(self.t_stop))}
        result = result_of(cells.model, kept, finals, status, settings)
        of_noise = {"channel_noise": self.spec.channel_noise} if self.spec.channel_noise else {}
        counted = _counted(counts) if self.method.adaptive else {}
        variables = {**result.variables, "reason": reason, **counted}
        last = recordings[-1] if recordings else None
        return Result(result.status, variables, {**result.attributes, **of_noise}), last

    def _run(self, cells: Cells) -> Run:
        """What recorders are told of a run."""
        model = cells.model
        of_parameters = sensitivity_units_of(model, self.spec.sensitivity, self.spec.kinds)
        units = {s.name: s.unit for s in model.rows}
        derived = sensitivities(model.states, self.spec.sensitivity)
        of_derived = {name: quotient(units[x], of_parameters[p]) for name, (x, p) in derived.items()}
        known, in_ms = model.recordable | of_derived, not self.spec.time_unit
        return Run(cells.n, self.t_stop, self.onset, self.spec.dtype, known, model.quantities, derived, in_ms)

    def _run_kernel(
        self, cells: Cells, X: np.ndarray, bounds: np.ndarray, recordings: Sequence[Recording], status: np.ndarray,
        counts: np.ndarray,
    ) -> None:  # fmt: skip
        """Advance all cells, in blocks on all threads; states, status, counts and what is recorded are filled."""
        levels = np.array(detectors(self.record)[0], np.float64).reshape(-1, 2)
        stop = np.zeros(1, np.uint8)
        further = self.steps.arguments(counts)
        kernel = interruptible(compiled, self.spec)

        def call(first: int, last: int) -> None:
            arrays = [recording.arguments(first, last) for recording in recordings]
            kernel(
                first, last, cells.p0, cells.col, cells.P, X, levels, bounds, status, stop, *further, *cells.points,
                *(a for group in arrays for a in group),
            )  # fmt: skip
            for recording, group in zip(recordings, arrays, strict=True):
                recording.done(first, group)

        n_states, work = len(self.spec.states), self._work_of_a_step(cells)
        lanes = LANES[self.spec.dtype]
        run_blocks(call, cells.n, lanes, n_states, self.steps, self.method.threads, stop, self.progress, work)


def _counted(counts: np.ndarray) -> dict[str, Variable]:
    """The numbers of steps of each cell, (2, n_cells)."""
    names = {"n_steps": "accepted steps", "n_rejected": "rejected steps"}
    return {
        name: Variable(n, ("cell",), "1", what, kind="incidental")
        for n, (name, what) in zip(counts, names.items(), strict=True)
    }


def _where_it_ended(variables: Mapping[str, Variable], states: Sequence[str]) -> dict[str, Variable]:
    """What has another value when a cell is found settled a period later, which two right runs may do."""
    names = {"spike_count", *(f"{x}_final" for x in states)}
    return {name: replace(v, kind="incidental") for name, v in variables.items() if name in names}


def _check_clamp(stimulus: Stimulus, t_stop: float, method: Method) -> None:
    """V jumps at the edges of a clamp's steps; steps of one size, the same for all, can end only at common edges."""
    for kind, values in stimulus.parts:
        if kind.clamp is not None and kind.points and not method.adaptive and kind.points.times(values, t_stop) is None:
            raise InputError(
                f"stimulus '{kind.name}': times of a clamp differ between cells, and {method.scheme.name} takes "
                "the same steps in all; choose tsit5 or rodas4"
            )
