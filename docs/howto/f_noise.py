"""
Noise, and how irregular it makes a neuron
==========================================

An Ornstein-Uhlenbeck current with a mean. Its realisation depends on seed, cell and time alone: the same for any step size,
integrator or number of threads. So the coefficient of variation of the intervals (CV) can be computed again, more finely, by
anyone.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

sigmas = np.linspace(0.0, 8.0, 9)  # uA/cm2
means = np.array([4.0, 7.0, 12.0])
repeats = 8  # cells with the same parameters and different noise
mean, sigma, _ = (a.ravel() for a in np.meshgrid(means, sigmas, np.arange(repeats), indexing="ij"))
r = hh.simulate(
    "hodgkin_huxley",
    stimulus=hh.Noise(sigma=sigma, tau=2.0, mean=mean, seed=1),
    t_stop=2000.0,
    record=[hh.Features(["rate", "isi_cv"], window=(100.0, 2000.0))],
)

# %%
# The cells in order are mean, sigma, repetition; average over the last, leaving out those that have no CV.


def average(name):
    """(means, sigmas) the mean over repetitions."""
    values = np.ma.masked_invalid(r[name].reshape(len(means), len(sigmas), repeats))
    return values.mean(axis=-1)


rate, cv = average("rate"), average("isi_cv")
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for k, m in enumerate(means):
    left.plot(sigmas, rate[k], "o-", label=f"{m:g} µA/cm²")
    right.plot(sigmas, cv[k], "o-")
left.set(xlabel="σ of the noise (µA/cm²)", ylabel="rate (Hz)")
right.set(xlabel="σ of the noise (µA/cm²)", ylabel="CV of the intervals", ylim=(0, 1.1))
left.legend(title="mean current")
