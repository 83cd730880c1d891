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
print("peak currents, µA/cm²:", np.round(family.peak[0], 1))
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

# %%
# As an experimenter has it: the current of the whole membrane, with a leak (here ten times that of the axon). P/4 takes from each sweep
# four times the response to a quarter of its step, in the other direction, in which no gate moves much; what is left is near the
# current of a membrane without that leak. And an electrode in series with the membrane: the current takes V away from the command, so
# that the I-V curve of sodium is steeper, and shifted to the left.

levels = np.arange(-60.0, 61.0, 10.0)
clamped = {"holding": -80.0, "duration": 10.0}
P_over_4 = hh.ClampRecording(leak_subtraction=-4)
electrode = hh.ClampRecording(series_resistance=0.01)  # kOhm cm2
raw = hh.voltage_clamp("hodgkin_huxley", levels, {"g_L": 3.0}, **clamped)
subtracted = hh.voltage_clamp("hodgkin_huxley", levels, {"g_L": 3.0}, **clamped, recording=P_over_4)
none = hh.voltage_clamp("hodgkin_huxley", levels, {"g_L": 0.0}, **clamped)
perfect = hh.voltage_clamp("hodgkin_huxley", levels, **clamped, channel="Na")
in_series = hh.voltage_clamp("hodgkin_huxley", levels, **clamped, channel="Na", recording=electrode)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for shown, style, label in ((raw, "o-", "with leak"), (subtracted, "s-", "P/4"), (none, "k:", "without leak")):
    left.plot(shown.level, shown.steady[0], style, markersize=4, label=label)
left.set(xlabel="V (mV)", ylabel="current at the end of the step (µA/cm²)")
for shown, style, label in ((perfect, "k:", "perfect clamp"), (in_series, "o-", "10 Ω cm² in series")):
    right.plot(shown.level, shown.peak[0], style, markersize=4, label=label)
right.set(xlabel="command (mV)", ylabel="peak sodium current (µA/cm²)")
for axes in (left, right):
    axes.legend(fontsize=8)

# %%
# Action-potential clamp: the command is a spike that was recorded. The membrane itself then needs no current but the one that made
# the spike, and each channel shows when it carries which share.

spike = hh.simulate(
    "hodgkin_huxley", stimulus=hh.Step(amplitude=10.0), t_stop=12.0, record=[hh.Trace("V", every=0.01)], rtol=1e-8
)
replayed = hh.simulate(
    "hodgkin_huxley",
    stimulus=hh.WaveformClamp(spike.time, spike["V"][0]),
    t_stop=12.0,
    record=[hh.Trace("V", "i_Na", "i_K", "i_L", every=0.02)],
)
figure, (upper, lower) = plt.subplots(2, 1, figsize=(5, 4), sharex=True, layout="constrained")
upper.plot(replayed.time, replayed["V"][0], "k")
for name in ("i_Na", "i_K", "i_L"):
    lower.plot(replayed.time, replayed[name][0], label=name)
upper.set(ylabel="V (mV)")
lower.set(xlabel="time (ms)", ylabel="current (µA/cm²)")
lower.legend(fontsize=8)

# %%
# Dynamic clamp: a conductance that follows the membrane, g (E - V), in place of a current. A train of synaptic conductances makes the axon
# fire; a shunt at the potential of rest, which alone changes nothing there, makes it less excitable.

shunt = np.array([0.0, 2.0, 4.0])  # mS/cm2
synapses = hh.AlphaSynapse(g=0.3, tau=1.0, E=0.0, start=5.0, period=15.0, count=5)
driven = hh.simulate(
    "hodgkin_huxley",
    stimulus=synapses + hh.ConductanceStep(g=shunt, E=-65.0),
    t_stop=80.0,
    initial="rest",
    record=[hh.Spikes(), hh.Trace("V", every=0.1)],
)
print("spikes with a shunt of", shunt, "mS/cm²:", driven.spike_count)
