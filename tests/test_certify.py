"""Certificates: estimated errors are the true ones, artefacts are flagged, and asking for them changes nothing else."""

import numpy as np
import pytest
import reference_models
from sweeps import small

import hhfast as hh
from hhfast.batch.certificate import certified
from hhfast.batch.certify import AGREES, DIFFERS, FAILED, NOT_CHECKED
from hhfast.batch.certify_tolerance import Tolerance
from hhfast.batch.result import Result
from hhfast.errors import InputError, StepWarning
from hhfast.parts.variable import Variable
from hhfast.sweep.sweep import Sweep

AMPLITUDES = ("6.3", "10", "20")
LOOSE = {"time": 100.0, "share": 0.9}  # counts alone
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
    ("integrator", "how"),
    [
        ("exp_euler", {"dt": 0.05}),
        ("exp_euler", {"dt": 0.01}),
        ("rk4", {"dt": 0.05}),
        ("rk4", {"dt": 0.01, "dtype": "float32"}),
        ("tsit5", {"rtol": 1e-4}),
        ("tsit5", {"rtol": 1e-6}),
    ],
)
def test_estimated_errors_of_spikes_are_the_true_ones(spikes, integrator, how):
    """Against DOP853, through 14 spikes of drift; float32 against float64, as both would round alike."""
    r = axons(integrator, **how)
    exact = {
        "spike_time": [np.abs(t - e).max() for t, e in zip(r.spike_times, spikes, strict=True)],
        "latency": np.abs(r["latency"] - [t[0] for t in spikes]),
        "isi_mean": np.abs(r["isi_mean"] - [np.diff(t).mean() for t in spikes]),
    }
    for name, error in exact.items():
        np.testing.assert_allclose(r[f"{name}_error"], error, rtol=0.15, atol=1e-6)
    assert r["rate_error"].tolist() == r["spike_count_error"].tolist() == [0.0, 0.0, 0.0]
    assert not {"n_steps_error", "n_rejected_error", "reason_error"} & set(r.variables)


def test_estimated_errors_of_states_are_the_true_ones(reference):
    """After 50 ms and three spikes (rk4)."""
    exact = reference["hodgkin_huxley"]["trace_10"]["y_end"]
    r = axons("rk4", t_stop=50.0, initial="rest")
    for x, value in zip(hh.models["hodgkin_huxley"].states, exact, strict=True):
        np.testing.assert_allclose(r[f"{x}_final_error"][1], abs(r[f"{x}_final"][1] - value), rtol=0.01)


# --- the verdict -----------------------------------------------------------------------------------------------------
def test_late_spikes_differ_though_their_number_is_right(spikes):
    """exp_euler at 0.05 ms is late by 1 to 5 ms; how late a spike may be is for the user to say."""
    r = axons()
    late = np.array([np.abs(t - e).max() for t, e in zip(r.spike_times, spikes, strict=True)])
    assert late.min() > 0.1
    assert r["certified"].tolist() == [DIFFERS] * 3
    assert (axons("rk4", 0.025)["certified"] == AGREES).all()
    assert (axons(certify_tolerance=LOOSE)["certified"] == AGREES).all()
    limit = (late.min() + late.max()) / 2
    r = axons(certify_tolerance={**LOOSE, "spike_time": limit})
    assert (r["certified"] == DIFFERS).tolist() == (late > limit).tolist()


def potential(x):
    return Variable(np.array([x]), ("cell",), "mV")


def duration(x):
    return Variable(np.array([x]), ("cell",), "ms")


def fraction(x):
    return Variable(np.array([x]), ("cell",), "1")


def concentration(x):
    return Variable(np.array([x]), ("cell",), "uM")


def count(x):
    return Variable(np.array([x], np.int32), ("cell",), "1")


def activity(x):
    return Variable(np.array([x], np.uint8), ("cell",), "1", "", ("silent", "tonic"))


def incidental(x):
    return Variable(np.array([x]), ("cell",), "ms", kind="incidental")


@pytest.mark.parametrize(
    ("variable", "ours", "theirs", "tolerance", "outcome"),
    [
        (potential, -60.0, -60.9, 0.01, AGREES),
        (potential, -60.0, -61.1, 0.01, DIFFERS),
        (duration, 500.0, 500.09, 0.01, AGREES),
        (duration, 500.0, 500.11, 0.01, DIFFERS),
        (duration, 500.0, 500.9, {"time": 1.0}, AGREES),
        (fraction, 0.5, 0.509, 0.01, AGREES),
        (fraction, 0.5, 0.511, 0.01, DIFFERS),
        (concentration, 1e-3, 1.009e-3, 0.01, AGREES),
        (concentration, 1e-3, 1.011e-3, 0.01, DIFFERS),
        (concentration, 1.0, 1.09, {"share": 0.1}, AGREES),
        (count, 300, 301, 0.5, DIFFERS),
        (count, 300, 301, {"latency": 1.0}, AGREES),
        (activity, 0, 1, 0.5, DIFFERS),
        (potential, np.nan, -60.0, 0.5, DIFFERS),
        (potential, np.nan, np.nan, 0.01, AGREES),
        (incidental, 1.0, 9.0, 0.01, AGREES),
        (incidental, 1.0, np.nan, 0.01, AGREES),
    ],
)
def test_each_kind_of_number_has_its_scale(variable, ours, theirs, tolerance, outcome):
    """Potentials have 100 mV, fractions 1, sizes their own, times ms, counts and classes nothing."""
    result, finer = (Result(np.zeros(1, np.uint8), {"latency": variable(x)}) for x in (ours, theirs))
    r = certified(result, np.array([0]), finer, Tolerance.of(tolerance, ()))
    assert r["certified"].tolist() == [outcome]
    if variable is not activity:
        np.testing.assert_allclose(r["latency_error"], [abs(ours - theirs)])


def test_a_count_that_two_steps_agree_on_and_is_wrong():
    """Euler counts 21 at 0.025 ms and at half of it: its own kind is no witness. DOP853 on the paper's equations: 22."""
    params = {"g_Na": 62.4344, "g_K": 13.0444, "g_A": 33.4782, "g_L": 0.5495}
    how = {"stimulus": hh.Step(19.539, start=5.0), "t_stop": 100.0, "integrator": "euler", "record": [hh.SpikeCount()]}
    halves = [hh.simulate("connor_stevens", params, dt=dt, **how).spike_count[0] for dt in (0.025, 0.0125)]
    p = reference_models.MODELS["connor_stevens"].p | params
    current = {"current": lambda t: 19.539 * (t > 5.0), "jumps": (5.0,), "level": -20.0}
    exact = len(reference_models.solve("connor_stevens", 100.0, p=p, **current)[1])
    assert halves == [exact - 1, exact - 1]
    r = hh.simulate("connor_stevens", params, certify=True, **how)
    assert r["certified"].tolist() == [DIFFERS]
    assert r["spike_count_error"].tolist() == [1.0]


def test_no_cell_is_assured_that_is_wrong():
    """A sample of `benchmarks/false_assurance.py`: 300 random axons by Euler, the truth by rodas4 at 1e-10."""
    rng = np.random.default_rng(5)
    params = {f"g_{name}": g * 2.0 ** rng.uniform(-1, 1, 300) for name, g in (("Na", 120), ("K", 36), ("L", 0.3))}
    features = ["latency", "isi_mean", "isi_cv", "V_max", "V_min", "V_mean"]
    how = {
        "stimulus": hh.Step(rng.uniform(0, 30, 300)),
        "t_stop": 100.0,
        "record": [hh.Spikes(), hh.Features(features)],
    }
    true = hh.simulate("hodgkin_huxley", params, integrator="rodas4", rtol=1e-10, **how)
    r = hh.simulate("hodgkin_huxley", params, integrator="euler", certify=True, **how)
    wrong = r.spike_count != true.spike_count
    for name in features:
        limit = {"ms": 0.1, "mV": 1.0, "1": 0.01}[r.variables[name].unit]
        wrong |= ~(np.abs(r[name] - true[name]) <= limit) & ~(np.isnan(r[name]) & np.isnan(true[name]))
    wrong |= np.array([len(a) == len(b) and np.abs(a - b).max(initial=0.0) > 0.1
                       for a, b in zip(r.spike_times, true.spike_times, strict=True)])  # fmt: skip
    assert 50 < wrong.sum() < 250
    assert (r["certified"] == np.where(wrong, DIFFERS, AGREES)).mean() > 0.99
    assert not (wrong & (r["certified"] == AGREES) & (r.spike_count != true.spike_count)).any()


def test_settled_cells_are_judged_by_what_they_do_in_the_end(spikes):
    """Not by when they were found settled, nor by their spikes until then."""
    record = [hh.Features(["spike_count", "activity", "period", "period_error", "settled_at", "rate"]), hh.Final()]
    how = {"stimulus": hh.Step(10.0), "t_stop": 2000.0, "until": "settled", "record": record, "certify": True}
    params = {"g_Na": [120.0, 60.0]}
    r = hh.simulate("hodgkin_huxley", params, integrator="rk4", **how)
    assert r["certified"].tolist() == [AGREES, AGREES]
    assert "settled_at_error" in r
    assert "period_error_error" not in r
    how |= {"integrator": "exp_euler", "dt": 0.05, "certify_tolerance": {"period": 0.01}}
    r = hh.simulate("hodgkin_huxley", params, **how)
    assert abs(r["period"][0] - np.diff(spikes[1])[-1]) > 0.01
    assert r["certified"].tolist() == [DIFFERS, AGREES]


def test_a_cell_too_stiff_for_explicit_steps_is_checked_by_rodas4(passive):
    """Its membrane is a million times faster than its run is long; V follows from Ohm's law."""
    record = [hh.SpikeCount(), hh.Final()]
    how = {"stimulus": hh.Step(1.0), "t_stop": 20.0, "integrator": "exp_euler", "record": record}
    with pytest.warns(StepWarning):
        r = hh.simulate(passive, {"g_L": [0.1, 1e6]}, certify=True, **how)
    assert r["certified"].tolist() == [AGREES, AGREES]
    assert r["V_final_error"][1] < 1e-9


# --- artefacts -------------------------------------------------------------------------------------------------------
def test_a_spike_count_that_the_step_decides_is_flagged(spikes):
    """A run that ends between the true time of a spike and that of the coarse run misses the spike."""
    drift = axons().spike_times[1][-1] - spikes[1][-1]
    assert 0.1 < drift < 0.5
    r = axons(t_stop=spikes[1][-1] + 0.5 * drift, certify_tolerance=LOOSE)
    assert r.spike_count[1] == len(spikes[1]) - 1
    assert r["certified"].tolist() == [AGREES, DIFFERS, AGREES]
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
    # A stiff membrane, on the other hand, is stable in shorter steps only.
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
    assert r["certified"].tolist() == [AGREES, DIFFERS]


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
    assert some["certified"].tolist() == [DIFFERS, NOT_CHECKED, DIFFERS]


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


# --- mistakes --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("certify", [0, 1.5, -0.1, "yes", float("nan")])
def test_a_share_out_of_range_is_refused(certify):
    with pytest.raises(InputError, match=r"certify: is .*; give true, false, or a share"):
        axons(certify=certify)
    with pytest.raises(InputError, match=r"certify: is .*; give true, false, or a share"):
        small(certify=certify)


@pytest.mark.parametrize("given", [0.0, -1.0, np.inf, "1 %", {"time": 0.0}, {"V_max": [1.0, 2.0]}, {"g_Na": 1.0}, None])
def test_a_tolerance_that_is_none_is_refused(given):
    with pytest.raises(InputError, match="certify_tolerance"):
        axons(certify_tolerance=given)


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
