"""Clamp families against current clamp: ns per neuron-ms of 11 levels x cells, in one process, in turns.

    python benchmarks/clamp.py [--cells 10000] [--turns 5]

Both record the same: the current, and V, each ms. Times are of this process's processor, so other programs count less.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

import hhfast as hh

LEVELS = np.arange(-60.0, 50.0, 10.0)  # 11, mV
T_STOP = 50.0


def seconds(stimulus: hh.Stimulus, g_Na: np.ndarray, integrator: str, current: str, **method: float) -> float:
    """Processor time of a run of all cells."""
    began = time.process_time()
    r = hh.simulate("hodgkin_huxley", {"g_Na": g_Na}, stimulus=stimulus, t_stop=T_STOP, integrator=integrator,
                    record=[hh.Trace("V", current, every=1.0)], threads=1, **method)  # fmt: skip
    took = time.process_time() - began
    assert not r.status.any()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    g_Na = np.repeat(np.random.default_rng(1).uniform(100.0, 140.0, options.cells), len(LEVELS))
    level = np.tile(LEVELS, options.cells)
    amplitude = np.tile(np.linspace(0.0, 20.0, len(LEVELS)), options.cells)
    runs = {
        "current clamp": (hh.Step(amplitude=amplitude, start=5.0), "i_app"),
        "voltage clamp": (hh.VoltageClamp(-65.0, level, 40.0, start=5.0), "i_clamp"),
        "voltage clamp, series resistance": (
            hh.VoltageClamp(-65.0, level, 40.0, start=5.0, series_resistance=0.02), "i_clamp"),
        "alpha synapses": (hh.AlphaSynapse(g=amplitude / 50.0, tau=2.0, start=5.0, period=10.0, count=4), "i_app"),
    }  # fmt: skip
    print(
        f"{len(LEVELS)} levels x {options.cells:,} cells x {T_STOP:g} ms, 1 thread: ns per neuron-ms, ratio of medians"
    )
    for integrator, method in (("exp_euler", {"dt": 0.025}), ("tsit5", {}), ("rodas4", {})):
        for stimulus, current in runs.values():  # compiled before it is timed
            seconds(stimulus.take(np.arange(64)), g_Na[:64], integrator, current, **method)
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.turns):
            for name, (stimulus, current) in runs.items():
                times[name].append(seconds(stimulus, g_Na, integrator, current, **method))
        base = median(times["current clamp"])
        for name, taken in times.items():
            each = 1e9 * median(taken) / (len(g_Na) * T_STOP)
            print(f"{integrator:10} {name:34} {each:8.1f}  {median(taken) / base:6.2f}")


if __name__ == "__main__":
    main()
