"""10,000 squid axons with random conductances in one call: who fires, how often, and what one of them does.

Run it with `python examples/many_axons.py`; it draws many_axons.png.
"""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

rng = np.random.default_rng(1)
n_cells = 10_000
parameters = {
    "g_Na": 120.0 * rng.uniform(0.8, 1.2, n_cells),
    "g_K": 36.0 * rng.uniform(0.8, 1.2, n_cells),
    "g_L": 0.3 * rng.uniform(0.8, 1.2, n_cells),
}
current = hh.Step(amplitude=7.0, start=20.0)
result = hh.simulate(
    "hodgkin_huxley",
    parameters,
    stimulus=current,
    t_stop=220.0,
    record=[hh.Features(["spike_count", "rate", "latency"])],
)
rate = result["rate"]
print(f"{np.mean(result['spike_count'] > 3):.0%} of {n_cells} axons fire repetitively at 7 uA/cm2")

trace = hh.Trace("V", every=0.05)
example = hh.simulate("hodgkin_huxley", stimulus=current, t_stop=220.0, record=[trace])

figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), layout="constrained")
above.plot(example.time, example["V"][0], color="black", linewidth=1)
above.set(xlabel="time (ms)", ylabel="V (mV)", title="The standard axon")
points = below.scatter(parameters["g_Na"], parameters["g_K"], c=rate, s=4, cmap="viridis")
below.set(xlabel=r"$g_{Na}$ (mS/cm$^2$)", ylabel=r"$g_K$ (mS/cm$^2$)", title=f"Firing rate of {n_cells} axons")
figure.colorbar(points, label="rate (Hz)")
figure.savefig("many_axons.png", dpi=120)
print("drew many_axons.png")
