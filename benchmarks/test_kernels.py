"""Time of a step: models, integrators and types; what recorders add; threads. Run with `pytest benchmarks`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import hhfast as hh

N, T_STOP = 2048, 20.0  # cells; ms
DT = {"exp_euler": 0.01, "strang": 0.025, "rk4": 0.025}
RECORDERS = {
    "nothing": (),
    "count": (hh.recorders["spike_count"](),),
    "count+features+spikes": (hh.Features(["spike_count", "latency", "isi_mean", "V_max", "V_mean"]), hh.Spikes()),
    "V every 0.1 ms": (hh.Trace("V", every=0.1),),
}


def measure(
    benchmark: Any, model: str, integrator: str, dtype: str, record: tuple[Any, ...], threads: int, n: int = N
) -> None:
    """Benchmark one `simulate`, kernel compiled before; ns per neuron-step goes to `extra_info`."""
    parameters = {"C_m": np.full(n, hh.models[model].parameters["C_m"].value)}  # an array: nothing is shared by lanes
    stimulus = hh.Step(amplitude=np.linspace(0.0, 20.0, n))
    dt = DT[integrator]

    def run() -> Any:
        return hh.simulate(
            model,
            parameters,
            stimulus=stimulus,
            t_stop=T_STOP,
            dt=dt,
            integrator=integrator,
            record=record,
            dtype=dtype,
            threads=threads,
        )

    result = benchmark.pedantic(run, rounds=7, warmup_rounds=1)
    assert (result.status == 0).all()
    if benchmark.stats is not None:
        steps = n * round(T_STOP / dt)
        benchmark.extra_info["ns_per_neuron_step"] = round(benchmark.stats.stats.median / steps * 1e9, 3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("integrator", list(DT))
@pytest.mark.parametrize("model", ["hodgkin_huxley", "connor_stevens", "wang_buzsaki", "prinz_stg"])
def test_step(benchmark, model, integrator, dtype):
    benchmark.group = f"step: {integrator}, {dtype}"
    measure(benchmark, model, integrator, dtype, RECORDERS["count"], threads=1)


@pytest.mark.parametrize("record", list(RECORDERS))
@pytest.mark.parametrize("integrator", ["exp_euler", "rk4"])
def test_recorders(benchmark, integrator, record):
    """Compare with `nothing` in the same group: what a recorder adds to the bare step."""
    benchmark.group = f"recorders: hodgkin_huxley, {integrator}"
    measure(benchmark, "hodgkin_huxley", integrator, "float64", RECORDERS[record], threads=1, n=2 * N)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(benchmark, threads):
    if threads > (os.cpu_count() or 1):
        pytest.skip("too few processors")
    benchmark.group = "threads: hodgkin_huxley, exp_euler"
    measure(benchmark, "hodgkin_huxley", "exp_euler", "float64", RECORDERS["count"], threads=threads, n=8 * N)
