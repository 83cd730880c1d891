"""What derivatives cost: runs with sensitivities against the same runs without, in one process, in turns.

    python benchmarks/sensitivity.py [--cells 2048] [--turns 5]

Spike times of the squid axon under 10 uA/cm2 for 100 ms, by tsit5. The promise is (1 + 1.3 n) runs for n parameters.
Times are of this process's processor, on one thread.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

import hhfast as hh

PARAMETERS = (["g_Na"], ["g_Na", "g_K"], ["g_Na", "g_K", "g_L", "E_L"])


def seconds(cells: int, names: list[str]) -> float:
    """Processor time of a run."""
    began = time.process_time()
    hh.simulate("hodgkin_huxley", {"g_Na": np.linspace(100.0, 140.0, cells)}, stimulus=hh.Step(amplitude=10.0),
                t_stop=100.0, sensitivity=names, integrator="tsit5", threads=1, record=[hh.Spikes()])  # fmt: skip
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=2048)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    for names in ([], *PARAMETERS):  # compiled before it is timed
        seconds(64, names)
    print("parameters  runs (median)  promised")
    ratios: dict[int, list[float]] = {len(names): [] for names in PARAMETERS}
    for _ in range(options.turns):
        plain = seconds(options.cells, [])
        for names in PARAMETERS:
            ratios[len(names)].append(seconds(options.cells, names) / plain)
    for n, found in ratios.items():
        print(f"{n:10} {median(found):14.2f} {1 + 1.3 * n:9.1f}")


if __name__ == "__main__":
    main()
