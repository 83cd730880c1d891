"""Random synaptic events: their times as documented, their conductance summed by hand, theory, and what is refused."""

import math

import numpy as np
import pytest
from noise_by_hand import philox_by_hand

import hhfast as hh

HH = hh.models["hodgkin_huxley"]
ALPHA = {"g": 0.05, "rate": 300.0, "tau": 2.0, "seed": 3, "start": 2.0}
DOUBLE = {"g": 0.05, "rate": 300.0, "tau_rise": 0.4, "tau_decay": 3.0, "seed": 3, "start": 2.0, "E": -80.0}


def times_by_hand(seed, cell, rate, start, stop):
    """Of a Poisson process: the intervals are -log(u) / rate, u from the first two words of counter (number, cell)."""
    t, found = start, []
    for number in range(100_000):
        high, low, *_ = philox_by_hand((number, 0, cell, 0), (seed, 0))
        t += -1000.0 / rate * math.log(((((high << 32) + low) >> 12) + 0.5) / 2**52)
        if t >= stop:
            return np.array(found)
        found.append(t)
    raise AssertionError


def alpha(s, p):
    return s / p["tau"] * np.exp(1.0 - s / p["tau"])


def double_exponential(s, p):
    rise, decay = p["tau_rise"], p["tau_decay"]
    peak = math.log(decay / rise) * rise * decay / (decay - rise)
    return (np.exp(-s / decay) - np.exp(-s / rise)) / (math.exp(-peak / decay) - math.exp(-peak / rise))


CASES = {"alpha": (hh.PoissonAlpha, ALPHA, alpha), "double": (hh.PoissonDoubleExponential, DOUBLE, double_exponential)}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("integrator", "rate"), [("tsit5", 300.0), ("rodas4", 300.0), ("rk4", 300.0), ("exp_euler", 6e3)]
)
def test_the_conductance_is_the_sum_over_events(case, integrator, rate):
    """In every cell another train, the same with every integrator, to rounding; and with several events in a step."""
    make, p, course = CASES[case]
    p = p | {"rate": rate}
    stimulus = make(**p, stop=25.0)
    r = hh.simulate(HH, {"g_Na": [120.0, 110.0]}, stimulus=stimulus, t_stop=30.0, integrator=integrator,
                    record=[hh.Trace("V", "i_app", every=0.5)])  # fmt: skip
    for cell in range(2):
        s = r.time[:-1, None] - times_by_hand(3, cell, p["rate"], p["start"], 25.0)
        expected = p["g"] * np.where(s >= 0, course(np.maximum(s, 0.0), p), 0.0).sum(axis=1)
        found = r["i_app"][cell] / (p.get("E", 0.0) - r["V"][cell])
        np.testing.assert_allclose(found[:-1], expected, rtol=1e-9, atol=1e-12)


def test_integrators_agree_on_the_potential():
    runs = [
        hh.simulate(HH, stimulus=hh.PoissonAlpha(**ALPHA), t_stop=30.0, record=[hh.Trace("V", every=0.5)], **how)["V"]
        for how in ({"rtol": 1e-9}, {"integrator": "rodas4", "rtol": 1e-9}, {"integrator": "rk4", "dt": 0.001})
    ]
    np.testing.assert_allclose(runs[1], runs[0], atol=1e-4)
    np.testing.assert_allclose(runs[2], runs[0], atol=0.05)  # events lie within steps


def test_mean_and_variance_are_those_of_campbell():
    """Of shot noise: rate times the integral of an event, and of its square (Campbell 1909); 400 cells, 5 times."""
    tau, rate, g, n = 2.0, 500.0, 0.01, 400
    stimulus = hh.PoissonAlpha(g=g, rate=rate, tau=tau, E=0.0, seed=9)
    r = hh.simulate(HH, {"g_Na": np.full(n, 120.0)}, stimulus=stimulus, t_stop=100.0,
                    record=[hh.Trace("V", "i_app", every=15.0)])  # fmt: skip
    conductance = -(r["i_app"] / r["V"])[:, 2:-1]
    area, square = g * math.e * tau, (g * math.e) ** 2 * tau / 4.0
    error = math.sqrt(rate / 1000.0 * square / conductance.size)
    assert abs(conductance.mean() - rate / 1000.0 * area) < 4.0 * error
    assert conductance.var() == pytest.approx(rate / 1000.0 * square, rel=0.15)


@pytest.mark.parametrize("integrator", ["tsit5", "exp_euler"])
def test_a_row_is_the_same_in_any_company(integrator):
    """Bit for bit; the number of the cell may be given, and none of the rates is 0."""
    cell, rate = np.arange(70.0), np.linspace(0.0, 900.0, 70)

    def run(rows):
        stimulus = hh.PoissonAlpha(**ALPHA | {"rate": rate[rows]}, cell=cell[rows])
        return hh.simulate(HH, stimulus=stimulus, t_stop=12.0, integrator=integrator, record=[hh.Trace("V", every=0.5)])

    order = np.random.default_rng(5).permutation(70)
    np.testing.assert_array_equal(run(order)["V"], run(np.arange(70))["V"][order])
    np.testing.assert_array_equal(run(order[:1])["V"], run(np.arange(70))["V"][order[:1]])


def test_a_sweep_numbers_its_rows(tmp_path):
    (tmp_path / "scan.toml").write_text(
        'model = "hodgkin_huxley"\nt_stop = 30.0\nrows_per_batch = 2\n[stimulus]\nkind = "poisson_double_exponential"\n'
        "g = 0.1\nrate = 400\ntau_rise = 0.3\ntau_decay = 3.0\nseed = 4\n[axes]\ng_Na = { values = [110, 110, 120] }\n"
        '[record]\nfeatures = ["V_mean"]\n'
    )
    hh.Sweep.from_toml(tmp_path / "scan.toml").run(tmp_path / "out.h5", progress=False)
    found = hh.open_results(tmp_path / "out.h5")["V_mean"].values
    stimulus = hh.PoissonDoubleExponential(g=0.1, rate=400.0, tau_rise=0.3, tau_decay=3.0, seed=4)
    alone = hh.simulate(
        HH, {"g_Na": [110.0, 110.0, 120.0]}, stimulus=stimulus, t_stop=30.0, record=[hh.Features(["V_mean"])]
    )
    np.testing.assert_array_equal(found.ravel(), alone["V_mean"])
    assert found.ravel()[0] != found.ravel()[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.PoissonAlpha(g=0.1, rate=-1.0, tau=2.0), "rate = -1 Hz"),
        (lambda: hh.PoissonAlpha(g=0.1, rate=10.0, tau=0.0), "tau = 0 ms must be positive"),
        (lambda: hh.PoissonDoubleExponential(g=0.1, rate=1.0, tau_rise=3.0, tau_decay=1.0), "shorter than tau_decay"),
        (lambda: hh.PoissonAlpha(g=0.1, rate=1.0, tau=1.0, seed=0.5), "seed = 0.5: must be a whole number"),
        (lambda: hh.PoissonAlpha(g=0.1, rate=1.0, tau=1.0) + hh.Noise(sigma=1.0, tau=1.0), "the same seed"),
        (
            lambda: hh.simulate(HH, stimulus=hh.PoissonAlpha(g=0.1, rate=1e9, tau=1.0), t_stop=100.0),
            "synaptic events before t_stop",
        ),
        (
            lambda: hh.simulate(HH, stimulus=hh.PoissonAlpha(g=0.1, rate=1.0, tau=1.0), t_stop=9.0, until="settled"),
            "never becomes a constant current",
        ),
    ],
)
def test_what_no_cell_can_have_is_refused(make, message):
    with pytest.raises(hh.InputError, match=message):
        make()
