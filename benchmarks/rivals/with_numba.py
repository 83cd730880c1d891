"""The loop a good user writes in Numba: neurons in parallel, each run to its end with `math.exp`."""

from __future__ import annotations

from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, V_INIT, Workload, steady_gates

from rivals import Entry, Run, timed


def _kernel():
    import math

    import numpy as np
    from numba import njit, prange

    @njit(parallel=True, fastmath=True, error_model="numpy")
    def run(g_Na, g_K, g_L, i_app, m0, h0, n0, steps, dt):
        count = np.zeros(len(g_Na), np.int64)
        for i in prange(len(g_Na)):
            V, m, h, n = V_INIT, m0, h0, n0
            armed, spikes = True, 0
            for _ in range(steps):
                G_Na = g_Na[i] * m * m * m * h
                G_K = g_K[i] * n * n * n * n
                b = (G_Na + G_K + g_L[i]) / C_M
                V_inf = (G_Na * E_NA + G_K * E_K + g_L[i] * E_L + i_app[i]) / C_M / b
                V = V_inf + (V - V_inf) * math.exp(-dt * b)
                x, y = (V + 40.0) / 10.0, (V + 55.0) / 10.0
                am = x / (1.0 - math.exp(-x)) if abs(x) > 1e-6 else 1.0 + 0.5 * x
                bm = 4.0 * math.exp(-(V + 65.0) / 18.0)
                ah = 0.07 * math.exp(-(V + 65.0) / 20.0)
                bh = 1.0 / (1.0 + math.exp(-(V + 35.0) / 10.0))
                an = 0.1 * (y / (1.0 - math.exp(-y)) if abs(y) > 1e-6 else 1.0 + 0.5 * y)
                bn = 0.125 * math.exp(-(V + 65.0) / 80.0)
                m = am / (am + bm) + (m - am / (am + bm)) * math.exp(-dt * (am + bm))
                h = ah / (ah + bh) + (h - ah / (ah + bh)) * math.exp(-dt * (ah + bh))
                n = an / (an + bn) + (n - an / (an + bn)) * math.exp(-dt * (an + bn))
                if armed and V >= THRESHOLD:
                    armed = False
                    spikes += 1
                elif V < REARM:
                    armed = True
            count[i] = spikes
        return count

    return run


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    import numba

    numba.set_num_threads(threads)
    run = _kernel()
    columns = work.columns("float64")
    return timed(lambda: run(*columns, *steady_gates(), work.n_steps, work.dt))


ENTRIES = (
    Entry(
        "numba",
        "Numba `prange` loop",
        "exponential Euler, V first",
        "`njit(parallel=True, fastmath=True)`, a scalar loop over neurons with `math.exp`.",
        prepare,
        order=60,
        library="numba",
    ),
)
