"""
Fit a model to features
=======================

Given a recording, which conductances reproduce it? A batch of a few hundred candidates costs little more than one, so a simple
method goes far: draw, keep the best, draw around them. The data here are made with known conductances, so that one sees
whether they are found.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

truth = {"g_Na": 110.0, "g_K": 30.0, "g_L": 0.35}
currents = np.array([8.0, 12.0, 20.0])
names = ["spike_count", "latency", "isi_mean", "V_max", "V_min"]
scales = np.array([1.0, 0.2, 0.5, 2.0, 1.0])  # a difference that matters, in each feature


def features(params):
    """(n, currents x features) for n parameter sets; NaN for what a silent cell has not."""
    n = len(params["g_Na"])
    r = hh.simulate(
        "hodgkin_huxley",
        {name: np.repeat(v, len(currents)) for name, v in params.items()},
        stimulus=hh.Step(amplitude=np.tile(currents, n), start=5.0),
        t_stop=105.0,
        integrator="tsit5",
        rtol=1e-5,
        record=[hh.Features(names)],
    )
    return (np.stack([r[name] for name in names], axis=-1) / scales).reshape(n, -1)


target = features({name: np.array([v]) for name, v in truth.items()})[0]

# %%
# Start from wide ranges; keep the best twentieth; draw the next candidates around them.

rng = np.random.default_rng(0)
low, high = np.array([60.0, 15.0, 0.1]), np.array([180.0, 60.0, 1.0])
candidates = rng.uniform(low, high, (600, 3))
history = []
for generation in range(8):
    found = features(dict(zip(truth, candidates.T, strict=True)))
    distance = np.sqrt(np.mean((np.nan_to_num(found, nan=1e3) - target) ** 2, axis=1))
    best = candidates[np.argsort(distance)[:30]]
    history.append(best)
    print(f"generation {generation}: best {distance.min():.3f}, spread {best.std(axis=0).round(3)}")
    spread = np.cov(best.T) * 2 + np.diag((1e-4 * (high - low)) ** 2)
    candidates = np.clip(rng.multivariate_normal(best.mean(axis=0), spread, 600), low, high)

# %%
figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for k, (axes, (name, true)) in enumerate(zip(panels, truth.items(), strict=True)):
    for g, best in enumerate(history):
        axes.scatter(np.full(len(best), g), best[:, k], s=6, color="C0", alpha=0.5)
    axes.axhline(true, color="C3", linewidth=1)
    axes.set(xlabel="generation", title=f"${name[0]}_{{{name[2:]}}}$ (mS/cm²)")

# %%
# The red lines are the true values. For posteriors instead of a point, give ``hh.BatchedSimulator`` to the ``sbi`` package
# (``examples/inference_sbi.py``); for a *trace* instead of features, record ``hh.Trace("V", every=0.5)`` and compare with the
# recording, sample by sample.
