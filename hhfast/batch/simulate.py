"""simulate: one batch of neurons in memory, from parameters to named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.batch.arguments import as_initial, as_recorders, as_stimulus, as_table
from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.certificate import certified
from hhfast.batch.certify import STIFF, certified_rows, reference_method
from hhfast.batch.certify_tolerance import CertifyTolerance, Tolerance
from hhfast.batch.fastest_rate import warn_of_coupled_states, warn_of_long_steps
from hhfast.batch.initial_sensitivities import with_sensitivities
from hhfast.batch.initial_states import initial_states
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import CAP_REACHED, DIVERGED, GAVE_UP, OK, REASON_MEANINGS, STEP_LIMIT, Result
from hhfast.batch.settling import TIGHTER, Settling, SettlingRecording, settling_of
from hhfast.batch.step_control import AdaptiveSchedule, adaptive_schedule
from hhfast.batch.threads import run_blocks
from hhfast.batch.time_grid import TimeGrid, check_step, time_grid
from hhfast.errors import InputError
from hhfast.interrupts import interruptible
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import BAD_PARAMETER, LANES, REASON, KernelSpec, kernel_spec
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.activity import Settled
from hhfast.parts.recorder import Recorder, Recording, Run
from hhfast.parts.recorders import Final, Spikes, detectors
from hhfast.parts.sensitivity import sensitivity_units
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.variable import Variable


def simulate(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    t_stop: float,
    stimulus: Stimulus | None = None,
    record: Sequence[Recorder] = (Spikes(),),
    until: str | Settled | Mapping[str, float] = "t_stop",
    initial: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] = "model",
    sensitivity: Sequence[str] = (),
    certify: bool | float | np.ndarray = False,
    certify_tolerance: CertifyTolerance = 0.01,
    progress: bool = False,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Result:
    """Simulate a batch of neurons of one model.

    Parameters
    ----------
    model : name in `hhfast.models`, path of a TOML file, or Model.
    params : parameter -> number, or (n_cells,) array or list; or a DataFrame or xarray Dataset of them; what is not
        given has the model's value. None: one cell.
    t_stop : duration, ms.
    stimulus : applied current; its parameters may be (n_cells,) arrays too. None: no current.
    record : recorders, in any combination: `Spikes()`, `SpikeCount()`, `Features([...])`, `Trace(...)`, `Final()`.
    until : "t_stop", or "settled": each cell ends by itself when it has reached its attractor, and at `t_stop` at the
        latest (`hhfast.Settled(...)`: with other tolerances and rules, see there). At *rest* the state stands still,
        and the equilibrium is linearly stable. On a *cycle* the whole state returns to where it was k <= 64 events ago,
        twice in a row; an event is a spike, or a maximum of V in a cell that does not spike. Cells that have done
        neither at t_stop have status 6 ("cap_reached"). The features that a `Features` recorder names, or all, are
        recorded: activity, period, period_error, spikes_per_period, burst_duration, duty_cycle, intraburst_rate,
        V_rest, V_trough, V_peak, settled_at (`parts.activity`). Then rate, isi_mean, isi_cv, V_max and V_min are those
        of the last period. The current must be constant from some time on.
    initial : "model" (V_init, or the potential at which a voltage clamp holds cells before t = 0; gates at steady
        state), "rest" (true equilibrium without current), or a mapping state -> number or (n_cells,) array (states not
        named are as for "model", gates steady at the V given); "depolarised" is {"V": 0.0}. A list has one per cell.
    sensitivity : parameters with respect to which the run is differentiated, with tsit5 or bs32. Every state x then has
        derivatives `dx_dp` (as `dV_dg_Na`), which `Trace` and `Final` record, and every time of `Spikes` one in
        `spike_time_dp`; x takes the same steps as without, and differs by rounding alone. Where the dynamics are
        chaotic, derivatives grow without bound. Those by the stimulus's own parameters are not known.
    certify : run cells again far more accurately, and compare: by tsit5 in float64 at rtol 1e-9 (adaptive: at a
        hundredth of the tolerances; stiff methods and cells: by rodas4). True: all cells; a number 0 < f <= 1: that
        share of them; an (n_cells,) bool array: these. What is recorded stays the same, to the bit, and is joined by:
        `certified`, uint8 per cell: 0 not checked, 1 agrees, 2 differs (a count or class, a NaN, the status, or an
        error above the tolerance), 3 the finer run failed; for each number x per cell `x_error`, its estimated |error|
        in its unit; for `Spikes` `spike_time_error`, that of the spike time that shifted most; NaN where there is
        nothing to compare. Traces are not compared. The checked cells take about 3 to 6 times as long.
    certify_tolerance : the largest errors that agree: a share of the scale of a number (100 mV; 1 for gates, fractions
        and isi_cv; the size of rates and concentrations), while times have 0.1 ms, and counts and classes none; or a
        mapping with `share`, `time` (ms), and names of recorded numbers, as `{"share": 0.02, "latency": 0.5}`.
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
    t_stop, stimulus, record = check_step("t_stop", t_stop), as_stimulus(stimulus), as_recorders(record)
    initial = as_initial(initial)
    cells = Cells.of(model, as_table("params", params), stimulus, initial)
    derived = _parameters(model, sensitivity)
    stimulus = stimulus or Stimulus()
    recorders = _deriving(record, derived)
    run = _Batch.of(model, method, stimulus, t_stop, recorders, until, cells.n, progress, tuple(derived))
    X = initial_states(cells, initial, stimulus.holding)
    if not method.adaptive and not any(kind.clamp for kind in stimulus.kinds):
        warn_of_coupled_states(model, method.scheme)
        warn_of_long_steps(cells, X, method.scheme, method.dt)
    if derived:
        if not isinstance(initial, str | Mapping):
            raise InputError("sensitivity: does not go with a list of initial states; give one for all cells")
        X = with_sensitivities(cells, X, initial, stimulus.holding, list(derived))
    bounds = possible_range(cells, stimulus, X)
    rows = certified_rows(certify, cells.n, recorders)
    tolerance = Tolerance.of(certify_tolerance, model.states, recorders)
    if rows is None:
        return run.advance(cells, X, bounds)
    start = np.take(X, rows, axis=1)
    result = run.advance(cells, X, bounds)

    def again(which: np.ndarray, integrator: str | None = None) -> Result:
        how, some = reference_method(method, integrator), rows[which]
        finer = _Batch.of(model, how, stimulus, t_stop, recorders, until, cells.n, progress, tuple(derived))
        return finer.at(some).advance(cells.at(some), np.take(start, which, axis=1), bounds[some])

    finer = again(np.arange(len(rows)))
    stiff = np.flatnonzero(finer.status == STEP_LIMIT)
    if len(stiff) and not derived:
        finer = finer.with_rows(stiff, again(stiff, STIFF))
    return certified(result, rows, finer, tolerance)


def _parameters(model: Model, sensitivity: Sequence[str]) -> dict[str, str]:
    """Name -> unit of the parameters to differentiate by."""
    if isinstance(sensitivity, str):
        raise InputError(f"sensitivity: is '{sensitivity}'; give a list of parameters, as ['g_Na']")
    if len(set(sensitivity)) < len(sensitivity):
        raise InputError("sensitivity: names a parameter twice; give each once")
    return {name: model.parameters[name].unit if name in model.parameters else "1" for name in sensitivity}


def _deriving(record: Sequence[Recorder], derived: Mapping[str, str]) -> tuple[Recorder, ...]:
    """The recorders, those of spike times with derivatives if any are wanted."""
    return tuple(r.derived_by(derived) if derived and isinstance(r, Spikes) else r for r in record)


@dataclass(frozen=True)
class _Batch:
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
    ) -> _Batch:
        settling = settling_of(model, until, method, stimulus, t_stop, record, n_cells)
        if settling is not None:
            if sensitivity:
                raise InputError("sensitivity: does not go with until = 'settled'; give until = 't_stop'")
            record = (*record, settling)
        spec = kernel_spec(model, method.scheme, stimulus, record, method.dtype, method.dt, sensitivity)
        edges, own_edges = stimulus.edges(t_stop)
        points, own_points = stimulus.points(t_stop)
        inside = own_points or own_edges.size > 0
        steps: TimeGrid | AdaptiveSchedule
        _check_clamp(stimulus, t_stop, method)
        if method.adaptive:
            n_points = len(points) + sum(map(len, stimulus.arrays))
            steps = adaptive_schedule(
                t_stop, method.dt, edges, own_edges, record, spec.states, method.control, n_points
            )
        else:
            steps = time_grid(t_stop, method.dt, [*edges, *points], record, inside)
        return cls(spec, method, record, steps, t_stop, stimulus.onset, progress)

    def at(self, rows: np.ndarray, tighter: float = 1.0) -> _Batch:
        """The same for some of the cells, which must stand still `tighter` to count as resting."""
        record = tuple(r.at(rows, tighter) if isinstance(r, Settling) else r for r in self.record)
        onset = self.onset[rows] if np.ndim(self.onset) else self.onset
        return replace(self, record=record, steps=self.steps.at(rows), onset=onset)

    def advance(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> Result:
        """Advance cells from the states X (n_states, n), in place, to the end; bounds : as of `possible_range`."""
        if not isinstance(self.record[-1] if self.record else None, Settling):
            return self._advance(cells, X, bounds)[0]
        start = X.copy()
        result, recording = self._advance(cells, X, bounds)
        rows = recording.prove(cells, X)
        result = self._settled(result, recording)
        if not len(rows):
            return result
        again = self.at(rows, TIGHTER).advance(cells.at(rows), np.take(start, rows, axis=1), bounds[rows])
        return result.with_rows(rows, again)

    def _settled(self, result: Result, recording: SettlingRecording) -> Result:
        """A result with the features of settled cells."""
        status = np.where((result.status == OK) & recording.at_cap, CAP_REACHED, result.status).astype(np.uint8)
        variables = {**result.variables, **recording.variables()}
        variables |= recording.of_last_period(variables)
        variables |= _where_it_ended(variables, self.spec.states)
        rule = {name: repr(value) for name, value in recording.recorder.rule.values.items()}
        return _nan_where_given_up(Result(status, variables, {**result.attributes, "until": "settled", **rule}))

    def _advance(self, cells: Cells, X: np.ndarray, bounds: np.ndarray) -> tuple[Result, Any]:
        """The result of one run, and the recording of the last recorder."""
        dtype, model = self.spec.dtype, cells.model
        of_parameters = {name: p.unit for name, p in model.parameters.items()}
        units = {s.name: s.unit for s in model.rows}
        derived = sensitivity_units(model.states, units, self.spec.sensitivity, of_parameters)
        run = Run(cells.n, self.t_stop, self.onset, dtype, model.recordable | derived)
        recordings = [recorder.open(run) for recorder in self.record]
        _check_names([r for r in self.record if not isinstance(r, Settling)])
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
        kept = [pair for pair in zip(self.record, recordings, strict=True) if not isinstance(pair[0], Settling)]
        finals = {x: (values, run.units[x]) for x, values in zip(self.spec.states, X, strict=True)}
        result = _result(model, kept, finals, status, self.method.attributes)
        result = Result(result.status, {**result.variables, "reason": reason}, result.attributes)
        last = recordings[-1] if recordings else None
        if not self.method.adaptive:
            return result, last
        names = {"n_steps": "accepted steps", "n_rejected": "rejected steps"}
        counted = {
            name: Variable(n, ("cell",), "1", what, kind="incidental")
            for n, (name, what) in zip(counts, names.items(), strict=True)
        }
        return Result(result.status, {**result.variables, **counted}, result.attributes), last


def _where_it_ended(variables: Mapping[str, Variable], states: Sequence[str]) -> dict[str, Variable]:
    """What has another value when a cell is found settled a period later, which two right runs may do."""
    names = {"spike_count", *(f"{x}_final" for x in states)}
    return {name: replace(v, kind="incidental") for name, v in variables.items() if name in names}


def _reasons(status: np.ndarray, bounds: np.ndarray) -> Variable:
    """Why cells are impossible, as the kernel left it in their status, which becomes "diverged"."""
    codes = np.where(status >= REASON, status - REASON, 0).astype(np.uint8)
    codes[(codes > 0) & np.isnan(bounds[:, 0])] = BAD_PARAMETER
    status[codes > 0] = DIVERGED
    return Variable(codes, ("cell",), "1", "why the row diverged", REASON_MEANINGS, "incidental")


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
    recorded: Sequence[tuple[Recorder, Recording]],
    finals: Mapping[str, tuple[np.ndarray, str]],
    status: np.ndarray,
    settings: dict[str, str],
) -> Result:
    variables: dict[str, Variable] = {}
    for recorder, recording in recorded:
        found = recording.variables()
        if isinstance(recorder, Final):
            found = {
                f"{x}_final": Variable(values, ("cell",), unit, f"{x} at the end")
                for x, (values, unit) in finals.items()
            }
        if "spike_time" in variables:  # the count that goes with it is that of the times stored
            found.pop("spike_count", None)
        variables |= _separate_times(found, variables)
    return _nan_where_given_up(Result(status, variables, {"model": model.name, **settings}))


def _nan_where_given_up(result: Result) -> Result:
    for variable in result.variables.values():
        if variable.dims[0] == "cell" and variable.values.dtype.kind == "f":
            variable.values[np.isin(result.status, GAVE_UP)] = np.nan
    return result


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
