"""Ragged arrays, as spike times are: all values in one row, those of one cell after those of another."""

from __future__ import annotations

import numpy as np


def padded(flat: np.ndarray, counts: np.ndarray, width: int) -> np.ndarray:
    """(n, width): the first values of each cell, NaN after its last; counts : (n,) how many each has."""
    rows = np.full((len(counts), width), np.nan)
    cell = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = place < width
    rows[cell[kept], place[kept]] = flat[kept]
    return rows
