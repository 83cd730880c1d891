"""simulate: one batch of neurons in memory, from parameters to named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.certify import certified, certified_rows, error_factor
from hhfast.batch.fastest_rate import warn_of_coupled_states, warn_of_long_steps
from hhfast.batch.initial_states import initial_states
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import DIVERGED, GAVE_UP, OK, REASON_MEANINGS, Result
from hhfast.batch.step_control import AdaptiveSchedule, adaptive_schedule
from hhfast.batch.threads import run_blocks
from hhfast.batch.time_grid import TimeGrid, time_grid
from hhfast.errors import InputError
from hhfast.interrupts import interruptible
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import BAD_PARAMETER, LANES, REASON, KernelSpec, kernel_spec
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.recorder import Recorder, Recording, Run
from hhfast.parts.recorders import Final, Spikes, detectors
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.variable import Variable


def simulate(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    t_stop: float,
    stimulus: Stimulus | None = None,
    record: Sequence[Recorder] = (Spikes(),),
    initial: str | Mapping[str, Any] = "model",
    certify: bool | float | np.ndarray = False,
    progress: bool = False,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Result:
    """Simulate a batch of neurons of one model.

    Parameters
    ----------
    model : name in `hhfast.models`, path of a TOML file, or Model.
    params : parameter -> number, or (n_cells,) array; what is not given has the model's value. None: one cell.
    t_stop : duration, ms.
    stimulus : applied current; its parameters may be (n_cells,) arrays too. None: no current.
    record : recorders, in any combination: `Spikes()`, `SpikeCount()`, `Features([...])`, `Trace(...)`, `Final()`.
    initial : "model" (V_init, or the potential at which a voltage clamp holds cells before t = 0; gates at steady
        state), "rest" (true equilibrium without current), or a mapping state -> number or (n_cells,) array (states not
        named are as for "model", gates steady at the V given).
    certify : run cells again at half the step (adaptive: a tenth of the tolerances), and compare. True: all cells; a
        number 0 < f <= 1: that share of them; an (n_cells,) bool array: these. What is recorded stays the same, to the
        bit, and is joined by: `certified`, uint8 per cell: 0 not checked, 1 agrees, 2 the spike count changed (or the
        cell failed and no longer does: an artefact of the step), 3 the finer run failed; for each number x per cell
        `x_error`, its estimated |error| in its unit (how, and how far to trust it: `batch.certify`); for `Spikes`
        `spike_time_error`, that of the spike time that shifted most; NaN where there is nothing to compare. Traces
        have no estimate.
    progress : show a progress bar on a terminal, a line every 30 s otherwise.
    method : how to simulate: integrator, step, tolerances, precision, threads (`hhfast.Method`). Its fields may be
        given as keywords instead, and replace what `method` says:
        `integrator`, name in `hhfast.integrators` or an `Integrator`;
        `dt`, of fixed steps the largest, ms: steps are placed so that stimulus edges given as numbers, samples and
        windows fall between steps, and the steps before them are shortened evenly; one line warns if it is surely too
        long for some cells. For adaptive integrators (the default) dt is the first step, and the one after each edge;
        `dtype`, "float64" or "float32"; `threads`, default: all processors this process may use;
        `rtol`, `atol`, `dt_min`, `dt_max`, `max_steps`, for adaptive integrators, whose steps each cell chooses for
        itself (`hhfast.StepControl`). Edges of the stimulus are then hit exactly, even those that differ between
        cells; spike times and traces come from dense output and change no step. The result gains `n_steps` and
        `n_rejected` per cell.

    Returns
    -------
    Result with one row per cell. A cell that diverges (or has C_m <= 0 or NaN among its parameters) has status 1 and
    NaN values; its neighbours are not affected. Every row is bit-identical whatever the number of threads, its place
    and its neighbours.

    Raises
    ------
    InputError : for unknown names, arrays that do not fit together, values out of range.
    KeyboardInterrupt : within a second of Ctrl-C.
    """
    model = find_model(model)
    method = Method.of(method, options)
    cells = Cells.of(model, params or {}, stimulus, initial)
    run = _Batch.of(model, method, stimulus or Stimulus(), t_stop, tuple(record), progress)
    X = initial_states(cells, initial, stimulus.holding if stimulus is not None else np.nan)
    if not method.adaptive and not (stimulus is not None and any(kind.clamp for kind in stimulus.kinds)):
        warn_of_coupled_states(model, method.scheme)
        warn_of_long_steps(cells, X, method.scheme, method.dt)
    bounds = possible_range(cells, stimulus or Stimulus(), X)
    rows = certified_rows(certify, cells.n, run.record)
    if rows is None:
        return run.advance(cells, X, bounds)
    checked, again = cells.at(rows), np.take(X, rows, axis=1)
    result = run.advance(cells, X, bounds)
    finer = run.refined(rows).advance(checked, again, bounds[rows])
    return certified(result, rows, finer, error_factor(method.scheme, run.edges_inside))


@dataclass(frozen=True)
class _Batch:
    """What all cells of a batch have in common: kernel, steps, recorders; onset: of the stimulus, ms."""

    spec: KernelSpec
    method: Method
    record: tuple[Recorder, ...]
    steps: TimeGrid | AdaptiveSchedule
    t_stop: float
    onset: Any
    edges_inside: bool
    progress: bool

    @classmethod
    def of(
        cls,
        model: Model,
        method: Method,
        stimulus: Stimulus,
        t_stop: float,
        record: tuple[Recorder, ...],
        progress: bool,
    ) -> _Batch:
        spec = kernel_spec(model, method.scheme, stimulus, record, method.dtype, method.dt)
        edges, own_edges = stimulus.edges(t_stop)
        points, own_points = stimulus.points(t_stop)
        inside = own_points or own_edges.size > 0
        steps: TimeGrid | AdaptiveSchedule
        _check_clamp(stimulus, t_stop, method)
        if method.adaptive:
            n_points = len(points) + sum(map(len, stimulus.arrays))
            steps = adaptive_schedule(
                t_stop, method.dt, edges, own_edges, record, model.states, method.control, n_points
            )
        else:
            steps = time_grid(t_stop, method.dt, [*edges, *points], record, inside)
        return cls(spec, method, record, steps, t_stop, stimulus.onset, inside, progress)

    def refined(self, rows: np.ndarray) -> _Batch:
        """The same for some of the cells, with finer steps."""
        onset = self.onset[rows] if np.ndim(self.onset) else self.onset
        return replace(self, steps=self.steps.refined(rows), onset=onset)

    def advance(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> Result:
        """Advance cells from the states X (n_states, n), in place, to the end; bounds : as of `possible_range`."""
        dtype, model = self.spec.dtype, cells.model
        run = Run(cells.n, self.t_stop, self.onset, dtype, model.recordable)
        recordings = [recorder.open(run) for recorder in self.record]
        _check_names(self.record)
        levels = np.array(detectors(self.record)[0], np.float64).reshape(-1, 2)
        status = np.full(cells.n, OK, np.uint8)
        stop = np.zeros(1, np.uint8)
        counts = np.zeros((2, cells.n if self.method.adaptive else 0), np.int64)
        further = self.steps.arguments(counts)
        kernel = interruptible(compiled, self.spec)

        def call(first: int, last: int) -> None:
            arrays = [recording.arguments(first, last) for recording in recordings]
            kernel(
                first,
                last,
                cells.p0,
                cells.col,
                cells.P,
                X,
                levels,
                bounds,
                status,
                stop,
                *further,
                *cells.points,
                *(a for group in arrays for a in group),
            )
            for recording, group in zip(recordings, arrays, strict=True):
                recording.done(first, group)

        run_blocks(call, cells.n, LANES[dtype][0], self.steps, self.method.threads, stop, self.progress)
        reason = _reasons(status, bounds)
        result = _result(model, self.record, recordings, X, status, self.method.attributes)
        result = Result(status, {**result.variables, "reason": reason}, result.attributes)
        if not self.method.adaptive:
            return result
        names = {"n_steps": "accepted steps", "n_rejected": "rejected steps"}
        counted = {name: Variable(n, ("cell",), "1", what) for n, (name, what) in zip(counts, names.items(),
                                                                                     strict=True)}  # fmt: skip
        return Result(result.status, {**result.variables, **counted}, result.attributes)


def _reasons(status: np.ndarray, bounds: np.ndarray) -> Variable:
    """Why cells are impossible, as the kernel left it in their status, which becomes "diverged"."""
    codes = np.where(status >= REASON, status - REASON, 0).astype(np.uint8)
    codes[(codes > 0) & np.isnan(bounds[:, 0])] = BAD_PARAMETER
    status[codes > 0] = DIVERGED
    return Variable(codes, ("cell",), "1", "why the row diverged", REASON_MEANINGS)


def _check_clamp(stimulus: Stimulus, t_stop: float, method: Method) -> None:
    """V jumps at the edges of a clamp's steps; steps of one size, the same for all, can end only at common edges."""
    for kind, values in stimulus.parts:
        if kind.clamp is not None and kind.points and not method.adaptive and kind.points.times(values, t_stop) is None:
            raise InputError(
                f"stimulus '{kind.name}': times of a clamp differ between cells, and {method.scheme.name} takes "
                "the same steps in all; choose tsit5 or rodas4"
            )


def _check_names(record: Sequence[Recorder]) -> None:
    """A name means one thing in a result: two recorders may deliver only a `spike_count`, of the same spikes."""
    counting: list[Any] = [r for r in record if isinstance(r, Spikes) or "spike_count" in getattr(r, "names", ())]
    if len({(r.levels, r.window) for r in counting}) > 1:
        raise InputError(
            "record: Spikes and Features count spikes with different threshold, rearm or window; give them the same"
        )
    delivered: set[str] = set()
    for recorder in record:
        names = set(getattr(recorder, "names", ())) | set(getattr(recorder, "variables", ()))
        names = names - {"spike_count"} | ({"spike_time"} if isinstance(recorder, Spikes) else set())
        if twice := sorted(names & delivered):
            raise InputError(f"record: '{twice[0]}' is recorded twice; a result has one variable of that name")
        delivered |= names


def _result(
    model: Model,
    record: Sequence[Recorder],
    recordings: Sequence[Recording],
    X: np.ndarray,
    status: np.ndarray,
    settings: dict[str, str],
) -> Result:
    variables: dict[str, Variable] = {}
    for recorder, recording in zip(record, recordings, strict=True):
        found = recording.variables()
        if isinstance(recorder, Final):
            units = model.variables
            found = {
                f"{x}_final": Variable(X[k], ("cell",), units[x], f"{x} at the end") for k, x in enumerate(model.states)
            }
        if "spike_time" in variables:  # the count that goes with it is that of the times stored
            found.pop("spike_count", None)
        variables |= _separate_times(found, variables)
    for variable in variables.values():
        if variable.dims[0] == "cell" and variable.values.dtype.kind == "f":
            variable.values[np.isin(status, GAVE_UP)] = np.nan
    return Result(status, variables, {"model": model.name, **settings})


def _separate_times(found: dict[str, Variable], present: Mapping[str, Variable]) -> dict[str, Variable]:
    """Rename the time axis of a second trace whose samples differ from those of the first."""
    if "time" not in found or "time" not in present or np.array_equal(found["time"].values, present["time"].values):
        return found
    k = 2
    while f"time_{k}" in present and not np.array_equal(found["time"].values, present[f"time_{k}"].values):
        k += 1
    axis = f"time_{k}"
    renamed = {axis: Variable(found["time"].values, (axis,), "ms", "time")}
    return renamed | {
        name: Variable(v.values, ("cell", axis), v.unit, v.long_name) for name, v in found.items() if name != "time"
    }
