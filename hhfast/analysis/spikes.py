"""Spikes of sampled traces, and the statistics of spike trains.

A spike is at its upward crossing of the threshold, interpolated between samples, as everywhere in hhfast; statistics
have hhfast's names. Those of eFEL (Blue Brain Project) are of the peaks of spikes, which a train does not hold: under
its names they are among `hhfast.features`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import finite, samples, what
from hhfast.parts.recorder import check_levels

GAP = 2.0  # an interval longer than this many geometric mean intervals lies between bursts


def spike_times(
    time: np.ndarray, V: np.ndarray, threshold: float = -20.0, rearm: float = -30.0
) -> np.ndarray | list[np.ndarray]:
    """The spike times (ms) of a trace V (n_times,), or a list of them for traces (n, n_times), sampled at `time`.

    The contract of `simulate`: an upward crossing of `threshold` (mV) while armed; a crossing disarms, falling below
    `rearm` arms again; a trace that starts above the threshold starts disarmed. The crossing is interpolated by a
    cubic through the neighbouring samples. Raises `InputError` for arrays that do not fit or rearm > threshold.
    """
    time, V = samples("time", time), samples("V", V)
    check_levels("spike_times", threshold, rearm)
    if time.ndim != 1 or V.ndim not in (1, 2) or V.shape[-1] != len(time) or len(time) < 2:
        raise InputError(f"time of shape {time.shape} and V of shape {V.shape}; give (n_times,), and (n, n_times)")
    found = [_crossing_times(time, v, crossings(v, threshold, rearm), threshold) for v in np.atleast_2d(V)]
    return found[0] if V.ndim == 1 else found


def crossings(V: np.ndarray, threshold: float, rearm: float) -> np.ndarray:
    """The samples of a trace (n_times,) at which a spike has just begun: the first ones at or above the threshold."""
    mark = np.where(threshold <= V, 1, np.where(rearm > V, -1, 0))
    mark[0] = 1 if V[0] >= threshold else -1
    places = np.flatnonzero(mark)
    state = mark[places]
    return np.asarray(places[1:][(state[1:] == 1) & (state[:-1] == -1)])


def _crossing_times(time: np.ndarray, V: np.ndarray, after: np.ndarray, level: float) -> np.ndarray:
    """Where the cubic between samples after - 1 and after, with central differences for slopes, reaches the level."""
    if not len(after):
        return np.empty(0)
    slope = np.gradient(V, time)
    before = after - 1
    step = time[after] - time[before]
    low, rise = V[before], V[after] - V[before]
    c1 = slope[before] * step
    c2 = 3.0 * rise - 2.0 * c1 - slope[after] * step
    c3 = -2.0 * rise + c1 + slope[after] * step
    lo, hi = np.zeros(len(after)), np.ones(len(after))
    for _ in range(50):
        x = 0.5 * (lo + hi)
        under = low + x * (c1 + x * (c2 + x * c3)) < level
        lo, hi = np.where(under, x, lo), np.where(under, hi, x)
    return np.asarray(time[before] + 0.5 * (lo + hi) * step)


def train_features(spikes: Sequence[np.ndarray], start: float = 0.0) -> dict[str, np.ndarray]:
    """Statistics of n spike trains (times in ms, as `Result.spike_times`) that count from `start`: name -> (n,).

    spike_count, latency, isi_mean, isi_cv : as in `hhfast.features`: ms, and NaN for the latency of a train that begins
    before `start`; isi_cv is over all intervals, ddof = 1. last_spike : ms, from `start` to the last spike.
    rate_until_last : Hz, spikes by that time. isi_first : ms. rate_first, rate_last : Hz, inverse of the first and the
    last interval. adaptation : mean of (later - earlier) / (later + earlier) of neighbouring intervals, from the second
    on (as eFEL's adaptation_index2). burst_count : see `bursts`.

    The times of simulated trains are upward crossings of the threshold. eFEL's time_to_first_spike, mean_frequency,
    doublet_ISI, ISI_CV ... are of the peaks of spikes, and among `hhfast.features`. NaN where there are too few spikes.
    Raises `InputError` for what are no spike trains.
    """
    rows = [_features(train - finite("start", start)) for train in as_trains("spikes", spikes)]
    names = rows[0] if rows else _features(np.empty(0))
    return {name: np.array([row[name] for row in rows]) for name in names}


def as_trains(name: str, given: Any) -> list[np.ndarray]:
    """Spike trains, (n_spikes,) float64 each. Raises `InputError` for what are none."""
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise InputError(f"{name}: is {what(given)}; give a list of arrays of spike times, ms")
    trains = [samples(f"{name}, of train {k}", times) for k, times in enumerate(given)]
    for k, train in enumerate(trains):
        if train.ndim != 1:
            raise InputError(f"{name}: train {k} has {train.ndim} dimensions; give an array of spike times, ms")
    return trains


def _features(t: np.ndarray) -> dict[str, float]:
    n, isi, nan = len(t), np.diff(t), np.nan
    later = isi[1:]
    return {
        "spike_count": n,
        "latency": t[0] if n and t[0] >= 0 else nan,
        "last_spike": t[-1] if n else nan,
        "rate_until_last": 1e3 * n / t[-1] if n and t[-1] > 0 else nan,
        "isi_first": isi[0] if n > 1 else nan,
        "isi_mean": isi.mean() if n > 1 else nan,
        "rate_first": 1e3 / isi[0] if n > 1 else nan,
        "rate_last": 1e3 / isi[-1] if n > 1 else nan,
        "isi_cv": isi.std(ddof=1) / isi.mean() if n > 2 else nan,
        "adaptation": np.mean(np.diff(later) / (later[1:] + later[:-1])) if n > 3 else nan,
        "burst_count": len(bursts(t)),
    }


def bursts(times: np.ndarray, gap: float = GAP) -> list[tuple[int, int]]:
    """The bursts of a spike train, (first, one past the last) spike each: at least two spikes between two gaps.

    A gap is an interval longer than `gap` geometric mean intervals; a train without gaps is no burst, but tonic.
    """
    isi = np.diff(times)
    if not len(isi):
        return []
    gaps = np.flatnonzero(isi > gap * np.exp(np.log(isi).mean()))
    if not len(gaps):
        return []
    edges = [0, *(gaps + 1).tolist(), len(times)]
    return [(a, b) for a, b in pairwise(edges) if b - a >= 2]
