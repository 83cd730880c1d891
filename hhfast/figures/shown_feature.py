"""What a picture of a result shows: a feature of every row, or its means over an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hhfast.batch.result import CAP_REACHED, OF_THE_RUN, OK, OUTCOMES
from hhfast.errors import InputError, unknown
from hhfast.figures.quantity import Quantity
from hhfast.figures.text import label_of, plain, symbol
from hhfast.sweep.averages import AveragedResult
from hhfast.sweep.numbered_axes import REPLICATE
from hhfast.sweep.store import ResultFile

_PREFERRED = ("rate", "spike_count", "activity")  # what to show of a result if nothing is named


def quantity_of(result: ResultFile, value: str | None, log: bool) -> Quantity:
    """A feature of every row, NaN where the row is not "ok" (status 0); but what a row did that did not settle.

    What became of a row (`status`, `reason`, `analysis_status`) is shown of every row.
    """
    if value is None and "isi_mean" in result.features and {"rate", "spike_count"} & {*result.features}:
        return Quantity("firing rate, 1 / mean interval (Hz)", _ok(result, _rate(result)), logarithmic=log)
    name = _feature(result, value)
    dtype = result.dtype(name)
    codes = result.codes(name)
    values = result.read(name).astype(np.float64)
    if name not in OUTCOMES:
        values = _ok(result, values, (OK, CAP_REACHED) if codes else (OK,))
    return Quantity(label_in(result, name), values, codes, bool(result.error_of(name)), dtype.kind in "iu", log)


def _feature(result: ResultFile, value: str | None) -> str:
    if value is not None:
        if value not in (known := (*result.features, "status")):
            raise unknown("feature", value, known, where="--value")
        return value
    if not result.features:
        raise InputError(f"{result.path}: holds no feature to draw; record features in the sweep")
    features = [name for name in result.features if name not in OF_THE_RUN] or result.features
    return next((name for name in _PREFERRED if name in features), features[0])


def _ok(result: ResultFile, values: np.ndarray, statuses: Sequence[int] = (OK,)) -> np.ndarray:
    values[~np.isin(result.read("status"), statuses)] = math.nan
    return values


def _rate(result: ResultFile) -> np.ndarray:
    """(n_rows,) Hz: from the mean interval; 0 where there are fewer than two spikes, and so no interval."""
    mean = result.read("isi_mean").astype(np.float64)
    return np.where(np.isnan(mean), 0.0, 1000.0 / np.where(mean > 0, mean, np.nan))


def label_in(result: ResultFile, name: str) -> str:
    # A parameter is known by its symbol, a feature by its description.
    text = symbol(name) if name in result.parameters else plain(result.long_name(name))
    return label_of(text, result.unit(name))


def axis_of_means(result: ResultFile, over: str | None, shown: Sequence[str | None], spread: bool) -> str | None:
    """The axis to average over: the one that is named, or replicates where something else varies."""
    several = sum(n > 1 for n in result.grid.values()) > 1
    if over is None and REPLICATE in result.grid and REPLICATE not in shown and several:
        return REPLICATE
    if over is None and spread:
        raise InputError("spread: over which axis? name it with over, as over = 'replicate'")
    return over


def averaged(result: ResultFile, shown: Quantity, over: str | None, spread: bool) -> tuple[Quantity, ResultFile]:
    """What is shown and its result, averaged over an axis."""
    if over is None:
        return shown, result
    if shown.codes:
        raise InputError(f"over: {shown.label} is a class, which has no mean; choose another value")
    averaged = AveragedResult(result, over)
    mean, deviation = averaged.mean_and_spread(shown.values)
    label = f"standard deviation of {shown.label}" if spread else f"mean {shown.label}"
    values = deviation if spread else mean
    return replace(shown, label=label, values=values, is_count=False, spread=None if spread else deviation), averaged
