"""Jaxley on the CPU: a network of unconnected single-compartment cells, stepped in one jitted loop."""

from __future__ import annotations

import os

import numpy as np
from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, V_INIT, Workload

from rivals import Entry, Run, timed

SIDE = 17.841241161527712  # um: a cylinder of 1000 um2


def _network(jx, work: Workload):
    from jaxley.channels import HH

    cell = jx.Cell(jx.Branch(jx.Compartment(), ncomp=1), parents=[-1])
    network = jx.Network([cell] * work.n)
    network.insert(HH())
    for name, value in {
        "length": SIDE,
        "radius": SIDE / 2,
        "capacitance": C_M,
        "v": V_INIT,
        "HH_eNa": E_NA,
        "HH_eK": E_K,
        "HH_eLeak": E_L,
    }.items():
        network.set(name, value)
    for name, values in {"HH_gNa": work.g_Na, "HH_gK": work.g_K, "HH_gLeak": work.g_L}.items():
        network.set(name, values / 1e3)
    network.init_states(delta_t=work.dt)
    return network


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", dtype == "float64")
    jax.config.update("jax_platform_name", "cpu")
    import jaxley as jx
    from jaxley.integrate import build_init_and_step_fn

    network = _network(jx, work)
    network.to_jax()
    init, step = build_init_and_step_fn(network)
    states, parameters = init([])
    external = {"i": jnp.asarray(0.01 * work.i_app, dtype)}
    indices = {"i": jnp.arange(work.n)}

    def advance(_, carry):
        states, armed, count = carry
        states = step(states, parameters, external, indices, delta_t=work.dt)
        spike = armed & (states["v"] >= THRESHOLD)
        return states, (armed & ~spike) | (states["v"] < REARM), count + spike

    @jax.jit
    def solve(states):
        start = (states, states["v"] < THRESHOLD, jnp.zeros(states["v"].shape, jnp.int32))
        return jax.lax.fori_loop(0, work.n_steps, advance, start)[2]

    return timed(lambda: np.asarray(solve(states)))


ENTRIES = (
    Entry(
        "jaxley",
        "Jaxley",
        "implicit Euler for V, exact gates",
        "CPU, `build_init_and_step_fn` in a jitted `fori_loop` that keeps counts only (faster than `jx.integrate`, "
        "which keeps traces).",
        prepare,
        order=30,
        library="jaxley",
        rival=True,
        dtypes=("float64", "float32"),
    ),
)
