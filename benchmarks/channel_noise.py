"""Channel noise of the squid axon: ns per neuron-ms against the deterministic run and others, in one process, in turns.

    python benchmarks/channel_noise.py [--replicates 1000] [--duration 50] [--area 100] [--turns 5]

The rivals are what one writes by hand: the Langevin equations of all channel states with one source of noise for each
pair of transitions (Orio & Soudry 2012, PLoS ONE 7:e36670; occupancies clipped under the root), by Euler-Maruyama, in
NumPy over all replicates at once, and as a Numba loop over replicates. Times are of this process's processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product
from statistics import median

import numpy as np
from numba import njit

import hhfast as hh

DT = 0.01  # ms


def transitions(powers: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(pairs, factors): of each pair of states its numbers, its gate, and how many subunits go there and back."""
    states = list(product(*(range(p + 1) for p in powers)))
    found = [
        (states.index(s), states.index((*s[:k], s[k] + 1, *s[k + 1 :])), k, p - s[k], s[k] + 1)
        for s in states for k, p in enumerate(powers) if s[k] < p
    ]  # fmt: skip
    table = np.array(found)
    return table[:, :3], table[:, 3:].astype(float)


NA, NA_FACTORS = transitions((3, 1))
K, K_FACTORS = transitions((4,))


def rates(V):
    """alpha and beta of m, h, n (Hodgkin & Huxley 1952), V in mV."""
    return (
        (0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 4 * np.exp(-(V + 65) / 18)),
        (0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))),
        (0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10)), 0.125 * np.exp(-(V + 65) / 80)),
    )


def start(powers: tuple[int, ...], gates: tuple[int, ...]) -> np.ndarray:
    """The stationary occupancies at -65 mV."""
    from math import comb, prod

    inf = [a / (a + b) for a, b in rates(-65.0 + 1e-9)]
    states = product(*(range(p + 1) for p in powers))
    return np.array([
        prod(comb(p, k) * inf[g] ** k * (1 - inf[g]) ** (p - k) for p, g, k in zip(powers, gates, s, strict=True))
        for s in states
    ])  # fmt: skip


def by_numpy(n: int, steps: int, n_Na: float, n_K: float) -> np.ndarray:
    """Spike counts of n replicates."""
    rng = np.random.default_rng(1)
    V = np.full(n, -65.0)
    x = np.repeat(start((3, 1), (0, 1))[:, None], n, axis=1)
    y = np.repeat(start((4,), (2,))[:, None], n, axis=1)
    count, above = np.zeros(n), np.zeros(n, bool)
    for _ in range(steps):
        m, h, k = rates(V)
        for state, pairs, factors, gates, channels in ((x, NA, NA_FACTORS, (m, h), n_Na), (y, K, K_FACTORS, (k,), n_K)):
            change = np.zeros_like(state)
            for (i, j, gate), (up, down) in zip(pairs, factors, strict=True):
                there, back = up * gates[gate][0] * state[i], down * gates[gate][1] * state[j]
                size = np.sqrt(np.maximum(there, 0) + np.maximum(back, 0)) * np.sqrt(DT / channels)
                flow = DT * (there - back) + size * rng.standard_normal(n)
                change[i] -= flow
                change[j] += flow
            np.add(state, change, out=state)
        V += DT * -(120 * x[-1] * (V - 50) + 36 * y[-1] * (V + 77) + 0.3 * (V + 54.387))
        spiking = (V >= -20) & ~above
        count += spiking
        above = np.where(spiking, True, np.where(V < -30, False, above))
    return count


@njit(cache=False, fastmath=True)
def by_numba(n, steps, n_Na, n_K, x0, y0, na, na_factors, k, k_factors, dt):
    """The same as a loop over replicates and steps."""
    count = np.zeros(n)
    for cell in range(n):
        np.random.seed(cell)  # noqa: NPY002  # what Numba knows
        V, above = -65.0, False
        x, y = x0.copy(), y0.copy()
        a, b = np.zeros(3), np.zeros(3)
        for _ in range(steps):
            a[0], b[0] = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 4 * np.exp(-(V + 65) / 18)
            a[1], b[1] = 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))
            a[2], b[2] = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10)), 0.125 * np.exp(-(V + 65) / 80)
            for which in range(2):
                state = x if which == 0 else y
                pairs, factors = (na, na_factors) if which == 0 else (k, k_factors)
                channels = n_Na if which == 0 else n_K
                flows = np.empty(len(pairs))
                for e in range(len(pairs)):
                    gate = pairs[e, 2] if which == 0 else 2
                    there = factors[e, 0] * a[gate] * state[pairs[e, 0]]
                    back = factors[e, 1] * b[gate] * state[pairs[e, 1]]
                    size = np.sqrt((max(there, 0.0) + max(back, 0.0)) * dt / channels)
                    flows[e] = dt * (there - back) + size * np.random.standard_normal()  # noqa: NPY002
                for e in range(len(pairs)):
                    state[pairs[e, 0]] -= flows[e]
                    state[pairs[e, 1]] += flows[e]
            V += dt * -(120 * x[-1] * (V - 50) + 36 * y[-1] * (V + 77) + 0.3 * (V + 54.387))
            if V >= -20 and not above:
                count[cell] += 1
                above = True
            elif V < -30:
                above = False
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--duration", type=float, default=50.0)
    parser.add_argument("--area", type=float, default=100.0)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    n, t_stop = options.replicates, options.duration
    counts = {"count_Na": 60.0 * options.area, "count_K": 18.0 * options.area}
    steps = round(t_stop / DT)

    def simulated(integrator: str, kind: str | None, n_cells: int) -> np.ndarray:
        params = {"C_m": np.ones(n_cells)} | (counts if kind else {})
        return hh.simulate("hodgkin_huxley", params, t_stop=t_stop, dt=DT, integrator=integrator, channel_noise=kind,
                           record=[hh.SpikeCount()], threads=1).spike_count  # fmt: skip

    few = max(n // 50, 8)  # of the slow ones
    by_hand = (counts["count_Na"], counts["count_K"])
    numba = (*by_hand, start((3, 1), (0, 1)), start((4,), (2,)), NA, NA_FACTORS, K, K_FACTORS, DT)
    runs: dict[str, tuple[int, Callable[[int], np.ndarray]]] = {
        "exp_euler, deterministic": (n, lambda m: simulated("exp_euler", None, m)),
        "exp_euler, diffusion": (n, lambda m: simulated("exp_euler", "diffusion", m)),
        "strang, deterministic": (n, lambda m: simulated("strang", None, m)),
        "strang, diffusion": (n, lambda m: simulated("strang", "diffusion", m)),
        "tsit5, deterministic": (n, lambda m: simulated("tsit5", None, m)),
        "tsit5, diffusion": (n, lambda m: simulated("tsit5", "diffusion", m)),
        "exp_euler, markov": (few, lambda m: simulated("exp_euler", "markov", m)),
        "NumPy, Euler-Maruyama": (n, lambda m: by_numpy(m, steps, *by_hand)),
        "Numba loop, Euler-Maruyama": (few, lambda m: by_numba(m, steps, *numba)),
    }
    for _, run in runs.values():
        run(4)  # compiled before it is timed
    times: dict[str, list[float]] = {name: [] for name in runs}
    spikes: dict[str, np.ndarray] = {}
    for _ in range(options.turns):
        for name, (size, run) in runs.items():
            began = time.process_time()
            spikes[name] = run(size)
            times[name].append((time.process_time() - began) / (size * t_stop))
    base = {name: median(times[f"{name}, deterministic"]) for name in ("exp_euler", "strang", "tsit5")}
    print(
        f"{n} replicates x {t_stop:g} ms, {options.area:g} um2, dt {DT} ms, 1 thread: ns per neuron-ms, ratio, spikes"
    )
    for name, taken in times.items():
        against = base.get(name.partition(",")[0], base["exp_euler"])
        found = spikes[name]
        error = np.std(found) / np.sqrt(len(found))
        print(
            f"{name:28} {1e9 * median(taken):10.0f} {median(taken) / against:8.2f}   {found.mean():.3f} +- {error:.3f}"
        )


if __name__ == "__main__":
    main()
