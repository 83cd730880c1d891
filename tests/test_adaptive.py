"""Adaptive integrators: the accuracy asked for, edges hit exactly, and what is recorded between the ends of steps."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import reference_models
from pulses import PULSES, Dense, edges, pulsed, train
from reference_models import MODELS
from scipy.integrate import simpson
from standard import ADAPTIVE, final_state

import hhfast as hh
from hhfast.parts.tableaux import Tableau


# --- the accuracy asked for -----------------------------------------------------------------------------------------
def off_by(reference, model, integrator, **tolerances):
    """(largest error of a spike time, ms; steps taken) under a constant current, against figures from outside."""
    if model == "hodgkin_huxley":
        times = reference[model]["steps_200ms"]["model"]["10"]
        amplitude, t_stop, threshold = 10.0, 200.0, 0.0
    else:
        known = reference[model]
        times, amplitude, t_stop, threshold = (known[k] for k in ("times", "amplitude", "t_stop", "threshold"))
    r = hh.simulate(
        model,
        stimulus=hh.Sine(0.0, 1.0, offset=amplitude),
        t_stop=t_stop,
        integrator=integrator,
        record=[hh.Spikes(threshold=threshold, rearm=-10.0), hh.Final()],
        **tolerances,
    )
    assert r.status.tolist() == [0]
    assert r.spike_count.tolist() == [len(times)]
    return np.abs(r.spike_time - times).max(), r["n_steps"][0]


@pytest.mark.parametrize("model", MODELS)
def test_default_tolerances(reference, model):
    """tsit5 as it is gets every spike time of 200 or 500 ms within 0.001 ms, in far fewer steps than RK4 needs."""
    error, steps = off_by(reference, model, "tsit5")
    assert error < 1e-3
    assert steps < 5000


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_errors_shrink_with_the_tolerance(reference, integrator):
    """A hundred times the accuracy for a hundredth of rtol, within a factor of ten; at a cost that fits the order."""
    found = [off_by(reference, "hodgkin_huxley", integrator, rtol=rtol) for rtol in (1e-4, 1e-6, 1e-8)]
    for (coarse, few), (fine, many) in pairwise(found):
        assert fine < coarse / 10
        assert few < many < 1.2 * 100 ** (1 / hh.integrators[integrator].tableau.error_order) * few


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_edges_of_smooth_currents(integrator):
    """A sine that begins and ends within the run, for each cell elsewhere, against SciPy restarted at both."""
    start, stop = np.array([1.3, 4.0]), np.array([5.7, 20.0])
    wave = {"amplitude": 8.0, "frequency": 150.0, "phase": 0.3, "offset": 12.0}
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Sine(**wave, start=start, stop=stop),
        t_stop=12.0,
        rtol=1e-8,
        integrator=integrator,
        record=[hh.Spikes(), hh.Final()],
    )
    for k in range(2):

        def current(t, k=k):
            inside = start[k] <= t < stop[k]
            return inside * (12.0 + 8.0 * np.sin(2 * np.pi * 0.15 * (t - start[k]) + 0.3))

        X, spikes = reference_models.solve("hodgkin_huxley", 12.0, current, jumps=(start[k], stop[k]), level=-20.0)
        np.testing.assert_allclose(r.spike_times[k], spikes, rtol=0, atol=1e-6)
        np.testing.assert_allclose(final_state(r, MODELS["hodgkin_huxley"].states)[:, k], X, rtol=0, atol=1e-5)


# --- edges of the stimulus ------------------------------------------------------------------------------------------
def membrane(passive, integrator, pulses, t_stop, **options):
    """A membrane with a leak only, under a train; (result, its V at the end on paper)."""
    r = hh.simulate(
        passive,
        stimulus=hh.Train(**pulses),
        t_stop=t_stop,
        integrator=integrator,
        rtol=1e-9,
        record=[hh.Trace("V", "i_app", every=t_stop / 10)],
        dt_max=t_stop,
        **options,
    )
    rows = [dict(zip(pulses, row, strict=True)) for row in np.broadcast(*pulses.values())]
    expected = np.full((len(rows), 11), -65.0)
    for k, p in enumerate(rows):
        for sign, times in zip((1, -1), edges(p), strict=True):
            since = np.maximum(r.time - np.maximum(times[:, None], 0.0), 0.0)
            expected[k] += sign * 10 * p["amplitude"] * -np.expm1(-since / 20).sum(axis=0)
    return r, expected


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_edges_are_hit(passive, integrator):
    """Pulses at numbers or per cell, before, across, at the ends of and after the run, and far below any step."""
    cells = {
        "amplitude": np.array([1.0, 2.0, 3.0, 1.0, 1.0, 1e3, 1e6, 1.0, 5.0]),
        "start": np.array([0.0, 3.0, -1.0, 100.0, 200.0, 37.123456, 61.7, 99.0, 10.0]),
        "width": np.array([5.0, 7.0, 2.0, 1.0, 5.0, 1e-3, 1e-6, 7.0, 1.0]),
        "period": np.array([10.0, 20.0, 8.0, 5.0, 1.0, 50.0, 50.0, 10.0, 1.0]),  # the last has no gaps
        "count": np.array([10.0, 2.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 20.0]),
    }
    r, expected = membrane(passive, integrator, cells, 100.0)
    np.testing.assert_allclose(r["V"], expected, rtol=0, atol=1e-6)
    assert r["n_steps"].max() < 2000
    for k in range(9):
        alone, _ = membrane(passive, integrator, {name: float(values[k]) for name, values in cells.items()}, 100.0)
        np.testing.assert_allclose(alone["V"][0], expected[k], rtol=0, atol=1e-6)


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_edges_that_differ_between_cells(integrator):
    """Spikes and states of cells with trains of their own are those of SciPy restarted at every edge."""
    start, width = np.array([0.0, 2.345, 7.0]), np.array([0.7, 1.5, 30.0])
    r = pulsed(integrator, None, {"start": start, "width": width}, rtol=1e-8)
    assert r.spike_count.min() >= 1
    for k in range(3):
        expected = Dense(PULSES | {"start": start[k], "width": width[k]}, 30.0)
        np.testing.assert_allclose(final_state(r, MODELS["hodgkin_huxley"].states)[:, k], expected.end, atol=2e-5)
        np.testing.assert_allclose(expected.states(r.spike_times[k])[0], -20.0, atol=2e-3)  # dV/dt is over 100 mV/ms


# --- what is recorded -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def dense():
    return Dense(PULSES, 30.0)


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
@pytest.mark.parametrize("every", [0.1, 3.3])
def test_traces_inside_steps(dense, integrator, every):
    """States and currents at samples that fall anywhere in steps; i_app right after an edge is the new one."""
    r = pulsed(integrator, every=every, rtol=1e-8)
    V, m, h, _ = dense.states(r.time)
    assert np.ptp(V) > 80
    np.testing.assert_allclose(r.time, every * np.arange(len(r.time)))
    for name, expected, size in (("V", V, 100), ("m", m, 1), ("i_Na", 120 * m**3 * h * (V - 50), 800)):
        np.testing.assert_allclose(r[name][0], expected, rtol=0, atol=3e-6 * size)
    now = train(PULSES)
    # Where a sample and an edge agree but for rounding it may be taken on either side.
    clear = np.abs(r.time[:, None] - np.concatenate(edges(PULSES))).min(axis=1) > 1e-9
    np.testing.assert_array_equal(r["i_app"][0, clear], [now(t) for t in r.time[clear]])
    assert r["V"][0, 0] == -65.0
    if every == 0.1:
        assert r["V"][0, -1] == r["V_final"][0]


def test_i_app_at_edges_and_ends():
    """The value that follows an edge, as with fixed steps; at t_stop, which nothing follows, the value before."""
    pulses = {"start": 0.0, "width": 2.0, "period": 4.0, "count": 3.0, "amplitude": np.array([5.0, 7.0])}
    r = pulsed("tsit5", None, pulses, every=2.0, t_stop=10.0)
    np.testing.assert_array_equal(r["i_app"], np.array([[5.0], [7.0]]) * [1, 0, 1, 0, 1, 1])


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_features_of_a_window(dense, integrator):
    """Means and extremes between steps as those of a fine SciPy solution; spikes and latency of the window only."""
    window = (5.3, 21.7)
    r = pulsed(integrator, window=window, rtol=1e-8)
    t = np.linspace(*window, 16_401)  # steps of 0.001 ms
    V = dense.states(t)[0]
    np.testing.assert_allclose(r["V_mean"], simpson(V, x=t) / (window[1] - window[0]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(r["V_max"], V.max(), rtol=0, atol=5e-4)
    np.testing.assert_allclose(r["V_min"], V.min(), rtol=0, atol=1e-5)
    times = [s for s in r.spike_time if window[0] < s < window[1]]
    np.testing.assert_allclose(r["latency"], times[0] - PULSES["start"], rtol=1e-12)
    np.testing.assert_allclose(r["rate"], 1000 * len(times) / (window[1] - window[0]))
    assert 0 < len(times) < len(r.spike_time)


def test_recording_changes_no_bit():
    """With traces, features and final states the spike times are those without, to the last bit."""
    amplitude = np.linspace(5, 50, 40)
    few, many = (pulsed(pulses={"amplitude": amplitude}, **record) for record in ({"record": [hh.Spikes()]}, {}))
    assert few.spike_count.sum() > 40
    np.testing.assert_array_equal(few.spike_time, many.spike_time)
    np.testing.assert_array_equal(few["n_steps"], many["n_steps"])


def test_a_tableau_of_ones_own_whose_last_slope_is_not_the_next_first():
    """Fehlberg's of six stages and fifth order (1969, NASA TR R-315): it ends a step by its weights alone."""
    fifth = (16 / 135, 0.0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55)
    fourth = (25 / 216, 0.0, 1408 / 2565, 2197 / 4104, -1 / 5, 0.0)
    fehlberg = Tableau(
        c=(0.0, 1 / 4, 3 / 8, 12 / 13, 1.0, 1 / 2),
        A=(
            (1 / 4,), (3 / 32, 9 / 32), (1932 / 2197, -7200 / 2197, 7296 / 2197),
            (439 / 216, -8.0, 3680 / 513, -845 / 4104), (-8 / 27, 2.0, -3544 / 2565, 1859 / 4104, -11 / 40),
        ),
        b=fifth, e=tuple(a - b for a, b in zip(fifth, fourth, strict=True)), dense=tuple((b,) for b in fifth),
        error_order=5,
    )  # fmt: skip
    own = replace(hh.integrators["tsit5"], name="fehlberg", tableau=fehlberg)
    run = {"stimulus": hh.Step(10.0), "t_stop": 50.0, "record": [hh.Spikes(), hh.Final()], "rtol": 1e-9}
    found, known = (hh.simulate("hodgkin_huxley", integrator=i, **run) for i in (own, "tsit5"))
    assert len(known.spike_times[0]) == 4
    assert found["V_final"] == pytest.approx(known["V_final"], abs=1e-6)
    np.testing.assert_allclose(found.spike_times[0], known.spike_times[0], atol=1e-3)  # of a straight line inside steps
