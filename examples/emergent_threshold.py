"""All or none, and anode break: nobody wrote a threshold into the equations, and yet there is one.

Run it with `python examples/emergent_threshold.py`; it draws emergent_threshold.png.
Left: pulses of 1 ms around the threshold. 6.91 uA/cm2 dies away, 6.93 becomes a full spike. Middle: a hyperpolarising
current excites when it ends, because it has lowered K activation and Na inactivation (Hodgkin & Huxley 1952, fig. 22).
Right: the threshold against the width of the pulse, with the classical laws.
"""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh
from hhfast.figures.analyses import plot_strength_duration
from hhfast.figures.canvas import COLOURS

mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)  # told apart by the colour-blind
AXON = "hodgkin_huxley"
figure, (pulses, breaks, strength) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")

threshold = hh.find_rheobase(AXON, width=1.0).amplitude[0]
print(f"threshold of a 1-ms pulse: {threshold:.5f} uA/cm2")
amplitude = np.array([3.0, 6.0, 6.91, 6.93, 8.0, 12.0])
r = hh.simulate(AXON, stimulus=hh.Pulse(amplitude, start=2.0, width=1.0), t_stop=25.0, initial="rest",
                record=[hh.Trace("V", every=0.05)])  # fmt: skip
for current, V in zip(amplitude, r["V"], strict=True):
    pulses.plot(r.time, V, linewidth=1.3, label=f"{current:g} µA/cm²")
pulses.set(xlabel="time (ms)", ylabel="$V$ (mV)", title="All or none: pulses of 1 ms")
pulses.legend(fontsize=8)

anode = hh.find_rheobase(AXON, width=20.0, hyperpolarising=True).amplitude[0]
print(f"threshold of anode break after 20 ms: {anode:.4f} uA/cm2")
amplitude = anode * np.array([0.5, 0.99, 1.01, 2.0])
r = hh.simulate(AXON, stimulus=hh.Pulse(amplitude, start=2.0, width=20.0), t_stop=45.0, initial="rest",
                record=[hh.Trace("V", every=0.05)])  # fmt: skip
for current, V in zip(amplitude, r["V"], strict=True):
    breaks.plot(r.time, V, linewidth=1.3, label=f"{current:.2f} µA/cm²")
breaks.axvspan(2.0, 22.0, color="0.92", zorder=0)
breaks.set(xlabel="time (ms)", ylabel="$V$ (mV)", title="Anode break: the end of 20 ms excites")
breaks.legend(fontsize=8)

plot_strength_duration(hh.strength_duration(AXON, np.geomspace(0.05, 50.0, 16)), axes=strength)
strength.set_title("Strength and duration")
figure.savefig("emergent_threshold.png", dpi=110)
print("drew emergent_threshold.png")
