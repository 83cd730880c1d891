"""
Strength and duration, of three models
======================================

How strong must a pulse be to evoke a spike, if it lasts so long? Rheobase is the threshold of a long pulse, chronaxie the duration at
which the threshold is twice that.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

widths = np.geomspace(0.05, 20, 15)  # ms
models = {
    "hodgkin_huxley": "squid axon",
    "wang_buzsaki": "interneuron",
    "schwarz_1995_human_node": "human node of Ranvier",
}
results = {name: hh.strength_duration(name, widths) for name in models}

# %%
# One row per cell; each model here has one.

for name, found in results.items():
    print(f"{models[name]:22} rheobase {found.rheobase[0]:8.3g}, chronaxie {found.chronaxie[0]:.3g} ms")

# %%
figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for name, found in results.items():
    axes.loglog(found.width, found.amplitude[0] / found.rheobase[0], "o-", markersize=4, label=models[name])
axes.axhline(2, color="0.6", linewidth=0.8)
axes.set(
    xlabel="duration of the pulse (ms)", ylabel="threshold / rheobase", title="Chronaxie is where a curve crosses 2"
)
axes.legend()
