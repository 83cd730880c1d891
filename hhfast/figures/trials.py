"""The picture of repeated trials: a raster of their spikes, a row for each trial, and the firing rate below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.trial_statistics import TrialStatistics
from hhfast.errors import InputError
from hhfast.figures.arguments import chosen_cells, labels_of_cells, of_kind
from hhfast.figures.canvas import colour, new_figure

_MOST_CELLS = 6
_MOST_TRIALS = 200  # of a cell, in the raster; the rate is that of all
_BINS = 800  # of the rate


def plot_trials(
    result: TrialStatistics,
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Axes:
    """A raster of the trials of cells, a row for each, above their firing rates; the raster's axes are returned.

    The rate is the mean over all trials, filtered by the Gaussian of `reliability`. The legend has each cell's firing
    efficiency, jitter and reliability; of more than 200 trials of a cell, the raster has the first 200.

    result : of `repeated_trials` or `trial_statistics`. cells : their numbers; None: the first six that ran through.
    params, labels, units : as in `plot_fi`.

    Raises `InputError` for cells that are not there, and where no trial of them ran through.
    """
    of_kind("plot_trials: result", result, TrialStatistics, "what hhfast.repeated_trials returns")
    n = len(result.status)
    names = labels_of_cells(n, labels, params, units)
    chosen = [k for k in chosen_cells(cells, n) if result.n_trials[k] > 0][:_MOST_CELLS]
    if not chosen:
        raise InputError("trials: none ran through, so there is nothing to draw; see the status of the cells")
    raster, below = new_figure(6.8, 5.4).subplots(2, 1, sharex=True, height_ratios=[1.7, 1])
    n_rows = sum(min(len(result.spike_times[cell]), _MOST_TRIALS) for cell in chosen)
    first = 0
    for k, cell in enumerate(chosen):
        shown = result.spike_times[cell][:_MOST_TRIALS]
        row = np.repeat(np.arange(first, first + len(shown)) + 0.5, [len(train) for train in shown])
        raster.plot(
            np.concatenate(shown), row, "|", color=colour(k), markersize=max(5.0, 180.0 / n_rows), markeredgewidth=1.2
        )
        first += len(shown)
        raster.axhline(first, color="0.8", linewidth=0.6)
        below.plot(*_rate(result, cell), color=colour(k), linewidth=1.3,
                   label=_told(result, cell, names[cell] if n > 1 else None))  # fmt: skip
    raster.set(ylabel="trial", ylim=(first, 0))
    below.set(xlabel="time (ms)", ylabel="firing rate (Hz)", xlim=result.window)
    below.set_ylim(bottom=0.0)
    below.grid(alpha=0.3)
    figure = below.figure
    figure.legend(loc="outside lower center", fontsize=8, frameon=False)
    axes: Axes = raster
    return axes


def _rate(result: TrialStatistics, cell: int) -> tuple[np.ndarray, np.ndarray]:
    """(time, mean rate over trials in Hz), filtered by a Gaussian of the width of `reliability`."""
    from scipy.ndimage import gaussian_filter1d

    trains = result.spike_times[cell]
    counted, edges = np.histogram(np.concatenate(trains), bins=_BINS, range=result.window)
    width = edges[1] - edges[0]
    rate = 1000.0 * counted / (width * len(trains))
    return 0.5 * (edges[1:] + edges[:-1]), gaussian_filter1d(rate, result.sigma / width, mode="constant")


def _told(result: TrialStatistics, cell: int, label: str | None) -> str:
    """The numbers of a cell, those that are defined."""
    numbers = [
        f"efficiency {result.efficiency[cell]:.2f}",
        f"jitter {result.jitter[cell]:.3g} ms" if np.isfinite(result.jitter[cell]) else "",
        f"reliability {result.reliability[cell]:.2f}" if np.isfinite(result.reliability[cell]) else "",
    ]
    return (f"{label}: " if label else "") + ", ".join(filter(None, numbers))
