"""
Add a current, and scan it
==========================

Give the squid axon an M current, a slow potassium current that makes spiking adapt, and ask how much of it there must be until the
axon fires once and falls silent.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

M = hh.Channel(
    "M",
    g=0.0,
    E=-77.0,
    gates=(
        hh.Gate(
            "w",
            inf="1 / (1 + exp(-(V + 35) / 10))",
            tau="400 / (3.3 * exp((V + 35) / 20) + exp(-(V + 35) / 20))",
        ),
    ),
)
axon = hh.models["hodgkin_huxley"].with_channel(M)

# %%
# The new conductance is a parameter, ``g_M``. Scan it, at three currents.

g_M = np.linspace(0, 4, 121)
figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for current in (8.0, 12.0, 20.0):
    r = hh.simulate(
        axon,
        {"g_M": g_M},
        stimulus=hh.Step(amplitude=current, start=10.0),
        t_stop=510.0,
        record=[hh.Features(["spike_count"])],
    )
    axes.plot(g_M, r["spike_count"], label=f"{current:g} µA/cm²")
axes.set(xlabel="$g_M$ (mS/cm²)", ylabel="spikes in 500 ms")
axes.legend()

# %%
# What it looks like: the more of it, the sooner the train ends.

shown = [0.0, 1.0, 3.0]
r = hh.simulate(
    axon,
    {"g_M": shown},
    stimulus=hh.Step(amplitude=12.0, start=10.0),
    t_stop=150.0,
    record=[hh.Trace("V", every=0.1)],
)
figure, panels = plt.subplots(3, 1, figsize=(6.4, 5), sharex=True, sharey=True, layout="constrained")
for k, axes in enumerate(panels):
    axes.plot(r.time, r["V"][k], color=f"C{k}", linewidth=0.9)
    axes.set(ylabel="V (mV)", title=f"$g_M$ = {shown[k]:g} mS/cm²")
panels[-1].set_xlabel("time (ms)")

# %%
# To keep the model, write ``axon.to_toml()`` into a file, say ``axon_m.toml``; sweep files read it (``model = "axon_m.toml"``), as do
# ``hh.load_model`` and the commands. It begins so; its checks, at the end, are those of the axon without M.

print(axon.to_toml().partition("[[checks]]")[0])
