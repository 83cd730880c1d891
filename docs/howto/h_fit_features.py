"""
Fit a model to features
=======================

A cell fires at so many hertz under a known current, between two potentials: which conductances do that?
:func:`hhfast.fit` takes measured features with their errors, starts from many points at once, follows exact derivatives of the
periodic cell, and says how certain each number is. The data here are made with known conductances and errors of
measurement, so that one sees whether they are found.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

truth = {"g_Na": 110.0, "g_K": 30.0, "g_L": 0.35}
stimulus = hh.Step(amplitude=15.0)
made = hh.simulate(
    "hodgkin_huxley",
    truth,
    stimulus=stimulus,
    t_stop=2000.0,
    until="settled",
    record=[hh.Features(["rate", "V_peak", "V_trough"])],
)
errors = {"rate": 0.5, "V_peak": 0.5, "V_trough": 0.2}  # Hz, mV, mV
rng = np.random.default_rng(0)
measured = {name: made[name][0] + rng.normal(0.0, error) for name, error in errors.items()}
target = hh.FeatureTarget(measured, errors, t_stop=2000.0)

# %%
# Each free parameter within a range; the others are as given.

free = {"g_Na": (60, 180), "g_K": (15, 60)}
found = hh.fit("hodgkin_huxley", target, free, {"g_L": truth["g_L"]}, stimulus=stimulus, starts=8)
for name in free:
    print(f"{name} = {found.parameters[name][0]:.4g} +- {found.error[name][0]:.2g} mS/cm² (truth {truth[name]:g})")

# %%
# Residuals in standard errors, and where each start ended: all in one place.

picture = hh.plot_fit(found)

# %%
# From the shell it is one line::
#
#     hhfast fit hodgkin_huxley --current 15 --feature rate=82.7:0.5 --feature V_peak=26.8:0.5 --free g_Na=60:180 --free g_K=15:60
#
# Features of a run that is not periodic (latency, the shape of a spike) are ``FeatureTarget(..., until="t_stop")``.
#
# Without derivatives
# -------------------
#
# What a fit cannot follow downhill, as counts of spikes under several currents, a batch can search: draw, keep the best, draw
# around them. A few hundred candidates cost little more than one.

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
        rtol=1e-5,
        record=[hh.Features(names)],
    )
    return (np.stack([r[name] for name in names], axis=-1) / scales).reshape(n, -1)


goal = features({name: np.array([v]) for name, v in truth.items()})[0]
low, high = np.array([60.0, 15.0, 0.1]), np.array([180.0, 60.0, 1.0])
candidates = rng.uniform(low, high, (600, 3))
history = []
for generation in range(8):
    tried = features(dict(zip(truth, candidates.T, strict=True)))
    distance = np.sqrt(np.mean((np.nan_to_num(tried, nan=1e3) - goal) ** 2, axis=1))
    best = candidates[np.argsort(distance)[:30]]
    history.append(best)
    print(f"generation {generation}: best {distance.min():.3f}, spread {best.std(axis=0).round(3)}")
    spread = np.cov(best.T) * 2 + np.diag((1e-4 * (high - low)) ** 2)
    candidates = np.clip(rng.multivariate_normal(best.mean(axis=0), spread, 600), low, high)

# %%
# The thirty best of each generation; the lines are the true values.

figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for k, (axes, (name, true)) in enumerate(zip(panels, truth.items(), strict=True)):
    for g, best in enumerate(history):
        axes.scatter(np.full(len(best), g), best[:, k], s=6, color="C0", alpha=0.5)
    axes.axhline(true, color="C1", linewidth=1)
    axes.set(xlabel="generation", title=f"${name[0]}_{{{name[2:]}}}$ (mS/cm²)")
