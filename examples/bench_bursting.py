"""Error against cost of integrators on cells that are silent, that fire, and that burst, in equal numbers.

Run it with `python examples/bench_bursting.py` (a minute); it draws bench_bursting.png.
Maximal conductances are drawn within the ranges of the stomatogastric database of Prinz, Billimoria & Marder (2003,
J. Neurophysiol. 90:3998, table 1); cells are without current, and sorted by what they do in a second. A few of
them are close to doing something else, so that no method agrees with another on all of their spikes for long: hence
the column "95 %".
"""

from __future__ import annotations

import matplotlib as mpl

mpl.use("Agg")
import numpy as np

import hhfast as hh
from hhfast.analysis.spikes import bursts
from hhfast.analysis.work_precision.benchmark import Benchmark
from hhfast.figures.work_precision import plot_benchmark

HIGHEST = {
    "g_Na": 500.0,
    "g_CaT": 12.5,
    "g_CaS": 10.0,
    "g_A": 50.0,
    "g_KCa": 25.0,
    "g_Kd": 125.0,
    "g_H": 0.05,
    "g_leak": 0.05,
}  # mS/cm2
KINDS = ("silent", "tonic", "bursting")
METHODS = {"integrators": ["exp_euler", "strang", "rk4", "tsit5"], "dt": [0.1, 0.05, 0.025, 0.01, 0.005],
           "rtol": [1e-3, 1e-4, 1e-5, 1e-6, 1e-7]}  # fmt: skip


def mixture(each: int, t_stop: float, drawn: int = 2000) -> dict[str, np.ndarray]:
    """Conductances of `each` cells of each kind."""
    rng = np.random.default_rng(1)
    params = {name: rng.uniform(0.0, high, drawn) for name, high in HIGHEST.items()}
    result = hh.simulate("prinz_stg", params, t_stop=t_stop, integrator="tsit5", record=[hh.Spikes()])
    kinds = np.array(["silent" if len(t) == 0 else "bursting" if bursts(t) else "tonic" for t in result.spike_times])
    print(f"of {drawn} cells:", ", ".join(f"{np.sum(kinds == kind)} {kind}" for kind in KINDS))
    chosen = np.concatenate([np.flatnonzero(kinds == kind)[:each] for kind in KINDS])
    return {name: values[chosen] for name, values in params.items()}


def main(each: int = 16, t_stop: float = 1000.0, picture: str = "bench_bursting.png", **methods: list) -> Benchmark:
    """Compare the methods on a mixture of cells."""
    cells = mixture(each, t_stop)
    found = hh.benchmark_integrators(
        "prinz_stg", cells, stimulus=hh.Step(0.0), t_stop=t_stop, rheobase=False, **(METHODS | methods)
    )
    print(found)
    plot_benchmark(found).savefig(picture, dpi=110)
    print(f"drew {picture}")
    return found


if __name__ == "__main__":
    main()
