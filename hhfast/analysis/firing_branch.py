"""Firing along a series of currents, each reached from the one before, and where between two of them it begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhfast.analysis.bisection import bisect
from hhfast.analysis.firing import Firing, after_passage, displaced, firing
from hhfast.analysis.population import Population, constant
from hhfast.analysis.spike_test import SpikeTest
from hhfast.parts.features import Features
from hhfast.parts.recorders import Spikes

DIRECTIONS = ("rest", "up", "down")


@dataclass(frozen=True)
class FiringBranch:
    """Cells, currents, and how each current is reached.

    current : (k,) ascending. t_stop, transient : ms, of each current. direction : "rest": every current from the
    resting state; "up", "down": ascending or descending, each from the state in which the one before ended.
    """

    population: Population
    current: np.ndarray
    t_stop: float
    transient: float
    direction: str
    spikes: Spikes
    until: str = "t_stop"

    def fire(self, rows: np.ndarray, X: np.ndarray, before: np.ndarray | None, current: np.ndarray) -> Firing:
        """The firing at a current (k,), reached from the states X at the current `before` (None: at once)."""
        population = self.population.take(rows)
        if before is not None:
            X = displaced(population, after_passage(population, X, before, current, self.spikes), current)
        return firing(population, X, current, self.t_stop, self.transient, self.spikes, self.until)

    def measure(self) -> tuple[list[Firing], np.ndarray]:
        """The firing of all cells at each current, and origins (k, n_states, n): the states that it started from."""
        n, k = self.population.n, len(self.current)
        everyone, X = np.arange(n), displaced(self.population, self.population.rest(), np.zeros(n))
        origins, curve = np.empty((k, *X.shape)), dict[int, Firing]()
        for j in range(k) if self.direction != "down" else range(k - 1, -1, -1):
            origins[j] = X
            curve[j] = self.fire(everyone, X, self.before(np.full(n, j)), np.full(n, self.current[j]))
            if self.direction != "rest":
                X = curve[j].X
        return [curve[j] for j in range(k)], origins

    def before(self, index: np.ndarray) -> np.ndarray | None:
        """(k,) the current from which that of each index is reached: its predecessor's, or its own for the first."""
        if self.direction == "rest":
            return None
        previous = index - 1 if self.direction == "up" else index + 1
        return self.current[np.where((previous >= 0) & (previous < len(self.current)), previous, index)]

    def bisect(
        self, rows: np.ndarray, silent: np.ndarray, fires: np.ndarray, origins: np.ndarray, tol: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(silent, firing), (k,) each: the ends of a short interval between two neighbouring currents, by number.

        Every current between is reached from where the later one of the two, in the direction of the curve, began.
        """
        if not len(rows):
            return np.empty(0), np.empty(0)
        later = self._later(silent, fires)
        X, before = origins[later, :, rows].T, self.before(later)

        def fires_repetitively(k: np.ndarray, current: np.ndarray) -> SpikeTest:
            found = self.fire(rows[k], X[:, k], None if before is None else before[k], current)
            return SpikeTest(found.rate > 0, found.diverged)

        return bisect(fires_repetitively, self.current[silent], self.current[fires], tol)

    def swing(
        self, rows: np.ndarray, silent: np.ndarray, fires: np.ndarray, origins: np.ndarray, current: np.ndarray
    ) -> np.ndarray:
        """(k,) mV: from the lowest to the highest V at currents (k,) between those two, reached as by `bisect`."""
        if not len(rows):
            return np.empty(0)
        later = self._later(silent, fires)
        found = self.fire(rows, origins[later, :, rows].T, self.before(later), current)
        features = Features(("V_min", "V_max"))
        after = self.population.take(rows).run(found.X, constant(current), self.t_stop - self.transient, [features])
        return np.asarray(after["V_max"] - after["V_min"])

    def _later(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(k,) which of two currents, by number, comes later in the direction of the curve."""
        return np.asarray(np.minimum(one, other) if self.direction == "down" else np.maximum(one, other))

    def rates_near_onset(
        self, onset: np.ndarray, first: np.ndarray, origins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n,) rates at the onset, and at a current a tenth higher (by a hundredth of the range, where it is 0)."""
        rates = np.full((2, self.population.n), np.nan)
        rows = np.flatnonzero(first >= 0)
        if len(rows):
            later = self._later(np.maximum(first[rows] - 1, 0), first[rows])
            X, before = origins[later, :, rows].T, self.before(later)
            span = 0.01 * (self.current[-1] - self.current[0])
            for k, higher in enumerate((0.0, 0.1)):
                current = onset[rows] + higher * np.maximum(np.abs(onset[rows]), span)
                rates[k, rows] = self.fire(rows, X, before, current).rate
        return rates[0], rates[1]
