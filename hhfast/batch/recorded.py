"""From what recorders recorded to the variables of a result, and why cells are impossible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hhfast.batch.result import DIVERGED, GAVE_UP, REASON_MEANINGS, Result
from hhfast.errors import InputError
from hhfast.kernel.spec import BAD_PARAMETER, REASON
from hhfast.model import Model
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder, Recording
from hhfast.parts.recorders import Final, Spikes, Trace
from hhfast.parts.sensitivity import sensitivities, sensitivity_name
from hhfast.parts.variable import Variable


def check_names(record: Sequence[Recorder]) -> None:
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


def check_derivatives(record: Sequence[Recorder], states: Sequence[str], names: Sequence[str], adaptive: bool) -> None:
    """Refuse to differentiate by these names where nothing that is recorded up to t_stop has derivatives."""
    derived = sensitivities(states, names).keys()
    for r in record:
        if isinstance(r, Features):
            some = bool(r.derived_by({}, "", adaptive).with_derivatives)
        else:
            some = bool(derived & {*r.variables}) if isinstance(r, Trace) else True
        if some:
            return
    raise InputError(
        "sensitivity: nothing that is recorded here has derivatives; give until = 'settled', which gives those of all, "
        f"or record spikes, latency, isi_mean, V_max, or a trace of '{sensitivity_name(states[0], names[0])}'"
    )


def reasons(status: np.ndarray, bounds: np.ndarray) -> Variable:
    """Why cells are impossible, as the kernel left it in their status, which becomes "diverged"."""
    codes = np.zeros_like(status)
    if status.any():
        impossible = status >= REASON
        codes[impossible] = status[impossible] - REASON
        codes[impossible & np.isnan(bounds[:, 0])] = BAD_PARAMETER
        status[impossible] = DIVERGED
    return Variable(
        codes, ("cell",), "1", "why the row diverged, or is only about right", REASON_MEANINGS, "incidental"
    )


def result_of(
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
    return nan_where_given_up(Result(status, variables, {"model": model.name, **settings}))


def nan_where_given_up(result: Result) -> Result:
    given_up = np.isin(result.status, GAVE_UP) if result.status.any() else np.zeros(0, bool)
    for variable in result.variables.values():
        if given_up.any() and variable.dims[0] == "cell" and variable.values.dtype.kind == "f":
            variable.values[given_up] = np.nan
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
        name: replace(v, dims=tuple(axis if dim == "time" else dim for dim in v.dims))
        for name, v in found.items()
        if name != "time"
    }
