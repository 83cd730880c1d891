"""Plain NumPy: one array operation after the other over all neurons."""

from __future__ import annotations

import numpy as np
from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, V_INIT, Workload, steady_gates

from rivals import Entry, Run, timed


def _linoid(x: np.ndarray) -> np.ndarray:
    """x / (1 - exp(-x)); x is never exactly 0 here in practice, and expm1 is accurate next to it."""
    return -x / np.expm1(-x)


def _rates(V: np.ndarray) -> tuple[np.ndarray, ...]:
    return (
        _linoid((V + 40) / 10),
        4 * np.exp(-(V + 65) / 18),
        0.07 * np.exp(-(V + 65) / 20),
        1 / (1 + np.exp(-(V + 35) / 10)),
        0.1 * _linoid((V + 55) / 10),
        0.125 * np.exp(-(V + 65) / 80),
    )


def simulate(work: Workload, dtype: str) -> np.ndarray:
    """Exponential Euler: V at the old gates, then the gates at the new V."""
    g_Na, g_K, g_L, i_app = work.columns(dtype)
    V = np.full_like(g_Na, V_INIT)
    gates = [np.full_like(V, x) for x in steady_gates()]
    armed, count = V < THRESHOLD, np.zeros(work.n, np.int64)
    for _ in range(work.n_steps):
        m, h, n = gates
        G_Na, G_K = g_Na * m * m * m * h, g_K * n * n * n * n
        b = (G_Na + G_K + g_L) / C_M
        V_inf = (G_Na * E_NA + G_K * E_K + g_L * E_L + i_app) / C_M / b
        V = V_inf + (V - V_inf) * np.exp(-work.dt * b)
        rates = _rates(V)
        for k in range(3):
            total = rates[2 * k] + rates[2 * k + 1]
            inf = rates[2 * k] / total
            gates[k] = inf + (gates[k] - inf) * np.exp(-work.dt * total)
        spike = armed & (V >= THRESHOLD)
        count += spike
        armed = (armed & ~spike) | (V < REARM)
    return count


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    return timed(lambda: simulate(work, dtype))


ENTRIES = (
    Entry(
        "numpy",
        "NumPy",
        "exponential Euler, V first",
        "Whole-array operations, all neurons at once.",
        prepare,
        order=70,
        dtypes=("float64", "float32"),
        threaded=False,
    ),
)
