"""A clamp to a recorded command, as in an action-potential clamp: V follows points that are joined by lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.clamp_command import COMMAND, INTERVALS, LATE, LEVELS, check_clamp, finite_times, is_level, switching
from hhfast.parts.piecewise_linear import WAVEFORM, check_waveform
from hhfast.parts.stimulus import Values
from hhfast.parts.stimulus_decorator import stimulus


def _padded(p: Mapping[str, Any]) -> tuple[np.ndarray, ...]:
    """Times and values, the first of which holds before and the last after."""
    times, values = WAVEFORM.given(p)
    values[:2], values[-2:] = p["values"][0], p["values"][-1]
    return times, values


def _waveform_times(p: Mapping[str, Any], t_stop: float) -> np.ndarray | None:
    if any(np.ndim(p[name]) for name in INTERVALS):
        return None
    return finite_times([*(p["start"] + p["times"]), p["on"], p["stop"]])


def _check_waveform(p: Mapping[str, Any]) -> None:
    check_waveform(p)
    if not is_level(p.get("values", 0.0)).all():
        raise InputError(f"values: {LEVELS}")
    check_clamp({name: p[name] for name in ("on", "stop", "series_resistance") if name in p})


@stimulus(
    units={
        "times": "ms",
        "values": "mV",
        "start": "ms",
        "on": "ms",
        "stop": "ms",
        "series_resistance": "kOhm cm2",
    },
    edges=lambda p: [],
    tables=("times", "values"),
    points=replace(
        WAVEFORM,
        onward="\n".join([LATE, WAVEFORM.onward, *switching(in_series=True)]),
        rows=(*WAVEFORM.rows, "held", "in_series"),
        times=_waveform_times,
        given=_padded,
    ),
    check=_check_waveform,
    conductances=(("in_series", COMMAND),),
    clamp=lambda p: np.where(np.asarray(p["on"]) <= 0.0, p["values"][0], np.nan)[()],
)
def WaveformClamp(
    times: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
    start: Values = 0.0,
    on: Values = 0.0,
    stop: Values = math.inf,
    series_resistance: Values = 0.0,
) -> None:
    """V follows a command that is linear between points, the same for all cells, as in an action-potential clamp.

    times : ms, ascending, counted from `start`; two points at one time make a jump. values : the command there, mV; the
    first holds before, the last after. on, stop, series_resistance : as of `VoltageClamp`.
    """
