"""
A million rows to Parquet, and a corner plot
============================================

Sweep four parameters by a Sobol sequence, export the rows to Parquet, and look at all pairs of them at once. Here with
2,048 rows; a million differ in ``n`` alone.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import hhfast as hh

folder = Path(tempfile.mkdtemp())
file = folder / "scan.toml"
file.write_text("""
model = "hodgkin_huxley"
t_stop = 150.0

[stimulus]
kind = "step"
amplitude = 8.0
start = 10.0

[sample]
method = "sobol"
n = 2048            # 1_000_000
seed = 1
g_Na = { uniform = [60, 180] }
g_K = { uniform = [18, 54] }
g_L = { loguniform = [0.1, 1.0] }
C_m = { uniform = [0.7, 1.3] }

[record]
features = ["spike_count", "rate", "latency", "V_max"]
window = [50.0, 150.0]
""")
sweep = hh.Sweep.from_toml(file)
result = sweep.run(folder / "scan.h5", progress=False)
print(f"{result.stat().st_size / 1e6:.2f} MB for {sweep.space.n_rows} rows")

# %%
# From the shell it is ``hhfast run scan.toml -o scan.h5`` (``--dry-run`` says beforehand how long it takes, and how large the
# result will be) and ``hhfast export scan.h5 scan.parquet``.

hh.to_parquet(result, folder / "scan.parquet")
rows = pd.read_parquet(folder / "scan.parquet")
print(rows.describe().T[["min", "mean", "max"]].round(3))

# %%
# A corner plot: each pair of parameters, coloured by the firing rate, and on the diagonal how firing (blue) and silent cells are
# distributed. For millions of rows replace the scatter by ``axes.hexbin(x, y, C=rate)``; ``hhfast select`` draws such a picture of the
# rows that meet criteria, and :func:`hhfast.plot_population` does so in Python.

names = ["g_Na", "g_K", "g_L", "C_m"]
labels = {name: f"${name[0]}_{{{name[2:]}}}$" for name in names}
rate = rows["rate"].to_numpy()
order = np.argsort(rate)
figure, grid = plt.subplots(4, 4, figsize=(8, 7.6), layout="constrained")
for i, y in enumerate(names):
    for j, x in enumerate(names):
        axes = grid[i, j]
        if j > i:
            axes.axis("off")
            continue
        if i == j:
            axes.hist([rows[x][rate == 0], rows[x][rate > 0]], bins=20, stacked=True, color=["0.8", "C0"])
            axes.set_yticks([])
        else:
            drawn = axes.scatter(rows[x].iloc[order], rows[y].iloc[order], c=rate[order], s=2, cmap="viridis")
        if i == 3:
            axes.set_xlabel(labels[x])
        if j == 0 and i > 0:
            axes.set_ylabel(labels[y])
figure.colorbar(drawn, ax=grid[:2, 2:], label="rate (Hz)", shrink=0.8)
