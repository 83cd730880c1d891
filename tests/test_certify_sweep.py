"""Certificates of sweeps: of the rows that were chosen, in files, at the command line, and through a resumed run."""

import json

import numpy as np
import pytest
import xarray
from sweeps import contents, small
from typer.testing import CliRunner

import hhfast as hh
from hhfast.batch.certify import AGREES, DIFFERS, FAILED, NOT_CHECKED
from hhfast.cli.app import app
from hhfast.cli.text import certificate_text
from hhfast.errors import InputError
from hhfast.sweep import Record, Rows, executor
from hhfast.sweep.resimulate import resimulate
from hhfast.sweep.store import ResultFile
from hhfast.sweep.sweep import Sweep


@pytest.fixture(scope="module")
def certified_sweep(tmp_path_factory):
    """`small` with nearly half of its rows certified, from an undisturbed run."""
    return small(certify=0.4).run(tmp_path_factory.mktemp("certified") / "out.h5", progress=False)


def test_a_sweep_certifies_what_simulate_certifies(certified_sweep):
    plain = contents(small().run(certified_sweep.with_name("plain.h5"), progress=False))
    kept = {name: data for name, data in contents(certified_sweep).items() if name in plain}
    assert kept == plain
    columns = small().space.columns(0, 30)
    record = [hh.Features(["spike_count", "latency"]), hh.Spikes(), hh.Trace("V", every=0.5)]
    stimulus = hh.Step(amplitude=columns["stimulus.amplitude"], start=5.0)
    whole = hh.simulate(
        "hodgkin_huxley",
        {"g_Na": columns["g_Na"]},
        stimulus=stimulus,
        t_stop=40.0,
        record=record,
        integrator="exp_euler",
        certify=True,
    )
    with xarray.open_dataset(certified_sweep) as data:
        chosen = data["certified"].values != NOT_CHECKED
        assert 5 < chosen.sum() < 20
        assert data["certified"].attrs["flag_meanings"].split()[DIFFERS] == "differs"
        assert data["certified"].attrs["flag_values"].tolist() == [NOT_CHECKED, AGREES, DIFFERS, FAILED]
        for name, unit in (("spike_count_error", "1"), ("latency_error", "ms"), ("spike_time_error", "ms")):
            np.testing.assert_array_equal(data[name].values, np.where(chosen, whole[name], np.nan))
            assert data[name].attrs["units"] == unit
        assert np.nanmax(data["spike_time_error"]) > 1e-3


@pytest.mark.parametrize("batch", [1, 7, 30])
def test_the_batch_size_does_not_change_a_certificate(tmp_path, certified_sweep, batch):
    changed = small(certify=0.4, rows_per_batch=batch).run(tmp_path / "out.h5", progress=False)
    assert contents(changed) == contents(certified_sweep)


def test_an_interrupted_run_certifies_the_same_rows(tmp_path, monkeypatch, certified_sweep):
    original = executor.simulate_batch

    def simulate_batch(batch):
        if batch.number == 2:
            raise KeyboardInterrupt
        return original(batch)

    with monkeypatch.context() as patch:
        patch.setattr(executor, "simulate_batch", simulate_batch)
        with pytest.raises(KeyboardInterrupt):
            small(certify=0.4).run(tmp_path / "out.h5", progress=False)
    assert contents(small(certify=0.4).run(tmp_path / "out.h5", progress=False)) == contents(certified_sweep)


def test_a_sweep_hands_its_tolerances_on(tmp_path):
    amplitude = np.array([6.3, 10.0, 20.0])
    space = Rows({"stimulus.amplitude": amplitude})
    record = Record(features=(), spikes=True, threshold=0.0, rearm=-10.0)
    told = {"integrator": "tsit5", "rtol": 1e-4, "atol": {"V": 1e-3}, "t_stop": 30.0, "certify": True}
    sweep = small(record, space=space, stimulus={"kind": "step"}, **told)
    path = sweep.run(tmp_path / "out.h5", progress=False)
    spikes = hh.Spikes(threshold=0.0, rearm=-10.0)
    r = hh.simulate("hodgkin_huxley", stimulus=hh.Step(amplitude), record=[spikes], **told)
    with ResultFile(path) as result:
        for name in ("spike_time", "spike_time_error", "n_steps"):
            np.testing.assert_array_equal(result.read(name), r[name])
    assert resimulate(path, 2).differing == ()


def test_excluded_rows_are_not_certified(tmp_path):
    path = small(certify=True, constraints=("g_Na > 100",)).run(tmp_path / "out.h5", progress=False)
    with ResultFile(path) as result:
        assert ((result.read("certified") == NOT_CHECKED) == (result.read("g_Na") <= 100)).all()


def test_a_certified_row_can_be_simulated_again(certified_sweep):
    with ResultFile(certified_sweep) as result:
        outcome = result.read("certified")
    for row in (int(outcome.argmin()), int(outcome.argmax())):
        again = resimulate(certified_sweep, row)
        assert {"certified", "latency_error"} <= set(again.stored)
        assert again.differing == ()


def test_the_certificate_in_one_line(certified_sweep):
    with ResultFile(certified_sweep) as result:
        outcome = result.read("certified")
        errors = result.read("spike_time_error")[outcome == AGREES]
        checked, differ = int((outcome != NOT_CHECKED).sum()), int((outcome == DIFFERS).sum())
        text = certificate_text(result)
    largest = f"{np.nanmax(errors):.2g}"
    assert text.startswith(
        f"{checked} of 30 rows, {differ} of them beyond the tolerance; estimated error of the others"
    )
    assert f"spike_time {np.nanmedian(errors):.2g} ({largest}) ms" in text
    assert "\n" not in text
    assert CliRunner().invoke(app, ["status", str(certified_sweep)]).stdout.endswith(f"  certified: {text}\n")


def test_a_sweep_without_certificate_keeps_its_checksum():
    """Results of before, and unfinished runs, are still those of their spec."""
    assert "certify" not in json.loads(small().text)
    assert small(certify=True).sha256 == small(certify=1.0).sha256 != small().sha256


def test_a_sweep_file_says_what_is_an_error(tmp_path):
    """A number, or a table; it is part of the spec where it is not the default, and a row can be simulated again."""
    text = 'model = "hodgkin_huxley"\nt_stop = 40.0\nintegrator = "exp_euler"\ncertify = true\n{}\n'
    text += '[stimulus]\nkind = "step"\namplitude = 10.0\n[axes]\ng_Na = {{ values = [100, 120] }}\n'
    outcomes = {}
    for given in ("", "certify_tolerance = 0.01", "certify_tolerance = { time = 1e-4, V_max = 9.0 }"):
        (tmp_path / "scan.toml").write_text(text.format(given) + '[record]\nfeatures = ["spike_count", "latency"]\n')
        sweep = Sweep.from_toml(tmp_path / "scan.toml")
        path = sweep.run(tmp_path / "scan.h5", resume=False, progress=False)
        with ResultFile(path) as result:
            outcomes[given] = sweep.sha256, result.read("certified").tolist()
        assert resimulate(path, 1).differing == ()
    usual, same, tight = outcomes.values()
    assert usual == same
    assert usual[0] != tight[0]
    assert [usual[1], tight[1]] == [[AGREES, AGREES], [DIFFERS, DIFFERS]]
    (tmp_path / "scan.toml").write_text(text.format("certify_tolerance = { latensy = 5.0 }"))
    with pytest.raises(InputError, match="certify_tolerance: unknown name 'latensy'; did you mean 'latency'"):
        Sweep.from_toml(tmp_path / "scan.toml")
