"""
Fit a recorded trace
====================

Which conductances made this trace? :func:`hhfast.fit` starts from many points at once and follows exact derivatives downhill, so that
a fit takes seconds, and says how certain each number is. The recording here is made with known conductances and noise.
"""

import numpy as np

import hhfast as hh

stimulus = hh.Step(amplitude=12.0, start=2.0, stop=14.0) + hh.Step(amplitude=20.0, start=40.0, stop=50.0)
truth = {"g_Na": 110.0, "g_K": 33.0}
made = hh.simulate("hodgkin_huxley", truth, stimulus=stimulus, t_stop=60.0, record=[hh.Trace("V", every=0.05)])
recording = made["V"] + np.random.default_rng(0).normal(0.0, 1.0, made["V"].shape)

# %%
# Steps below and above threshold say most; a range whose ends are far apart is searched by ratios.

free = {"g_Na": (40, 300), "g_K": (10, 100), "g_L": (0.05, 1.0)}
found = hh.fit("hodgkin_huxley", hh.TraceTarget(recording, every=0.05), free, stimulus=stimulus)
for name in free:
    print(f"{name} = {found.parameters[name][0]:.4g} +- {found.error[name][0]:.2g} mS/cm²")

# %%
# From one trace of 60 ms each, with noise of 0.5 mV, of two depolarising steps and a hyperpolarising one between them, the three
# conductances of 100 random axons come back to 1 %; from one step of 12 ms no method could do that.
#
# No method can be more certain than the derivatives allow (Cramer and Rao): with noise of 1 mV, the inverse of J'J is the smallest
# covariance. Here the fit reaches it. So derivatives tell, before an experiment, what a protocol can say: without its second step the
# same recording would leave one and a half to two times the error.

for t_stop in (60.0, 30.0):
    names = [f"dV_d{name}" for name in free]
    r = hh.simulate(
        "hodgkin_huxley",
        {name: found.parameters[name][0] for name in free},
        stimulus=stimulus,
        t_stop=t_stop,
        record=[hh.Trace(*names, every=0.05)],
        sensitivity=list(free),
    )
    J = np.column_stack([r[name][0] for name in names])
    print(f"{t_stop:g} ms:", *(f"{e:.2g}" for e in np.sqrt(np.diag(np.linalg.inv(J.T @ J)))))

# %%
# All starts that end at one point, and a residual that is the noise: a fit to believe.

picture = hh.plot_fit(found)

# %%
# A long train
# ------------
#
# A spike that is off by more than its width no longer feels the one that it should meet, so that a trace of many spikes has many local
# minima. Features have few. So fit features of the train first (:class:`hhfast.FeatureTarget`), then the trace, in ranges of 10 %
# around what came out.

step, stop = hh.Step(amplitude=12.0, start=5.0), 500.0
record = [hh.Features(["isi_mean", "V_max", "V_min"], window=(50.0, stop)), hh.Trace("V", every=0.1)]
made = hh.simulate("hodgkin_huxley", truth, stimulus=step, t_stop=stop, record=record)
train = hh.TraceTarget(made["V"] + np.random.default_rng(1).normal(0.0, 1.0, made["V"].shape), every=0.1)
measured = {"rate": 1000.0 / made["isi_mean"][0], "V_peak": made["V_max"][0], "V_trough": made["V_min"][0]}
errors = {"rate": 0.2, "V_peak": 0.5, "V_trough": 0.5}


def same_place(found):
    """How many starts ended at the best minimum."""
    return f"{np.sum(found.start_rms[0] < 1.01 * found.rms[0])} of {found.start_rms.shape[1]} starts"


print("the trace alone:", same_place(hh.fit("hodgkin_huxley", train, free, stimulus=step)))
first = hh.fit("hodgkin_huxley", hh.FeatureTarget(measured, errors), free, stimulus=step, starts=8)
near = {name: (0.9 * first.parameters[name][0], 1.1 * first.parameters[name][0]) for name in free}
print("after the features:", same_place(hh.fit("hodgkin_huxley", train, near, stimulus=step, starts=8)))

# %%
# From the shell, with a file of the columns time and V (as ``hhfast simulate --csv`` writes it, or an amplifier)::
#
#     hhfast fit hodgkin_huxley recording.csv --current 12 --start 2 --stop 14 --free g_Na=40:300 --free g_K=10:100 -o fit.png
#
# Many recordings are a sweep: each target is a row, computed in batches that survive an interruption. ``hhfast run fits.toml``::
#
#     model = "hodgkin_huxley"
#
#     [stimulus]
#     kind = "step"
#     amplitude = 12.0
#     start = 2.0
#     stop = 14.0
#
#     [analysis]
#     kind = "fit"
#     free = { g_Na = [40, 300], g_K = [10, 100] }
#     target = { file = "recordings.csv" }
#
# The file has ``time`` and one column for each recording. Spike times are ``cell`` and ``spike_time`` (then ``target`` needs a
# ``t_stop``, too); features have a row for each cell, ``rate, rate_error, V_trough, V_trough_error``, or one error for all,
# ``target = { file = "cells.csv", errors = { rate = 0.5 } }``. Without a file, ``V``, ``times`` or ``values`` stand in the table.
# What differs from recording to recording, a temperature or ``stimulus.amplitude``, is a ``[table]`` with a column ``target``.
# In Python it is the same table, or a target itself:

sweep = hh.Sweep(
    "hodgkin_huxley",
    hh.Grid(()),
    t_stop=60.0,
    stimulus=hh.Step(amplitude=12.0, start=2.0, stop=14.0),
    analysis={"kind": "fit", "target": hh.TraceTarget(recording, every=0.05), "free": {"g_Na": [40, 300]}},
)
print(sweep)

# %%
# The same derivatives are there for any run: how V and the spike times move with a conductance.

r = hh.simulate(
    "hodgkin_huxley",
    truth,
    stimulus=stimulus,
    t_stop=60.0,
    record=[hh.Spikes(), hh.Trace("V", "dV_dg_K", every=0.05)],
    sensitivity=["g_K"],
)
print("spikes at", r.spike_time, "ms; with each mS/cm² of g_K later by", r["spike_time_dg_K"], "ms")
