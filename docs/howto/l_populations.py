"""
A population: scan, select, scan again
======================================

Which of many neurons fire at 40 to 80 Hz? :func:`hhfast.select` counts what each criterion lets pass, and what is left is a table that
the next sweep takes: so several experiments, one after another, make a population.
"""

import tempfile
from pathlib import Path

import hhfast as hh

folder = Path(tempfile.mkdtemp())
space = hh.Sample("sobol", 4096, {
    "g_Na": hh.Distribution("uniform", (60, 180)),
    "g_K": hh.Distribution("uniform", (15, 60)),
    "g_L": hh.Distribution("loguniform", (0.1, 1.0)),
})  # fmt: skip
record = hh.Record(features=("spike_count", "rate", "latency", "V_max"))
step = {"kind": "step", "amplitude": 10.0, "start": 20.0}
hh.Sweep("hodgkin_huxley", space, 220.0, stimulus=step, record=record).run(folder / "scan.h5", progress=False)

# %%
# Each criterion by itself, and all together.

chosen = hh.select(folder / "scan.h5", "40 < rate < 80 and V_max > 20")
for criterion, passed in zip(chosen.criteria, chosen.passed, strict=True):
    print(f"{criterion:20s} {passed:5d} of {chosen.n_rows}")
print(f"{100 * chosen.acceptance:.1f} % meet all")
picture = hh.plot_population(chosen)

# %%
# The population under another current.

table = chosen.save(folder / "population.csv")
weak = {"kind": "step", "amplitude": 4.0, "start": 20.0}
hh.Sweep("hodgkin_huxley", hh.Table.open(table), 220.0, stimulus=weak, record=record).run(
    folder / "weak.h5", progress=False
)
silent = hh.select(folder / "weak.h5", "spike_count == 0")
print(f"{len(silent)} of {silent.n_rows} are silent at 4 µA/cm²")
