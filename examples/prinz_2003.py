"""What do the 1,679,616 model neurons of a published database do? Each runs until settled, and is then classified.

Run it with `python examples/prinz_2003.py [ROWS]`: ROWS random neurons of the grid (default: all of them, which takes
71 minutes of processor time). It writes prinz_2003.h5 (prinz_2003_ROWS.h5), which may be interrupted and resumed,
prints the share of each class, and draws prinz_2003.png and, of the whole grid, prinz_2003_map.png.

The database is that of Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998-4015: a lobster stomatogastric neuron
with eight conductances at six levels each, from zero to 500 (Na), 12.5 (CaT), 10 (CaS), 50 (A), 25 (KCa), 125 (Kd),
0.05 (H) and 0.05 (leak) mS/cm2. What it leaves to choose is chosen here so:

- No current is injected. Every neuron starts as the library's model does: V = -50 mV, gates steady, Ca = 0.05 uM. Where
  two regimes coexist, this decides between them.
- A neuron is settled when it rests at a stable equilibrium, or its whole state has returned twice to within 1e-4 of its
  range (`hh.Settled`); only the last period counts. One that has not by 30 s is irregular, or unsettled if it drifts.
  (With 60 s, 18 of 2,000 random neurons have another class: slow ones, found tonic, bursting or silent.)
- Events are crossings of -20 mV upwards; in a cell that never crosses, maxima of V. (The paper kept the maxima and
  minima of V.) What oscillates without a crossing is "subthreshold", what rests above -20 mV "blocked".
- Bursting: the longest intervals of a period are at least 3 times its short ones. One spike a period that stays above
  -20 mV for more than 50 ms is one_spike_bursting. A pattern that repeats after many bursts is still bursting: so is
  the paper's irregular burster (Na 400, CaS 8, A 50, KCa 20, Kd 50, H 0.04): its bursts of 5, 5, 5 and 6 spikes repeat.
- tsit5 with a relative tolerance of 1e-6 chooses the steps.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import hhfast as hh

SWEEP = Path(__file__).with_suffix(".toml")
SEED = 2003  # of the sample of rows
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")  # as in the map


def scan(rows: int | None) -> Path:
    """Run the whole grid, or so many random rows of it (the same ones each time); the result file."""
    sweep = hh.Sweep.from_toml(SWEEP)
    if rows is None:
        return sweep.run("prinz_2003.h5")
    grid = sweep.space
    chosen = np.sort(np.random.default_rng(SEED).choice(grid.n_rows, rows, replace=False))
    columns = [grid.columns(row, row + 1) for row in chosen]
    values = {name: np.concatenate([column[name] for column in columns]) for name in grid.names}
    return replace(sweep, space=hh.Rows(values)).run(f"prinz_2003_{rows}.h5")


def table(activity: np.ndarray, settled_at: np.ndarray, classes: list[str]) -> str:
    """The share of each class, with the standard error if it is that of a sample, and when it settled."""
    lines = [f"{'class':20s} {'%':>6s} {'+-':>5s}  settled at (median, s)"]
    for code, name in enumerate(classes):
        share = (activity == code).mean()
        error = f"{100 * np.sqrt(share * (1 - share) / activity.size):.2f}" if activity.ndim == 1 else ""
        times = settled_at[(activity == code) & np.isfinite(settled_at)]
        when = f"{np.median(times) / 1e3:.1f}" if len(times) else "-"
        lines.append(f"{name:20s} {100 * share:6.2f} {error:>5s}  {when}")
    return "\n".join(lines)


def draw(activity: np.ndarray, levels: dict[str, np.ndarray], classes: list[str]) -> None:
    """The shares at each level of each conductance; of a whole grid, also one pixel for every neuron."""
    columns = levels
    if activity.ndim == len(levels):
        hh.plot_stacking(activity, levels, label="activity", codes=classes).savefig("prinz_2003_map.png", dpi=110)
        columns = dict(zip(levels, np.meshgrid(*levels.values(), indexing="ij", sparse=True), strict=True))
    shares_by_level(activity, columns, classes).savefig("prinz_2003.png", dpi=110)


def shares_by_level(activity: np.ndarray, levels: dict[str, np.ndarray], classes: list[str]) -> Figure:
    """One panel for each conductance: the share of every class at each of its levels."""
    figure, panels = plt.subplots(2, 4, figsize=(10, 5), sharey=True, layout="constrained")
    for axes, (name, values) in zip(panels.flat, levels.items(), strict=True):
        at, of_each = np.unique(values), np.broadcast_to(values, activity.shape)
        counts = np.array([np.bincount(activity[of_each == level], minlength=len(classes)) for level in at])
        shares = 100 * counts / counts.sum(axis=1, keepdims=True)
        bars = axes.stackplot(at, shares.T, colors=COLOURS, labels=classes)
        axes.set(xlabel=f"${name[0]}_\\mathrm{{{name[2:]}}}$ (mS/cm2)", xlim=(at[0], at[-1]), ylim=(0, 100))
    for axes in panels[:, 0]:
        axes.set_ylabel("neurons (%)")
    figure.legend(bars, classes, loc="outside lower center", ncols=4)
    return figure


def main(rows: int | None = None) -> None:
    with hh.open_results(scan(rows)) as dataset:
        classes = dataset.activity.attrs["flag_meanings"].split()
        activity = dataset.activity.values
        levels = {name: dataset[name].values for name in dataset.coords if name.startswith("g_")}
        print(f"{activity.size:,} neurons")
        print(table(activity, dataset.settled_at.values, classes))
    draw(activity, levels, classes)
    print("drew prinz_2003.png")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
