"""Noise and waveforms in sweeps: each row is that of `simulate`, in any batch; points come from files."""

import numpy as np
import pytest
from noise_by_hand import current_by_hand
from sweeps import contents

import hhfast as hh
from hhfast.errors import InputError
from hhfast.sweep.read_spec import sweep_from_canonical
from hhfast.sweep.resimulate import resimulate

NOISE = {"kind": "noise", "tau": 3.0, "seed": 2}
WAVEFORM = {"kind": "waveform", "times": [0.0, 5.0, 20.0], "values": [0.0, 2.0, 1.0]}
SPACE = {"stimulus.0.sigma": [1.0, 2.0, 4.0], "stimulus.1.scale": [0.0, 1.0], "g_L": [0.1, 0.2]}
FILE = """
model = "hodgkin_huxley"
t_stop = 10.0
[stimulus]
kind = "waveform"
{points}
[axes]
g_Na = {{ values = [100, 120] }}
"""


def sweep(model, **changes):
    """Twelve rows, two of which are excluded."""
    settings = {
        "model": model,
        "space": hh.Grid.of(SPACE),
        "t_stop": 20.0,
        "dt": 0.05,
        "integrator": "euler",
        "stimulus": [NOISE, WAVEFORM],
        "rows_per_batch": 5,
        "certify": 0.5,
        "constraints": ("stimulus.0.sigma * g_L < 0.5",),
        "record": hh.Record(features=("V_mean", "spike_count")),
    }
    return hh.Sweep(**settings | changes)


@pytest.fixture(scope="module")
def finished(passive, tmp_path_factory):
    return sweep(passive).run(tmp_path_factory.mktemp("noise") / "out.h5", progress=False)


def test_rows_are_those_of_simulate(finished, passive):
    """Row i has the noise of cell i, also where rows between are excluded."""
    with hh.open_results(finished) as ds:
        flat = ds.stack(run=ds["V_mean"].dims)
        found, columns = flat["V_mean"].values, {name: flat[name].values for name in SPACE}
    wanted = columns["stimulus.0.sigma"] * columns["g_L"] < 0.5
    assert 0 < (~wanted).sum() < 12
    rows = np.flatnonzero(wanted)
    for chosen in (rows, rows[[5, 2]]):
        stimulus = hh.Noise(columns["stimulus.0.sigma"][chosen], 3.0, seed=2, cell=chosen) + hh.Waveform(
            WAVEFORM["times"], WAVEFORM["values"], scale=columns["stimulus.1.scale"][chosen]
        )
        r = hh.simulate(
            passive,
            {"g_L": columns["g_L"][chosen]},
            stimulus=stimulus,
            t_stop=20.0,
            dt=0.05,
            integrator="euler",
            record=[hh.Features(["V_mean", "spike_count"])],
        )
        np.testing.assert_array_equal(found[chosen], r["V_mean"])
    assert np.isnan(found[~wanted]).all()
    assert len(set(found[wanted])) == wanted.sum()


def test_batches_do_not_change_the_noise(finished, passive, tmp_path):
    """Bit by bit, certificates included."""
    other = sweep(passive, rows_per_batch=12).run(tmp_path / "out.h5", progress=False)
    assert contents(other) == contents(finished)


def test_a_row_that_was_left_out_can_be_looked_at(finished):
    """There is nothing to compare it with, and no other version to blame."""
    row = int(np.flatnonzero(hh.open_results(finished)["status"] == 4)[0])
    again = resimulate(finished, row)
    assert "not in the file (excluded); this is what it would have done" in again.text
    assert np.isfinite(again.traces["V"]).all()


@pytest.mark.parametrize("row", [0, 8])
def test_a_row_simulated_again_is_the_same(row, finished):
    """As `hhfast trace` does, from the result file alone: noise by the row's number, points from the spec."""
    again = resimulate(finished, row, every=0.1)
    assert again.differing == ()
    sigma, scale = (again.sweep.space.columns(0, 1)[name][0] for name in ("stimulus.0.sigma", "stimulus.1.scale"))
    noise = current_by_hand(row, 201, {"sigma": sigma, "tau": 3.0, "mean": 0.0, "every": 0.1, "seed": 2})
    points = np.interp(again.traces.time, WAVEFORM["times"], WAVEFORM["values"])
    np.testing.assert_allclose(again.traces["i_app"][0], noise + scale * points, rtol=1e-9, atol=1e-11)


def test_a_cell_by_number_gives_all_rows_the_same_noise(passive, tmp_path):
    """Frozen noise: rows that differ in nothing else are equal."""
    same = sweep(
        passive,
        stimulus=[NOISE | {"cell": 3}, WAVEFORM],
        certify=False,
        constraints=(),
        space=hh.Grid.of({"stimulus.0.sigma": [2.0, 2.0, 2.0]}),
    )
    with hh.open_results(same.run(tmp_path / "out.h5", progress=False)) as ds:
        assert len(set(ds["V_mean"].values)) == 1


def read(folder, points):
    (folder / "scan.toml").write_text(FILE.format(points=points), encoding="utf-8")
    return hh.Sweep.from_toml(folder / "scan.toml")


def test_points_come_from_arrays_or_a_file_beside_the_sweep(tmp_path):
    """The same sweep either way, and when it comes back from its canonical text, without the file."""
    (tmp_path / "current.csv").write_text("t,i\n0,0\n2.5,1e1\n4,-3\n", encoding="utf-8")
    by_file = read(tmp_path, 'file = "current.csv"')
    by_arrays = read(tmp_path, "times = [0, 2.5, 4]\nvalues = [0, 10, -3]")
    assert by_file.text == by_arrays.text
    assert by_file.stimulus["values"] == [0.0, 10.0, -3.0]
    assert sweep_from_canonical(by_file.text, by_file.model, by_file.space).sha256 == by_file.sha256
    arrays = {"kind": "waveform", "times": np.array([0.0, 2.5, 4.0]), "values": np.array([0.0, 10.0, -3.0])}
    assert hh.Sweep(model=by_file.model, space=by_file.space, t_stop=10.0, stimulus=arrays).text == by_file.text


def test_a_long_record_is_stored_with_the_result(passive, tmp_path):
    """Ten thousand points are more than the attributes of many files hold."""
    times = np.arange(10_000) / 500.0
    long = {"kind": "waveform", "times": times, "values": np.sin(times)}
    path = sweep(passive, stimulus=[NOISE, long], certify=False).run(tmp_path / "out.h5", progress=False)
    assert resimulate(path, 3).differing == ()


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("times = [0, 1]", "stimulus.values: is missing"),
        ("times = [0, 1]\nvalues = [1, 2, 3]", "stimulus.values: has 3 numbers and times 2"),
        ("times = [0, 2, 1]\nvalues = [1, 2, 3]", r"stimulus.times\[2\] = 1 ms is before"),
        ('times = ["a", "b"]\nvalues = [1, 2]', "stimulus.times = .* is not a number"),
        ("times = [0, 1]\nvalues = [1, 2]\nscael = 2", "stimulus.scael: .* did you mean 'scale'"),
        ('file = "no.csv"', "no.csv: cannot be read"),
        ("file = 3", "stimulus.file: is 3; it must be a path"),
        ('file = "three.csv"', "has 3 columns; give two"),
        ('file = "bad.csv"', "line 3, column 2: 'x' is not a finite number"),
        ('file = "bad.csv"\ntimes = [1, 2]', "stimulus.file: is given and also times"),
    ],
)
def test_mistakes_in_waveforms_are_named(points, message, tmp_path):
    """With the key, or the file and its line."""
    (tmp_path / "three.csv").write_text("t,i,j\n0,0,0\n", encoding="utf-8")
    (tmp_path / "bad.csv").write_text("t,i\n0,0\n1,x\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read(tmp_path, points)


def test_noises_with_the_same_seed_are_refused(passive):
    """Fixed ones; a seed that is varied is another matter."""
    other = {"kind": "noise", "tau": 1.0, "sigma": 1.0}
    with pytest.raises(InputError, match="two noises have the same seed"):
        sweep(passive, stimulus=[NOISE, WAVEFORM, other | {"seed": 2}])
    space = hh.Grid.of(SPACE | {"stimulus.2.seed": [3, 4]})
    assert sweep(passive, stimulus=[NOISE, WAVEFORM, other], space=space).space.n_rows == 24


@pytest.mark.parametrize(
    ("noise", "varied", "message"),
    [
        ({"tau": 0.0}, {}, "stimulus.0.tau = 0 ms must be positive"),
        ({"seed": 0.5}, {}, "stimulus.0.seed = 0.5: must be a whole number"),
        ({}, {"stimulus.0.every": [0.1, 0.2]}, "stimulus.0.every: is the same for all rows"),
        ({"tua": 1.0}, {}, "stimulus.0.tua: .* did you mean 'tau'"),
    ],
)
def test_mistakes_in_noise_are_named(noise, varied, message, passive):
    """Before anything is simulated."""
    with pytest.raises(InputError, match=message):
        sweep(passive, stimulus=[NOISE | noise, WAVEFORM], space=hh.Grid.of(SPACE | varied))
