"""Peaks above the threshold, and dips below the level that rearms, that lie between two ends of adaptive steps."""

from itertools import pairwise

import numpy as np
import pytest
from pulses import Dense
from reference_models import MODELS, initial
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar
from standard import ADAPTIVE

import hhfast as hh
from hhfast.kernel.math.within_step import upward_crossing

PULSE = {"amplitude": 2.0, "start": 2.0, "width": 40.0, "period": 50.0, "count": 1.0}
BESIDE = 1e-4  # mV


@pytest.fixture(scope="module")
def peak():
    """The time and height of a response that is no spike, by SciPy."""
    dense = Dense(PULSE, 30.0)
    found = minimize_scalar(
        lambda t: -dense.states(np.array([t]))[0, 0], bounds=(2.5, 15.0), method="bounded", options={"xatol": 1e-9}
    )
    return dense, found.x, -found.fun


def count(threshold, rearm=None, **options):
    pulse = hh.Pulse(amplitude=2.0, start=2.0, width=40.0)
    record = [hh.Spikes(threshold=threshold, rearm=threshold - 5.0 if rearm is None else rearm)]
    return hh.simulate("hodgkin_huxley", stimulus=pulse, t_stop=30.0, record=record, **options)


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_peak_between_steps(peak, integrator):
    """A threshold 1e-4 mV below the peak is crossed, one above it is not, and the time is that of the crossing."""
    dense, at, highest = peak
    assert -62.0 < highest < -50.0
    options = {"integrator": integrator, "rtol": 1e-9}
    assert count(highest + BESIDE, **options).spike_count.tolist() == [0]
    crossed = count(highest - BESIDE, **options)
    assert crossed.spike_count.tolist() == [1]
    assert crossed.spike_time[0] < at
    np.testing.assert_allclose(dense.states(crossed.spike_time)[0, 0], highest - BESIDE, atol=BESIDE / 3)


def test_counts_agree_with_the_largest_potential():
    """At loose tolerances too, whatever the method: there is a spike exactly where V_max is above the threshold."""
    pulse = hh.Step(amplitude=np.linspace(0.5, 2.0, 200))
    for integrator in ADAPTIVE:
        threshold = -62.0
        record = [hh.SpikeCount(threshold=threshold, rearm=-66.0), hh.Features("V_max")]
        for rtol in (1e-3, 1e-4):
            r = hh.simulate(
                "hodgkin_huxley", stimulus=pulse, t_stop=30.0, record=record, integrator=integrator, rtol=rtol
            )
            inside = np.abs(r["V_max"] - threshold) < 1.0
            assert inside.sum() > 5
            np.testing.assert_array_equal(r.spike_count > 0, r["V_max"] >= threshold)


def test_dip_between_steps():
    """Repetitive firing whose troughs just reach the level that rearms, or just do not."""
    model, t_stop = MODELS["hodgkin_huxley"], 120.0
    X = initial("hodgkin_huxley", model.p)
    run = solve_ivp(
        lambda t, X: model.slope(X, 10.0, model.p), (0.0, t_stop), X, method="DOP853", rtol=1e-11, atol=1e-12,
        max_step=0.1, dense_output=True,
    )  # fmt: skip
    t = np.arange(0.0, t_stop, 1e-3)
    V = run.sol(t)[0]
    peaks = np.flatnonzero((V[1:-1] > V[:-2]) & (V[1:-1] >= V[2:]) & (V[1:-1] > 0.0)) + 1
    troughs = np.array([V[a:b].min() for a, b in pairwise(peaks)])
    assert len(troughs) >= 6
    for rearm in (troughs[3] - BESIDE, troughs[3] + BESIDE):
        expected = 1 + (troughs < rearm).sum()
        r = hh.simulate(
            "hodgkin_huxley", stimulus=hh.Step(amplitude=10.0), t_stop=t[peaks[-1]] + 1.0, rtol=1e-9,
            record=[hh.SpikeCount(threshold=0.0, rearm=rearm)],
        )  # fmt: skip
        assert r.spike_count.tolist() == [expected]


def test_upward_crossings():
    """The root that NumPy finds of the same polynomial, before a maximum and after a minimum, too."""
    rng, kinds = np.random.default_rng(2), set()
    for _ in range(3000):
        V0, *c = rng.uniform(-5.0, 5.0, 5) * [1.0, 4.0, 4.0, 1.0, 0.5]
        slope = np.roots(np.polynomial.Polynomial([c[0], 2 * c[1], 3 * c[2], 4 * c[3]]).coef[::-1])
        turns = [u.real for u in slope if abs(u.imag) < 1e-12 and 0.0 < u.real < 1.0]
        rises = [u for u in _roots([V0, *c]) if np.polyval([4 * c[3], 3 * c[2], 2 * c[1], c[0]], u) > 0.0]
        if len(turns) != 1 or len(rises) != 1:
            continue
        kinds.add((V0 < 0.0, V0 + sum(c) < 0.0))
        np.testing.assert_allclose(upward_crossing(V0, *c, 0.0), rises[0], atol=1e-7)
    assert kinds == {(True, True), (True, False), (False, False)}


def _roots(c):
    """The roots in 0..1 of a polynomial."""
    return [u.real for u in np.roots(c[::-1]) if abs(u.imag) < 1e-12 and 0.0 < u.real < 1.0]
