"""The checks of a sweep: each mistake is an `InputError` of one line with key path, reason and remedy."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.batch.certify import check_counts, check_share
from hhfast.batch.certify_tolerance import Tolerance
from hhfast.batch.channel_counts import check_countable
from hhfast.errors import InputError, understood, unknown
from hhfast.inputs import number, per_cell
from hhfast.model.formulas import check_names, parse
from hhfast.model.names import is_count
from hhfast.parts.piecewise_linear import check_seeds
from hhfast.sweep.record import recorded_names
from hhfast.sweep.sensitivity import check_sensitivity, derived_variables
from hhfast.sweep.stimulus import stimulus_kind

if TYPE_CHECKING:
    from hhfast.parts.stimuli import StimulusKind
    from hhfast.sweep.sweep import Sweep

DTYPES = ("float64", "float32")
INITIALS = ("model", "rest", "depolarised")
# Variables that a result file has of its own; no parameter may take their place.
RESERVED = ("run", "status", "spike", "spike_count", "spike_time", "certified", "n_steps", "n_rejected")
_MOST_STEPS = 1e11  # of one row: days
_MOST_ROWS_PER_BATCH = 10_000_000  # a batch is held in memory
_MOST_SAMPLES = 10_000_000  # of the traces of one row, likewise
POSITIVE = ("C_m",)  # parameters that the equations divide by


def check_sweep(sweep: Sweep) -> None:
    """Raise `InputError` for anything that cannot be simulated."""
    with understood("sweep"):
        _check_kinds(sweep)
        _check_numbers(sweep)
        _check_choices(sweep)
        _check_control(sweep)
        _check_stimuli(sweep)
        _check_parameters(sweep)
        _check_record(sweep)
        _check_until(sweep)
        check_sensitivity(sweep)
        _check_analysis(sweep)
        _check_channel_noise(sweep)
        _check_certify(sweep)
        _check_constraints(sweep)


def plain_text(text: str, names: Iterable[str]) -> str:
    """A formula with "stimulus.amplitude" written as the plain name that formulas can have."""
    for name in sorted((n for n in names if "." in n), key=len, reverse=True):
        text = text.replace(name, plain_name(name))
    return text


def plain_name(name: str) -> str:
    """The name of a parameter in formulas."""
    return name.replace(".", "_")


def _check_kinds(sweep: Sweep) -> None:
    """What the arguments are, before what is in them."""
    if not all(hasattr(sweep.space, name) for name in ("names", "n_rows", "columns")):
        what = "None" if sweep.space is None else f"of type {type(sweep.space).__name__}"
        raise InputError(f"space: is {what}; give Grid.of({{'g_Na': [100, 120]}}), Rows, Sample or Table")
    for key in ("t_stop", "dt"):
        number(key, getattr(sweep, key))
    if not isinstance(sweep.parameters, Mapping):
        raise InputError(f"parameters: is of type {type(sweep.parameters).__name__}; give a mapping of name to number")
    entries = sweep.stimulus if isinstance(sweep.stimulus, Sequence) else [sweep.stimulus]
    if sweep.stimulus is not None and not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(f"stimulus: is {sweep.stimulus!r}; give hhfast.Step(amplitude=10.0), or tables with a kind")


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
    if sweep.rows_per_batch is not None and not 1 <= sweep.rows_per_batch <= _MOST_ROWS_PER_BATCH:
        raise InputError(f"rows_per_batch: is {sweep.rows_per_batch}; it must be from 1 to {_MOST_ROWS_PER_BATCH:,}")
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
    if not initial:
        raise InputError("initial: is empty; give at least one state")
    for key, known in (("integrator", integrators), ("dtype", DTYPES)):
        value = getattr(sweep, key)
        if not isinstance(value, Integrator) and value not in known:
            raise unknown(key, str(value), known, where=key)


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
        _check_fixed(where, value, varied=False)
    for name in sweep.control:
        if sweep.analysis is not None and name != "rtol":
            raise InputError(f"{name}: does not go with [analysis], which takes rtol alone; remove it")
    StepControl(**sweep.control).absolute(sweep.model.states)


def _check_stimuli(sweep: Sweep) -> None:
    from hhfast.parts.stimuli import StimulusKind, stimuli

    for prefix, entry in sweep.stimuli.items():
        if "kind" not in entry:
            raise InputError(f"{prefix}.kind: is missing; choose one of {', '.join(stimuli)}")
        if not isinstance(entry["kind"], (StimulusKind, str)):
            raise InputError(f"{prefix}.kind: is {entry['kind']!r}; it must be one of {', '.join(stimuli)}")
        if not isinstance(entry["kind"], StimulusKind) and entry["kind"] not in stimuli:
            raise unknown("stimulus kind", str(entry["kind"]), stimuli, where=f"{prefix}.kind")
        _check_stimulus(prefix, entry, stimulus_kind(entry), sweep.space.names)
        _check_clamp(prefix, sweep)
    varied = set(sweep.space.names)
    random = {p: entry for p, entry in sweep.stimuli.items() if "seed" in stimulus_kind(entry).parameters}
    check_seeds({"seed": 0} | dict(entry) for p, entry in random.items() if not {f"{p}.seed", f"{p}.cell"} & varied)


def _check_stimulus(prefix: str, entry: Mapping[str, Any], kind: StimulusKind, varied: Sequence[str]) -> None:
    given = {name: value for name, value in entry.items() if name != "kind"}
    for name, value in given.items():
        where = f"{prefix}.{name}"
        if name in kind.tables:
            given[name] = per_cell(where, value)
        elif name in kind.parameters:
            _check_fixed(where, value, where in varied)
        else:
            raise unknown(f"parameter of the {kind.name} stimulus", name, [*kind.tables, *kind.parameters], where=where)
    for name in kind.tables:
        if name not in given:
            raise InputError(f"{prefix}.{name}: is missing; give it in [stimulus]")
    for name, (default, _) in kind.parameters.items():
        where = f"{prefix}.{name}"
        if default is None and name not in given and where not in varied:
            raise InputError(f"{where}: is missing; give it in [stimulus] or vary it as '{where}'")
        if name in kind.single and where in varied:
            raise InputError(f"{where}: is the same for all rows; give it in [stimulus] instead of varying it")
    try:
        kind.check(given)
    except InputError as error:
        raise InputError(f"{prefix}.{error}") from None


def _check_clamp(prefix: str, sweep: Sweep) -> None:
    """The times of a clamp may differ between rows only where each row takes steps of its own."""
    kind = stimulus_kind(sweep.stimuli[prefix])
    if kind.clamp is None or sweep.scheme.adaptive:
        return
    for name, (_, unit) in kind.parameters.items():
        if unit == "ms" and f"{prefix}.{name}" in sweep.space.names:
            raise InputError(
                f"{prefix}.{name}: varies, and {sweep.scheme.name} takes the same steps in all rows; "
                "choose tsit5 or rodas4"
            )


def _check_parameters(sweep: Sweep) -> None:
    known = sweep.model.parameters
    for name, value in sweep.parameters.items():
        where = f"parameters.{name}"
        if name not in known:
            check_countable(sweep.model, name)
            raise unknown("parameter", name, known, where=where)
        _check_fixed(where, value, name in sweep.space.names)
        if (name in POSITIVE or is_count(name)) and value <= 0:
            raise InputError(f"{where}: is {value:g}; it must be positive")
    recorded = recorded_names(sweep.recorders)
    taken = {*RESERVED, *recorded, *(f"{name}_error" for name in recorded)}
    for name in sweep.space.names:
        where = f"{sweep.space.kind}.{name}"
        if name not in sweep.units:
            check_countable(sweep.model, name)
            raise unknown("parameter", name, sweep.units, where=where)
        if sweep.space.names.count(name) > 1:
            raise InputError(f"{where}: is varied twice; keep one")
        if name in taken:
            raise InputError(f"{where}: the result file has a variable of this name; rename the model's parameter")
        if (name in POSITIVE or is_count(name)) and sweep.space.limits(name)[0] <= 0:
            low = sweep.space.limits(name)[0]
            reaches = f"reaches {low:g}" if math.isfinite(low) else "has values below 0 (normal has no lower end)"
            raise InputError(f"{where}: {reaches}; it must stay positive, as with uniform or loguniform")


def _check_constraints(sweep: Sweep) -> None:
    known = {plain_name(name) for name in sweep.units}
    for text in sweep.constraints:
        try:
            formula = plain_text(text, sweep.units)
            check_names(formula, known)
        except InputError as error:
            raise InputError(f"constraints: {error}") from None
        if not isinstance(parse(formula), ast.Compare):
            raise InputError(f"constraints: '{text}' is no comparison; write one as in 'g_Na > 2 * g_K'")


def _check_fixed(where: str, value: Any, varied: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where}: is {value!r}; it must be a number")
    if isinstance(value, int) and abs(value) > 2**1000:
        raise InputError(f"{where}: is beyond 1e300; give a smaller number")
    if not math.isfinite(value):
        raise InputError(f"{where}: is {value}; it must be finite")
    if varied:
        raise InputError(f"{where}: is fixed here and also varied; remove one of the two")


def _check_analysis(sweep: Sweep) -> None:
    if sweep.analysis is None:
        return
    from hhfast.batch.analyses import analyses

    kind = sweep.analysis.get("kind")
    if kind is None:
        raise InputError(f"analysis.kind: is missing; choose one of {', '.join(analyses)}")
    if not isinstance(kind, str) or kind not in analyses:
        raise unknown("analysis", str(kind), analyses, where="analysis.kind")
    analyses[kind].check({name: value for name, value in sweep.analysis.items() if name != "kind"})
    if sweep.stimulus is not None:
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
