"""Sweep files: what they mean, and that every mistake is one line with file, key, reason and remedy."""

import json

import pytest

import hhfast as hh
from hhfast.errors import InputError
from hhfast.model import models
from hhfast.sweep.read_spec import sweep_from_canonical
from hhfast.sweep.record import Record
from hhfast.sweep.space import Grid
from hhfast.sweep.sweep import Sweep

GOOD = """\
model = "hodgkin_huxley"
t_stop = 100.0
[stimulus]
kind = "step"
start = 10.0
[axes]
g_Na = { linspace = [90, 150, 4] }
"stimulus.amplitude" = { values = [6, 8, 10] }
"""


def read(tmp_path, text):
    path = tmp_path / "scan.toml"
    path.write_text(text)
    return Sweep.from_toml(path)


@pytest.mark.core
def test_a_sweep_file_is_read(tmp_path):
    sweep = read(tmp_path, GOOD)
    assert sweep.model == models["hodgkin_huxley"]
    assert sweep.space.shape == (4, 3)
    assert sweep.record == (hh.Features(("spike_count", "rate")),)
    assert sweep.units["stimulus.amplitude"] == "uA cm-2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("g_Na =", "g_na =", "axes.g_na: unknown parameter 'g_na'; did you mean 'g_Na'?"),
        ("linspace", "linspce", "axes.g_Na: unknown key 'linspce'; did you mean 'linspace'?"),
        ("[90, 150, 4]", "[90, 150, 0]", "axes.g_Na: linspace has no values"),
        ("[6, 8, 10]", "[]", "axes.stimulus.amplitude: has no values"),
        ("[6, 8, 10]", "[6, nan]", "axes.stimulus.amplitude: values holds a number that is not finite"),
        ("[6, 8, 10]", "[6, '8']", "must be a list of numbers"),
        ("100.0", "-1", "t_stop: is -1 ms; it must be positive"),
        ("100.0", "'x'", "t_stop: is 'x'; it must be a number"),
        ("t_stop", "dt = 0.0\nt_stop", "dt: is 0 ms; it must be positive"),
        ("t_stop", "dt = 200.0\nt_stop", "longer than t_stop"),
        ("t_stop", "integrator = 'rk5'\nt_stop", "unknown integrator 'rk5'; did you mean 'rk4'?"),
        ("t_stop", "dtype = 'float16'\nt_stop", "unknown dtype"),
        (
            "t_stop",
            "integrator = 'rk4'\nrtol = 1e-4\nt_stop",
            "rtol: only for adaptive integrators; rk4 takes steps of dt",
        ),
        (
            "t_stop",
            "integrator = 'tsit5'\nrtol = '1e-4'\nt_stop",
            "rtol: is '1e-4'; it must be a number, without quotes",
        ),
        ("t_stop", "integrator = 'tsit5'\nrtol = 2.0\nt_stop", "rtol = 2.0: must be a number from 1e-14 to below 1"),
        ("t_stop", "integrator = 'tsit5'\natol = true\nt_stop", "atol: is True; it must be a number"),
        ("t_stop", "integrator = 'tsit5'\natol = { V = 'x' }\nt_stop", "atol.V: is 'x'; it must be a number"),
        ("t_stop", "integrator = 'tsit5'\natol = { v = 1 }\nt_stop", "atol: unknown state 'v'; did you mean 'V'?"),
        ("t_stop", "integrator = 'tsit5'\nmax_steps = 1.5\nt_stop", "max_steps: is 1.5"),
        ("t_stop =", "t_stopp =", "unknown key 't_stopp'; did you mean 't_stop'?"),
        ('"step"', '"stpe"', "stimulus.kind: unknown stimulus kind 'stpe'; did you mean 'step'?"),
        ("start =", "strat =", "stimulus.strat: unknown parameter of the step stimulus 'strat'; did you mean 'start'?"),
        ('kind = "step"', "", "stimulus.kind: is missing"),
        ('"stimulus.amplitude" =', "celsius =", "stimulus.amplitude: is missing"),
        ('"stimulus.amplitude"', "stimulus.amplitude", "needs quotes"),
        ("hodgkin_huxley", "hodgkin_huxly", "did you mean 'hodgkin_huxley'?"),
        ("hodgkin_huxley", "missing.toml", "cannot read the model file"),
        ("g_Na = { linspace = [90, 150, 4] }", "C_m = { values = [1, -1] }", "axes.C_m: reaches -1"),
        ("[axes]", "[parameters]\nC_m = 0\n[axes]", "parameters.C_m: is 0; it must be positive"),
        ("[axes]", "[parameters]\nC_n = 1\n[axes]", "parameters.C_n: unknown parameter 'C_n'; did you mean 'C_m'?"),
        ("[axes]", "[parameters]\ng_Na = 1\n[axes]", "fixed here and also varied"),
        ("t_stop", "constraints = ['g_Na > g_k']\nt_stop", "constraints: unknown name 'g_k' in 'g_Na > g_k'"),
        ("t_stop", "constraints = ['g_Na + g_K']\nt_stop", "is no comparison"),
        ("t_stop", "constraints = ['open(1) > 0']\nt_stop", "unknown function 'open'"),
        ("[axes]", "[axis]", "did you mean 'axes'?"),
        ("[axes]", "[record]\nfeatures = ['spike_cont']\n[axes]", "did you mean 'spike_count'?"),
        ("[axes]", "[record]\nwindow = [5, 200]\n[axes]", "record.window"),
        ("[axes]", "[record]\nrearm = 0\n[axes]", "above the threshold"),
        ("[axes]", "[record]\nfeatures = []\n[axes]", "nothing is recorded"),
        ("[axes]", "[record.trace]\nvariables = ['W']\nevery = 1\n[axes]", "unknown variable 'W'"),
        ("[axes]", "[record.trace]\nvariables = ['V']\n[axes]", "record.trace.every: is missing"),
        ("[axes]", "[analysis]\nkind = 'rheobase'\n[axes]", "t_stop: does not go with [analysis]"),
        ("[axes]", "[table]\nfile = 'rows.csv'\n[axes]", "are given; keep one"),
        (GOOD[GOOD.index("g_Na") :], "", "empty"),
        ("=", "", "not valid TOML"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, old, new, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'scan.toml'}: ")
    assert message in line
    assert "\n" not in line


def test_a_model_file_is_found_beside_the_sweep_file(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.toml").write_text(models["wang_buzsaki"].text)
    text = GOOD.replace("hodgkin_huxley", "models/mine.toml").replace("90, 150, 4", "30, 40, 2")
    assert read(tmp_path, text).model == models["wang_buzsaki"]


def test_stimuli_of_a_list_are_numbered(tmp_path):
    text = GOOD.replace("[stimulus]", "[[stimulus]]").replace('"stimulus.amp', '"stimulus.0.amp')
    assert "stimulus.0.amplitude" in read(tmp_path, text).space.names


def test_the_canonical_spec_depends_on_meaning_only(tmp_path):
    """Comments, order of keys and the file's place do not matter; values and the order of the axes do."""
    first = read(tmp_path, GOOD)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    reordered = "t_stop = 100\nmodel = 'hodgkin_huxley' # squid\n" + GOOD.split("\n", 2)[2]
    assert read(moved, reordered).sha256 == first.sha256
    assert str(tmp_path) not in first.text
    assert read(tmp_path, GOOD.replace("150", "151")).sha256 != first.sha256
    other_order = Sweep(model="hodgkin_huxley", space=Grid(first.space.axes[::-1]), t_stop=100, stimulus=first.stimulus)
    assert other_order.sha256 != first.sha256


def test_batches_do_not_change_the_identity(tmp_path):
    assert read(tmp_path, "rows_per_batch = 2\n" + GOOD).sha256 == read(tmp_path, GOOD).sha256


def test_a_sweep_comes_back_from_its_canonical_text(tmp_path):
    text = GOOD.replace("[axes]", "[record]\nwindow = [10, 90]\nfeatures = ['rate']\nspikes = true\n[axes]")
    sweep = read(tmp_path, text)
    again = sweep_from_canonical(sweep.text, sweep.model, sweep.space)
    assert again.text == sweep.text
    assert json.loads(again.text)["record"]["window"] == [10.0, 90.0]


def test_the_same_checks_hold_in_python():
    with pytest.raises(InputError, match="did you mean 'g_Na'"):
        Sweep(model="hodgkin_huxley", space=Grid.of({"g_na": [1.0]}), t_stop=10)
    with pytest.raises(InputError, match="counts the window"):
        Record(features=("spike_count",), spikes=True, window=(1.0, 5.0))


def test_tolerances_are_part_of_the_spec_only_where_given(tmp_path):
    """So that files without them keep their checksum; numbers by state, and 1 as 1.0, are kept through JSON."""
    assert not {"rtol", "atol", "dt_min", "dt_max", "max_steps"} & set(json.loads(read(tmp_path, GOOD).text))
    given = "integrator = 'tsit5'\natol = { V = 1, n = 1e-3 }\ndt_max = 1\nmax_steps = 1000\n"
    sweep = read(tmp_path, given + GOOD)
    assert sweep.control == {"atol": {"V": 1, "n": 1e-3}, "dt_max": 1.0, "max_steps": 1000}
    again = sweep_from_canonical(sweep.text, sweep.model, sweep.space)
    assert again.control == sweep.control
    assert again.sha256 == sweep.sha256
