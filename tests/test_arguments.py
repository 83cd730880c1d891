"""The Python API at its door: a wrong argument is one line that says what to give, whatever its type."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hhfast as hh

HH = "hodgkin_huxley"
GRID = hh.Grid.of({"g_Na": [100.0]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"t_stop": None}, "t_stop: is None"),
        ({"t_stop": "100 ms"}, "not a number"),
        ({"t_stop": [1, 2]}, "give one number"),
        ({"stimulus": 10}, r"give hhfast\.Step\(amplitude=10\)"),
        ({"stimulus": hh.Step}, r"call it, as Step\(\.\.\.\)"),
        ({"stimulus": "step"}, "of type str"),
        ({"record": "V"}, "'V' is no recorder"),
        ({"record": [hh.Spikes]}, "call it, as Spikes"),
        ({"record": None}, "no recorder"),
        ({"initial": 3}, "initial: is of type int"),
        ({"params": [1]}, "params: is of type list"),
        ({"params": {1: 2}}, "keys are names"),
        ({"params": {"g_Na": "100"}}, "not a number"),
        ({"params": {"g_Na": None}}, "g_Na: is None"),
        ({"params": {"g_Na": np.ma.array([1.0, 2.0], mask=[0, 1])}}, "masked array"),
        ({"params": {"g_Na": 1j}}, "not a number"),
        ({"params": {"g_Na": 10**400}}, "too large"),
        ({"params": {"g_Na": [[1.0]]}}, "2 dimensions"),
        ({"model": None}, "model: is None"),
        ({"threads": 1.5}, "whole number"),
        ({"dt": "x"}, "not a number"),
        ({"dtype": []}, "known: 'float64'"),
        ({"integrator": []}, "unknown integrator"),
        ({"method": 3}, "give a Method"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
@pytest.mark.core
def test_simulate(wrong, message):
    given = {"model": HH, "params": None, "t_stop": 1.0} | wrong
    with pytest.raises(hh.InputError, match=message) as caught:
        hh.simulate(given.pop("model"), given.pop("params"), **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.Trace("V", every="x"), "Trace: every"),
        (lambda: hh.Trace(3), "no name of a variable"),
        (lambda: hh.Spikes(threshold="x"), "Spikes: threshold"),
        (lambda: hh.Spikes(max_per_cell="x"), "max_per_cell"),
        (lambda: hh.Features(3), "no list of names"),
        (lambda: hh.Features([3]), "unknown feature"),
        (lambda: hh.Step(amplitude="10"), "amplitude"),
        (lambda: hh.find_rheobase(HH, [1], width=1.0), "params"),
        (lambda: hh.Sweep(HH, GRID, None), "t_stop: is None"),
        (lambda: hh.Sweep(HH, {"g_Na": [1.0]}, 1.0), "space: is of type dict"),
        (lambda: hh.Sweep(HH, GRID, 10.0, stimulus=3), "stimulus: is 3"),
        (lambda: hh.Sweep(HH, GRID, 10.0, stimulus="step"), "stimulus: is 'step'"),
        (lambda: hh.Sweep(HH, GRID, 10.0, parameters=3), "parameters: is of type int"),
        (lambda: hh.Sweep(HH, GRID, 10.0, record="V"), "no recorder"),
    ],
)
def test_others(make, message):
    with pytest.raises(hh.InputError, match=message):
        make()


def test_tables_of_others():
    """A DataFrame has a row per cell; xarray, lists and Series are as good as arrays; one recorder needs no list."""
    given = [
        pd.DataFrame({"g_Na": [100.0, 120.0], "g_K": [30.0, 36.0]}),
        xr.Dataset({"g_Na": ("cell", [100.0, 120.0]), "g_K": ("cell", [30.0, 36.0])}),
        {"g_Na": pd.Series([100.0, 120.0]), "g_K": xr.DataArray([30.0, 36.0])},
        {"g_Na": [100, 120], "g_K": (30, 36)},
    ]
    step = hh.Step(amplitude=10.0)
    found = [hh.simulate(HH, params, t_stop=10.0, stimulus=step, record=hh.Final())["V_final"] for params in given]
    assert all(np.array_equal(found[0], other) for other in found)
    assert found[0][0] != found[0][1]
    rest = hh.simulate(
        HH, t_stop=1.0, initial=pd.DataFrame({"V": [-65.0, -60.0]}), record=hh.Trace(["V", "m"], every=1.0)
    )
    assert rest["V"][:, 0].tolist() == [-65.0, -60.0]


def test_a_result_is_a_mapping():
    """keys, len, completion, a DataFrame; and short in a notebook, however many cells it has."""
    r = hh.simulate(HH, {"g_Na": np.linspace(80, 160, 40)}, t_stop=10.0, stimulus=hh.Step(amplitude=10.0),
                    record=[hh.Features(["spike_count", "V_max"]), hh.Trace("V", every=1.0)])  # fmt: skip
    of_cells = ["reason", "n_steps", "n_rejected", "status"]  # how each run went
    assert list(r.keys()) == ["spike_count", "V_max", "time", "V", *of_cells] == r._ipython_key_completions_()
    assert len(r) == 8
    frame = r.to_pandas()
    assert list(frame.columns) == ["spike_count", "V_max", *of_cells]
    assert frame.attrs["units"]["V_max"] == "mV"
    np.testing.assert_array_equal(frame["V_max"], r["V_max"])
    sweep = hh.Sweep(HH, GRID, 10.0)
    fitted = hh.fit(
        HH, hh.TraceTarget(r["V"][0], every=1.0), {"g_Na": (70, 90)}, stimulus=hh.Step(amplitude=10.0), starts=2
    )
    clamp = hh.voltage_clamp(HH, [-40.0, 0.0], duration=5.0)
    things = (
        r,
        fitted,
        clamp,
        clamp.activation,
        hh.resting_state(HH),
        hh.Step(amplitude=np.arange(100.0)),
        sweep,
        hh.models[HH],
    )
    assert "2 converged" in fitted._repr_html_()
    assert "40 none" in r._repr_html_()  # codes by what they mean
    spontaneous = hh.find_rheobase(HH, {"g_K": np.array([36.0, 10.0])}, width=1.0)._repr_html_()
    assert "Rheobase of 2 cells: 1 ok, 1 spontaneous" in spontaneous
    assert "{" not in sweep._repr_html_()  # settings in words
    for thing in things:
        page = thing._repr_html_()
        assert page.startswith("<div>")
        assert page.endswith("</div>")
        assert len(page) < 6000


def test_what_cannot_be_stored_is_refused_before_it_is_computed(tmp_path):
    """Terabytes on a small disk, and folders that are not there."""
    many = hh.Grid.of({"g_Na": np.linspace(90, 150, 10_000), "g_K": np.linspace(20, 50, 10_000)})
    large = hh.Sweep(HH, many, 5000.0, record=[hh.Trace("V", "m", "h", "n", every=0.1)])
    with pytest.raises(hh.InputError, match="takes at least 10 TB, and the disk has"):
        large.run(tmp_path / "out.h5")
    with pytest.raises(hh.InputError, match="there is no directory"):
        hh.Sweep(HH, GRID, 10.0).run(tmp_path / "missing" / "out.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("t_stop = 30.0", 't_stop = "100 ms"', "t_stop: is '100 ms'; it must be a number, without a unit"),
        ("[record]", '[record]\ntrace = ["V"]', "record.trace: is"),
        ("{ linspace = [80, 160, 3] }", "3", "axes.g_Na: must be a table"),
    ],
)
def test_messages_of_sweep_files(tmp_path, old, new, message):
    from commands import SCAN

    (tmp_path / "scan.toml").write_text(SCAN.replace(old, new))
    with pytest.raises(hh.InputError, match=message):
        hh.Sweep.from_toml(tmp_path / "scan.toml")


def test_values_of_an_axis_may_be_a_plain_list(tmp_path):
    from commands import SCAN

    (tmp_path / "scan.toml").write_text(SCAN.replace("{ linspace = [80, 160, 3] }", "[80, 100, 120]"))
    assert hh.Sweep.from_toml(tmp_path / "scan.toml").space.axes[0].members[0][1].array.tolist() == [80, 100, 120]


def test_a_normal_distribution_of_what_must_be_positive():
    space = hh.Sample("sobol", 8, {"C_m": hh.Distribution("normal", (1.0, 0.1))})
    with pytest.raises(hh.InputError, match=r"sample\.C_m: has values below 0 .* uniform or loguniform"):
        hh.Sweep(HH, space, 10.0)


ONE_ROW = hh.Rows({"g_Na": [120.0]})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: hh.simulate(HH, {"g_Na": np.ones(1000)}, t_stop=1e7, record=[hh.Trace("V", every=0.01)]),
            "GB or more",
        ),
        (lambda: hh.simulate(HH, {"g_Na": 10**400}, t_stop=1.0), r"0\.\.\.0+: is too large; numbers go up to 1e308"),
        (lambda: hh.fit(HH, np.zeros(10), {"g_Na": (1, 2)}), "target: is of type ndarray; give a TraceTarget"),
        (lambda: hh.trial_statistics(3, 3), "result: is of type int"),
        (lambda: hh.open_results(None), "path: is None"),
        (lambda: hh.to_pandas(3), "path: is of type int"),
        (lambda: hh.explore(3), "what: is of type int"),
        (lambda: hh.import_nmodl(3), "files: is of type int"),
        (lambda: hh.Rows([1, 2]), "Rows: is of type list"),
        (lambda: hh.Rows({"g_Na": np.ma.masked_array([1.0, 2.0], [0, 1])}), "masked"),
        (lambda: hh.Sample("sobol", 5, {"g_Na": (0, 1)}), r"g_Na: is \(0, 1\); give a distribution"),
        (lambda: hh.Sweep(HH, ONE_ROW, 10.0).run(7), "out: is of type int"),
        (lambda: hh.Sweep(HH, ONE_ROW, 10.0).run("x.h5", executor=3), "executor: is of type int"),
        (
            lambda: hh.BatchedSimulator(hh.Sweep(HH, ONE_ROW, 10.0, record=[hh.Features(["rate"])]))("a"),
            "is no array of numbers",
        ),
        (lambda: hh.plot_traces(3), "plot_traces: result: is of type int"),
        (lambda: hh.plot_fi(3), "plot_fi: curves: is of type int"),
        (lambda: hh.models[HH].with_channel("M"), "with_channel: is given str"),
        (lambda: hh.models[HH].gate_curves("x"), "V: holds no numbers"),
        (lambda: hh.models[HH].to_neuroml((1, 2)), "pulse: has 2 numbers"),
        (lambda: hh.spike_times([0, 1], "x"), "V: is no array of numbers"),
        (lambda: hh.find_rheobase(HH, width=1.0, tol=2.0), "tol = 2.0: must be below 1"),
    ],
    ids=range(21),
)
def test_what_is_of_another_kind_is_told_in_a_line(call, message):
    with pytest.raises(hh.InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
