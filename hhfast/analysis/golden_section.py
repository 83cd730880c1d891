"""The minima of many functions of one variable at once, by golden sections."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


def golden_section(
    f: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n,)): the ends of what is left of the intervals from low to high (n,), with the minimum of f inside.

    f : (n,) -> (n,), each with a single minimum in its interval. Every round leaves 0.618 of an interval.
    Kiefer 1953, Proc Am Math Soc 4:502-506.
    """
    for _ in range(rounds):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = f(left) < f(right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return low, high
