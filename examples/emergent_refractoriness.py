"""Refractoriness: after a spike the axon is deaf, then hard of hearing, then for a while sharper of hearing.

Run it with `python examples/emergent_refractoriness.py`; it draws emergent_refractoriness.png.
Left: a second pulse of twice the threshold, at growing intervals. Right: the threshold of the second pulse, in units
of that of the resting axon. Sodium inactivation and lingering potassium conductance make it; the supernormal phase
comes from the undershoot of potassium.
"""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh
from hhfast.figures.analyses import plot_recovery
from hhfast.figures.canvas import COLOURS

mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)  # told apart by the colour-blind
AXON = "hodgkin_huxley"
figure, (traces, recovery) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")

period = hh.refractory_period(AXON, second=(2.0,))
shortest = period.minimal_interval[0, 0]
print(f"absolute refractory period {period.absolute[0]:.2f} ms, relative {period.relative[0]:.2f} ms, "
      f"second spike at 2 x threshold from {shortest:.3f} ms on")  # fmt: skip

interval = np.array([6.0, 9.0, shortest - 0.05, shortest + 0.05, 15.0])
pulse = 2.0 * period.threshold[0]
r = hh.simulate(AXON, stimulus=hh.PairedPulse(pulse, pulse, interval=interval), t_stop=32.0, initial="rest",
                record=[hh.Trace("V", every=0.05)])  # fmt: skip
for gap, V in zip(interval, r["V"], strict=True):
    traces.plot(r.time, V, linewidth=1.3, label=f"{gap:.2f} ms")
traces.set(xlabel="time (ms)", ylabel="$V$ (mV)", title="Two pulses of twice the threshold")
traces.legend(title="interval", fontsize=8)

plot_recovery(hh.recovery_curve(AXON, np.arange(5.0, 45.1, 1.0)), axes=recovery)
recovery.set_title("Recovery of excitability")
figure.savefig("emergent_refractoriness.png", dpi=110)
print("drew emergent_refractoriness.png")
