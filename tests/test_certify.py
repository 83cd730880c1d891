"""Certificates: estimated errors are the true ones, artefacts are flagged, and asking for them changes nothing else."""

import json

import numpy as np
import pytest
import xarray
from sweeps import contents, small
from typer.testing import CliRunner

import hhfast as hh
from hhfast.batch.certify import AGREES, CHANGED, FAILED, NOT_CHECKED
from hhfast.cli.app import app
from hhfast.cli.text import certificate_text
from hhfast.errors import InputError
from hhfast.sweep import Record, Rows, executor
from hhfast.sweep.resimulate import resimulate
from hhfast.sweep.store import ResultFile
from hhfast.sweep.sweep import Sweep

AMPLITUDES = ("6.3", "10", "20")
RECORD = [
    hh.Spikes(threshold=0.0, rearm=-10.0),
    hh.Final(),
    hh.Features(["rate", "latency", "isi_mean"], threshold=0.0, rearm=-10.0),
]


def axons(integrator="exp_euler", dt=0.05, t_stop=200.0, certify=True, **options):
    """Squid axons at three currents, from V = -65."""
    stimulus = hh.Step(np.array([float(a) for a in AMPLITUDES]))
    options = {"record": RECORD, "stimulus": stimulus} | options
    return hh.simulate("hodgkin_huxley", t_stop=t_stop, dt=dt, integrator=integrator, certify=certify, **options)


@pytest.fixture(scope="module")
def spikes(reference):
    """The spike times of these axons, computed apart from hhfast."""
    times = reference["hodgkin_huxley"]["steps_200ms"]["model"]
    return [np.array(times[a]) for a in AMPLITUDES]


# --- the estimates, against the truth --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("integrator", "dt", "factor"),
    [
        ("exp_euler", 0.05, 1.6),
        ("exp_euler", 0.025, 1.6),
        ("exp_euler", 0.01, 1.7),
        ("rk4", 0.05, 1.15),
        ("rk4", 0.025, 1.15),
    ],
)
def test_estimated_errors_of_spikes_are_the_true_ones(spikes, integrator, dt, factor):
    """Against DOP853, through 14 spikes of drift. exp_euler is better than its order here, so its estimate is safe."""
    r = axons(integrator, dt)
    assert (r["certified"] == AGREES).all()
    exact = {
        "spike_time": [np.abs(t - e).max() for t, e in zip(r.spike_times, spikes, strict=True)],
        "latency": np.abs(r["latency"] - [t[0] for t in spikes]),
        "isi_mean": np.abs(r["isi_mean"] - [np.diff(t).mean() for t in spikes]),
    }
    for name, error in exact.items():
        ratio = r[f"{name}_error"] / error
        assert (ratio > 0.97).all()
        assert (ratio < factor).all()
    assert r["rate_error"].tolist() == r["spike_count_error"].tolist() == [0.0, 0.0, 0.0]


def test_estimated_errors_of_states_are_the_true_ones(reference):
    """After 50 ms and three spikes, by a factor of 1.01 (rk4)."""
    exact = reference["hodgkin_huxley"]["trace_10"]["y_end"]
    r = axons("rk4", t_stop=50.0, initial="rest")
    for x, value in zip(hh.models["hodgkin_huxley"].states, exact, strict=True):
        np.testing.assert_allclose(r[f"{x}_final_error"][1], abs(r[f"{x}_final"][1] - value), rtol=0.01)


def test_edges_inside_steps_are_of_second_order(reference):
    """Starts that differ between cells cost rk4 its order; the estimate knows it."""
    start = 1.0 + 0.05 * np.linspace(0, 1, 8)
    exact = np.array(reference["hodgkin_huxley"]["steps_200ms"]["rest"]["10"][:9])  # those of 150 ms
    r = axons("rk4", t_stop=150.0, initial="rest", stimulus=hh.Step(10.0, start=start))
    for first, times, error in zip(start, r.spike_times, r["spike_time_error"], strict=True):
        assert 1.0 < error / np.abs(times[: len(exact)] - exact - first).max() < 1.5


def test_short_steps_are_halved_too(spikes):
    """Samples every 0.01 ms shorten all steps to that; a finer run with steps of dt / 2 would be the same run."""
    record = [*RECORD, hh.Trace("V", every=0.01)]
    r, plain = (axons(dt=dt, t_stop=20.0, record=which) for dt, which in ((0.025, record), (0.01, RECORD)))
    np.testing.assert_allclose(r["spike_time_error"], plain["spike_time_error"], rtol=1e-3)


@pytest.mark.parametrize("rtol", [1e-4, 1e-6])
def test_estimated_errors_of_adaptive_runs_are_the_true_ones(spikes, rtol):
    """By a tenth of the tolerances, within a factor of 1.5."""
    r = axons("tsit5", rtol=rtol, record=[hh.Spikes(threshold=0.0, rearm=-10.0)])
    exact = [np.abs(t - e).max() for t, e in zip(r.spike_times, spikes, strict=True)]
    assert (np.abs(np.log(r["spike_time_error"] / exact)) < np.log(1.5)).all()
    assert not {"n_steps_error", "n_rejected_error"} & set(r.variables)


# --- artefacts -------------------------------------------------------------------------------------------------------
def test_a_spike_count_that_the_step_decides_is_flagged(spikes):
    """A run that ends between the true time of a spike and that of the coarse run misses the spike."""
    drift = axons().spike_times[1][-1] - spikes[1][-1]
    assert 0.1 < drift < 0.5
    r = axons(t_stop=spikes[1][-1] + 0.5 * drift)
    assert r.spike_count[1] == len(spikes[1]) - 1
    assert r["certified"].tolist() == [AGREES, CHANGED, AGREES]
    assert r["spike_count_error"].tolist() == [0.0, 1.0, 0.0]
    np.testing.assert_allclose(r["rate_error"], [0.0, 1000.0 / (spikes[1][-1] + 0.5 * drift), 0.0])


def test_failures_of_either_run_are_flagged(passive):
    """By the stability of Euler's method on paper: V' = -g V / C with g < 0 grows faster in shorter steps."""
    g = np.array([0.1, -1.6, -4.0])
    r = hh.simulate(
        passive,
        {"g_L": g},
        stimulus=hh.Step(1.0),
        t_stop=20.0,
        dt=0.5,
        integrator="euler",
        record=[hh.SpikeCount(), hh.Final()],
        certify=True,
    )
    reached = [np.abs(1 / g * (1 - (1 - g * h / 2.0) ** (20.0 / h))) for h in (0.5, 0.25)]
    assert [(reach > 1e6).tolist() for reach in reached] == [[False, False, True], [False, True, True]]
    assert r["certified"].tolist() == [AGREES, FAILED, FAILED]
    assert np.isnan(r["V_final_error"]).tolist() == [False, True, True]
    # A stiff membrane, on the other hand, is stable in the shorter steps only.
    g = np.array([0.1, 12.0])
    r = hh.simulate(
        passive,
        {"g_L": g},
        stimulus=hh.Step(1.0),
        t_stop=20.0,
        dt=0.5,
        integrator="euler",
        record=[hh.SpikeCount(), hh.Final()],
        certify=True,
    )
    assert r.status.tolist() == [0, 1]
    assert r["certified"].tolist() == [AGREES, CHANGED]


# --- what it leaves alone --------------------------------------------------------------------------------------------
def test_the_result_itself_stays_as_it_is():
    """To the bit, whichever cells are checked; and what is checked does not depend on the others."""
    plain, whole = axons(certify=False), axons()
    some = axons(certify=np.array([True, False, True]), threads=1)
    none = axons(certify=np.zeros(3, bool))
    assert set(whole.variables) == set(some.variables) == set(none.variables)
    for name, variable in plain.variables.items():
        for other in (whole, some, none):
            np.testing.assert_array_equal(other[name], variable.values)
    for name in set(whole.variables) - set(plain.variables) - {"certified"}:
        np.testing.assert_array_equal(some[name][[0, 2]], whole[name][[0, 2]])
        assert np.isnan(some[name][1])
        assert np.isnan(none[name]).all()
        assert whole.variables[name].unit == plain.variables[name.removesuffix("_error")].unit
    assert some["certified"].tolist() == [AGREES, NOT_CHECKED, AGREES]


@pytest.mark.core
def test_a_share_of_the_cells(passive):
    """About as many as asked, and a cell is chosen by its number alone."""

    def chosen(n):
        run = {"t_stop": 0.1, "integrator": "euler", "record": [hh.SpikeCount()], "certify": 0.1}
        return hh.simulate(passive, {"g_L": np.linspace(0.1, 1.0, n)}, **run)["certified"] != NOT_CHECKED

    assert 60 < chosen(1000).sum() < 140
    np.testing.assert_array_equal(chosen(1000)[:77], chosen(77))


def test_spike_counts_go_with_the_spikes_stored(passive):
    """Where the buffer is full, too, and whatever else counts spikes: else no cell finds its times."""
    train = hh.Train(amplitude=np.array([500.0, 0.0]), width=1.0, period=50.0)
    leak = {"g_L": 1.0}
    for record in ([hh.Spikes(max_per_cell=2), hh.SpikeCount()], [hh.SpikeCount(), hh.Spikes(max_per_cell=2)]):
        r = hh.simulate(passive, leak, stimulus=train, t_stop=200.0, integrator="rk4", record=record, certify=True)
        assert r.spike_count.tolist() == [2, 0]
        assert r["certified"].tolist() == [FAILED, AGREES]
        assert len(r.spike_time) == 2


# --- sweeps ----------------------------------------------------------------------------------------------------------
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
        assert data["certified"].attrs["flag_meanings"].split()[CHANGED] == "spike_count_changed"
        assert data["certified"].attrs["flag_values"].tolist() == [NOT_CHECKED, AGREES, CHANGED, FAILED]
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
    space = Rows({"stimulus.amplitude": np.array([float(a) for a in AMPLITUDES])})
    record = Record(features=(), spikes=True, threshold=0.0, rearm=-10.0)
    told = {"integrator": "tsit5", "rtol": 1e-4, "atol": {"V": 1e-3}, "t_stop": 30.0, "certify": True}
    sweep = small(record, space=space, stimulus={"kind": "step"}, **told)
    path = sweep.run(tmp_path / "out.h5", progress=False)
    r = axons(dt=0.025, record=RECORD[:1], **told)
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
        errors = result.read("spike_time_error")
        checked = int((result.read("certified") != NOT_CHECKED).sum())
        text = certificate_text(result)
    largest = f"{np.nanmax(errors):.2g}"
    assert text.startswith(f"{checked} of 30 rows, 0 of them changed their spike count; estimated error of the others")
    assert f"spike_time {np.nanmedian(errors):.2g} ({largest}) ms" in text
    assert "\n" not in text
    assert CliRunner().invoke(app, ["status", str(certified_sweep)]).stdout.endswith(f"  certified: {text}\n")


def test_a_sweep_without_certificate_keeps_its_checksum():
    """Results of before, and unfinished runs, are still those of their spec."""
    assert "certify" not in json.loads(small().text)
    assert small(certify=True).sha256 == small(certify=1.0).sha256 != small().sha256


# --- mistakes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("certify", [0, 1.5, -0.1, "yes", float("nan")])
def test_a_share_out_of_range_is_refused(certify):
    with pytest.raises(InputError, match=r"certify: is .*; give true, false, or a share"):
        axons(certify=certify)
    with pytest.raises(InputError, match=r"certify: is .*; give true, false, or a share"):
        small(certify=certify)


def test_what_cannot_be_certified_is_refused(tmp_path):
    with pytest.raises(InputError, match="one truth value per cell"):
        axons(certify=[True, False])
    with pytest.raises(InputError, match="record spike_count as well"):
        axons(record=[hh.Final()])
    text = 'model = "hodgkin_huxley"\nt_stop = 5.0\ncertify = true\n[axes]\ng_Na = { values = [100, 120] }\n'
    (tmp_path / "scan.toml").write_text(f'{text}[record]\nfeatures = ["latency"]\n')
    with pytest.raises(InputError, match=r"scan.toml: certify: .* record spike_count as well"):
        Sweep.from_toml(tmp_path / "scan.toml")
    (tmp_path / "scan.toml").write_text(text.replace("t_stop = 5.0\n", "") + '[analysis]\nkind = "rheobase"\nwidth = 1')
    with pytest.raises(InputError, match=r"certify: does not go with \[analysis\]"):
        Sweep.from_toml(tmp_path / "scan.toml")
