"""Class I and class II: two ways to begin to fire, told apart by bifurcations and by f-I curves.

Run it with `python examples/emergent_firing.py`; it draws emergent_firing.png.
The squid axon jumps to 50 Hz (class II) and remembers where it came from: between the fold of its limit cycles and
its Hopf point it rests if it was resting and fires if it was firing. The Wang-Buzsaki interneuron begins from zero
(class I) at a saddle-node. Dashed lines: bifurcations of the equilibrium. Dotted lines: onsets.
"""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh
from hhfast.figures.analyses import plot_fi
from hhfast.figures.canvas import COLOURS

mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)  # told apart by the colour-blind
figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
cases = {
    "hodgkin_huxley": ("Squid giant axon", np.arange(4.0, 14.01, 0.25)),
    "wang_buzsaki": ("Wang-Buzsaki interneuron", np.arange(0.0, 1.01, 0.05)),
}
for panel, (model, (title, currents)) in zip(panels, cases.items(), strict=True):
    curves = [hh.fi_curve(model, currents, direction=direction) for direction in ("up", "down")]
    plot_fi(curves, axes=panel)
    panel.set_title(title)
    points = hh.bifurcations(model, i_app=(currents[0], currents[-1]))
    for name, found in (("Hopf", points.hopf[0]), ("saddle-node", points.saddle_node[0])):
        for current in found:
            panel.axvline(current, color="black", linestyle="--", linewidth=0.8)
            panel.annotate(name, (current, 0.6), xycoords=("data", "axes fraction"), rotation=90, fontsize=9,
                           xytext=(-12, 0), textcoords="offset points")  # fmt: skip
            print(f"{model}: {name} at {current:.6f}")
    up, down = (curve.onset[0] for curve in curves)
    print(f"{model}: class {curves[0].excitability[0]}, onset {up:.4g} rising, {down:.4g} falling")
figure.savefig("emergent_firing.png", dpi=110)
print("drew emergent_firing.png")
