"""The shape of action potentials in sampled traces, under the names of eFEL.

What differs from eFEL: it resamples to 0.1 ms first (`interp_step`) and places everything on samples; here begin and
half-width are interpolated between the samples given. Its begin wants dV/dt above the threshold for several samples
from the last minimum on; here it is the last crossing of it before the steepest rise. The after-hyperpolarisation of
the last spike lasts up to the end of the trace here, to the end of the stimulus there.
"""

from __future__ import annotations

import numpy as np

from hhfast.analysis.spikes import crossings
from hhfast.errors import InputError
from hhfast.inputs import finite, samples
from hhfast.parts.recorder import check_levels

UNITS = {  # feature -> unit
    "cell": "1",
    "peak_time": "ms",
    "peak_voltage": "mV",
    "AP_begin_time": "ms",
    "AP_begin_voltage": "mV",
    "AP_amplitude": "mV",
    "AP_duration_half_width": "ms",
    "AHP_depth_abs": "mV",
    "AHP_depth": "mV",
}


def ap_features(
    time: np.ndarray,
    V: np.ndarray,
    *,
    stim_start: float = 0.0,
    threshold: float = -20.0,
    rearm: float = -30.0,
    derivative_threshold: float = 10.0,
) -> dict[str, np.ndarray]:
    """The shape of every spike of the traces V (n_times,) or (n, n_times), mV, sampled at `time` (n_times,), ms.

    threshold, rearm : mV, of a spike, as in `spike_times`.

    Returns name -> (n_spikes,), spike after spike and trace after trace; `cell` is the row of the trace.
    AP_begin: where dV/dt exceeds `derivative_threshold` (mV/ms) for good before the steepest rise. AP_amplitude: from
    there to the peak. AP_duration_half_width: duration above the mean of the two. AHP_depth_abs: the minimum before
    the next spike; AHP_depth: the same less the voltage base, the mean over the last tenth of the time before
    `stim_start` (the first sample, if there is none). NaN where a trace does not show it.
    Raises `InputError` for arrays that do not fit together.
    """
    time, V = samples("time", time), np.atleast_2d(samples("V", V))
    check_levels("ap_features", threshold, rearm)
    steep, start_of_stimulus = finite("derivative_threshold", derivative_threshold), finite("stim_start", stim_start)
    if time.ndim != 1 or V.ndim != 2 or V.shape[1] != len(time) or len(time) < 3:
        raise InputError(f"time of shape {time.shape} and V of shape {V.shape}; give (n_times,), and (n, n_times)")
    rows = []
    before = (time >= 0.9 * start_of_stimulus) & (time < start_of_stimulus)
    for cell, v in enumerate(V):
        base = v[before].mean() if before.any() else v[0]
        starts = crossings(v, threshold, rearm)
        for start, stop in zip(starts, [*starts[1:], len(v)], strict=True):
            rows.append((cell, *_shape(time, v, int(start), int(stop), threshold, steep, base)))
    columns = np.array(rows, np.float64).reshape(len(rows), len(UNITS)).T
    found = dict(zip(UNITS, columns, strict=True))
    return found | {"cell": found["cell"].astype(np.int64)}


def _shape(
    time: np.ndarray, V: np.ndarray, start: int, stop: int, threshold: float, steep: float, base: float
) -> tuple[float, ...]:
    """The features of the spike that crosses the threshold at sample `start`; the next one does so at `stop`."""
    below = np.flatnonzero(threshold > V[start:stop])
    end = start + int(below[0]) if len(below) else stop
    peak = start + int(V[start:end].argmax())
    begin_time, begin = _begin(time, V, start, peak, steep)
    half = 0.5 * (begin + V[peak])
    rise = _backward(time, V, peak, half)
    fall = _forward(time, V, peak, stop, half)
    depth = V[peak:stop].min() if len(below) else np.nan
    return time[peak], V[peak], begin_time, begin, V[peak] - begin, fall - rise, depth, depth - base


def _begin(time: np.ndarray, V: np.ndarray, start: int, peak: int, steep: float) -> tuple[float, float]:
    """(time, V) where dV/dt, between samples, last crosses `steep` before the steepest rise of the spike."""
    slope = np.diff(V[: peak + 1]) / np.diff(time[: peak + 1])
    middle = 0.5 * (time[:peak] + time[1 : peak + 1])
    steepest = max(start - 1, 0) + int(slope[max(start - 1, 0) :].argmax())
    slow = np.flatnonzero(slope[:steepest] < steep)
    if slope[steepest] < steep or not len(slow):
        return np.nan, np.nan
    k = int(slow[-1])
    at = middle[k] + (steep - slope[k]) / (slope[k + 1] - slope[k]) * (middle[k + 1] - middle[k])
    return float(at), float(np.interp(at, time, V))


def _backward(time: np.ndarray, V: np.ndarray, peak: int, level: float) -> float:
    """The last time before the peak at which V rises through the level."""
    under = np.flatnonzero(level > V[:peak])
    return _between(time, V, int(under[-1]), level) if len(under) else np.nan


def _forward(time: np.ndarray, V: np.ndarray, peak: int, stop: int, level: float) -> float:
    """The first time after the peak at which V falls through the level."""
    under = np.flatnonzero(level > V[peak:stop])
    return _between(time, V, peak + int(under[0]) - 1, level) if len(under) else np.nan


def _between(time: np.ndarray, V: np.ndarray, k: int, level: float) -> float:
    """When the line between samples k and k + 1 reaches the level."""
    return float(time[k] + (level - V[k]) / (V[k + 1] - V[k]) * (time[k + 1] - time[k]))
