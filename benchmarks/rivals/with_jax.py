"""Plain JAX on the CPU: the whole run in one jitted loop over steps, all neurons as one array."""

from __future__ import annotations

import os

import numpy as np
from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, V_INIT, Workload, steady_gates

from rivals import Entry, Run, timed


def _solver(jax, jnp, work: Workload):
    dt, steps = work.dt, work.n_steps

    def linoid(x):
        far = jnp.abs(x) > 1e-4
        safe = jnp.where(far, x, 1.0)
        return jnp.where(far, safe / (1 - jnp.exp(-safe)), 1 + 0.5 * x)

    def advance(x, a, b):
        return a / b + (x - a / b) * jnp.exp(-dt * b)

    def solve(g_Na, g_K, g_L, i_app, V, m, h, n):
        def step(_, state):
            V, m, h, n, armed, count = state
            G_Na, G_K = g_Na * m * m * m * h, g_K * n * n * n * n
            V = advance(V, (G_Na * E_NA + G_K * E_K + g_L * E_L + i_app) / C_M, (G_Na + G_K + g_L) / C_M)
            am, bm = linoid((V + 40) / 10), 4 * jnp.exp(-(V + 65) / 18)
            ah, bh = 0.07 * jnp.exp(-(V + 65) / 20), 1 / (1 + jnp.exp(-(V + 35) / 10))
            an, bn = 0.1 * linoid((V + 55) / 10), 0.125 * jnp.exp(-(V + 65) / 80)
            m, h, n = advance(m, am, am + bm), advance(h, ah, ah + bh), advance(n, an, an + bn)
            spike = armed & (V >= THRESHOLD)
            return V, m, h, n, (armed & ~spike) | (V < REARM), count + spike

        state = (V, m, h, n, V < THRESHOLD, jnp.zeros(V.shape, jnp.int32))
        return jax.lax.fori_loop(0, steps, step, state)[5]

    return jax.jit(solve)


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    columns = [jnp.asarray(x) for x in work.columns(dtype)]
    state = [jnp.full(work.n, x, dtype) for x in (V_INIT, *steady_gates())]
    solve = _solver(jax, jnp, work)
    return timed(lambda: np.asarray(solve(*columns, *state)))


ENTRIES = (
    Entry(
        "jax",
        "JAX by hand",
        "exponential Euler, V first",
        "CPU, `jit` of one `fori_loop` over the steps, all neurons as one array (what `vmap` of one neuron's loop "
        "becomes), only counts kept.",
        prepare,
        order=20,
        library="jax",
        rival=True,
        dtypes=("float64", "float32"),
    ),
)
