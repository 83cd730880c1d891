"""Logarithmic axes, and the bins along them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter


def logarithmic(axes: Axes, axis: str, values: np.ndarray) -> None:
    """Make an axis logarithmic; a short one has 20, 30, 50 instead of powers of ten."""
    axes.set(**{f"{axis}scale": "log"})
    if values.max() < 100 * values.min():
        ticks = axes.xaxis if axis == "x" else axes.yaxis
        ticks.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        ticks.set_major_formatter(ScalarFormatter())
        ticks.set_minor_formatter(NullFormatter())


def edges_of(values: np.ndarray, n: int, log: bool) -> np.ndarray:
    """(n + 1,) edges of n bins from the least to the largest value, equal ones on their axis."""
    low, high = values.min(), values.max()
    if log and high > low:
        edges = np.geomspace(low, high, n + 1)
        edges[-1] = high  # geomspace may end below it
        return edges
    return np.linspace(low, high if high > low else low + 1.0, n + 1)
