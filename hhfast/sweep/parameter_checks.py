"""The checks of parameters, of the model and of stimuli: known, given once, and in range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hhfast.batch.unknown_parameter import unknown_parameter
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import per_cell
from hhfast.parts.piecewise_linear import check_seeds
from hhfast.sweep.record import recorded_names
from hhfast.sweep.stimulus import stimulus_kind

if TYPE_CHECKING:
    from hhfast.model import Model
    from hhfast.parts.stimuli import StimulusKind
    from hhfast.sweep.sweep import Sweep

# Variables that a result file has of its own; no parameter may take their place.
RESERVED = ("run", "status", "spike", "spike_count", "spike_time", "certified", "n_steps", "n_rejected")
POSITIVE = ("C_m",)  # parameters that the equations divide by


def check_stimuli(sweep: Sweep) -> None:
    """Raise `InputError` for stimuli that are none, or whose parameters are missing, unknown or out of range."""
    from hhfast.parts.stimuli import StimulusKind, stimuli

    for prefix, entry in sweep.stimuli.items():
        if "kind" not in entry:
            raise InputError(f"{prefix}.kind: is missing; choose one of {', '.join(stimuli)}")
        if not isinstance(entry["kind"], (StimulusKind, str)):
            raise InputError(f"{prefix}.kind: is {shown(entry['kind'])}; it must be one of {', '.join(stimuli)}")
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
            check_fixed(where, value, where in varied)
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


def check_parameters(sweep: Sweep) -> None:
    """Raise `InputError` for fixed or varied parameters that are unknown, given twice or out of range."""
    for name, value in sweep.parameters.items():
        where = f"parameters.{name}"
        if name not in sweep.model.parameters:
            raise unknown_parameter(sweep.model, name, sweep.model.parameters, where)
        check_fixed(where, value, name in sweep.space.names)
        if _must_be_positive(sweep.model, name) and value <= 0:
            raise InputError(f"{where}: is {value:g}; it must be positive")
    recorded = recorded_names(sweep.recorders)
    taken = {*RESERVED, *recorded, *(f"{name}_error" for name in recorded)}
    for name in sweep.space.names:
        where = f"{sweep.space.kind}.{name}"
        if name not in sweep.units:
            raise unknown_parameter(sweep.model, name, sweep.units, where)
        if sweep.space.names.count(name) > 1:
            raise InputError(f"{where}: is varied twice; keep one")
        if name in taken:
            raise InputError(f"{where}: the result file has a variable of this name; rename the model's parameter")
        if _must_be_positive(sweep.model, name) and (low := sweep.space.limits(name)[0]) <= 0:
            reaches = f"reaches {low:g}" if math.isfinite(low) else "has values below 0 (normal has no lower end)"
            raise InputError(f"{where}: {reaches}; it must stay positive, as with uniform or loguniform")


def _must_be_positive(model: Model, name: str) -> bool:
    return name in POSITIVE or name in model.counts


def check_fixed(where: str, value: Any, varied: bool) -> None:
    """Raise `InputError` unless a value is a finite number, and fixed only."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where}: is {shown(value)}; it must be a number")
    if isinstance(value, int) and abs(value) > 2**1000:
        raise InputError(f"{where}: is beyond 1e300; give a smaller number")
    if not math.isfinite(value):
        raise InputError(f"{where}: is {value}; it must be finite")
    if varied:
        raise InputError(f"{where}: is fixed here and also varied; remove one of the two")
