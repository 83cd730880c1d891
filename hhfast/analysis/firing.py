"""Steady firing under constant current: the measurement that f-I curves repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhfast.analysis.population import Population, constant, final_states
from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian, newton_step
from hhfast.batch.result import BEYOND_RATES, GAVE_UP
from hhfast.parts.recorders import Final, Spikes

_STEPS, _STEP = 20, 5.0  # of a passage from one current to another; ms
_AT_ONCE = 4096  # cells whose spike times are kept at a time


@dataclass(frozen=True)
class Firing:
    """How n cells fire: steady and mean rate (Hz), time to the first spike (ms or NaN), whether they diverged, whether
    their potential went beyond where rates are exact, and the states X (n_states, n) they end in.
    """

    rate: np.ndarray
    mean_rate: np.ndarray
    time_to_first_spike: np.ndarray
    diverged: np.ndarray
    beyond_rates: np.ndarray
    X: np.ndarray


def firing(
    population: Population, X: np.ndarray, current: np.ndarray, t_stop: float, transient: float, spikes: Spikes,
    until: str = "t_stop",
) -> Firing:  # fmt: skip
    """Run the cells from the states X (n_states, n) under constant currents (n,), and measure after the transient.

    until="settled": until each cell is settled; of those that are not at t_stop, the rate is measured likewise.
    """
    n = population.n
    rate, mean_rate, first_spike = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    (diverged, beyond), after = np.zeros((2, n), bool), np.empty_like(X)
    for start in range(0, n, _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, n))
        result = population.take(rows).run(X[:, rows], constant(current[rows]), t_stop, [spikes, Final()], until)
        diverged[rows] = np.isin(result.status, GAVE_UP)
        beyond[rows] = result["reason"] == BEYOND_RATES
        after[:, rows] = final_states(population.model, result)
        time, count = result.spike_time, result.spike_count
        has = count > 0
        begin = np.cumsum(count) - count
        first_spike[rows[has]] = time[begin[has]]
        rate[rows] = steady_rate(time, count, transient, t_stop)
        late = np.repeat(np.arange(len(rows)), count)[time >= transient]
        mean_rate[rows] = 1e3 * np.bincount(late, minlength=len(rows)) / (t_stop - transient)
        if until == "settled":
            settled = np.isfinite(result["settled_at"])
            exact = 1e3 * result["spikes_per_period"] / np.where(result["spikes_per_period"] > 0, result["period"], 1.0)
            rate[rows[settled]] = mean_rate[rows[settled]] = exact[settled]
    return Firing(rate, mean_rate, first_spike, diverged, beyond, after)


def after_passage(
    population: Population, X: np.ndarray, before: np.ndarray, current: np.ndarray, spikes: Spikes
) -> np.ndarray:
    """(n_states, n): the states after a passage from one current (n,) to another in small steps, from the states X."""
    for k in range(1, _STEPS + 1):
        value = before + (current - before) * (k / _STEPS)
        X = final_states(population.model, population.run(X, constant(value), _STEP, [spikes, Final()]))
    return X


def displaced(population: Population, X: np.ndarray, current: np.ndarray) -> np.ndarray:
    """(n_states, n): the states, V 1 mV higher where they are at an equilibrium (within 0.1 mV) that is unstable."""
    J = jacobian(population.cells, X)
    at_rest = np.abs(newton_step(population.cells, X, current, J)[0]) < 0.1
    growing = eigenvalues(free_jacobian(population.model, J))[:, 0].real > 0
    X = X.copy()
    X[0] += np.where(at_rest & growing, 1.0, 0.0)
    return X


def steady_rate(time: np.ndarray, count: np.ndarray, transient: float, t_stop: float) -> np.ndarray:
    """(n,) Hz: the inverse of the mean of the later half of the intervals after the transient.

    time : spike times, cell after cell, ms; count : (n,) how many are whose. 0 for less than two spikes after the
    transient, and for cells that have been silent for more than twice their longest interval when the run ends.
    """
    rate = np.zeros(len(count))
    for k, times in enumerate(np.split(time, np.cumsum(count)[:-1])):
        late = times[times >= transient]
        if len(late) >= 2 and t_stop - late[-1] <= 2.0 * np.diff(late).max():
            half = (len(late) - 1) // 2
            rate[k] = 1e3 * (len(late) - 1 - half) / (late[-1] - late[half])
    return rate
