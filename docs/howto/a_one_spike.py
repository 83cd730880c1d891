"""
One spike, with everything
==========================

The potential, the gates and the currents of one squid axon: the first picture of every course.
"""

import matplotlib.pyplot as plt

import hhfast as hh

r = hh.simulate(
    "hodgkin_huxley",
    stimulus=hh.Step(amplitude=10.0, start=5.0),
    t_stop=50.0,
    record=[hh.Spikes(), hh.Trace("V", "m", "h", "n", "i_Na", "i_K", every=0.02)],
)

# %%
# A trace has a row for each cell; there is one here.

figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(7, 6), sharex=True, layout="constrained")
top.plot(r.time, r["V"][0], color="black")
top.plot(r.spike_times[0], [-20.0] * r.spike_count[0], "v", color="C3")
for gate in "mhn":
    middle.plot(r.time, r[gate][0], label=gate)
for current, name in (("i_Na", "Na"), ("i_K", "K")):
    bottom.plot(r.time, r[current][0], label=name)
top.set(ylabel="V (mV)", title=f"Spikes at {', '.join(f'{t:.2f}' for t in r.spike_times[0])} ms")
middle.set(ylabel="gates")
bottom.set(ylabel="current (µA/cm²)", xlabel="time (ms)")
for axes in (middle, bottom):
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

# %%
# Each triangle is a spike time: an upward crossing of -20 mV, interpolated inside the step.
