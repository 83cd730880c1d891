"""Noise: the random numbers are the published ones, and the current is a stationary Ornstein-Uhlenbeck process."""

import math

import numpy as np
import pytest
import reference_models
from noise_by_hand import current_by_hand, normal_by_hand, philox_by_hand
from scipy import stats

import hhfast as hh
from hhfast.errors import InputError
from hhfast.kernel.math.random import normal, ornstein_uhlenbeck, philox

SIGMA, TAU, MEAN, EVERY = 2.0, 5.0, 1.5, 0.5
NOISE = {"sigma": SIGMA, "tau": TAU, "mean": MEAN, "every": EVERY, "seed": 7}


def traced(model, integrator="euler", t_stop=10.0, every=EVERY, dt=0.05, params=None, options=None, **noise):
    """The applied current and V of cells under noise."""
    return hh.simulate(
        model,
        params,
        stimulus=hh.Noise(**NOISE | noise),
        t_stop=t_stop,
        dt=dt,
        integrator=integrator,
        record=[hh.Trace("i_app", "V", every=every)],
        **(options or {}),
    )


# --- random numbers ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("00000000 " * 6, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff " * 6, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
@pytest.mark.core
def test_philox_gives_the_published_words(words, expected):
    """The known answers that its authors publish with Random123, for counter and key."""
    found = philox(*(np.uint64(int(word, 16)) for word in words.split()))
    assert " ".join(f"{int(word):08x}" for word in found) == expected
    assert philox_by_hand([int(w, 16) for w in words.split()[:4]], [int(w, 16) for w in words.split()[4:]]) == found


@pytest.mark.parametrize("key", [(0, 0, 0), (1, 2, 3), (2**52 - 1, 2**40 + 5, 2**33 + 1), (123456789, 10**8, 10**7)])
def test_normal_numbers_use_every_bit_of_seed_cell_and_step(key):
    """Against the recipe in Python's integers, with words above 32 bits."""
    assert normal(*map(float, key)) == pytest.approx(normal_by_hand(*key), rel=1e-12, abs=1e-14)


def test_normal_numbers_are_normal_and_independent():
    """By Kolmogorov-Smirnov, along each of the three counters; neighbours do not correlate (4 standard errors)."""
    n = 4000
    for x in (
        np.array([normal(float(k), 1.0, 1.0) for k in range(n)]),
        np.array([normal(1.0, float(k), 1.0) for k in range(n)]),
        np.array([normal(1.0, 1.0, float(k)) for k in range(n)]),
    ):
        assert stats.kstest(x, "norm").pvalue > 1e-3
        for lag in (1, 2, 3):
            assert abs(np.mean(x[lag:] * x[:-lag])) < 4 / math.sqrt(n)
            assert abs(np.mean(x[lag:] ** 2 * x[:-lag] ** 2) - 1) < 4 * 3 / math.sqrt(n)


@pytest.mark.parametrize(("every", "tau"), [(0.1, 5.0), (3.0, 0.5), (0.01, 1e4)])
def test_the_update_is_exact(every, tau):
    """x(t + every) given x(t): mean x exp(-every / tau), variance 1 - exp(-2 every / tau) (Gillespie 1996)."""
    keep, kick = ornstein_uhlenbeck(every, tau)
    assert keep == pytest.approx(math.exp(-every / tau), rel=1e-14)
    assert kick**2 == pytest.approx(-math.expm1(-2 * every / tau), rel=1e-8)


# --- the current ------------------------------------------------------------------------------------------------------
def test_the_current_is_the_documented_one(passive):
    """At multiples of `every` the exact update of each cell's own numbers, up to the last; linear between them."""
    r = traced(passive, every=EVERY / 4, cell=np.array([3, 0, 70]))
    points = EVERY * np.arange(22)
    for row, cell in zip(r["i_app"], (3, 0, 70), strict=True):
        expected = np.interp(r.time, points, current_by_hand(cell, 22, NOISE))
        np.testing.assert_allclose(row, expected, rtol=1e-11)


def test_moments_and_autocorrelation(passive):
    """Over 4000 cells, at any time: normal with the given mean and deviation; correlation exp(-lag / tau)."""
    n = 4000
    x = (traced(passive, t_stop=20.0, params={"g_L": np.full(n, 0.1)})["i_app"] - MEAN) / SIGMA
    for k in (0, 1, 20, 40):
        assert stats.kstest(x[:, k], "norm").pvalue > 1e-3
    # Standard errors over independent cells: 1 / sqrt(n) of means, sqrt(2 / n) of variances and less of products.
    assert np.abs(x.mean(axis=0)).max() < 4 / math.sqrt(n)
    assert np.abs(x.var(axis=0) - 1).max() < 4 * math.sqrt(2 / n)
    for lag in (1, 4, 10, 20):
        products = (x[:, lag:] * x[:, :-lag]).mean(axis=1)
        assert abs(products.mean() - math.exp(-lag * EVERY / TAU)) < 4 * products.std() / math.sqrt(n)
    assert abs(np.mean(x[1:] * x[:-1])) < 0.01  # neighbouring cells


def test_one_realisation_for_all_ways_to_step(passive):
    """Another dt, integrator or precision, or fewer samples: the same current."""
    first = traced(passive, cell=5)["i_app"]
    for run in ({"dt": 0.013}, {"dt": 2.0}, {"integrator": "tsit5"}, {"integrator": "tsit5", "dt": 0.3}):
        np.testing.assert_allclose(traced(passive, cell=5, **run)["i_app"], first, rtol=1e-12)
    np.testing.assert_allclose(traced(passive, cell=5, every=1.0)["i_app"], first[:, ::2], rtol=1e-12)
    single = traced(passive, cell=5, options={"dtype": "float32"})["i_app"]
    np.testing.assert_allclose(single, first, rtol=1e-6)


@pytest.mark.parametrize("integrator", ["euler", "tsit5"])
def test_a_cell_keeps_its_noise_in_any_company(integrator, passive):
    """Bit by bit: in batches of other sizes and orders, whatever the threads; by its number, or its index."""
    n = 150
    g = np.linspace(0.05, 0.2, n)
    whole = traced(passive, integrator, params={"g_L": g})
    for cells in (np.arange(n)[::-1], np.array([149, 3, 70]), np.array([64])):
        for threads in (1, 2):
            some = traced(passive, integrator, params={"g_L": g[cells]}, cell=cells, options={"threads": threads})
            np.testing.assert_array_equal(some["i_app"], whole["i_app"][cells])
            np.testing.assert_array_equal(some["V"], whole["V"][cells])


def test_parameters_may_differ_between_cells(passive):
    """sigma, tau, mean, seed and cell as arrays; start and stop switch it on and off and leave it as it is."""
    sigma, tau, mean = np.array([1.0, 2.0, 0.0]), np.array([1.0, 9.0, 2.0]), np.array([0.0, -3.0, 4.0])
    r = traced(passive, sigma=sigma, tau=tau, mean=mean, seed=np.array([1, 2, 3]), cell=4)
    for k, row in enumerate(r["i_app"]):
        p = {"sigma": sigma[k], "tau": tau[k], "mean": mean[k], "every": EVERY, "seed": k + 1}
        np.testing.assert_allclose(row, current_by_hand(4, 21, p), rtol=1e-11)
    whole = traced(passive)["i_app"][0]
    for integrator in ("euler", "tsit5"):
        part = traced(passive, integrator, start=2.9, stop=6.2)
        inside = (part.time > 2.9) & (part.time < 6.2)
        np.testing.assert_allclose(part["i_app"][0, :-1], (whole * inside)[:-1], rtol=1e-12)


# --- its effect -------------------------------------------------------------------------------------------------------
def test_the_squid_axon_under_noise_is_solved_right():
    """RK4 against DOP853 under the same current, and of order 4: its kinks lie between steps."""
    t_stop, noise = 10.0, NOISE | {"sigma": 10.0, "mean": 12.0}
    points = EVERY * np.arange(21)
    current = current_by_hand(0, 21, noise)
    exact, spikes = reference_models.solve(
        "hodgkin_huxley", t_stop, lambda t: np.interp(t, points, current), jumps=points, level=-20.0
    )
    assert len(spikes) > 0
    errors = []
    for dt in (0.04, 0.01):
        r = hh.simulate(
            "hodgkin_huxley",
            stimulus=hh.Noise(**noise),
            t_stop=t_stop,
            dt=dt,
            integrator="rk4",
            record=[hh.Spikes(), hh.Final()],
        )
        errors.append(abs(r["V_final"][0] - exact[0]))
    np.testing.assert_allclose(r.spike_time, spikes, atol=1e-5)
    assert np.log(errors[0] / errors[1]) / np.log(4) > 3.5
    assert errors[1] < 1e-5


def test_a_certificate_is_of_the_same_noise(passive):
    """The finer run of a cell has that cell's noise: V hardly changes, though each cell has another V."""
    n = 40
    stimulus = hh.Noise(**NOISE) + hh.Waveform([0.0, 20.0], [0.0, 1.0])
    r = hh.simulate(
        passive,
        {"g_L": np.full(n, 0.1)},
        stimulus=stimulus,
        t_stop=20.0,
        dt=0.01,
        integrator="euler",
        record=[hh.Features(["V_mean", "spike_count"])],
        certify=np.arange(n) % 3 == 1,
    )
    assert np.ptp(r["V_mean"]) > 1.0
    assert np.nanmax(r["V_mean_error"]) < 0.01
    assert (r["certified"] == (np.arange(n) % 3 == 1)).all()


def test_a_bad_value_marks_only_its_own_cell(passive):
    """A time constant that no process has."""
    r = traced(passive, tau=np.array([1.0, -1.0, 2.0]))
    assert r.status.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tau": 0.0}, "stimulus 'noise': tau = 0 ms must be positive"),
        ({"every": -0.1}, "every = -0.1 ms must be positive"),
        ({"every": np.array([0.1, 0.2])}, "every: is an array; give one number"),
        ({"sigma": -1.0}, "sigma = -1: a standard deviation"),
        ({"seed": 1.5}, "seed = 1.5: must be a whole number"),
        ({"seed": -1}, "seed = -1: must be a whole number"),
        ({"cell": np.array([0.0, 2.0**53])}, "cell = 9.0072e\\+15: must be a whole number"),
        ({"sigmma": 1.0}, "did you mean 'sigma'"),
    ],
)
def test_mistakes_are_named(values, message):
    """What no cell can have is refused when the stimulus is made."""
    with pytest.raises(InputError, match=message):
        hh.Noise(**NOISE | values)


def test_terms_with_the_same_seed_are_refused():
    """Their random numbers would be the same."""
    with pytest.raises(InputError, match="two noises have the same seed"):
        hh.Noise(1.0, 1.0) + hh.Noise(1.0, 50.0)


def test_noise_that_is_never_on(passive):
    """Starts and stops beyond the run, of all cells or of some."""
    for times in ({"start": np.inf}, {"start": 50.0}, {"stop": -1.0}, {"start": np.array([np.inf, 50.0])}):
        assert not traced(passive, **times)["i_app"].any()


def test_too_many_points_are_refused(passive):
    """Before anything is laid out in memory."""
    with pytest.raises(InputError, match="more than 10000000 points"):
        hh.simulate(passive, stimulus=hh.Noise(1.0, 1.0, every=1e-8), t_stop=1.0, record=[hh.Final()])
