"""The checks of a sweep: each mistake is an `InputError` of one line with key path, reason and remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hhfast.batch.certify import check_counts, check_share
from hhfast.batch.certify_tolerance import Tolerance
from hhfast.errors import InputError, shown, understood, unknown
from hhfast.inputs import known_name, number, whole_number
from hhfast.sweep.constraints import check_constraints
from hhfast.sweep.numbered_axes import state_name
from hhfast.sweep.parameter_checks import check_fixed, check_parameters, check_stimuli
from hhfast.sweep.record import recorded_names
from hhfast.sweep.sensitivity import check_sensitivity, derived_variables

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep

DTYPES = ("float64", "float32")
INITIALS = ("model", "rest", "depolarised")
_MOST_STEPS = 1e11  # of one row: days
_MOST_ROWS_PER_BATCH = 10_000_000  # a batch is held in memory
_MOST_SAMPLES = 10_000_000  # of the traces of one row, likewise


def check_sweep(sweep: Sweep) -> None:
    """Raise `InputError` for anything that cannot be simulated."""
    with understood("sweep"):
        _check_kinds(sweep)
        _check_numbers(sweep)
        _check_choices(sweep)
        _check_control(sweep)
        check_stimuli(sweep)
        check_parameters(sweep)
        _check_record(sweep)
        _check_until(sweep)
        check_sensitivity(sweep)
        _check_analysis(sweep)
        _check_channel_noise(sweep)
        _check_certify(sweep)
        check_constraints(sweep)


def _check_kinds(sweep: Sweep) -> None:
    """What the arguments are, before what is in them."""
    if not all(hasattr(sweep.space, name) for name in ("names", "n_rows", "columns")):
        what = "None" if sweep.space is None else f"of type {type(sweep.space).__name__}"
        raise InputError(f"space: is {what}; give Grid.of({{'g_Na': [100, 120]}}), Rows, Sample or Table")
    for key in ("t_stop", "dt"):
        number(key, getattr(sweep, key))
    if not isinstance(sweep.parameters, Mapping):
        raise InputError(f"parameters: is of type {type(sweep.parameters).__name__}; give a mapping of name to number")
    for key in ("sensitivity", "constraints"):
        given = getattr(sweep, key)
        if not isinstance(given, (tuple, list)) or not all(isinstance(text, str) for text in given):
            raise InputError(f"{key}: is {shown(given)}; give a list of texts")
    entries = sweep.stimulus if isinstance(sweep.stimulus, Sequence) else [sweep.stimulus]
    if sweep.stimulus is not None and not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(
            f"stimulus: is {shown(sweep.stimulus)}; give hhfast.Step(amplitude=10.0), or tables with a kind"
        )


def _check_numbers(sweep: Sweep) -> None:
    for key in ("t_stop", "dt"):
        value = getattr(sweep, key)
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{key}: is {value:g} ms; it must be positive")
    if sweep.t_stop / sweep.dt > _MOST_STEPS:
        steps = f"{sweep.t_stop / sweep.dt:.3g} steps of dt = {sweep.dt:g} ms"
        raise InputError(f"t_stop: {sweep.t_stop:g} ms are {steps}; at most {_MOST_STEPS:g} are possible")
    if sweep.dt > sweep.t_stop:
        raise InputError(f"dt: is {sweep.dt:g} ms, longer than t_stop = {sweep.t_stop:g} ms; choose a smaller step")
    if sweep.rows_per_batch is not None:
        whole_number("rows_per_batch", sweep.rows_per_batch, 1, _MOST_ROWS_PER_BATCH)
    for key, count, most in (("constraints", len(sweep.constraints), 1000), ("stimulus", len(sweep.stimuli), 1000)):
        if count > most:
            raise InputError(f"{key}: has {count:,} entries; at most {most:,} are possible")


def _check_choices(sweep: Sweep) -> None:
    from hhfast.parts.integrators import Integrator, integrators

    initial = [sweep.initial] if isinstance(sweep.initial, str) else sweep.initial
    for k, one in enumerate(initial):
        where = "initial" if isinstance(sweep.initial, str) else f"initial.{k}"
        for name in (one,) if isinstance(one, str) else one:
            known_here = INITIALS if isinstance(one, str) else sweep.model.states
            if name not in known_here:
                raise unknown("initial state" if isinstance(one, str) else "state", name, known_here, where=where)
            if not isinstance(one, str):
                number(f"{where}.{name}", one[name])
    if not initial:
        raise InputError("initial: is empty; give at least one state")
    names = [state_name(one) for one in initial]
    if twice := [name for k, name in enumerate(names) if name in names[:k]]:
        raise InputError(f"initial: {twice[0]} is given twice; give each state once, as its name is its place")
    for key, known in (("integrator", integrators), ("dtype", DTYPES)):
        value = getattr(sweep, key)
        if not isinstance(value, Integrator):
            known_name(key, value, known, where=key)


def _check_control(sweep: Sweep) -> None:
    from hhfast.batch.method import refuse
    from hhfast.batch.step_control import StepControl

    if not sweep.scheme.adaptive:
        refuse(sweep.control, sweep.scheme.name)
        return
    numbers = sweep.control
    if isinstance(sweep.atol, Mapping):
        numbers |= {f"atol.{x}": value for x, value in numbers.pop("atol").items()}
    for where, value in numbers.items():
        check_fixed(where, value, varied=False)
    for name in sweep.control:
        if sweep.analysis is not None and name != "rtol":
            raise InputError(f"{name}: does not go with [analysis], which takes rtol alone; remove it")
    StepControl(**sweep.control).absolute(sweep.model.states)


def _check_analysis(sweep: Sweep) -> None:
    if sweep.analysis is None:
        return
    from hhfast.batch.analyses import analyses, entries_of

    kind = sweep.analysis.get("kind")
    if kind is None:
        raise InputError(f"analysis.kind: is missing; choose one of {', '.join(analyses)}")
    if not isinstance(kind, str) or kind not in analyses:
        raise unknown("analysis", kind, analyses, where="analysis.kind")
    analysis, options = analyses[kind], {name: value for name, value in sweep.analysis.items() if name != "kind"}
    analysis.check(options)
    if analysis.check_model is not None:
        try:
            analysis.check_model(sweep.model, options, [*sweep.parameters, *sweep.space.names])
        except InputError as error:
            raise InputError(f"analysis.{error}") from None
    if (found := entries_of(sweep.analysis)) is not None and found[0] in sweep.space.names:
        low, high = sweep.space.limits(found[0])
        if not 0 <= low <= high < found[1].n:
            raise InputError(f"{sweep.space.kind}.{found[0]}: must be numbers from 0 to {found[1].n - 1}")
    if sweep.stimulus is not None and not analysis.takes_stimulus:
        raise InputError("stimulus: an analysis applies its own current; remove [stimulus]")
    if sweep.dtype != "float64":
        raise InputError(f"dtype: is '{sweep.dtype}'; an analysis needs float64")


def _check_certify(sweep: Sweep) -> None:
    Tolerance.of(sweep.certify_tolerance, sweep.model.states, sweep.recorders)
    if sweep.certify is False:
        return
    check_share(sweep.certify)
    if sweep.analysis is not None:
        raise InputError("certify: does not go with [analysis], whose results are found to a tolerance; remove it")
    check_counts(recorded_names(sweep.recorders))


def _check_channel_noise(sweep: Sweep) -> None:
    """What does not go with channels that open and close at random."""
    if sweep.noise is None:
        return
    from hhfast.kernel.spec import check_channel_noise

    check_channel_noise(sweep.model)
    for key, given in (
        ("analysis", sweep.analysis is not None),
        ("until", sweep.until != "t_stop"),
        ("certify", sweep.certify is not False),
        ("sensitivity", bool(sweep.sensitivity)),
    ):
        if given:
            raise InputError(f"{key}: does not go with channel_noise; remove it")
    if sweep.noise.kind == "markov":
        from hhfast.batch.channel_counts import check_followed_one_by_one

        counts = [name for name in sweep.model.parameters if name in sweep.model.counts]
        fixed = {f"parameters.{n}": np.array([sweep.parameters[n]]) for n in counts if n in sweep.parameters}
        varied = {f"{sweep.space.kind}.{n}": np.array(sweep.space.limits(n)) for n in counts if n in sweep.space.names}
        check_followed_one_by_one(fixed | varied)


def _check_until(sweep: Sweep) -> None:
    """What goes with until = "settled", and what does only with it."""
    from hhfast.batch.settling_checks import check_constant, check_not_settled, check_settled
    from hhfast.parts.activity import Settled
    from hhfast.sweep.simulate_rows import cells_of

    if not isinstance(sweep.until, Settled):
        check_not_settled(sweep.recorders)
        return
    if sweep.analysis is not None:
        raise InputError("until: does not go with [analysis], which has its own duration; remove it")
    check_settled(sweep.recorders)
    ends = {
        name: np.array(sweep.space.limits(name)) for name in sweep.space.names if name not in sweep.model.parameters
    }
    check_constant(cells_of(sweep, ends)[1], sweep.t_stop)


def _check_record(sweep: Sweep) -> None:
    if not sweep.recorders:
        raise InputError("record: nothing is recorded; name features, set spikes = true, or give a trace")
    for recorder in sweep.recorders:
        window = getattr(recorder, "window", None)
        if window is not None and not 0 <= window[0] < window[1] <= sweep.t_stop:
            limits = f"[from, to] within 0 and t_stop = {sweep.t_stop:g} ms"
            raise InputError(f"record.window: is {list(window)}; it must be {limits}")
        samples = len(getattr(recorder, "variables", ())) * sweep.t_stop / getattr(recorder, "every", sweep.t_stop)
        if samples > _MOST_SAMPLES:
            raise InputError(
                f"record.trace.every: makes {samples:.3g} samples of a row; at most {_MOST_SAMPLES:,} are possible"
            )
        for name in getattr(recorder, "variables", ()):
            known = {*sweep.model.recordable, *derived_variables(sweep)}
            if name not in known:
                raise unknown("variable", name, known, where="record.trace.variables")
