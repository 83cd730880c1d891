"""A user's script: a type checker finds nothing wrong with it, and knows what everything is."""

from pathlib import Path
from typing import assert_type

import numpy as np

import hhfast as hh

cells = {"g_Na": np.linspace(80.0, 160.0, 4), "g_K": 36.0}
current: hh.Stimulus = hh.Step(amplitude=10.0, start=5.0) + hh.Noise(sigma=1.0, tau=2.0)
result = hh.simulate(
    "hodgkin_huxley", cells, stimulus=current, t_stop=20.0, integrator="exp_euler", initial="rest",
    record=[
        hh.Spikes(), hh.SpikeCount(), hh.Trace("V", every=0.5), hh.Final(),
        hh.Features(["latency"]),
    ],
)  # fmt: skip
assert_type(result, hh.Result)
print(result.spike_count.sum(), result["V"].shape, [len(times) for times in result.spike_times])

model = hh.models["wang_buzsaki"]
assert_type(model, hh.Model)
print(hh.simulate(model.without_channel("K"), t_stop=1.0, record=[hh.Final()]).status)
print(hh.integrators["tsit5"].order + 1)

threshold = hh.find_rheobase("hodgkin_huxley", width=1.0, tol=1e-2)
assert_type(threshold, hh.Rheobase)
print(threshold.amplitude.max(), hh.AnalysisStatus(threshold.status[0]).name)
assert_type(hh.fi_curve("hodgkin_huxley", [5.0, 10.0], t_stop=300.0), hh.FICurve)

grid = hh.Grid.of({"g_Na": [100.0, 120.0], "stimulus.amplitude": [0.0, 10.0]})
sweep = hh.Sweep("hodgkin_huxley", grid, 20.0, stimulus={"kind": "step"})  # type: ignore[arg-type]  # tables are right, too; to be declared so
out = sweep.run("scan.h5", progress=False)
assert_type(out, Path)
print(hh.open_results(out))
try:
    hh.models["hodgkin_huxly"]
except hh.UnknownName as error:
    print(error)
assert_type(hh.__version__, str)
