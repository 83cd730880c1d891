"""Everything that a membrane does, against time: potentials, currents, conductances, gates and pools of a few cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import Result
from hhfast.batch.simulate import simulate
from hhfast.batch.time_grid import check_step
from hhfast.model import Model
from hhfast.model.names import UNITS
from hhfast.model.resolve import find_model
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes, Trace
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.variable import Variable

SAMPLES = 4000  # of each trace: about as many as a figure can show
FEATURES = ("latency", "isi_mean", "V_max", "V_min")


def membrane_traces(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    t_stop: float,
    stimulus: Stimulus | None = None,
    initial: str | Mapping[str, Any] = "model",
    every: float | None = None,
    levels: tuple[float, float] | None = None,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Result:
    """Simulate a few cells, and record everything.

    model, params, t_stop, stimulus, initial, method : as in `simulate`. every : ms between samples; None: 4,000 of
    them. levels : (threshold, rearm) of spikes, mV; None: those of the model's own checks, else the usual ones.

    The result has `Spikes`, latency, isi_mean, V_max, V_min, a trace of each of `Model.variables`, and as
    `conductance_NAME` that of each channel that has one.
    """
    found = find_model(model)
    check_step("t_stop", t_stop)
    every = t_stop / SAMPLES if every is None else every
    levels = levels or spike_levels(found)
    record: list[Recorder] = [Spikes(*levels), Features(FEATURES, *levels), Trace(*found.variables, every=every)]
    result = simulate(found, params, t_stop=t_stop, stimulus=stimulus, record=record, initial=initial,
                      method=method, **options)  # fmt: skip
    return with_conductances(result, found, params or {})


def spike_levels(model: Model) -> tuple[float, float]:
    """(threshold, rearm), mV, of a model's spikes: those of its first check, as its zero may not be that of others."""
    if model.checks:
        return model.checks[0].threshold, model.checks[0].rearm
    return Spikes.threshold, Spikes.rearm


def with_conductances(result: Result, model: Model, params: Mapping[str, Any]) -> Result:
    """A result with traces of all states, and as `conductance_NAME` that of each channel that has one."""
    own = {name: np.reshape(np.asarray(value, np.float64), (-1, 1)) for name, value in params.items()}
    found = model.conductances(result, own)
    unit = UNITS[model.units]["g"]
    traces = {
        f"conductance_{name}": Variable(values, ("cell", "time"), unit, f"conductance of {name}")
        for name, values in found.items()
    }
    return replace(result, variables={**result.variables, **traces})
