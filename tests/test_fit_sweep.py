"""Fits as sweeps: each target a row, in any batches, as `hh.fit` finds them; files of targets; one line for mistakes."""

import h5py
import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.errors import InputError

TRUE = {"g_Na": np.array([100.0, 120.0, 140.0]), "g_K": np.array([30.0, 36.0, 40.0])}
FREE = {"g_Na": (60, 200), "g_K": (15, 80)}
STEP = hh.Step(amplitude=12.0, start=2.0, stop=14.0)
FIT = """\
model = "hodgkin_huxley"
rows_per_batch = {rows}
[stimulus]
kind = "step"
amplitude = 12.0
start = 2.0
stop = 14.0
[analysis]
kind = "fit"
free = {{ g_Na = [60, 200], g_K = [15, 80] }}
starts = 2
[analysis.target]
{target}
"""


@pytest.fixture(scope="module")
def recorded():
    return hh.simulate("hodgkin_huxley", TRUE, stimulus=STEP, t_stop=25.0, rtol=1e-9,
                       record=[hh.Trace("V", every=0.1), hh.Spikes()])  # fmt: skip


def write(path, names, columns):
    rows = (",".join(f"{value:.17g}" for value in row) for row in zip(*columns, strict=True))
    path.write_text("\n".join([",".join(names), *rows]) + "\n")


def fitted(folder, target, rows=8, old="", new=""):
    """The variables of a finished run."""
    (folder / "fit.toml").write_text(FIT.format(rows=rows, target=target).replace(old, new))
    result = hhfast("run", folder / "fit.toml", "-o", folder / "fit.h5", "--fresh")
    assert result.exit_code == 0, result.output
    with h5py.File(folder / "fit.h5") as file:
        return {name: dataset[...] for name, dataset in file.items()}


def test_traces_are_fitted_in_any_batches_as_by_the_function(tmp_path, recorded):
    write(tmp_path / "rec.csv", ("time", "a", "b", "c"), (recorded.time, *recorded["V"]))
    whole = fitted(tmp_path, 'file = "rec.csv"')
    for name, values in TRUE.items():
        np.testing.assert_allclose(whole[name], values, rtol=1e-5)
    assert (whole["analysis_status"] == 0).all()
    assert (whole["rms"] < 1e-4).all()
    np.testing.assert_array_equal(whole["target"], [0, 1, 2])
    single = fitted(tmp_path, 'file = "rec.csv"', rows=1)
    for name, values in whole.items():
        np.testing.assert_array_equal(single[name], values, err_msg=name)
    plain = hh.fit("hodgkin_huxley", hh.TraceTarget(recorded["V"], 0.1), FREE, stimulus=STEP, starts=2)
    for name in FREE:
        np.testing.assert_allclose(plain.parameters[name], whole[name], rtol=1e-9)
        np.testing.assert_allclose(plain.error[name], whole[f"{name}_error"], rtol=1e-6)
    assert "fit, tsit5" in hhfast("info", tmp_path / "fit.h5").output
    assert "holds an analysis (fit)" in refused("trace", tmp_path / "fit.h5", "--row", 0)


def test_trains_of_other_lengths_do_not_change_a_row(tmp_path, recorded):
    """Two trains, one cut after its first spike; its numbers are those of a file that has it alone."""
    times = recorded.spike_times[:2]
    assert [len(train) for train in times] == [1, 1]
    write(tmp_path / "trains.csv", ("cell", "spike_time"), ([0, 1, 1], [times[0][0], times[1][0], 22.0]))
    one = ("free = { g_Na = [60, 200], g_K = [15, 80] }", "free = { g_K = [15, 80] }")
    both = fitted(tmp_path, 'file = "trains.csv"\nt_stop = 25.0', 8, *one)
    np.testing.assert_array_equal(both["target"], [0, 1])
    single = fitted(tmp_path, 'file = "trains.csv"\nt_stop = 25.0', 1, *one)
    for name, values in both.items():
        np.testing.assert_array_equal(single[name], values, err_msg=name)


def test_features_with_a_parameter_and_a_current_of_each_target(tmp_path):
    """Measured rates and troughs of three axons, each at its own current and temperature."""
    own = {"amplitude": np.array([12.0, 15.0, 18.0]), "celsius": np.array([6.3, 7.3, 8.3])}
    made = hh.simulate("hodgkin_huxley", {"g_K": TRUE["g_K"], "celsius": own["celsius"]}, until="settled",
                       stimulus=hh.Step(amplitude=own["amplitude"]), t_stop=2000.0,
                       record=[hh.Features(("rate", "V_trough"))], rtol=1e-9)  # fmt: skip
    write(tmp_path / "cells.csv", ("rate", "V_trough", "rate_error"), (made["rate"], made["V_trough"], [0.5] * 3))
    write(
        tmp_path / "rows.csv",
        ("target", "celsius", "stimulus.amplitude"),
        ([0, 1, 2], own["celsius"], own["amplitude"]),
    )
    text = 'file = "cells.csv"\nerrors = { V_trough = 0.2 }\nt_stop = 2000.0\n[table]\nfile = "rows.csv"'
    changed = FIT.replace("free = {{ g_Na = [60, 200], g_K = [15, 80] }}", "free = {{ g_K = [20, 60] }}")
    changed = changed.replace("amplitude = 12.0\nstart = 2.0\nstop = 14.0\n", "")
    (tmp_path / "fit.toml").write_text(changed.format(rows=2, target=text))
    assert hhfast("run", tmp_path / "fit.toml", "-o", tmp_path / "fit.h5").exit_code == 0
    with h5py.File(tmp_path / "fit.h5") as file:
        np.testing.assert_allclose(file["g_K"], TRUE["g_K"], rtol=1e-5)
    target = hh.FeatureTarget(
        {"rate": made["rate"], "V_trough": made["V_trough"]}, {"rate": 0.5, "V_trough": 0.2}, 2000.0
    )
    found = hh.fit("hodgkin_huxley", target, {"g_K": (20, 60)}, {"celsius": own["celsius"]}, starts=2,
                   stimulus=hh.Step(amplitude=own["amplitude"]))  # fmt: skip
    np.testing.assert_allclose(found.parameters["g_K"], TRUE["g_K"], rtol=1e-5)
    params, stimulus = found.run(2)
    assert (params["celsius"], stimulus.parts[0][1]["amplitude"]) == (8.3, 18.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("g_Na = [60", "g_Nab = [60", "analysis.free of model hodgkin_huxley: unknown parameter 'g_Nab'; did you mean 'g_Na'"),
        ("[60, 200]", "[200, 60]", "analysis.free: g_Na = 200, 60: give two numbers, the smaller one first"),
        ("{ g_Na = [60, 200], g_K = [15, 80] }", "{}", "analysis.free: is empty"),
        ("[analysis]", "[parameters]\ng_K = 3.0\n[analysis]", "analysis.free: 'g_K' is also among params"),
        ("starts = 2", "starts = 0", "analysis.starts = 0: must be a whole number from 1"),
        ("starts = 2", "start = 2", "analysis.start: unknown option of fit 'start'; did you mean 'starts'"),
        ("starts = 2", "tol = 2", "analysis.tol = 2: must be below 1"),
        ('file = "rec.csv"', 'file = "none.csv"', "none.csv: cannot be read"),
        ('file = "rec.csv"', "file = 3", "analysis.target.file: is 3"),
        ('file = "rec.csv"', 'file = "rec.csv"\nV = [1]', "analysis.target.V: is given, and so is file"),
        ('file = "rec.csv"', "V = [[-65, -64]]", "analysis.target.every: is missing"),
        ('file = "rec.csv"', "V = [[-65, -64], [-65]]\nevery = 1", "analysis.target: V: is no array of numbers"),
        ('file = "rec.csv"', "V = [[-65, -64]]\nevery = -1", "analysis.target: every = -1"),
        ('file = "rec.csv"', "times = [5.0]", "analysis.target.t_stop: is missing"),
        ('file = "rec.csv"', "values = { rat = 60 }\nerrors = { rat = 1 }", "unknown feature 'rat'; did you mean 'rate'"),
        ('file = "rec.csv"', "evry = 3", "analysis.target: give one of file, V"),
        ('file = "rec.csv"', "V = [[-65, -64]]\nevry = 1", "unknown key 'evry'; did you mean 'every'"),
        ('file = "rec.csv"', "V = [[-65, -64]]\nevery = 1\n[axes]\ng_K = { values = [3] }", "'g_K' is also among params"),
        ('file = "rec.csv"', 'file = "rec.csv"\n[axes]\ntarget = { values = [0, 2] }', "axes.target: must be numbers from 0 to 1"),
        ('file = "rec.csv"', 'file = "rec.csv"\n[sample]\nmethod = "sobol"\nn = 4\ng_L = { uniform = [0.1, 1] }', "analysis.target: there are 2"),
    ],
)  # fmt: skip
def test_mistakes_in_a_file_give_one_line(tmp_path, old, new, message):
    write(tmp_path / "rec.csv", ("time", "a", "b"), ([0.0, 1.0, 2.0], [-65.0, -64.0, -63.0], [-65.0, -66.0, -67.0]))
    text = FIT.format(rows=8, target='file = "rec.csv"')
    assert old in text
    (tmp_path / "fit.toml").write_text(text.replace(old, new, 1))
    line = refused("run", tmp_path / "fit.toml", "-o", tmp_path / "fit.h5")
    assert message in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,V\n0,-65\n1,-64\n3,-63\n", "evenly spaced from time 0"),
        ("a,b,c\n0,1,2\n", "it needs two, time and V"),
        ("cell,spike_time,x\n0,1,2\n", "spike times of several cells are cell and spike_time"),
        ("rate_error,V_rest\n1,2\n", "has a column rate_error, and none of rate"),
        ("cell,time,V\n0,0,-65\n0,1,-64\n1,0,-65\n", "samples at different times"),
    ],
)
def test_files_that_hold_no_target(tmp_path, text, message):
    (tmp_path / "rec.csv").write_text(text)
    (tmp_path / "fit.toml").write_text(FIT.format(rows=8, target='file = "rec.csv"'))
    assert message in refused("run", tmp_path / "fit.toml")


def test_a_sweep_in_python_takes_the_target_itself():
    """Its spec is plain data; a sample that is unknown stays so; features of one's own are in no file."""
    V = np.array([-65.0, np.nan, -63.0])
    analysis = {"kind": "fit", "target": hh.TraceTarget(V, 0.5), "free": {"g_Na": [60, 200]}}
    sweep = hh.Sweep("hodgkin_huxley", hh.Grid.of({"g_K": [30.0, 36.0]}), 10.0, analysis=analysis, stimulus=STEP)
    assert sweep.space.shape == (2, 1)
    assert sweep.canonical["analysis"]["target"] == {"V": [[-65.0, None, -63.0]], "every": 0.5}
    assert '"V": [[-65.0, null, -63.0]]' in sweep.text
    own = hh.Feature("1", "spikes", ("count",), lambda values: values["spikes"], name="V_span")
    with pytest.raises(InputError, match="'V_span' is a feature of your own"):
        hh.Sweep("hodgkin_huxley", hh.Grid.of({"g_K": [30.0]}), 10.0,
                 analysis=analysis | {"target": hh.FeatureTarget({own: 1.0}, {own: 1.0}, until="t_stop")})  # fmt: skip
