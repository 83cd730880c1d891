"""Refractory periods and recovery curves: both are measured with paired pulses."""

import numpy as np
import pytest

import hhfast as hh
from hhfast import AnalysisStatus as Status

SQUID = "hodgkin_huxley"


@pytest.fixture(scope="module")
def squid():
    return hh.refractory_period(SQUID, second=(2.0, 5.0), threshold=0.0)


@pytest.mark.core
def test_minimal_intervals(squid, analysis_reference):
    """The shortest interval for second pulses of 2 and 5 thresholds, to 1e-3 ms."""
    expected = [analysis_reference["minimal_interval"][k] for k in ("2", "5")]
    np.testing.assert_allclose(squid.minimal_interval[0], expected, atol=1e-3)
    assert squid.status.tolist() == [Status.OK]


def test_periods_are_ordered(squid):
    """Absolute period < interval at 5 thresholds < at 2 thresholds < relative period."""
    assert squid.first_spike[0] < squid.absolute[0] < squid.minimal_interval[0, 1]
    assert squid.minimal_interval[0, 0] < squid.relative[0]


def test_recovery_curve(analysis_reference):
    """Ratios at 8, 10, 15 and 19 ms, to 1e-4; the axon is supernormal at 19 ms."""
    intervals = [float(d) for d in analysis_reference["ratio"]]
    r = hh.recovery_curve(SQUID, intervals, threshold=0.0)
    np.testing.assert_allclose(r.ratio[0], list(analysis_reference["ratio"].values()), rtol=1e-4)
    assert r.supernormal.tolist() == [True]
    assert r.minimum_interval.tolist() == [19.0]


def test_curve_and_interval_agree(squid):
    """At the minimal interval for a second pulse of 2 thresholds, the threshold ratio is 2."""
    r = hh.recovery_curve(SQUID, squid.minimal_interval[0], threshold=0.0)
    np.testing.assert_allclose(r.ratio[0], [2.0, 5.0], rtol=2e-4)


def test_what_is_forced_on_the_membrane_is_no_spike(squid):
    """5 ms after the first, a pulse of 60 thresholds lifts V over 0 mV without any spike."""
    pair = hh.PairedPulse(2.0 * squid.threshold, 60.0 * squid.threshold, interval=5.0)
    r = hh.simulate(SQUID, stimulus=pair, t_stop=60.0, initial="rest", record=[hh.Spikes(0.0, -40.0)])
    assert r.spike_count.tolist() == [2]
    assert np.isnan(hh.recovery_curve(SQUID, [5.0], threshold=0.0, cap=60.0).ratio).all()


def test_too_short_intervals_have_no_ratio():
    """Before the first spike is over there is nothing to measure."""
    assert np.isnan(hh.recovery_curve(SQUID, [1.0, 3.0]).ratio).all()


def test_statuses():
    """Without a threshold there is no refractory period, and the reason is passed on."""
    r = hh.refractory_period(SQUID, {"g_Na": np.array([120.0, 0.0, np.nan]), "E_L": -54.387})
    assert r.status.tolist() == [Status.OK, Status.NEVER, Status.DIVERGED]
    assert np.isfinite(r.minimal_interval[:, 0]).tolist() == [True, False, False]
    short = hh.refractory_period(SQUID, max_interval=8.0)
    assert short.status.tolist() == [Status.UNRECOVERED]


def test_result_does_not_depend_on_neighbours():
    """A cell alone and in a batch: the same bits."""
    params = {"g_Na": np.linspace(110.0, 130.0, 9), "g_K": np.linspace(33.0, 39.0, 9)}
    together = hh.refractory_period(SQUID, params)
    curve = hh.recovery_curve(SQUID, [9.0, 15.0], params)
    own = {k: v[4] for k, v in params.items()}
    alone = hh.refractory_period(SQUID, own)
    for name in ("minimal_interval", "absolute", "relative", "threshold"):
        assert getattr(alone, name)[0].tobytes() == getattr(together, name)[4].tobytes()
    assert hh.recovery_curve(SQUID, [9.0, 15.0], own).ratio[0].tobytes() == curve.ratio[4].tobytes()


def test_bad_input():
    """Intervals shorter than the pulses, or no strengths, are refused."""
    with pytest.raises(hh.InputError, match="width"):
        hh.recovery_curve(SQUID, [0.5])
    with pytest.raises(hh.InputError, match="second"):
        hh.refractory_period(SQUID, second=())
