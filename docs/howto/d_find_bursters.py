"""
Find the bursters in a Latin hypercube
======================================

Draw conductances of the stomatogastric neuron of Prinz, Billimoria & Marder (2003) at random, as a Latin hypercube, and look for those
that burst. No current is applied: these cells are active by themselves.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

n = 384  # parameter sets
ranges = {"g_Na": (0, 500), "g_CaT": (0, 12.5), "g_CaS": (0, 10), "g_A": (0, 50), "g_KCa": (0, 25), "g_Kd": (0, 125)}
sample = hh.Sample("latin_hypercube", n, {name: hh.Distribution("uniform", r) for name, r in ranges.items()}, seed=1)
rows = sample.columns(0, n)

r = hh.simulate(
    "prinz_stg",
    rows,
    t_stop=3000.0,
    integrator="tsit5",
    rtol=1e-4,
    record=[hh.Spikes()],
)

# %%
# A burst is a group of intervals much shorter than those between groups. Here: intervals of more than five times the median one, again
# and again.


def bursts(times):
    """Whether a spike train consists of bursts, by its intervals after the first second."""
    intervals = np.diff(times[times > 1000.0])
    return len(intervals) >= 4 and np.sum(intervals > 5 * np.median(intervals)) >= 2


bursting = np.array([bursts(t) for t in r.spike_times])
silent = np.array([not (t > 1000.0).any() for t in r.spike_times])
print(f"{n} cells: {silent.sum()} silent, {bursting.sum()} bursting, {(~silent & ~bursting).sum()} others")

# %%
# Where they are, and what four of them do.

found = np.flatnonzero(bursting)[:4]
again = hh.simulate(
    "prinz_stg",
    {name: values[found] for name, values in rows.items()},
    t_stop=3000.0,
    integrator="tsit5",
    rtol=1e-4,
    record=[hh.Trace("V", every=0.5)],
)
figure = plt.figure(figsize=(9, 5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.3])
axes = left.subplots()
axes.scatter(rows["g_CaS"][~bursting], rows["g_KCa"][~bursting], s=8, color="0.75", label="others")
axes.scatter(rows["g_CaS"][bursting], rows["g_KCa"][bursting], s=18, color="C3", label="bursting")
axes.set(xlabel="$g_{CaS}$ (mS/cm²)", ylabel="$g_{KCa}$ (mS/cm²)")
axes.legend(loc="upper right")
for k, axes in enumerate(right.subplots(4, 1, sharex=True)):
    if k < len(found):
        axes.plot(again.time, again["V"][k], color="C3", linewidth=0.6)
    axes.set(ylabel="mV", xlim=(1000, 3000))
axes.set_xlabel("time (ms)")

# %%
# For a million rows, use the same sample in a sweep file: ``[sample]``, ``method = "latin_hypercube"``, ``n = 1_000_000``.
