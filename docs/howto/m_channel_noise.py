"""
Channel noise
=============

A patch of squid axon has 60 sodium and 18 potassium channels per square micrometre, and each opens and closes at random. The smaller the
patch, the less reliable its spikes: near threshold a pulse fires only in some trials, at times that jitter, and small patches fire
without any current. ``channel_noise="diffusion"`` adds fluctuations with the variances and correlations of the channels;
``"markov"`` follows every transition of every channel, which is exact and slower.
"""

import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

fixed = {"integrator": "exp_euler", "dt": 0.01}
areas, amplitudes, trials = [50.0, 500.0, 5000.0], np.linspace(2.0, 14.0, 13), 100  # um2; uA/cm2
area, amplitude, _ = (a.ravel() for a in np.meshgrid(areas, amplitudes, np.arange(trials), indexing="ij"))
pulses = hh.simulate(
    "hodgkin_huxley",
    {"count_Na": 60 * area, "count_K": 18 * area},
    stimulus=hh.Pulse(amplitude=amplitude, start=2.0, width=1.0),
    channel_noise="diffusion",
    initial="rest",
    t_stop=10.0,
    **fixed,
)
found = hh.trial_statistics(pulses, trials, window=(2.0, 10.0))

# %%
# The firing efficiency rises from 0 to 1 over a range of currents that is the wider, the smaller the patch; above it, the first spike
# jitters less in large patches.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
shape = (len(areas), len(amplitudes))
for row, size in enumerate(areas):
    left.plot(amplitudes, found.efficiency.reshape(shape)[row], "o-", markersize=4, label=f"{size:g} um2")
    right.semilogy(amplitudes, found.jitter.reshape(shape)[row], "o-", markersize=4)
left.set(xlabel="amplitude of a pulse of 1 ms (uA/cm2)", ylabel="firing efficiency")
left.legend(fontsize=8)
right.set(xlabel="amplitude (uA/cm2)", ylabel="jitter of the first spike (ms)")

# %%
# Without any current: the rate of spontaneous spikes against the area, by diffusion and by every transition. The Markov chain takes
# fewer and smaller patches here, as its time grows with the number of channels.

figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
for kind, sizes, cells, duration in (
    ("diffusion", [5, 10, 20, 50, 100, 200], 40, 500.0),
    ("markov", [5, 10, 20], 8, 500.0),
):
    size = np.repeat(np.array(sizes, float), cells)
    spontaneous = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": 60 * size, "count_K": 18 * size},
        channel_noise=hh.ChannelNoise(kind, seed=1),
        t_stop=duration,
        record=[hh.SpikeCount()],
        **fixed,
    )
    counts = spontaneous.spike_count.reshape(len(sizes), cells)
    rate, error = 1000 * counts.mean(axis=1) / duration, 1000 * counts.std(axis=1, ddof=1) / np.sqrt(cells) / duration
    axes.errorbar(sizes, rate, error, fmt="o-" if kind == "diffusion" else "s", capsize=3, label=kind)
    print(kind, dict(zip(sizes, np.round(rate, 1), strict=True)))
axes.set(xlabel="area (um2)", ylabel="spontaneous rate (Hz)", xscale="log")
axes.legend(fontsize=8)
