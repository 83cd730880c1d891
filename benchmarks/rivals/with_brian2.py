"""Brian2 in C++ standalone mode."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np
from workload import C_M, E_K, E_L, E_NA, V_INIT, Workload, steady_gates

from rivals import Entry, Run

EQUATIONS = f"""
dv/dt = ((g_Na*m**3*h*({E_NA} - v) + g_K*n**4*({E_K} - v) + g_L*({E_L} - v) + i_app)/{C_M})/ms : 1
dm/dt = (1/exprel(-(v + 40)/10)*(1 - m) - 4*exp(-(v + 65)/18)*m)/ms : 1
dh/dt = (0.07*exp(-(v + 65)/20)*(1 - h) - h/(1 + exp(-(v + 35)/10)))/ms : 1
dn/dt = (0.1/exprel(-(v + 55)/10)*(1 - n) - 0.125*exp(-(v + 65)/80)*n)/ms : 1
g_Na : 1 (constant)
g_K : 1 (constant)
g_L : 1 (constant)
i_app : 1 (constant)
"""


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    import brian2 as b2

    folder = tempfile.mkdtemp()
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    b2.prefs.core.default_float_dtype = np.dtype(dtype).type
    b2.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native", "-std=c++17"]
    b2.defaultclock.dt = work.dt * b2.ms
    group = b2.NeuronGroup(work.n, EQUATIONS, method="exponential_euler", threshold="v > -20", refractory="v > -30")
    group.v = V_INIT
    group.m, group.h, group.n = steady_gates()
    group.g_Na, group.g_K, group.g_L, group.i_app = work.columns(dtype)
    spikes = b2.SpikeMonitor(group, record=False)
    b2.run(work.duration * b2.ms)
    b2.device.build(directory=folder, run=False, with_output=False)

    def run() -> tuple[np.ndarray, float]:
        b2.device.run(with_output=False)
        run.peak_kb = _peak_kb(Path(folder) / "main", folder) if not run.peak_kb else run.peak_kb
        return np.array(spikes.count), float(b2.device._last_run_time)  # noqa: SLF001 - there is no other

    run.peak_kb = 0
    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def _peak_kb(program: Path, folder: str) -> int:
    """Peak resident size of the generated program, from one more, untimed, run of it."""
    import subprocess

    import psutil

    with subprocess.Popen([program], cwd=folder, stdout=subprocess.DEVNULL) as process:
        peak, watched = 0, psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, watched.memory_info().rss)
                process.wait(0.05)
            except (psutil.Error, subprocess.TimeoutExpired):
                continue
    return peak // 1024


ENTRIES = (
    Entry(
        "brian2",
        "Brian2, C++ standalone",
        "exponential Euler, all from the old state",
        '`set_device("cpp_standalone")`, OpenMP, `-O3 -ffast-math -march=native`, built once; the time is that of '
        "the simulation loop alone, as Brian2 reports it; `SpikeMonitor(record=False)`.",
        prepare,
        order=61,
        library="brian2",
        program="g++",
        rival=True,
        dtypes=("float64", "float32"),
    ),
)
