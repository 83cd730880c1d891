"""From a channel file of NEURON to a scan: squid.mod is imported, proven against itself, and 4,096 axons are simulated.

Files of ModelDB go in the same way: `hhfast import na.mod kdr.mod -o cell.toml` writes the model file that a
sweep takes. With 320 values on each axis instead of 64 this is a scan of 10^5 cells.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import hhfast as hh

imported = hh.import_nmodl(Path(__file__).with_name("squid.mod"))
print(imported.report())

# Currents of the file: squid_na, squid_k, squid_l; so its conductances, in mS/cm2, are these.
n = 64
g_Na, g_K = np.meshgrid(np.linspace(60.0, 180.0, n), np.linspace(10.0, 70.0, n))
cells = {"g_squid_na": g_Na.ravel(), "g_squid_k": g_K.ravel()}
result = hh.simulate(
    imported.model,
    cells,
    stimulus=hh.Step(amplitude=10.0),
    t_stop=100.0,
    record=[hh.SpikeCount()],
    integrator="exp_euler",
)
count = result["spike_count"].reshape(n, n)
print(f"{(count >= 3).sum()} of {count.size} axons fire three times or more in 100 ms")

figure = Figure(figsize=(5.5, 4.2), layout="constrained", dpi=150)
axes = figure.add_subplot()
mesh = axes.pcolormesh(g_Na, g_K, count, cmap="viridis")
figure.colorbar(mesh, label="spikes in 100 ms")
axes.set_xlabel("sodium conductance (mS/cm²)")
axes.set_ylabel("potassium conductance (mS/cm²)")
figure.savefig("from_modeldb.png")
print("drew from_modeldb.png")
