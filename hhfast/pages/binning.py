"""Rows of a result in bins: what a page shows of a million rows without holding them.

A grid becomes one table over all its axes, neighbours along the longest axes joined until it is small enough. Any other
space becomes a table for each pair of parameters. Numbers are means over the rows of a bin, classes the most frequent.
"""

from __future__ import annotations

import base64
import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MISSING = 65535  # of a quantised number: no row of the bin has one


@dataclass(frozen=True)
class BinnedAxis:
    """Where rows lie along one axis. bins : (n_rows,) the bin of each row; centres : a value for each bin."""

    name: str
    centres: np.ndarray
    bins: np.ndarray


@dataclass(frozen=True)
class BinnedFeature:
    """The values of one variable, NaN where a row has none; codes : what 0, 1, ... mean, if they are classes."""

    name: str
    values: np.ndarray
    unit: str
    codes: tuple[str, ...] = ()


def strides_within(lengths: Sequence[int], most: int) -> list[int]:
    """How many neighbours to join along each axis of a grid, so that at most so many bins are left."""
    strides = [1] * len(lengths)
    while math.prod(-(-n // s) for n, s in zip(lengths, strides, strict=True)) > most:
        k = max(range(len(lengths)), key=lambda k: -(-lengths[k] // strides[k]))
        strides[k] += 1
    return strides


def axis_of_grid(name: str, values: np.ndarray, index: np.ndarray, stride: int) -> BinnedAxis:
    """An axis of a grid with neighbours joined; index : of every row along the axis, whose values these are."""
    starts = np.arange(0, len(values), stride)
    centres = np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))
    return BinnedAxis(name, centres, index // stride)


def axis_of_sample(name: str, values: np.ndarray, n_bins: int, log: bool) -> BinnedAxis:
    """Equal bins between the least and the largest value, or of their logarithm."""
    scaled = np.log(values) if log else values
    low, high = float(scaled.min()), float(scaled.max())
    width = (high - low) / n_bins or 1.0
    bins = np.clip(((scaled - low) / width).astype(np.int64), 0, n_bins - 1)
    centres = low + width * (np.arange(n_bins) + 0.5)
    return BinnedAxis(name, np.exp(centres) if log else centres, bins)


def table(axes: Sequence[BinnedAxis], features: Sequence[BinnedFeature]) -> dict[str, Any]:
    """The features in the bins of these axes, the last axis fastest; quantised, packed, with the count of rows."""
    shape = tuple(len(axis.centres) for axis in axes)
    flat = np.ravel_multi_index(tuple(axis.bins for axis in axes), shape)
    size = math.prod(shape)
    count = np.bincount(flat, minlength=size)
    return {
        "axes": [axis.name for axis in axes],
        "shape": shape,
        "count": packed(np.minimum(count, MISSING).astype(np.uint16)),
        "values": {f.name: _binned(f, flat, size) for f in features},
    }


def tables_of_pairs(axes: Sequence[BinnedAxis], features: Sequence[BinnedFeature]) -> list[dict[str, Any]]:
    """A table for each pair of axes; for one axis alone, that of this axis."""
    pairs = itertools.combinations(axes, 2) if len(axes) > 1 else [tuple(axes)]
    return [table(pair, features) for pair in pairs]


def _binned(feature: BinnedFeature, flat: np.ndarray, size: int) -> dict[str, Any]:
    known = np.isfinite(feature.values)
    at, values = flat[known], feature.values[known]
    there = np.bincount(at, minlength=size)
    if feature.codes:
        counts = [np.bincount(at[values == k], minlength=size) for k in range(len(feature.codes))]
        classes = np.where(there > 0, np.argmax(counts, axis=0), MISSING)
        return {"low": 0, "high": MISSING - 1, **packed(classes.astype(np.uint16))}
    with np.errstate(all="ignore"):
        mean = np.bincount(at, weights=values, minlength=size) / there
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    width = (high - low) or 1.0
    with np.errstate(invalid="ignore"):
        steps = np.where(there > 0, np.round((mean - low) / width * (MISSING - 1)), MISSING)
    return {"low": low, "high": low + width, **packed(steps.astype(np.uint16))}


def packed(values: np.ndarray) -> dict[str, str]:
    """An array as text: deflated, in base 64; little-endian."""
    plain = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"dtype": values.dtype.name, "data": base64.b64encode(zlib.compress(plain, 9)).decode()}


def size_of(data: Any) -> int:
    """Roughly how many bytes packed arrays take in a page."""
    if isinstance(data, str):
        return len(data)
    if isinstance(data, Mapping):
        return sum(map(size_of, data.values()))
    return sum(map(size_of, data)) if isinstance(data, list | tuple) else 8
