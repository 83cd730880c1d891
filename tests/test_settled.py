"""Until settled: each cell ends at its rest or on its cycle, and says which; the truth is from proofs and theory."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.errors import InputError
from hhfast.parts.activity import ACTIVITIES

# Squid axon at 8 uA/cm2: a computer-assisted proof (doi:10.5281/zenodo.23047046), and mpmath in 30 digits.
PERIOD, REST = 16.0077128038376, -60.353375983126025
SQUID = {"stimulus": hh.Step(amplitude=8.0), "t_stop": 1000.0, "until": "settled", "integrator": "tsit5"}


def activity(result):
    return [ACTIVITIES[k] for k in result["activity"]]


@pytest.mark.parametrize(("rtol", "error"), [(1e-6, 1e-4), (1e-9, 1e-7)])
def test_the_period_of_the_squid_axon_is_the_proved_one(rtol, error):
    r = hh.simulate("hodgkin_huxley", **SQUID, rtol=rtol)
    assert activity(r) == ["tonic"]
    assert abs(r["period"][0] - PERIOD) < error
    assert r["spikes_per_period"][0] == 1
    assert r["settled_at"][0] < 150
    assert r.status[0] == 0


def test_the_same_cell_rests_where_it_is_proved_to_from_another_state():
    r = hh.simulate("hodgkin_huxley", **SQUID, initial={"V": -60.0})
    assert activity(r) == ["silent"]
    assert abs(r["V_rest"][0] - REST) < 1e-11
    assert r["V_peak"][0] == r["V_trough"][0] == r["V_rest"][0]
    assert np.isnan(r["period"][0])


@pytest.mark.parametrize(
    ("integrator", "error"), [("rk4", 1e-5), ("rodas4", 1e-4), ("strang", 1e-2), ("exp_euler", 0.2), ("euler", 0.2)]
)
def test_every_integrator_settles(integrator, error):
    r = hh.simulate("hodgkin_huxley", {"g_Na": [120.0, 100.0]}, **{**SQUID, "integrator": integrator})
    assert activity(r) == ["tonic", "silent"]
    assert abs(r["period"][0] - PERIOD) < error
    assert r.status.tolist() == [0, 0]


@pytest.mark.parametrize("integrator", ["tsit5", "rk4"])
def test_a_row_is_the_same_whatever_its_neighbours(integrator):
    params = {"g_Na": np.linspace(60.0, 200.0, 97), "g_L": np.linspace(0.5, 0.05, 97)}
    record = [hh.Spikes(), hh.Features(["rate", "isi_mean", "V_max", "activity", "period", "settled_at", "V_trough"])]
    how = {**SQUID, "integrator": integrator, "record": record}
    together = hh.simulate("hodgkin_huxley", params, threads=2, **how)
    assert len(set(activity(together))) > 1
    order = np.random.default_rng(1).permutation(97)
    shuffled = hh.simulate("hodgkin_huxley", {n: v[order] for n, v in params.items()}, threads=1, **how)
    for name in ("rate", "isi_mean", "V_max", "activity", "period", "settled_at", "V_trough", "spike_count"):
        np.testing.assert_array_equal(shuffled[name], together[name][order], strict=True)
    for k in (0, 50, 96):
        alone = hh.simulate("hodgkin_huxley", {n: v[k : k + 1] for n, v in params.items()}, **how)
        assert alone["period"].tobytes() == together["period"][k : k + 1].tobytes()
        assert alone.spike_time.tobytes() == together.spike_times[k].tobytes()


def test_it_goes_with_a_certificate_and_recorders_end_with_the_cell():
    record = [hh.Spikes(), hh.Trace("V", every=1.0), hh.Final()]
    r = hh.simulate("hodgkin_huxley", {"g_Na": [120.0, 100.0]}, **SQUID, record=record, certify=True)
    assert r["certified"].tolist() == [1, 1]
    assert r["settled_at_error"].shape == (2,)
    ended = r["settled_at"]
    for k in range(2):
        sampled = np.isfinite(r["V"][k])
        assert sampled[r.time < ended[k] - 1].all()
        assert not sampled[r.time > ended[k] + 5].any()
        assert r.spike_times[k].max(initial=0.0) <= ended[k]
    assert abs(r["V_final"][1] - r["V_rest"][1]) < 0.1


def test_cells_at_the_cap_say_so():
    r = hh.simulate("hodgkin_huxley", **{**SQUID, "t_stop": 40.0})
    assert activity(r) == ["unsettled"]
    assert r.status[0] == 6
    assert np.isnan(r["settled_at"][0])


@pytest.mark.parametrize(
    "stimulus",
    [hh.Sine(amplitude=5.0, frequency=50.0), hh.Noise(sigma=1.0, tau=2.0), hh.Train(8.0, period=20.0)],
)
def test_a_current_that_never_becomes_constant_is_refused(stimulus):
    with pytest.raises(InputError, match="never becomes a constant current"):
        hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": stimulus})


def test_a_current_that_ends_is_allowed():
    ended = hh.Sine(amplitude=5.0, frequency=50.0, stop=100.0) + hh.Ramp(amplitude=3.0, stop=60.0)
    r = hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": ended})
    assert activity(r) == ["silent"]
    assert abs(r["V_rest"][0] - hh.resting_state("hodgkin_huxley").V[0]) < 1e-9
    assert r["settled_at"][0] > 100


def test_features_of_settled_cells_are_refused_without_it():
    with pytest.raises(InputError, match="'activity' needs until"):
        hh.simulate("hodgkin_huxley", t_stop=10.0, record=[hh.Features(["activity"])])
    with pytest.raises(InputError, match="window"):
        hh.simulate("hodgkin_huxley", **SQUID, record=[hh.Features(["rate"], window=(1.0, 10.0))])
    with pytest.raises(InputError, match="settle_tol"):
        hh.simulate("hodgkin_huxley", **{**SQUID, "until": hh.Settled(settle_tol=0.5)})
