"""
f-I curves at three temperatures
================================

How fast does the squid axon fire, from which current on, and up to which, at 6.3, 12 and 18.5 °C? ``celsius`` is a parameter
of the model as any other, so it is an array with a value per cell.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

celsius = np.array([6.3, 12.0, 18.5])
currents = np.linspace(0, 60, 31)
curves = hh.fi_curve("hodgkin_huxley", currents, {"celsius": celsius}, t_stop=500.0)

# %%
# One row per cell: the curve, the current at which firing begins, and the class of excitability.

for k, c in enumerate(celsius):
    onset, rate = curves.onset[k], curves.max_rate[k]
    print(f"{c:4.1f} °C: class {curves.excitability[k]}, from {onset:.2f} µA/cm², at most {rate:.0f} Hz")

# %%
figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
for k, c in enumerate(celsius):
    axes.plot(curves.current, curves.rate[k], "o-", markersize=3, label=f"{c:g} °C")
axes.set(xlabel="current (µA/cm²)", ylabel="rate (Hz)", title="Squid axon")
axes.legend()

# %%
# The same from the shell, with both branches where firing and rest coexist::
#
#     hhfast fi hodgkin_huxley --currents 0:60:2 -p celsius=6.3,12,18.5 -o fi.png
