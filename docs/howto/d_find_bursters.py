"""
Find the bursters in a Latin hypercube
======================================

Draw conductances of the stomatogastric neuron of Prinz, Billimoria & Marder (2003) at random, as a Latin hypercube, and look for those
that burst. No current is applied: these cells are active by themselves. Each runs until it has settled, and says what it does
(:class:`hhfast.Settled` has the rule).
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

n = 200  # parameter sets
ranges = {"g_Na": (0, 500), "g_CaT": (0, 12.5), "g_CaS": (0, 10), "g_A": (0, 50), "g_KCa": (0, 25), "g_Kd": (0, 125)}
sample = hh.Sample("latin_hypercube", n, {name: hh.Distribution("uniform", r) for name, r in ranges.items()}, seed=1)
rows = sample.columns(0, n)

r = hh.simulate(
    "prinz_stg",
    rows,
    t_stop=10_000.0,  # at the latest
    until="settled",
    record=[hh.Features(["activity", "period", "spikes_per_period", "duty_cycle"])],
)

# %%
# How many cells do what, and what the bursters have in common.

activity = r.labels("activity")
for name, count in zip(*np.unique(activity, return_counts=True), strict=True):
    print(f"{name:20} {count}")
bursting = activity == "bursting"
print("median period:", np.median(r["period"][bursting]).round(), "ms")
print("median spikes in a burst:", np.median(r["spikes_per_period"][bursting]))

# %%
# Where they are, and what four of them do.

found = np.flatnonzero(bursting)[:4]
again = hh.simulate(
    "prinz_stg",
    {name: values[found] for name, values in rows.items()},
    t_stop=3000.0,
    record=[hh.Trace("V", every=0.5)],
)
figure = plt.figure(figsize=(9, 5), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.3])
axes = left.subplots()
axes.scatter(rows["g_CaS"][~bursting], rows["g_KCa"][~bursting], s=8, color="0.75", label="others")
axes.scatter(rows["g_CaS"][bursting], rows["g_KCa"][bursting], s=18, color="C1", label="bursting")
axes.set(xlabel="$g_{CaS}$ (mS/cm²)", ylabel="$g_{KCa}$ (mS/cm²)")
left.legend(loc="outside upper center", ncols=2)
for k, axes in enumerate(right.subplots(4, 1, sharex=True)):
    axes.plot(again.time, again["V"][k], color="C1", linewidth=0.6)
    axes.set(ylabel="V (mV)", xlim=(1000, 3000))
axes.set_xlabel("time (ms)")

# %%
# For a million rows, write the same as a sweep file, ``bursters.toml``::
#
#     model = "prinz_stg"
#     t_stop = 10000.0
#     until = "settled"
#     [sample]
#     method = "latin_hypercube"
#     n = 1_000_000
#     g_Na = { uniform = [0, 500] }
#     g_CaS = { uniform = [0, 10] }
#     g_KCa = { uniform = [0, 25] }
#     [record]
#     features = ["activity", "period", "spikes_per_period", "duty_cycle"]
#
# and ask from the shell::
#
#     hhfast run bursters.toml
#     hhfast select bursters.h5 --where "activity == 'bursting'" -o bursters.csv -o corner.png
#     hhfast trace bursters.h5 --where "activity == 'bursting' and spikes_per_period > 5" -o traces.png
