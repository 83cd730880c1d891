"""Which of nine Q10 values keep a neuron's f-I curve where it is, when the animal warms from 18 to 28 degC?

Run it with `python examples/roemschied_2014.py [VALUES]`: VALUES of each Q10 (default 4: 262,144 neurons under 12
currents, four minutes on two cores; 2 takes seconds). It writes roemschied_2014.h5, which may be interrupted and
resumed, prints the tables and draws roemschied_2014.png.

The scan is that of Roemschied, Eberhard, Schleimer, Ronacher & Schreiber 2014, eLife 3:e02078: the Connor-Stevens
model; Q10 of the four conductances from 1.2 to 2, of the five gates from 2 to 4; RMSD = root mean square over the
currents of the difference between the rates at 28 and 18 degC, over the mean rate at 18 degC. What the paper leaves
open is chosen here so: the currents are 5, 10, ... 60 uA/cm2; each run starts from the steady gates at -68 mV, and the
50 ms before the current bring it to rest; spikes are crossings of -30 mV while the current flows (so the 50 ms after it
are left out); the leak is scaled as the other conductances. The impact of a Q10 is how far the mean RMSD moves from its
lowest value to its highest.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

HERE = Path(__file__).parent


def scan(values: int, out: Path) -> tuple[hh.Sweep, dict[str, np.ndarray], np.ndarray]:
    """(the sweep, its axes, the rates in Hz over the nine Q10s and the currents) at 28 degC."""
    sweep = hh.Sweep.from_toml(HERE / "roemschied_2014.toml")
    axes = {}
    for name in sweep.space.dims:
        number = 12 if name == "stimulus.amplitude" else values
        axes[name] = np.linspace(*sweep.space.limits(name), number)
    sweep = replace(sweep, space=hh.Grid.of(axes))
    sweep.run(out)
    with hh.open_results(out) as dataset:
        return sweep, axes, dataset.spike_count.values / 0.1


def reference(sweep: hh.Sweep, currents: np.ndarray) -> np.ndarray:
    """The rates (Hz) at 18 degC, where no Q10 matters."""
    stimulus = hh.Step(amplitude=currents, start=50.0, stop=150.0)
    record = hh.SpikeCount(threshold=-30.0, rearm=-30.0, window=(50.0, 150.0))
    found = hh.simulate(sweep.model, {"celsius": 18.0}, stimulus=stimulus, t_stop=150.0, record=[record])
    return found.spike_count / 0.1


def impacts_of(rmsd: np.ndarray, names: list[str]) -> dict[str, float]:
    """How far each Q10 moves the mean RMSD, the largest first."""
    found = {}
    for k, name in enumerate(names):
        means = rmsd.mean(axis=tuple(j for j in range(rmsd.ndim) if j != k))
        found[name] = float(means[-1] - means[0])
    return dict(sorted(found.items(), key=lambda entry: -abs(entry[1])))


def draw(rmsd: np.ndarray, impacts: dict[str, float], grid: dict[str, np.ndarray]) -> None:
    """The distribution and the impacts; and all neurons at once."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.hist(rmsd.ravel(), bins=100, color="#0072B2")
    left.axvline(np.median(rmsd), color="black", linestyle="--", label="median")
    left.set(xlabel="RMSD of the f-I curve", ylabel="neurons")
    left.legend()
    ranked = list(impacts)[::-1]
    right.barh(ranked, [impacts[name] for name in ranked], color="#D55E00")
    right.axvline(0, color="black", linewidth=0.8)
    right.set(xlabel="change of the mean RMSD, lowest to highest Q10")
    figure.savefig("roemschied_2014.png", dpi=110)
    figure = hh.plot_stacking(rmsd, grid, label="RMSD of the f-I curve", order=list(impacts))
    figure.savefig("roemschied_2014_stacking.png", dpi=110)


def main(values: int = 4, out: Path = Path("roemschied_2014.h5")) -> None:
    sweep, axes, rates = scan(values, out)
    before = reference(sweep, axes.pop("stimulus.amplitude"))
    rmsd = np.sqrt(((rates - before) ** 2).mean(axis=-1)) / before.mean()
    print(f"{rmsd.size:,} neurons; rates at 18 degC: {before.min():.0f} to {before.max():.0f} Hz")
    low = 100 * (rmsd < 0.5).mean()
    print(f"RMSD {rmsd.min():.3f} to {rmsd.max():.3f}, median {np.median(rmsd):.3f}; {low:.1f} % below 0.5")
    impacts = impacts_of(rmsd, list(axes))
    print("\n".join(f"{place}. {name:9s} {impact:+.3f}" for place, (name, impact) in enumerate(impacts.items(), 1)))
    draw(rmsd, impacts, axes)
    print("drew roemschied_2014.png and roemschied_2014_stacking.png")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
