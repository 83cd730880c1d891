"""
Voltage clamp
=============

Hodgkin and Huxley's own experiment: hold the potential, step it, and measure the current that this takes. The command is followed
exactly; families of currents, I-V curves, activation and inactivation come from one call.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

family = hh.voltage_clamp("hodgkin_huxley", np.arange(-60.0, 61.0, 20.0), holding=-65.0, duration=10.0, channel="Na")
print("peak currents, uA/cm2:", np.round(family.peak[0], 1))
print(f"activation: half at {family.activation.V_half[0]:.1f} mV, inactivation: {family.inactivation.V_half[0]:.1f} mV")

# %%
# The family of sodium currents, and what they reach.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for k, level in enumerate(family.level):
    left.plot(family.time, family.current[0, k], color=plt.cm.viridis(k / len(family.level)), label=f"{level:g} mV")
left.set(xlabel="time (ms)", ylabel="sodium current (µA/cm²)")
left.legend(fontsize=8)
right.plot(family.level, family.peak[0], "o-")
right.axhline(0.0, color="black", linewidth=0.8)
right.set(xlabel="V (mV)", ylabel="peak current (µA/cm²)")
