"""
Simulation-based inference
==========================

Not one set of conductances, but all that are compatible with a recording: a posterior. Packages for simulation-based inference ask for
a simulator, a function from an array of parameters to an array of features. :class:`hhfast.BatchedSimulator` is one, for a whole
batch in each call.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

prior = {"g_Na": (80.0, 160.0), "g_K": (20.0, 52.0), "g_L": (0.1, 0.5)}  # mS/cm2, uniform
space = hh.Sample("random", 1, {name: hh.Distribution("uniform", ends) for name, ends in prior.items()})
sweep = hh.Sweep(
    "hodgkin_huxley",
    space,  # says what theta is: the names, in this order
    220.0,
    stimulus=hh.Step(amplitude=10.0, start=20.0),
    record=hh.Record(features=("rate", "latency", "V_max", "V_min")),
)
simulator = hh.BatchedSimulator(sweep)

# %%
# Parameters in, (n, 3); features out, (n, 4). A row that cannot be simulated, or has no such feature, is NaN.

truth = np.array([120.0, 36.0, 0.3])
recorded = simulator([truth])[0]
print(dict(zip(["rate", "latency", "V_max", "V_min"], recorded.round(3), strict=True)))

# %%
# The plainest inference: draw from the prior, and keep what comes close, each feature in units of its own spread.

low, high = np.array(list(prior.values())).T
theta = np.random.default_rng(1).uniform(low, high, (20_000, 3))
x = simulator(theta)
usable = np.isfinite(x).all(axis=1)  # a silent cell has no latency
theta, x = theta[usable], x[usable]
scale = np.median(np.abs(x - np.median(x, axis=0)), axis=0)
near = np.argsort(np.linalg.norm((x - recorded) / scale, axis=1))[:200]
posterior = theta[near]
print("mean:", posterior.mean(axis=0).round(2), " standard deviation:", posterior.std(axis=0).round(2))

# %%
# Crosses are the truth. Conductances that compensate each other lie along lines: together they are known well, alone they are not.

figure, panels = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for axes, (i, j) in zip(panels, [(0, 1), (0, 2), (1, 2)], strict=True):
    axes.plot(posterior[:, i], posterior[:, j], ".", markersize=3)
    axes.plot(truth[i], truth[j], "+", color="black", markersize=12, markeredgewidth=2)
    names = [f"${name[0]}_{{{name[2:]}}}$ (mS/cm²)" for name in prior]
    axes.set(xlabel=names[i], ylabel=names[j], xlim=(low[i], high[i]), ylim=(low[j], high[j]))

# %%
# With the package `sbi <https://sbi-dev.github.io/sbi>`_, a neural posterior is trained with the same simulator::
#
#     prior = BoxUniform(low=torch.tensor(low), high=torch.tensor(high))
#     theta = prior.sample((20_000,))
#     x = torch.as_tensor(simulator(theta), dtype=torch.float32)
#     inference = NPE(prior=prior)
#     inference.append_simulations(theta, x).train()
#     samples = inference.build_posterior().sample((10_000,), x=torch.as_tensor(recorded, dtype=torch.float32))
#
# ``examples/inference_sbi.py`` has both in full. For millions of draws, run the sweep into a file (``[sample]``) and read the
# features with :func:`hhfast.to_pandas`: it survives what kills a notebook.
