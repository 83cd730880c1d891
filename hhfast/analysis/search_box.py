"""The box in which parameters are searched: their ranges, each mapped to 0..1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_LOGARITHMIC = 3.0  # a range whose ends are positive and further apart than this is searched by ratios


@dataclass(frozen=True)
class SearchBox:
    """The ranges of the parameters, and the unit box in which they are searched: linear, or by ratios."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, free: Mapping[str, tuple[float, float]]) -> SearchBox:
        ends = np.array([[float(v) for v in ends] for ends in free.values()])
        return cls(ends[:, 0], ends[:, 1])

    @property
    def by_ratio(self) -> np.ndarray:
        return np.asarray((self.low > 0) & (self.high > _LOGARITHMIC * self.low))

    def values(self, u: np.ndarray) -> np.ndarray:
        """(n, k) parameters at points of the unit box."""
        low = np.where(self.by_ratio, self.low, 1.0)
        ratio = np.where(self.by_ratio, self.high, 1.0) / low
        return np.asarray(np.where(self.by_ratio, low * ratio**u, self.low + (self.high - self.low) * u))

    def slopes(self, values: np.ndarray) -> np.ndarray:
        """(n, k) derivatives of the parameters by u."""
        low = np.where(self.by_ratio, self.low, 1.0)
        ratio = np.where(self.by_ratio, self.high, 1.0) / low
        return np.asarray(np.where(self.by_ratio, values * np.log(ratio), self.high - self.low))
