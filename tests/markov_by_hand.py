"""The Markov chain of the squid axon's channels in NumPy, apart from hhfast: generators, moments, spikes of patches."""

from itertools import product
from math import comb

import numpy as np

GATES = {"Na": {"m": 3, "h": 1}, "K": {"n": 4}}


def rates(V):
    """Hodgkin & Huxley 1952: alpha and beta of m, h, n, per ms."""
    alpha_m = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10))
    alpha_n = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10))
    return {
        "m": (alpha_m, 4 * np.exp(-(V + 65) / 18)),
        "h": (0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))),
        "n": (alpha_n, 0.125 * np.exp(-(V + 65) / 80)),
    }


def chain(V, gates):
    """(states, generator) of a channel whose gates have these powers; the last state is open."""
    states = list(product(*(range(power + 1) for power in gates.values())))
    Q = np.zeros((len(states), len(states)))
    for i, state in enumerate(states):
        for k, (gate, power) in enumerate(gates.items()):
            alpha, beta = rates(V)[gate]
            for change, rate in ((1, (power - state[k]) * alpha), (-1, state[k] * beta)):
                goal = (*state[:k], state[k] + change, *state[k + 1 :])
                if goal in states:
                    Q[i, states.index(goal)] += rate
                    Q[i, i] -= rate
    return states, Q


def stationary(V, gates):
    states, _ = chain(V, gates)
    inf = {g: a / (a + b) for g, (a, b) in rates(V).items()}
    of = [[comb(p, k) * inf[g] ** k * (1 - inf[g]) ** (p - k) for (g, p), k in zip(gates.items(), s, strict=True)]
          for s in states]  # fmt: skip
    return np.prod(of, axis=1)


def spikes_by_hand(n, area, t_stop, dt, rng, *, amplitude=0.0, E_Na=50.0, E_L=-54.387, rounded_down=False):
    """Spike counts of n patches of area um2: binomial numbers of the transitions of each step, V by Euler's method.

    amplitude : of a pulse from 1 to 2 ms. rounded_down : start as the program of ModelDB 144499 does, in fixed numbers,
    each expected one rounded down and all that is left open, in place of the multinomial distribution.
    """
    V = np.full(n, -65.0)
    patches, fired, above = [], np.zeros(n), np.zeros(n, bool)
    for channel, density in (("Na", 60), ("K", 18)):
        p = stationary(-65.0 + 1e-9, GATES[channel])
        states, _ = chain(-64.0, GATES[channel])
        number = rng.multinomial(round(density * area), p / p.sum(), n).T
        if rounded_down:
            number[:] = np.floor(round(density * area) * p / p.sum())[:, None]
            number[-1] = round(density * area) - number[:-1].sum(axis=0)
        patches.append((GATES[channel], states, number))
    for step in range(round(t_stop / dt)):
        at = rates(V)
        for gates, states, number in patches:
            for i, state in enumerate(states):
                for k, (gate, power) in enumerate(gates.items()):
                    if state[k] < power:
                        j = states.index((*state[:k], state[k] + 1, *state[k + 1 :]))
                        up = np.minimum(dt * (power - state[k]) * at[gate][0], 1.0)  # linear: means are as of the chain
                        down = np.minimum(dt * (state[k] + 1) * at[gate][1], 1.0)
                        flow = rng.binomial(number[i], up) - rng.binomial(number[j], down)
                        number[i] -= flow
                        number[j] += flow
        (_, _, na), (_, _, potassium) = patches
        i_Na, i_K = 120 * na[-1] / na.sum(axis=0) * (V - E_Na), 36 * potassium[-1] / potassium.sum(axis=0) * (V + 77)
        i_app = amplitude if 1.0 <= (step + 0.5) * dt < 2.0 else 0.0
        V = V + dt * (i_app - i_Na - i_K - 0.3 * (V - E_L))
        fired += (V >= -20) & ~above
        above = np.where(V >= -20, True, np.where(V < -30, False, above))
    return fired
