"""How far two runs of the same cells lie apart: spike times, counts, rates, and V at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Trains = Sequence[np.ndarray]


@dataclass(frozen=True)
class Errors:
    """Differences to the reference.

    spike_p95, spike_rms, spike_max : ms, 95th percentile, root mean square and largest over the matched spikes: those
    of cells with the right count, in order. wrong_counts, diverged : cells. rate_rms : Hz, root mean square over the
    cells. V_rms : mV, at the end, over the cells with the right count. NaN where there is nothing to compare.
    """

    spike_p95: float
    spike_rms: float
    spike_max: float
    wrong_counts: int
    diverged: int
    rate_rms: float
    V_rms: float


def judged_until(trains: Trains) -> np.ndarray:
    """(n,) ms: up to when the cells are judged: the middle of the last interval of their reference.

    So that no spike is won or lost only because a small shift moves it across the end of the run.
    """
    return np.array([0.5 * (t[-1] + t[-2]) if len(t) > 1 else np.inf for t in trains])


def errors(trains: Trains, V: np.ndarray, true_trains: Trains, true_V: np.ndarray, ok: np.ndarray) -> Errors:
    """The errors of the spike trains and final potentials of n cells; `ok` (n,) bool: the cells that are finite."""
    pairs = [(a[a < end], b[b < end]) for a, b, end in zip(trains, true_trains, judged_until(true_trains), strict=True)]
    right = ok & np.array([len(a) == len(b) for a, b in pairs])
    shifts = np.concatenate([np.empty(0), *(np.abs(a - b) for k, (a, b) in enumerate(pairs) if right[k])])
    rates = np.array([_rate(a) - _rate(b) for a, b in pairs])[ok]
    return Errors(
        float(np.quantile(shifts, 0.95)) if len(shifts) else np.nan,
        rms(shifts),
        float(shifts.max()) if len(shifts) else np.nan,
        int(np.sum(~right)),
        int(np.sum(~ok)),
        rms(rates),
        rms((V - true_V)[right]),
    )


def rms(values: np.ndarray) -> float:
    """The root of the mean square; NaN of nothing."""
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


def _rate(train: np.ndarray) -> float:
    """Hz: the inverse of the mean interval; 0 for fewer than two spikes."""
    return 1e3 * (len(train) - 1) / (train[-1] - train[0]) if len(train) > 1 else 0.0
