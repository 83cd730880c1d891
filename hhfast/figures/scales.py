"""Logarithmic axes, and the bins along them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullFormatter


def logarithmic(axes: Axes, axis: str, values: np.ndarray) -> None:
    """Make an axis logarithmic, with plain numbers along it."""
    axes.set(**{f"{axis}scale": "log"})
    plain_numbers(axes.xaxis if axis == "x" else axes.yaxis, values)


def plain_numbers(axis: Axis, values: np.ndarray) -> None:
    """Numbers as 0.5, 2, 10 along a logarithmic axis, in place of powers of ten; more of them, if it is short."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if values.max() < 100 * values.min() else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def edges_of(values: np.ndarray, n: int, log: bool) -> np.ndarray:
    """(n + 1,) edges of n bins from the least to the largest value, equal ones on their axis."""
    low, high = values.min(), values.max()
    if log and high > low:
        edges = np.geomspace(low, high, n + 1)
        edges[-1] = high  # geomspace may end below it
        return edges
    return np.linspace(low, high if high > low else low + 1.0, n + 1)
