"""How alike the spikes of repeated trials are: firing efficiency, jitter, reliability; and how irregular each is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral

import numpy as np

from hhfast.analysis.spikes import as_trains, train_features
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.result import GAVE_UP, Result
from hhfast.errors import InputError, shown
from hhfast.inputs import interval, positive
from hhfast.tables import one_line

_BINS = 5  # of a train, in each sigma of its filter


@dataclass(frozen=True)
class TrialStatistics:
    """Of each neuron, over its trials; every array is (n_neurons,), NaN where nothing defines a value.

    n_trials : trials that ran through. efficiency : the share of them with a spike (firing efficiency). latency, jitter
    : mean and standard deviation (ddof = 1) of the first spike time over those that fire, ms from the window's start.
    rate : mean, Hz. fano : variance over mean of the number of spikes. isi_cv : mean coefficient of variation of the
    intervals within a trial. reliability : mean correlation of the trials' spike trains, each filtered by a Gaussian
    (1: alike); a trial without spikes correlates with none. status : uint8, `AnalysisStatus`: DIVERGED where no trial
    ran through.
    spike_times : of each neuron, of each of those trials, the times of its spikes in the window, ms. window, sigma : as
    given, ms.
    """

    n_trials: np.ndarray
    efficiency: np.ndarray
    latency: np.ndarray
    jitter: np.ndarray
    rate: np.ndarray
    fano: np.ndarray
    isi_cv: np.ndarray
    reliability: np.ndarray
    status: np.ndarray
    spike_times: list[list[np.ndarray]] = field(repr=False)
    window: tuple[float, float]
    sigma: float

    __repr__ = one_line
    _repr_html_ = analysis_html


_PER_NEURON = [f.name for f in fields(TrialStatistics) if f.name not in ("spike_times", "window", "sigma")]


def trial_statistics(
    result: Result | Sequence[np.ndarray],
    trials: int | None = None,
    *,
    window: tuple[float, float] | None = None,
    sigma: float = 2.0,
) -> TrialStatistics:
    """Statistics over trials, with channel noise or any other.

    result : of `simulate`, recorded with `Spikes()`, the trials of one neuron after another; or a list of spike trains.
    trials : how many each neuron has; None: all are of one neuron. window : (start, stop), ms, in which spikes count;
    None: from 0 to the last spike of all.
    sigma : ms, of the filter of `reliability` (Schreiber, Fellous, Whitmer, Tiesinga & Sejnowski 2003,
    Neurocomputing 52-54:925-931). Firing efficiency and jitter as in Schneidman, Freedman & Segev 1998, Neural
    Comput 10:1679-1703, and Verveen & Derksen 1968, Proc IEEE 56:906-916.

    Raises `InputError` where the trials do not divide evenly among neurons, or spike times were not recorded.
    """
    trains, fine = _trains(result)
    n = len(trains) if trials is None else trials
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1 or len(trains) % n or not trains:
        raise InputError(
            f"trials: is {shown(trials)}, and there are {len(trains)} spike trains; give how many each neuron has"
        )
    sigma = positive("sigma", sigma)
    last = max((float(t[-1]) for t in trains if len(t)), default=1.0)
    start, stop = (0.0, last + 1e-9) if window is None else interval("window", window)
    inside = [t[(t >= start) & (t < stop)] for t in trains]
    of_neurons = [[inside[k] for k in range(first, first + n) if fine[k]] for first in range(0, len(trains), n)]
    rows = [_of_neuron([t - start for t in own], stop - start, sigma) for own in of_neurons]
    columns = np.array(rows).T
    status = np.where(columns[0] > 0, AnalysisStatus.OK, AnalysisStatus.DIVERGED).astype(np.uint8)
    named = dict(zip(_PER_NEURON, [*columns, status], strict=True))
    return TrialStatistics(**named, spike_times=of_neurons, window=(start, stop), sigma=sigma)


def joined(parts: Sequence[TrialStatistics]) -> TrialStatistics:
    """One after another: statistics of the same window and filter."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_NEURON}
    spike_times = [own for part in parts for own in part.spike_times]
    return TrialStatistics(**columns, spike_times=spike_times, window=parts[0].window, sigma=parts[0].sigma)


def _trains(result: Result | Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Spike trains, and whether each trial ran through."""
    if not isinstance(result, (Result, Sequence, np.ndarray)):
        raise InputError(f"result: is of type {type(result).__name__}; give a Result, or a list of spike trains")
    if not isinstance(result, Result):
        trains = [np.sort(train) for train in as_trains("result", result)]
        return trains, np.ones(len(trains), bool)
    if "spike_time" not in result:
        raise InputError("trial_statistics: the result has no spike times; record hhfast.Spikes()")
    return list(result.spike_times), ~np.isin(result.status, GAVE_UP)


def _of_neuron(trains: list[np.ndarray], duration: float, sigma: float) -> tuple[float, ...]:
    n = len(trains)
    if not n:
        return (0.0, *[math.nan] * 7)
    counts = np.array([len(t) for t in trains])
    first = np.array([t[0] for t in trains if len(t)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of no values, or one: NaN
        latency, jitter = np.mean(first), np.std(first, ddof=1)
        isi_cv = np.nanmean(train_features(trains)["isi_cv"])
        fano = np.var(counts, ddof=1) / np.mean(counts)
    rate = 1000.0 * counts.mean() / duration
    return (n, len(first) / n, latency, jitter, rate, fano, isi_cv, _correlation(trains, duration, sigma))


def _correlation(trains: list[np.ndarray], duration: float, sigma: float) -> float:
    """The mean, over pairs, of the cosine between filtered trains."""
    from scipy.ndimage import gaussian_filter1d

    n, bins = len(trains), math.ceil(duration * _BINS / sigma)
    if n < 2 or not any(map(len, trains)):
        return math.nan
    total = np.zeros(bins + 12 * _BINS)  # room for the filter on both sides
    for train in trains:
        if len(train):
            counted = np.bincount((train * _BINS / sigma).astype(np.int64) + 6 * _BINS, minlength=len(total))
            smooth = gaussian_filter1d(counted.astype(np.float64), _BINS, mode="constant")
            total += smooth / np.linalg.norm(smooth)
    fired = sum(map(bool, map(len, trains)))
    return float((total @ total - fired) / (n * (n - 1)))
