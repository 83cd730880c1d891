"""
From ModelDB to a scan of 100,000 cells
=======================================

In ten minutes, most of which you read: a channel that someone published for NEURON, as a ``.mod`` file, becomes a part of a model, with the
proof that it says the same; then 100,000 cells are simulated, with more or less of it. Here the file is written by the script, a slow
potassium current; yours is downloaded.
"""

from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

folder = Path(mkdtemp())
(folder / "kslow.mod").write_text("""
TITLE slow potassium current
NEURON {
    SUFFIX kslow
    USEION k READ ek WRITE ik
    RANGE gbar
}
PARAMETER { gbar = 0.002 (S/cm2) }
STATE { p }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) pinf ptau (ms) }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar * p * (v - ek)
}
INITIAL { rates(v) p = pinf }
DERIVATIVE states { rates(v) p' = (pinf - p) / ptau }
PROCEDURE rates(v (mV)) {
    pinf = 1 / (1 + exp(-(v + 35) / 10))
    ptau = 1000 / (3.3 * (exp((v + 35) / 20) + exp(-(v + 35) / 20)))
}
""")

# %%
# Nothing in the file is executed. Its own equations, carried out apart from the translation, are compared with the model each time.

imported = hh.import_nmodl(folder / "kslow.mod")
print(imported.report())

# %%
# What came of it: formulas as the author wrote them, units as hhfast has them.

print(imported.text)

# %%
# Give the current to the squid axon, and simulate it with 400 conductances of the new current at 250 currents of the electrode: a
# second or two on each core. The more of it there is, the sooner the train of spikes ends.

current = imported.model.channels[0]
axon = hh.models["hodgkin_huxley"].with_channel(current)
g, amplitude = np.meshgrid(np.linspace(0, 4, 400), np.linspace(5, 45, 250))
r = hh.simulate(
    axon,
    {f"g_{current.name}": g.ravel(), f"E_{current.name}": -77.0},
    stimulus=hh.Step(amplitude=amplitude.ravel(), start=5.0),
    t_stop=105.0,
    record=[hh.Features(["spike_count"])],
)
print(f"{r.status.size:,} cells, {np.count_nonzero(r.status)} of them given up")

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
mesh = axes.pcolormesh(g, amplitude, r["spike_count"].reshape(g.shape), cmap="viridis")
figure.colorbar(mesh, label="spikes in 100 ms")
axes.set(xlabel="conductance of the imported current (mS/cm²)", ylabel="current of the electrode (µA/cm²)")

# %%
# A whole cell from several files, then a sweep file that scans it, from the shell::
#
#     hhfast import na.mod kdr.mod ka.mod -o cell.toml --report channels.png
#     hhfast run scan.toml -o scan.h5       # with model = "cell.toml"
#
# ``examples/from_modeldb.py`` does so for a file with all three currents of the squid axon. NeuroML2 goes in the same way. Needs
# ``pip install "hhfast[import]"``.
