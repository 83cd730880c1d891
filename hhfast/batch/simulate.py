"""simulate: one batch of neurons in memory, from parameters to named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells, initial_states
from hhfast.batch.certify import certified, certified_rows, error_factor
from hhfast.batch.result import GAVE_UP, OK, Result
from hhfast.batch.step_control import Course, StepControl, course, refuse
from hhfast.batch.threads import run_blocks
from hhfast.batch.time_grid import Grid, time_grid
from hhfast.errors import InputError, unknown
from hhfast.interrupts import interruptible
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import LANES, KernelSpec, kernel_spec
from hhfast.model import Model, load_model, models
from hhfast.parts.recorder import Recorder, Recording, Run
from hhfast.parts.recorders import Final, Spikes, detectors
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.variable import Variable


def simulate(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    stimulus: Stimulus | None = None,
    t_stop: float,
    dt: float = 0.025,
    integrator: str = "rk4",
    record: Sequence[Recorder] = (Spikes(),),
    initial: str | Mapping[str, Any] = "model",
    dtype: str = "float64",
    threads: int | None = None,
    progress: bool = False,
    certify: bool | float | np.ndarray = False,
    rtol: float | None = None,
    atol: float | Mapping[str, float] | None = None,
    dt_min: float | None = None,
    dt_max: float | None = None,
    max_steps: int | None = None,
) -> Result:
    """Simulate a batch of neurons of one model.

    Parameters
    ----------
    model : name in `hhfast.models`, path of a TOML file, or Model.
    params : parameter -> number, or (n_cells,) array; what is not given has the model's value. None: one cell.
    stimulus : applied current; its parameters may be (n_cells,) arrays too. None: no current.
    t_stop, dt : duration and largest step, ms. Steps are placed so that stimulus edges given as numbers, samples
        and windows fall between steps; the steps before them are shortened evenly. For adaptive integrators dt is
        the first step, and that after each edge.
    integrator : name in `hhfast.integrators`.
    record : recorders, in any combination: `Spikes()`, `SpikeCount()`, `Features([...])`, `Trace(...)`, `Final()`.
    initial : "model" (V_init, gates at steady state), "rest" (true equilibrium without current), or a mapping
        state -> number or (n_cells,) array (states not named are as for "model", gates steady at the V given).
    dtype : "float64" or "float32" (arithmetic of the kernel; spike times are float64 in either).
    threads : number of threads; default: all processors this process may use. It never changes a result.
    progress : show a progress bar.
    rtol, atol, dt_min, dt_max, max_steps : for adaptive integrators only, whose steps each cell chooses for itself. The
        estimated error of a step is at most atol + rtol |x| (root mean square over states x): rtol, default 1e-6;
        atol, a number or state -> number, default a tenth of rtol in its unit. A cell is given up, with status 3,
        when its step falls below dt_min (1e-9 ms) or after max_steps (1e7) attempts; no step is longer than dt_max
        (5 ms). Edges of the stimulus are hit exactly, even those that differ between cells; spike times and traces
        come from dense output and change no step. The result gains `n_steps` and `n_rejected` per cell.
    certify : run cells again at half the step (adaptive: a tenth of the tolerances), and compare. True: all cells; a
        number 0 < f <= 1: that share of them; an (n_cells,) bool array: these. What is recorded stays the same, to the
        bit, and is joined by: `certified`, uint8 per cell: 0 not checked, 1 agrees, 2 the spike count changed (or the
        cell failed and no longer does: an artefact of the step), 3 the finer run failed; for each number x per cell
        `x_error`, its estimated |error| in its unit (how, and how far to trust it: `batch.certify`); for `Spikes`
        `spike_time_error`, that of the spike time that shifted most; NaN where there is nothing to compare. Traces
        have no estimate.

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
    model = as_model(model)
    cells = Cells.of(model, params or {}, stimulus, initial)
    record = tuple(record)
    spec = kernel_spec(model, integrator, stimulus, record, dtype, dt)
    given = {"rtol": rtol, "atol": atol, "dt_min": dt_min, "dt_max": dt_max, "max_steps": max_steps}
    control: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    stimulus = stimulus or Stimulus()
    edges, moving = stimulus.edges(t_stop)
    points, apart = stimulus.points(t_stop)
    steps: Grid | Course
    if spec.integrator.adaptive:
        steps = course(t_stop, dt, edges, moving, record, model.states, StepControl(**control))
    else:
        refuse(control, integrator)
        steps = time_grid(t_stop, dt, [*edges, *points], record, apart or moving.size > 0)
    onset = stimulus.onset
    X = initial_states(cells, initial)
    settings = {"integrator": integrator, "dtype": dtype, "dt": repr(dt), **{n: repr(v) for n, v in control.items()}}
    advance = partial(_advance, spec, record, t_stop, threads, progress, settings)
    rows = certified_rows(certify, cells.n, record)
    if rows is None:
        return advance(cells, X, steps, onset)
    finer = cells.at(rows), np.take(X, rows, axis=1), steps.finer(rows), onset[rows] if np.ndim(onset) else onset
    result = advance(cells, X, steps, onset)
    return certified(result, rows, advance(*finer), error_factor(spec.integrator, apart or moving.size > 0))


def _advance(
    spec: KernelSpec, record: Sequence[Recorder], t_stop: float, threads: int | None, progress: bool,
    settings: dict[str, str], cells: Cells, X: np.ndarray, steps: Grid | Course, onset: Any,
) -> Result:
    """Advance cells from the states X, in place, over a grid or by steps of their own."""
    dtype, model = spec.dtype, cells.model
    run = Run(cells.n, t_stop, onset, dtype, model.variables)
    recordings = [recorder.open(run) for recorder in record]
    _check_names(record)
    levels = np.array(detectors(record)[0], np.float64).reshape(-1, 2)
    status = np.full(cells.n, OK, np.uint8)
    stop = np.zeros(1, np.uint8)
    counts = np.zeros((2, cells.n if spec.integrator.adaptive else 0), np.int64)
    further = steps.arguments(counts)
    kernel = interruptible(compiled, spec)

    def call(first: int, last: int) -> None:
        arrays = [recording.arguments(first, last) for recording in recordings]
        kernel(first, last, cells.p0, cells.col, cells.P, X, levels, status, stop, *further,
               *cells.points, *(a for group in arrays for a in group))
        for recording, group in zip(recordings, arrays, strict=True):
            recording.done(first, group)

    run_blocks(call, cells.n, LANES[dtype][0], steps, threads, stop, progress)
    result = _result(model, record, recordings, X, status, settings)
    if not spec.integrator.adaptive:
        return result
    tried = {"n_steps": "steps taken", "n_rejected": "steps tried in vain"}
    counted = {name: Variable(n, ("cell",), "1", what) for n, (name, what) in zip(counts, tried.items(), strict=True)}
    return Result(result.status, {**result.variables, **counted}, result.attributes)


def as_model(model: str | Path | Model) -> Model:
    """A model by name, from a TOML file, or itself. Raises `InputError` with the nearest name."""
    if isinstance(model, Model):
        return model
    if isinstance(model, str) and model in models:
        return models[model]
    if isinstance(model, Path) or str(model).endswith(".toml"):
        return load_model(model)
    raise unknown("model", str(model), models)


def _check_names(record: Sequence[Recorder]) -> None:
    """A name means one thing in a result: two recorders may deliver only a `spike_count`, of the same spikes."""
    counting: list[Any] = [r for r in record if isinstance(r, Spikes) or "spike_count" in getattr(r, "names", ())]
    if len({(r.levels, r.window) for r in counting}) > 1:
        raise InputError("record: Spikes and Features count spikes with different threshold, rearm or window; "
                         "give them the same")
    delivered: set[str] = set()
    for recorder in record:
        names = set(getattr(recorder, "names", ())) | set(getattr(recorder, "variables", ()))
        names = names - {"spike_count"} | ({"spike_time"} if isinstance(recorder, Spikes) else set())
        if twice := sorted(names & delivered):
            raise InputError(f"record: '{twice[0]}' is recorded twice; a result has one variable of that name")
        delivered |= names


def _result(
    model: Model, record: Sequence[Recorder], recordings: Sequence[Recording], X: np.ndarray, status: np.ndarray,
    settings: dict[str, str],
) -> Result:
    variables: dict[str, Variable] = {}
    for recorder, recording in zip(record, recordings, strict=True):
        found = recording.variables()
        if isinstance(recorder, Final):
            units = model.variables
            found = {f"{x}_final": Variable(X[k], ("cell",), units[x], f"{x} at the end")
                     for k, x in enumerate(model.states)}
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
    return renamed | {name: Variable(v.values, ("cell", axis), v.unit, v.long_name)
                      for name, v in found.items() if name != "time"}
