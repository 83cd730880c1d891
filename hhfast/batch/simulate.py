"""simulate: one batch of neurons in memory, from parameters to named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.batch.arguments import as_initial, as_recorders, as_stimulus, as_table, check_memory
from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.certificate import certified
from hhfast.batch.certify import STIFF, certified_rows, reference_method
from hhfast.batch.certify_tolerance import CertifyTolerance, Tolerance
from hhfast.batch.channel_counts import channel_counts, check_followed_one_by_one
from hhfast.batch.fastest_rate import warn_of_coupled_states, warn_of_long_steps, warn_of_single_precision
from hhfast.batch.held_rates import warn_of_held_rates
from hhfast.batch.initial_sensitivities import sensitivity_units_of, with_sensitivities
from hhfast.batch.initial_states import initial_states
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.recorded import check_derivatives
from hhfast.batch.result import BEYOND_RATES, STEP_LIMIT, Result
from hhfast.batch.settled_derivatives import SettledDerivatives
from hhfast.batch.simulation import Simulation
from hhfast.batch.time_grid import check_step
from hhfast.errors import InputError
from hhfast.inputs import truth
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.activity import Settled
from hhfast.parts.channel_noise import ChannelNoise, as_channel_noise
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import Stimulus


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
    channel_noise: str | ChannelNoise | None = None,
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
    sensitivity : parameters with respect to which the run is differentiated, with tsit5, bs32, rk4 or euler; also
        "V_initial", "m_initial" ..., the values from which states start, and parameters of the stimulus ("amplitude",
        "start", "width" ...) in which its current is linear, or that move edges (own steps). Every
        state x then has derivatives `dx_dp` (as `dV_dg_Na`), which `Trace` and `Final` record, every time of `Spikes`
        one in `spike_time_dp`, and features have theirs: `latency_dp`, `isi_mean_dp`, `isi_cv_dp`, and with own steps
        `V_max_dp`, `V_min_dp`, `V_mean_dp` (none of counts); x takes the same steps as without, and differs by rounding
        alone. With fixed steps they are those of the scheme, not of the exact solution. Where the dynamics are chaotic,
        derivatives grow without bound. With until="settled", and any integrator, it is the features that have
        derivatives: `period_dp`, `rate_dp`, `V_peak_dp`, `duty_cycle_dp` ..., those of the exact cycle, or of the
        equilibrium (`V_rest_dp`), that the run found; by the stimulus, those by the constant current that it has
        become; by an initial value 0. NaN for cells that have not settled, and none of counts, `activity`,
        `settled_at`, spikes and traces.
    channel_noise : "diffusion", "markov", or a `ChannelNoise`: channels that have a count (`count_Na = 6000`, or
        `count` in the model) open and close at random; those with an infinite one do not. The fluctuations are
        renewed at every step, or where cells choose their steps every `dt` (0.025 ms unless given), at which steps
        end; in between they are held, which is the one approximation. See `ChannelNoise`.
    certify : run cells again far more accurately, and compare: by tsit5 in float64 at rtol 1e-9 (adaptive: at a
        hundredth of the tolerances; stiff methods and cells: by rodas4). True: all cells; a number 0 < f <= 1: that
        share of them; an (n_cells,) bool array: these. What is recorded stays the same, to the bit, and is joined by:
        `certified`, uint8 per cell: 0 not checked, 1 agrees, 2 differs (a count or class, a NaN, the status, or an
        error above the tolerance), 3 the finer run failed; for each number x per cell `x_error`, its estimated |error|
        in its unit; for `Spikes` `spike_time_error`, that of the spike time that shifted most; NaN where there is
        nothing to compare. Traces are not compared. A checked cell takes 2 to 5 times as long.
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
    model, noise = find_model(model), as_channel_noise(channel_noise)
    if noise is not None:
        model = model.with_counts()
        _check_noise(until, sensitivity, certify)
    method = Method.of(method, options)
    t_stop, stimulus, record = check_step("t_stop", t_stop), as_stimulus(stimulus), as_recorders(record)
    initial, progress = as_initial(initial), truth("progress", progress)
    cells = Cells.of(model, as_table("params", params), stimulus, initial, noise)
    check_memory(record, cells.n, t_stop)
    stimulus = stimulus or Stimulus()
    derived = sensitivity_units_of(model, sensitivity, stimulus.kinds)
    if noise is not None and noise.kind == "markov":
        check_followed_one_by_one(channel_counts(model, cells.of_all))
    settled = SettledDerivatives.of(model, until, record, derived, stimulus.kinds)
    if settled is not None:
        record, derived = settled.record, {}
    recorders = _deriving(record, derived, stimulus, method.adaptive)

    def by(method: Method) -> Simulation:
        run = Simulation.of(
            model, method, stimulus, t_stop, recorders, until, cells.n, progress, tuple(derived), noise=noise
        )
        return run if settled is None else settled.asked(run)

    run = by(method)
    X = initial_states(cells, initial, stimulus.holding)
    warn_of_single_precision(model, method.dtype)
    if not method.adaptive and not any(kind.clamp for kind in stimulus.kinds):
        warn_of_coupled_states(model, method.scheme)
        warn_of_long_steps(cells, X, method.scheme, method.dt)
    if derived:
        if not isinstance(initial, str | Mapping):
            raise InputError("sensitivity: does not go with a list of initial states; give one for all cells")
        check_derivatives(record, model.states, list(derived), method.adaptive)
        X = with_sensitivities(cells, X, initial, stimulus.holding, list(derived))
    bounds = possible_range(cells, stimulus, X, noise is not None)
    rows = certified_rows(certify, cells.n, recorders)
    tolerance = Tolerance.of(certify_tolerance, model.states, recorders)
    start = X if rows is None else np.take(X, rows, axis=1)
    result = run.advance(cells, X, bounds)
    warn_of_held_rates(result["reason"] == BEYOND_RATES, method.dtype)
    if rows is not None:

        def again(which: np.ndarray, integrator: str | None = None) -> Result:
            some, finer = rows[which], by(reference_method(method, integrator))
            return finer.at(some).advance(cells.at(some), np.take(start, which, axis=1), bounds[some])

        finer = again(np.arange(len(rows)))
        stiff = np.flatnonzero(finer.status == STEP_LIMIT)
        if len(stiff) and not derived:
            finer = finer.with_rows(stiff, again(stiff, STIFF))
        result = certified(result, rows, finer, tolerance)
    return result if settled is None else settled.added(result, cells, method, stimulus, t_stop)


def _check_noise(until: Any, sensitivity: Sequence[str], certify: Any) -> None:
    """Refuse what a run whose channels are noisy has none of."""
    if until != "t_stop":
        raise InputError("channel_noise: a noisy cell never settles; give until = 't_stop'")
    if len(sensitivity):
        raise InputError("channel_noise: does not go with sensitivity; leave one of them out")
    if not (isinstance(certify, bool) and not certify):
        raise InputError("channel_noise: steps of another size have other noise; leave certify out")


def _deriving(
    record: Sequence[Recorder], derived: Mapping[str, str], stimulus: Stimulus, adaptive: bool
) -> tuple[Recorder, ...]:
    """The recorders, those of spike times and features with derivatives if any are wanted."""
    if not derived:
        return tuple(record)
    onset = next((kind.onset for kind in stimulus.kinds if kind.onset), "")
    found: list[Recorder] = []
    for r in record:
        if isinstance(r, Spikes):
            found.append(r.derived_by(derived))
        else:
            found.append(r.derived_by(derived, onset, adaptive) if isinstance(r, Features) else r)
    return tuple(found)
