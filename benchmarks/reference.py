"""Spike counts to compare with: classical Runge-Kutta of order 4, one neuron after the other, independent of hhfast."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, V_INIT, Workload, steady_gates


@njit
def _linoid(x):
    """x / (1 - exp(-x)), 1 at 0."""
    return 1.0 + 0.5 * x if abs(x) < 1e-7 else -x / math.expm1(-x)


@njit
def _slopes(V, m, h, n, g_Na, g_K, g_L, i_app):
    dV = (i_app - g_Na * m**3 * h * (V - E_NA) - g_K * n**4 * (V - E_K) - g_L * (V - E_L)) / C_M
    dm = _linoid((V + 40.0) / 10.0) * (1.0 - m) - 4.0 * math.exp(-(V + 65.0) / 18.0) * m
    dh = 0.07 * math.exp(-(V + 65.0) / 20.0) * (1.0 - h) - h / (1.0 + math.exp(-(V + 35.0) / 10.0))
    dn = 0.1 * _linoid((V + 55.0) / 10.0) * (1.0 - n) - 0.125 * math.exp(-(V + 65.0) / 80.0) * n
    return dV, dm, dh, dn


@njit
def _neuron(g_Na, g_K, g_L, i_app, start, steps, dt):
    V, m, h, n = start
    armed, count = V < THRESHOLD, 0
    for _ in range(steps):
        a = _slopes(V, m, h, n, g_Na, g_K, g_L, i_app)
        k = 0.5 * dt
        b = _slopes(V + k * a[0], m + k * a[1], h + k * a[2], n + k * a[3], g_Na, g_K, g_L, i_app)
        c = _slopes(V + k * b[0], m + k * b[1], h + k * b[2], n + k * b[3], g_Na, g_K, g_L, i_app)
        d = _slopes(V + dt * c[0], m + dt * c[1], h + dt * c[2], n + dt * c[3], g_Na, g_K, g_L, i_app)
        V += dt / 6.0 * (a[0] + 2.0 * b[0] + 2.0 * c[0] + d[0])
        m += dt / 6.0 * (a[1] + 2.0 * b[1] + 2.0 * c[1] + d[1])
        h += dt / 6.0 * (a[2] + 2.0 * b[2] + 2.0 * c[2] + d[2])
        n += dt / 6.0 * (a[3] + 2.0 * b[3] + 2.0 * c[3] + d[3])
        if armed and V >= THRESHOLD:
            armed, count = False, count + 1
        elif V < REARM:
            armed = True
    return count


@njit(parallel=True)
def _all(g_Na, g_K, g_L, i_app, start, steps, dt):
    count = np.zeros(len(g_Na), np.int64)
    for i in prange(len(g_Na)):
        count[i] = _neuron(g_Na[i], g_K[i], g_L[i], i_app[i], start, steps, dt)
    return count


def reference_counts(work: Workload) -> np.ndarray:
    """The number of spikes of each neuron, with the workload's own step."""
    start = (V_INIT, *steady_gates())
    return _all(*work.columns("float64"), start, work.n_steps, work.dt)
