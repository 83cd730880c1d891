"""Published models against figures computed apart from hhfast (issue 2, "it must show")."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.batch.resting_state import resting_states

AMPLITUDES = ("6.3", "10", "20")


@pytest.mark.parametrize("initial", ["rest", "model"])
@pytest.mark.core
def test_squid_axon_spike_times(reference, initial):
    """RK4 at 0.01 ms gives every spike of 200 ms within 5e-4 ms (in fact 1e-6), for three currents at once."""
    expected = reference["hodgkin_huxley"]["steps_200ms"][initial]
    amplitude = np.array([float(a) for a in AMPLITUDES])
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(amplitude),
        t_stop=200.0,
        dt=0.01,
        integrator="rk4",
        initial=initial,
        record=[hh.Spikes(threshold=0.0, rearm=-10.0)],
    )
    for times, key in zip(r.spike_times, AMPLITUDES, strict=True):
        assert len(times) == len(expected[key])
        np.testing.assert_allclose(times, expected[key], rtol=0, atol=5e-6)


def test_squid_axon_at_18_5_degrees(reference):
    """The temperature factor 3^((celsius - 6.3) / 10) speeds up all rates."""
    expected = reference["hodgkin_huxley"]["celsius_18.5_I10"]
    r = hh.simulate(
        "hodgkin_huxley",
        {"celsius": 18.5},
        stimulus=hh.Step(10.0),
        t_stop=200.0,
        dt=0.01,
        integrator="rk4",
        initial="rest",
        record=[hh.Spikes(threshold=0.0, rearm=-10.0)],
    )
    assert r.spike_count.tolist() == [expected["n"]]
    np.testing.assert_allclose(r.spike_time[: len(expected["times"])], expected["times"], rtol=0, atol=5e-4)
    np.testing.assert_allclose(r.spike_time[-1], expected["last"], rtol=0, atol=5e-4)


def test_squid_axon_trace(reference):
    """V every millisecond follows the reference through three spikes."""
    expected = reference["hodgkin_huxley"]["trace_10"]
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(10.0),
        t_stop=50.0,
        dt=0.01,
        integrator="rk4",
        initial="rest",
        record=[hh.Trace("V", every=1.0)],
    )
    np.testing.assert_allclose(r.time, expected["t"], atol=1e-12)
    np.testing.assert_allclose(r["V"][0], expected["V"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("model", ["connor_stevens", "wang_buzsaki", "prinz_stg"])
@pytest.mark.core
def test_other_models_spike_times(reference, model):
    """RK4 at 0.01 ms gives the count and every spike time within 5e-4 ms, from the initial state of the paper."""
    expected = reference[model]
    r = hh.simulate(
        model,
        stimulus=hh.Step(expected["amplitude"]),
        t_stop=expected["t_stop"],
        dt=0.01,
        record=[hh.Spikes(threshold=expected["threshold"], rearm=-10.0)],
    )
    assert r.status.tolist() == [0]
    assert r.spike_count.tolist() == [len(expected["times"])]
    np.testing.assert_allclose(r.spike_time, expected["times"], rtol=0, atol=5e-4)


@pytest.mark.parametrize("model", ["connor_stevens", "wang_buzsaki", "prinz_stg"])
def test_initial_states(reference, model):
    """initial = "model" is the paper's V_init with every gate at steady state there."""
    X = initial_states(Cells.of(hh.models[model], {}), "model")
    np.testing.assert_allclose(X[:, 0], reference[model]["y0"], rtol=1e-12)


@pytest.mark.core
def test_squid_axon_resting_state(reference):
    """initial = "rest" is the equilibrium, to 1e-9."""
    expected = reference["hodgkin_huxley"]["rest"]
    X = resting_states(Cells.of(hh.models["hodgkin_huxley"], {}))
    np.testing.assert_allclose(X[:, 0], [expected[x] for x in ("V", "m", "h", "n")], rtol=0, atol=1e-9)


def test_squid_axon_rates(reference):
    """alpha and beta to 1e-9 relative, at and next to the two removable poles too."""
    model = hh.models["hodgkin_huxley"]
    expected = reference["hodgkin_huxley"]["rates"]
    X = np.zeros((4, len(expected)))
    X[0] = [float(V) for V in expected]
    A, B = Cells.of(model, {"celsius": np.full(len(expected), 6.3)}).rates(X)
    for k, gate in enumerate(("m", "h", "n"), start=1):
        alpha = np.array([row[f"alpha_{gate}"] for row in expected.values()])
        beta = np.array([row[f"beta_{gate}"] for row in expected.values()])
        np.testing.assert_allclose(A[k], alpha, rtol=1e-9)
        np.testing.assert_allclose(B[k], alpha + beta, rtol=1e-9)
