"""Spikes of traces, statistics of trains, shapes of action potentials; against eFEL."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.analysis.spikes import bursts, crossings

CASES = {"hodgkin_huxley": (10.0, 190.0), "connor_stevens": (12.0, 200.0)}


def recorded(model, every=0.025):
    amplitude, t_stop = CASES[model]
    r = hh.simulate(model, stimulus=hh.Step(amplitude, start=20.0), t_stop=t_stop, initial="rest",
                    record=[hh.Spikes(), hh.Trace("V", every=every)])  # fmt: skip
    return r, t_stop


@pytest.mark.parametrize("model", CASES)
def test_trace_and_kernel_agree(model):
    """Spikes found in a trace sampled every step are those of the kernel, to 1e-3 of a step."""
    r, _ = recorded(model)
    np.testing.assert_allclose(hh.spike_times(r.time, r["V"])[0], r.spike_times[0], atol=1e-4)


@pytest.mark.core
def test_contract():
    """Crossings while armed only: start above, dips that do not re-arm, plateaus, both ends."""
    V = np.array([10.0, -25.0, 10.0, -35.0, -20.0, 30.0, -29.0, 0.0, -31.0, -20.0])
    assert crossings(V, -20.0, -30.0).tolist() == [4, 9]
    assert crossings(np.full(5, -70.0), -20.0, -30.0).tolist() == []
    assert crossings(np.array([-25.0, 0.0]), -20.0, -30.0).tolist() == [1]


def test_traces_that_do_not_fit():
    """Shapes are checked, and rearm."""
    with pytest.raises(hh.InputError, match="shape"):
        hh.spike_times(np.arange(3.0), np.zeros(4))
    with pytest.raises(hh.InputError, match="rearm"):
        hh.spike_times(np.arange(3.0), np.zeros(3), threshold=-40.0)
    with pytest.raises(hh.InputError, match="shape"):
        hh.ap_features(np.arange(3.0), np.zeros((2, 4)))


def test_train_statistics():
    """Worked by hand."""
    f = hh.train_features([np.array([10.0, 20.0, 40.0, 70.0]), np.array([])], start=5.0)
    assert f["spike_count"].tolist() == [4, 0]
    assert f["latency"][0] == 5.0
    assert f["last_spike"][0] == 65.0
    assert f["isi_first"][0] == 10.0
    assert f["isi_mean"][0] == 20.0
    np.testing.assert_allclose(f["rate_last"][0], 1000.0 / 30.0)
    np.testing.assert_allclose(f["isi_cv"][0], 0.5)
    np.testing.assert_allclose(f["adaptation"][0], 0.2)
    np.testing.assert_allclose(f["rate_until_last"][0], 4000.0 / 65.0)
    assert all(np.isnan(f[name][1]) for name in ("isi_mean", "rate_until_last", "latency"))


def test_one_name_is_one_number():
    """What trains and the kernel both tell is the same; eFEL's names, of peaks, are the kernel's alone."""
    names = ["spike_count", "latency", "isi_mean", "isi_cv"]
    r = hh.simulate(
        "connor_stevens", {"g_Na": [100.0, 120.0]}, stimulus=hh.Step(amplitude=20.0, start=5.0), t_stop=200.0,
        record=[hh.Spikes(), hh.Features(names[1:])],
    )  # fmt: skip
    train = hh.train_features(r.spike_times, start=5.0)
    assert set(train) & {name for f, of in hh.features.items() for name in (f, *of.aliases)} == set(names)
    assert (r["isi_cv"] > 0).all()
    for name in names:
        np.testing.assert_allclose(train[name], r[name], rtol=1e-9, err_msg=name)
    assert np.isnan(hh.train_features(r.spike_times, start=100.0)["latency"]).all()


def test_bursts():
    """Groups between long intervals; tonic firing is none."""
    assert bursts(np.array([0.0, 5, 10, 100, 105, 110, 300])) == [(0, 3), (3, 6)]
    assert bursts(np.arange(10.0)) == []
    assert bursts(np.array([1.0])) == []


@pytest.mark.filterwarnings("ignore:Use ISIs:DeprecationWarning")
@pytest.mark.parametrize("model", CASES)
def test_against_efel(model):
    """eFEL on the same trace: peaks are the same; what it rounds to samples differs by less than one of them.

    The last spike is left out: eFEL ends its after-hyperpolarisation with the stimulus.
    """
    efel = pytest.importorskip("efel")
    r, t_stop = recorded(model)
    mine = hh.ap_features(r.time, r["V"], stim_start=20.0)
    step = 0.025
    slope = 12.0 * step  # mV in a sample, where dV/dt is somewhat above the 10 mV/ms of the begin
    tolerance = {
        "peak_time": 1e-9, "peak_voltage": 1e-8, "AP_begin_time": step, "AP_begin_voltage": slope,
        "AP_amplitude": slope, "AP_duration_half_width": 1.01 * step, "AHP_depth_abs": 1e-8,
    }  # fmt: skip
    efel.reset()
    efel.set_setting("interp_step", step)
    efel.set_setting("strict_stiminterval", True)
    efel.set_setting("ignore_first_ISI", False)
    trains = {  # name here -> in eFEL, and how much crossings and peaks may differ
        "isi_cv": ("ISI_CV", 1e-3), "isi_first": ("doublet_ISI", 2 * step),
        "adaptation": ("adaptation_index2", 1e-3), "burst_count": ("burst_number", 0),
    }  # fmt: skip
    trace = {"T": r.time, "V": r["V"][0], "stim_start": [20.0], "stim_end": [t_stop]}
    theirs = efel.get_feature_values([trace], [*tolerance, *(efels for efels, _ in trains.values())])[0]
    n = len(mine["cell"]) - 1
    assert n > 5
    for name, allowed in tolerance.items():
        np.testing.assert_allclose(mine[name][:n], theirs[name][:n], rtol=0, atol=allowed, err_msg=name)
    train = hh.train_features(r.spike_times, start=20.0)
    for name, (efels, allowed) in trains.items():
        np.testing.assert_allclose(train[name][0], theirs[efels][0], rtol=0, atol=allowed, err_msg=name)
