"""How to clamp: the experiments of Hodgkin and Huxley (1952), and a dynamic clamp, on the same equations.

Run it with `python examples/voltage_clamp.py`; it draws voltage_clamp.png.
Top: currents of the clamped axon; sodium and potassium current alone, as they separated them by ion substitution; I-V
curves. Bottom: activation and inactivation; a ramp, perfect and through a series resistance; clamp and current clamp in
one run, and a synapse as a conductance.
"""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

AXON = "hodgkin_huxley"
LEVELS = np.arange(-55.0, 76.0, 10.0)
figure, axes = plt.subplots(2, 3, figsize=(14, 7.6), layout="constrained")
(total, separate, current_voltage), (gating, ramps, both) = axes
shades = plt.get_cmap("viridis")(np.linspace(0.0, 0.95, len(LEVELS)))

# A family of currents: hold, step to each level, step back. `channel=` measures one channel alone.
families = {name: hh.voltage_clamp(AXON, LEVELS, holding=-65.0, duration=8.0, channel=name)
            for name in (None, "Na", "K")}  # fmt: skip
for k, shade in enumerate(shades):
    total.plot(families[None].time, families[None].current[0, k] / 1e3, color=shade, linewidth=1)
    separate.plot(families["Na"].time, families["Na"].current[0, k] / 1e3, color=shade, linewidth=1)
    separate.plot(families["K"].time, families["K"].current[0, k] / 1e3, "--", color=shade, linewidth=1)
total.set(xlabel="time (ms)", ylabel="clamp current (mA/cm²)", title=f"Steps to {LEVELS[0]:g} … {LEVELS[-1]:g} mV")
separate.set(xlabel="time (ms)", ylabel="current (mA/cm²)", title="Na (solid) and K (dashed) alone")
current_voltage.plot(LEVELS, families["Na"].peak[0] / 1e3, "o-", label="Na, peak")
current_voltage.plot(LEVELS, families["K"].steady[0] / 1e3, "s-", label="K, end of the step")
current_voltage.axhline(0.0, color="0.5", linewidth=0.8)
current_voltage.set(xlabel="level (mV)", ylabel="current (mA/cm²)", title="I-V curves")
current_voltage.legend()

# Boltzmann fits: 1952 found inactivation half complete 2.5 mV above rest, with a slope of 7 mV.
sodium, V = families["Na"], np.linspace(-115.0, 75.0, 200)
for name, curve, mark in (("activation", sodium.activation, "o"), ("inactivation", sodium.inactivation, "s")):
    print(f"Na {name}: half at {curve.V_half[0]:.1f} mV, slope {curve.slope[0]:.1f} mV")
    (points,) = gating.plot(curve.V, curve.normalised[0], mark, label=f"{name}:\n{curve.V_half[0]:.1f} mV")
    gating.plot(V, curve.at(V)[0] / curve.maximum[0], color=points.get_color())
gating.set(xlabel="level (mV)", ylabel="conductance / maximum", title="Activation and inactivation of Na")
gating.legend(fontsize=8, loc="center left")

# A ramp of 100 mV in 50 ms: a tuple among the levels. An electrode with a series resistance does not hold V.
resistances = np.array([0.0, 0.05, 0.2])  # kOhm cm2
ramp = hh.VoltageClamp(-80.0, [(-80.0, 20.0)], 50.0, start=5.0, series_resistance=resistances)
r = hh.simulate(AXON, stimulus=ramp, t_stop=55.0, integrator="tsit5", record=[hh.Trace("V", every=0.05)])
for R, V_cell in zip(resistances, r["V"], strict=True):
    ramps.plot(r.time, V_cell, label=f"{R:g} kΩ cm²")
ramps.set(xlabel="time (ms)", ylabel="V (mV)", title="A ramp through a series resistance")
ramps.legend(fontsize=8)

# Held at -80 mV for 20 ms, then free: the axon fires, by anode break. A train of synapses is a conductance, in any sum.
stimulus = hh.VoltageClamp(-80.0, stop=20.0) + hh.AlphaSynapse(g=0.25, tau=1.0, E=0.0, start=30.0, period=15.0, count=4)
r = hh.simulate(AXON, stimulus=stimulus, t_stop=90.0, integrator="tsit5",
                record=[hh.Trace("V", "i_clamp", "i_app", every=0.05), hh.Spikes()])  # fmt: skip
print("spikes after the clamp, the first by anode break:", ", ".join(f"{t:.1f}" for t in r.spike_times[0]), "ms")
both.axvspan(0.0, 20.0, color="0.92", zorder=0, label="clamped")
both.plot(r.time, r["V"][0], label="V")
twin = both.twinx()
twin.plot(r.time, r["i_app"][0], color="C3", linewidth=1)
twin.set_ylabel("synaptic current (µA/cm²)", color="C3")
both.set(xlabel="time (ms)", ylabel="V (mV)", title="Released: anode break, then synapses")
both.legend(fontsize=8, loc="upper left")
for panel in axes.flat:
    panel.grid(alpha=0.3)
figure.savefig("voltage_clamp.png", dpi=120)
print("drew voltage_clamp.png")
