"""Everything that a membrane does, against time: potentials, currents, conductances, gates and pools of a few cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from hhfast.batch.certify_tolerance import CertifyTolerance
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import Result
from hhfast.batch.simulate import simulate
from hhfast.batch.time_grid import check_step
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.channel_noise import ChannelNoise
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes, Trace
from hhfast.parts.sensitivity import sensitivity_name
from hhfast.parts.stimuli import Stimulus

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
    sensitivity: Sequence[str] = (),
    certify: bool = False,
    certify_tolerance: CertifyTolerance = 0.01,
    channel_noise: str | ChannelNoise | None = None,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Result:
    """Simulate a few cells, and record everything.

    model, params, t_stop, stimulus, initial, certify, certify_tolerance, channel_noise, method : as in `simulate`.
    every : ms between samples; None: 4,000 of them.
    levels : (threshold, rearm) of spikes, mV; None: those of the model's own checks, else the usual ones.

    sensitivity : as in `simulate`; V and spike times then have derivatives.

    The result has `Spikes`, latency, isi_mean, V_max, V_min, and a trace of each of `Model.recordable`.
    """
    found = find_model(model)
    check_step("t_stop", t_stop)
    every = t_stop / SAMPLES if every is None else every
    levels = levels or spike_levels(found)
    by = [sensitivity_name("V", name) for name in sensitivity]
    record: list[Recorder] = [
        Spikes(*levels),
        Features(FEATURES, *levels),
        Trace(*traceable(found, stimulus), *by, every=every),
    ]
    return simulate(
        found, params, t_stop=t_stop, stimulus=stimulus, record=record, initial=initial, sensitivity=sensitivity,
        certify=certify, certify_tolerance=certify_tolerance, channel_noise=channel_noise,
        method=method, **options,
    )  # fmt: skip


def spike_levels(model: Model) -> tuple[float, float]:
    """(threshold, rearm), mV, of a model's spikes: those of its first check, as its zero may not be that of others."""
    if model.checks:
        return model.checks[0].threshold, model.checks[0].rearm
    return Spikes.threshold, Spikes.rearm


def traceable(model: Model, stimulus: Stimulus | None = None) -> tuple[str, ...]:
    """Every variable that a trace can record under a stimulus: i_clamp only where there is a clamp."""
    clamped = stimulus is not None and any(kind.clamp for kind in stimulus.kinds)
    return tuple(name for name in model.recordable if clamped or name != "i_clamp")
