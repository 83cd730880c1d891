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
    left.plot(amplitudes, found.efficiency.reshape(shape)[row], "o-", markersize=4, label=f"{size:g} µm²")
    right.semilogy(amplitudes, found.jitter.reshape(shape)[row], "o-", markersize=4)
left.set(xlabel="amplitude of a pulse of 1 ms (µA/cm²)", ylabel="firing efficiency")
left.legend(fontsize=8)
right.set(xlabel="amplitude (µA/cm²)", ylabel="jitter of the first spike (ms)")

# %%
# Without any current: the rate of spontaneous spikes against the area, by diffusion and by every transition. The Markov chain takes
# fewer and smaller patches here, as its time grows with the number of channels. Black: the program published with
# Goldwyn & Shea-Brown 2011 (PLoS Comput Biol 7:e1002247; its Python version, ModelDB 144499), run with its own Markov chain: 24 to 60
# patches for 400 ms. It has the sodium reversal potential 120 mV above rest, so we take 55 mV, too.

published = {
    2: (52.2, 0.6),
    5: (45.9, 0.6),
    10: (41.2, 0.6),
    20: (34.5, 0.5),
    50: (23.9, 1.0),
    100: (11.9, 0.7),
}  # um2: Hz
figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
for kind, sizes, cells, duration in (
    ("diffusion", [2, 5, 10, 20, 50, 100, 200], 40, 500.0),
    ("markov", [2, 5, 10, 20], 8, 500.0),
):
    size = np.repeat(np.array(sizes, float), cells)
    spontaneous = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": 60 * size, "count_K": 18 * size, "E_Na": 55.0, "E_L": -54.4},
        channel_noise=hh.ChannelNoise(kind, seed=1),
        t_stop=duration,
        record=[hh.SpikeCount()],
        **fixed,
    )
    counts = spontaneous.spike_count.reshape(len(sizes), cells)
    rate, error = 1000 * counts.mean(axis=1) / duration, 1000 * counts.std(axis=1, ddof=1) / np.sqrt(cells) / duration
    axes.errorbar(sizes, rate, error, fmt="o-" if kind == "diffusion" else "s", capsize=3, label=kind)
    print(kind, dict(zip(sizes, np.round(rate, 1).tolist(), strict=True)))
rates, errors = zip(*published.values(), strict=True)
axes.errorbar(list(published), rates, errors, fmt="kx", capsize=3, label="published program", zorder=3)
axes.set(xlabel="area (µm²)", ylabel="spontaneous rate (Hz)", xscale="log")
axes.legend(fontsize=8)

# %%
# Where cells choose their own steps (``tsit5``, the default, or ``rodas4`` for stiff models) the noise is renewed every ``dt``, and V is
# solved to tolerance in between: the same seed gives the same course at any tolerance.
#
# ``repeated_trials`` makes the trials and their statistics in one call (``hhfast trials`` in a shell, ``kind = "repeated_trials"`` in a
# sweep file); the picture has a row for each trial.

counts = {"count_Na": [6e3, 6e4], "count_K": [1.8e3, 1.8e4]}
pulse = {"amplitude": 9.0, "start": 2.0, "width": 1.0, "t_stop": 10.0}
repeated = hh.repeated_trials("hodgkin_huxley", counts, **pulse, trials=60, sigma=0.5, dt=0.02)
hh.plot_trials(repeated, labels=["100 µm²", "1000 µm²"])
