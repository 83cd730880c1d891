"""Rheobase, displacement and anode-break thresholds."""

import numpy as np
import pytest

import hhfast as hh
from hhfast import AnalysisStatus as Status
from hhfast.analysis.population import Population

SQUID = "hodgkin_huxley"


def random_squids(n, seed=1):
    rng = np.random.default_rng(seed)
    values = {"g_Na": 120.0, "g_K": 36.0, "g_L": 0.3, "E_L": -54.387}
    return {name: value * rng.uniform(0.8, 1.2, n) for name, value in values.items()}


@pytest.mark.parametrize("width", ["0.1", "1", "10", "500"])
@pytest.mark.parametrize("threshold", [0.0, -20.0])
def test_squid_axon_thresholds(analysis_reference, width, threshold):
    """Pulses of 0.1 to 500 ms reach the reference to 1e-6, and the amplitude given is on the firing side."""
    expected = analysis_reference["threshold"][width]
    r = hh.find_rheobase(SQUID, width=float(width), tol=1e-8, threshold=threshold)
    assert r.status.tolist() == [Status.OK]
    np.testing.assert_allclose(r.amplitude, expected, rtol=1e-6)


@pytest.mark.core
def test_default_tolerance(analysis_reference):
    """The default tolerance is kept."""
    r = hh.find_rheobase(SQUID, width=1.0)
    np.testing.assert_allclose(r.amplitude, analysis_reference["threshold"]["1"], rtol=1e-5)


@pytest.mark.parametrize("width", [1.0, 100.0])
def test_amplitude_fires_and_less_does_not(width):
    """A simulation confirms each threshold from both sides."""
    params = random_squids(20)
    r = hh.find_rheobase(SQUID, params, width=width, tol=1e-4)
    for factor, wanted in ((1.0, 1), (1.0 - 2e-4, 0)):
        check = hh.simulate(SQUID, params, stimulus=hh.Pulse(factor * r.amplitude, width=width), t_stop=width + 50.0,
                            initial="rest", record=[hh.SpikeCount()])  # fmt: skip
        assert ((check.spike_count > 0) == wanted)[r.status == Status.OK].all()


def test_statuses_of_constructed_cells():
    """Normal, no sodium, pacemaker, NaN, no potassium (rests depolarised), C_m < 0: each gets its own status."""
    params = {
        "g_Na": np.array([120.0, 0.0, 120.0, np.nan, 120.0, 120.0]),
        "g_K": np.array([36.0, 36.0, 36.0, 36.0, 0.0, 36.0]),
        "E_L": np.array([-54.387, -54.387, -20.0, -54.387, -54.387, -54.387]),
        "C_m": np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0]),
    }
    expected = [Status.OK, Status.NEVER, Status.SPONTANEOUS, Status.DIVERGED, Status.NEVER, Status.DIVERGED]
    for width in (1.0, 200.0):
        r = hh.find_rheobase(SQUID, params, width=width)
        assert r.status.tolist() == expected
        assert np.isfinite(r.amplitude).tolist() == [s == Status.OK for s in expected]


def test_passive_crossing_is_no_spike():
    """A cell without sodium crosses the threshold under a strong pulse; that is forced on it, and no spike."""
    pulse = hh.Pulse(100.0, width=5.0)
    assert hh.simulate(SQUID, {"g_Na": 0.0}, stimulus=pulse, t_stop=10.0).spike_count.tolist() == [1]
    assert hh.find_rheobase(SQUID, {"g_Na": 0.0}, width=5.0).status.tolist() == [Status.NEVER]


def test_low_cap_is_never():
    """A cap below the threshold ends the search."""
    assert hh.find_rheobase(SQUID, width=1.0, max_amplitude=6.9).status.tolist() == [Status.NEVER]
    assert hh.find_rheobase(SQUID, width=1.0, max_amplitude=6.92).status.tolist() == [Status.OK]


@pytest.mark.parametrize("width", [1.0, 100.0])
def test_result_does_not_depend_on_neighbours(width):
    """One by one, in any order, repeated, in a large or a small batch: the same bits."""
    params = random_squids(70)
    together = hh.find_rheobase(SQUID, params, width=width, tol=1e-6)
    order = np.random.default_rng(2).permutation(70)
    shuffled = hh.find_rheobase(SQUID, {k: v[order] for k, v in params.items()}, width=width, tol=1e-6, threads=1)
    assert together.amplitude[order].tobytes() == shuffled.amplitude.tobytes()
    assert together.status[order].tobytes() == shuffled.status.tobytes()
    for i in (0, 33, 69):
        alone = hh.find_rheobase(SQUID, {k: v[i] for k, v in params.items()}, width=width, tol=1e-6)
        assert alone.amplitude[0].tobytes() == together.amplitude[i].tobytes()


def test_displacement_is_the_limit_of_short_pulses():
    """Charge by capacitance of a very short pulse, mV, approaches the threshold of a sudden displacement."""
    shock = hh.displacement_threshold(SQUID, tol=1e-7)
    pulse = hh.find_rheobase(SQUID, width=0.001, tol=1e-7, max_amplitude=1e5)
    np.testing.assert_allclose(shock.amplitude, 0.001 * pulse.amplitude, rtol=1e-3)


def test_anode_break():
    """The end of a hyperpolarising current makes the axon fire; short pulses need more of it."""
    long, short = (hh.find_rheobase(SQUID, width=w, hyperpolarising=True) for w in (50.0, 2.0))
    assert long.status.tolist() == short.status.tolist() == [Status.OK]
    assert short.amplitude[0] < long.amplitude[0] < 0.0
    below = hh.simulate(SQUID, stimulus=hh.Pulse(np.array([1.001, 0.999]) * long.amplitude[0], width=50.0),
                        t_stop=100.0, initial="rest", record=[hh.SpikeCount()])  # fmt: skip
    assert below.spike_count.tolist() == [1, 0]


@pytest.mark.parametrize("bad", [{"width": 0.0}, {"width": 1.0, "tol": -1.0}, {"width": np.inf}])
def test_bad_numbers_are_refused(bad):
    """Widths, tolerances and caps must be positive numbers."""
    with pytest.raises(hh.InputError, match="positive"):
        hh.find_rheobase(SQUID, **bad)


def test_decided_cells_cost_nothing(monkeypatch):
    """A search to 1e-4 takes some twenty tests of 150 ms, and 500 ms without current: 3,500 ms of each cell's life.

    Runs end when they are decided, so that fewer than 2,000 are simulated; in less than 150 calls, however many cells.
    """
    simulated = []
    run = Population.run

    def counted(self, X, stimulus, t_stop, record):
        simulated.append(self.n * t_stop)
        return run(self, X, stimulus, t_stop, record)

    monkeypatch.setattr(Population, "run", counted)
    r = hh.find_rheobase(SQUID, random_squids(300), width=100.0, tol=1e-4)
    assert np.isin(r.status, (Status.OK, Status.SPONTANEOUS)).all()
    assert sum(simulated) / 300 < 2000.0
    assert len(simulated) < 150
