"""f-I curves: rates, branches, onset, block, class."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.analysis.firing import steady_rate
from hhfast.errors import PrecisionWarning

SQUID = "hodgkin_huxley"


@pytest.mark.core
def test_steady_rates(analysis_reference):
    """Rates at 7, 10, 20 and 50 uA/cm2, to 1e-6."""
    expected = {float(k): v for k, v in analysis_reference["rate"].items()}
    r = hh.fi_curve(SQUID, list(expected))
    np.testing.assert_allclose(r.rate[0], list(expected.values()), rtol=1e-6)


def test_squid_axon_is_class_two(analysis_reference):
    """Onset at the fold of limit cycles, block where the peaks no longer reach the threshold."""
    r = hh.fi_curve(SQUID, [0.0, 4.0, 8.0, 50.0, 90.0, 110.0], tol=1e-4)
    np.testing.assert_allclose(r.onset, analysis_reference["limit_cycle_fold"], rtol=1e-3)
    np.testing.assert_allclose(r.block, analysis_reference["limit_cycle_peak_at"]["-20"], rtol=2e-4)
    assert r.excitability.tolist() == ["II"]
    assert r.onset_rate[0] > 45.0
    assert r.max_rate[0] == r.rate[0].max()
    assert r.latency is r.time_to_first_spike


def test_block_says_whether_the_oscillation_lives_on(analysis_reference):
    """At -45 mV spikes are lost 30 uA/cm2 below the Hopf point, where V still swings; a closer rearm finds the end."""
    currents = [110.0, 120.0, 150.0, 160.0]
    lost = hh.fi_curve(SQUID, currents, threshold=-45.0)
    assert 120.0 < lost.block[0] < 130.0
    assert lost.block_swing[0] > 20.0
    ends = hh.fi_curve(SQUID, currents, threshold=-42.9, rearm=-43.1, until="settled")
    np.testing.assert_allclose(ends.block, analysis_reference["hopf"][1]["I"], atol=0.6)
    assert ends.block_swing[0] < 1.0
    assert np.isnan(hh.fi_curve(SQUID, [20.0, 30.0], t_stop=300.0).block_swing[0])
    with pytest.raises(hh.InputError, match="rearm = -10 mV is above the threshold, -20 mV"):
        hh.fi_curve(SQUID, currents, rearm=-10.0)


def test_bistability(analysis_reference):
    """Between the fold (6.26) and the Hopf point (9.78) the axon rests on the way up and fires on the way down."""
    currents = np.arange(5.0, 12.0)
    up, down = (hh.fi_curve(SQUID, currents, direction=d, t_stop=600.0) for d in ("up", "down"))
    assert (up.rate[0] > 0).tolist() == [False, False, False, False, False, True, True]
    assert (down.rate[0] > 0).tolist() == [False, False, True, True, True, True, True]
    both = (up.rate[0] > 0) & (down.rate[0] > 0)
    np.testing.assert_allclose(up.rate[0][both], down.rate[0][both], rtol=1e-3)
    assert up.onset[0] > 9.0
    np.testing.assert_allclose(down.onset, analysis_reference["limit_cycle_fold"], atol=0.02)


def test_class_one(analysis_reference):
    """The rate of the Wang-Buzsaki cell begins from zero, close to its saddle-node."""
    r = hh.fi_curve("wang_buzsaki", [0.0, 0.5, 1.0, 2.0])
    assert r.excitability.tolist() == ["I"]
    assert r.onset_rate[0] < 10.0
    np.testing.assert_allclose(r.onset, analysis_reference["saddle_node"]["wang_buzsaki"]["I"], atol=0.005)
    assert (np.diff(r.rate[0]) > 0).all()
    assert r.gain[0] > 0


def test_silent_blocked_pacing_and_broken_cells():
    """Class III, none, a pacemaker whose onset is unknown, and NaN."""
    params = {"g_Na": np.array([120.0, 0.0, 120.0, np.nan]), "E_L": np.array([-54.387, -54.387, -20.0, -54.387])}
    r = hh.fi_curve(SQUID, [0.0, 4.0], params, t_stop=500.0)
    assert r.excitability.tolist() == ["III", "none", "unknown", "none"]
    assert r.status.tolist() == [0, 0, 0, 1]
    assert r.onset[2] == 0.0
    assert np.isnan(r.rate[3]).all()


@pytest.mark.parametrize("direction", ["rest", "down"])
def test_result_does_not_depend_on_neighbours(direction):
    """A cell alone and in a batch: the same bits."""
    params = {"g_Na": np.linspace(100.0, 140.0, 9), "g_K": np.linspace(30.0, 40.0, 9)}
    currents = [2.0, 7.0, 12.0]
    together = hh.fi_curve(SQUID, currents, params, direction=direction, t_stop=300.0, transient=100.0)
    alone = hh.fi_curve(SQUID, currents, {k: v[4] for k, v in params.items()}, direction=direction, t_stop=300.0,
                        transient=100.0)  # fmt: skip
    for name in ("rate", "onset", "onset_rate", "gain", "block", "excitability"):
        assert getattr(alone, name)[0].tobytes() == getattr(together, name)[4].tobytes()


def test_steady_rate_of_trains():
    """Later half of the intervals; silence at the end or a single spike is rate 0."""
    trains = [[1.0, 50.0, 60.0, 70.0, 80.0, 90.0], [50.0, 55.0], [95.0], []]
    time = np.concatenate([np.array(t) for t in trains])
    rate = steady_rate(time, np.array([len(t) for t in trains]), 20.0, 100.0)
    np.testing.assert_allclose(rate, [100.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("bad", [{"direction": "sideways"}, {"transient": 2000.0}, {"currents": []}])
def test_bad_input(bad):
    """Unknown directions, transients longer than the run and missing currents are refused."""
    with pytest.raises(hh.InputError):
        hh.fi_curve(SQUID, **({"currents": [1.0]} | bad))


def test_potentials_beyond_rates_are_told(tmp_path):
    """-300 uA/cm2 through a leak of 0.3 mS/cm2 are 1 V: one warning, a mark of such cells, in a sweep their `reason`."""
    currents = [10.0, -300.0]
    g_leak = np.array([0.3, 30.0])  # the second cell's own leak holds it: -300 uA/cm2 take it down by 10 mV
    with pytest.warns(PrecisionWarning, match="the potential of 1 of 2 cells goes beyond -200 to 150 mV"):
        found = hh.fi_curve(SQUID, currents, {"g_L": g_leak}, t_stop=60.0, transient=10.0)
    assert found.beyond_rates.tolist() == [True, False]
    (tmp_path / "fi.toml").write_text(
        'model = "hodgkin_huxley"\n[analysis]\nkind = "fi_curve"\ncurrents = [10.0, -300.0]\nt_stop = 60.0\n'
        "transient = 10.0\n[axes]\ng_L = { values = [0.3, 30.0] }\n"
    )
    hh.Sweep.from_toml(tmp_path / "fi.toml").run(tmp_path / "fi.h5", progress=False)
    with hh.open_results(tmp_path / "fi.h5") as rows:
        told = rows["reason"]
        assert [told.attrs["flag_meanings"].split()[code] for code in told.values] == ["potential_beyond_rates", "none"]
