"""Populations: criteria mean what NumPy says they mean, and what is selected can be the table of a next sweep."""

import json
import os

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.sweep.store import ResultFile

SWEEP = """
model = "hodgkin_huxley"
t_stop = 60.0
[stimulus]
kind = "step"
start = 5.0
[parameters]
celsius = 8.0
[axes]
g_Na = { linspace = [60, 160, 6] }
g_L = { values = [0.1, 0.3, -0.5] }
"stimulus.amplitude" = { values = [0.0, 5.0, 20.0] }
[record]
features = ["spike_count", "rate", "latency", "V_max"]
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("select")
    (folder / "scan.toml").write_text(SWEEP)
    sweep = hh.Sweep.from_toml(folder / "scan.toml")
    sweep.run(folder / "scan.h5", progress=False)
    return folder / "scan.h5"


@pytest.fixture(scope="module")
def values(scan):
    with ResultFile(scan) as result:
        return {name: result.read(name) for name in (*result.parameters, *result.features, "status")}


def test_criteria_are_those_of_numpy(scan, values):
    """Chains, `or`, names with dots; a missing latency meets no comparison; rows that are not ok are left out."""
    ok = values["status"] == 0
    found = hh.select(scan, "10 < rate < 90 and (g_Na > 100 or V_max < 0) and stimulus.amplitude >= 5")
    parts = [
        ok,
        (values["rate"] > 10) & (values["rate"] < 90),
        (values["g_Na"] > 100) | (values["V_max"] < 0),
        values["stimulus.amplitude"] >= 5,
    ]
    np.testing.assert_array_equal(found.rows, np.flatnonzero(np.all(parts, axis=0)))
    assert found.passed == tuple(int(part.sum()) for part in parts)
    assert 0 < len(found) < found.n_rows == 54
    assert found.acceptance == len(found) / 54
    silent = np.isnan(values["latency"])
    assert silent.any()
    assert not set(np.flatnonzero(silent)) & set(hh.select(scan, "latency < 1e9 or latency >= 1e9").rows)


def test_codes_have_names(scan, values):
    diverged = np.flatnonzero(values["status"] == 1)
    assert set(hh.select(scan, "status == 'ok'").rows) == set(np.flatnonzero(values["status"] == 0))
    np.testing.assert_array_equal(hh.select(scan, "status in ('diverged',)").rows, diverged)
    others = hh.select(scan, "status not in ('ok', 'diverged')").rows
    np.testing.assert_array_equal(others, np.flatnonzero(values["status"] > 1))


def test_the_table_is_one_for_a_next_sweep(scan, values, tmp_path):
    """Each parameter set once, the fixed parameters with it, those of the stimulus without."""
    found = hh.select(scan, "stimulus.amplitude > 1 and rate > 20")
    for name in ("rows.csv", "rows.h5"):
        table = found.save(tmp_path / name)
        text = SWEEP[: SWEEP.index("[parameters]")].replace("start = 5.0", "start = 5.0\namplitude = 12.0")
        (tmp_path / "next.toml").write_text(f'{text}[table]\nfile = "{name}"\n[record]\nfeatures = ["rate"]\n')
        sweep = hh.Sweep.from_toml(tmp_path / "next.toml")
        sweep.run(tmp_path / "next.h5", progress=False, resume=False)
        with ResultFile(tmp_path / "next.h5") as result:
            pairs = set(zip(result.read("g_Na"), result.read("g_L"), strict=True))
            assert (result.read("celsius") == 8.0).all()
            expected = set(zip(values["g_Na"][found.rows], values["g_L"][found.rows], strict=True))
            assert pairs == expected
            assert result.n_rows == len(expected) < len(found)
        assert table.exists()
        (tmp_path / "next.h5").unlink()


def test_ranges_in_a_file(scan, tmp_path):
    file = tmp_path / "ranges.toml"
    file.write_text('where = "V_max > 0"\n[ranges]\nrate = [10, 60]\nstimulus.amplitude = [5, inf]\nstatus = ["ok"]\n')
    found = hh.select(scan, ranges=file)
    same = hh.select(scan, "V_max > 0 and 10 <= rate <= 60 and stimulus.amplitude >= 5")
    np.testing.assert_array_equal(found.rows, same.rows)
    assert len(found.criteria) == 4
    file.write_text('[ranges]\nstatus = "ok"\n')
    assert list(hh.select(scan, ranges=file).criteria) == ["status == 'ok'"]


BAD = {
    "ratte > 3": "did you mean 'rate'",
    "rate": "no comparison",
    "rate > ": "no condition",
    "rate == 'bursting'": "no names for its values",
    "status == 'divergd'": "did you mean 'diverged'",
    "__import__('os').system('x') > 2": "unknown variable",
    "rate > 1 if g_Na > 2 else 3": "no comparison",
    "(lambda: 1)() > 2": "not allowed",
    "rate > 'a' * 10**9": "not allowed",
    "not rate > 3": "no comparison",
    "rate > 5 and " * 2000 + "rate > 1": "characters",
    "(" * 400 + "rate" + ")" * 400 + "> 1": "no condition",
}


@pytest.mark.parametrize("where", BAD, ids=range(len(BAD)))
def test_what_is_no_criterion_is_refused(scan, where):
    with pytest.raises(hh.InputError, match=BAD[where]):
        hh.select(scan, where)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[ranges]\nratte = [1, 2]", "did you mean 'rate'"),
        ("[ranges]\nrate = [2, 1]", "give .low, high."),
        ("[ranges]\nrate = true", "give .low, high."),
        ("[range]\nrate = [1, 2]", "did you mean 'ranges'"),
        ("where = 3", "as text"),
        ("", "is empty"),
        ("[ranges", "not valid TOML"),
        ("[ranges]\nrate = [1, 1" + 400 * "0" + "]", "ranges.rate: .* too large"),
        ("[ranges]\n" + "a." * 3000 + "a = [1, 2]", "a key of more than 100 parts"),
        ("[ranges]\nrate = " + "[" * 3000, "not valid TOML: nested too deeply"),
        ("[ranges]\nrate = [0, " + "9" * 5000 + "]", "digits"),
    ],
)
def test_bad_files_of_ranges_are_refused(scan, tmp_path, text, message):
    (tmp_path / "ranges.toml").write_text(text)
    with pytest.raises(hh.InputError, match=message):
        hh.select(scan, ranges=tmp_path / "ranges.toml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_ranges_from_a_pipe_are_refused(scan, tmp_path):
    """It would be waited for, for ever."""
    os.mkfifo(tmp_path / "ranges.toml")
    with pytest.raises(hh.InputError, match="it is not a file"):
        hh.select(scan, ranges=tmp_path / "ranges.toml")


def test_the_command_tells_acceptance_and_draws(scan, tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = hhfast("select", str(scan), "--where", "rate > 20", "-o", "rows.csv", "-o", "population.svg",
                    "--title", "Those that fire")  # fmt: skip
    assert result.exit_code == 0
    assert "rate > 20" in result.stdout
    assert "rows.csv:" in result.stdout
    assert (tmp_path / "population.svg").read_text().startswith("<?xml")
    (figure,) = pictures
    chosen = hh.select(scan, "rate > 20")
    meshes = {(k // 3, k % 3): axes.collections[0] for k, axes in enumerate(figure.axes) if axes.collections}
    counts = np.asarray(meshes[1, 0].get_array())  # g_L against g_Na, accepted
    assert (counts > 0).sum() == chosen.distinct.sum()
    assert figure.get_suptitle() == "Those that fire"
    assert f"{len(chosen):,} of 54 rows accepted" in hh.plot_population(chosen).get_suptitle()
    assert "there is no picture" in refused("select", str(scan), "--where", "rate > 20", "--dpi", "100")
    csv = hhfast("select", str(scan), "--where", "rate > 20", "--csv").stdout.splitlines()
    assert csv[0] == "criterion,rows,share"
    assert csv[-1].startswith(f'"all",{len(chosen)},')


def test_nothing_is_written_where_nothing_passes(scan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = hhfast("select", str(scan), "--where", "rate > 1e9", "-o", "rows.csv")
    assert (result.exit_code, "nothing was written" in result.stderr) == (2, True)
    assert "the result itself" in refused("select", str(scan), "--where", "rate > 1", "-o", str(scan))
    assert "no directory" in refused("select", str(scan), "--where", "rate > 1", "-o", "missing/rows.csv")
    assert "no criterion" in refused("select", str(scan))
    assert not list(tmp_path.iterdir())
    with ResultFile(scan) as result:
        assert json.loads(result.attributes["hhfast_spec"])["parameters"] == {"celsius": 8.0}
