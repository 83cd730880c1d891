"""Which parameters set the firing rate of the squid axon? Sobol indices with SALib.

Run it with `python examples/sensitivity_salib.py` (needs `pip install SALib`); it draws sensitivity_salib.png.
`BatchedSimulator` makes a sweep a function theta (n, d) -> features (n, k), which is all that SALib asks for.
A first-order index is the share of the variance of the rate that a parameter explains alone; a total index has its
interactions too. The temperature, which scales every rate of the gates, explains most.
"""

from __future__ import annotations

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from SALib.analyze import sobol as analysis
from SALib.sample import sobol as sampling

import hhfast as hh

BOUNDS = {
    "g_Na": (108.0, 132.0),  # mS/cm2
    "g_K": (32.4, 39.6),
    "g_L": (0.27, 0.33),
    "C_m": (0.9, 1.1),  # uF/cm2
    "celsius": (5.3, 7.3),  # degC
    "stimulus.amplitude": (18.0, 22.0),  # uA/cm2
}


def simulator(t_stop: float = 550.0) -> hh.BatchedSimulator:
    """The firing rate under a constant current, as a function of the parameters in BOUNDS."""
    space = hh.Sample("random", 1, {name: hh.Distribution("uniform", limits) for name, limits in BOUNDS.items()})
    record = hh.Record(features=("rate",), window=(50.0, t_stop))
    return hh.BatchedSimulator(hh.Sweep("hodgkin_huxley", space, t_stop, stimulus={"kind": "step"}, record=record))


def indices(n: int = 1024, t_stop: float = 550.0) -> dict[str, np.ndarray]:
    """Sobol indices from n * (parameters + 2) simulations: S1, ST, and their 95 % intervals, per parameter of BOUNDS.

    n : a power of two.
    """
    function = simulator(t_stop)
    problem = {"num_vars": len(BOUNDS), "names": list(BOUNDS), "bounds": list(BOUNDS.values())}
    theta = sampling.sample(problem, n, calc_second_order=False, seed=1)
    rate = function(theta)[:, 0]
    if np.isnan(rate).any():  # a row that failed would spoil every index
        raise ValueError(f"{np.isnan(rate).sum()} of {len(rate)} simulations have failed; narrow BOUNDS")
    return analysis.analyze(problem, rate, calc_second_order=False, seed=1)


def main(n: int = 1024, t_stop: float = 550.0, picture: str = "sensitivity_salib.png") -> None:
    found = indices(n, t_stop)
    for k, name in enumerate(BOUNDS):
        print(f"{name:>20}: S1 {found['S1'][k]:6.3f}, ST {found['ST'][k]:.3f} +- {found['ST_conf'][k]:.3f}")
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    places = np.arange(len(BOUNDS))
    axes.barh(places - 0.2, found["S1"], 0.38, xerr=found["S1_conf"], color="tab:blue", label="first order")
    axes.barh(places + 0.2, found["ST"], 0.38, xerr=found["ST_conf"], color="tab:orange", label="total")
    axes.set_yticks(places, BOUNDS)
    axes.invert_yaxis()
    axes.set_xlabel("share of the variance of the firing rate")
    axes.set_title(f"Squid axon, {n * (len(BOUNDS) + 2):,} simulations")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=110)
    print(f"drew {picture}")


if __name__ == "__main__":
    main()
