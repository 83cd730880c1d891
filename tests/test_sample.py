"""Sampled spaces: index-addressable, reproducible, and distributed as they should be."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from hhfast.errors import InputError
from hhfast.sampling import sobol
from hhfast.sampling.counter_rng import permuted
from hhfast.sampling.distributions import Distribution
from hhfast.sampling.sample import METHODS, Sample

UNIT = Distribution("uniform", (0.0, 1.0))
MIXED = {
    "a": Distribution("uniform", (-2.0, 5.0)),
    "b": Distribution("loguniform", (0.01, 100.0)),
    "c": Distribution("normal", (3.0, 0.5)),
}


@pytest.mark.parametrize("method", METHODS)
@given(st.data())
def test_any_range_equals_that_part_of_the_whole(method, data):
    sample = Sample(method, 300, MIXED, seed=7)
    start = data.draw(st.integers(0, 299))
    stop = data.draw(st.integers(start, 300))
    whole, part = sample.columns(0, 300), sample.columns(start, stop)
    assert all(np.array_equal(whole[name][start:stop], part[name]) for name in MIXED)


@pytest.mark.parametrize(
    ("method", "digest"),
    [("random", "51e47c8f147e6ccc"), ("sobol", "7203da59185d0095"), ("latin_hypercube", "1b396c42d21ac6f5")],
)
def test_the_same_seed_gives_the_same_bits_everywhere(method, digest):
    """Frozen: a change here changes everybody's samples."""
    columns = Sample(method, 1_000_000, MIXED, seed=42).columns(123_456, 124_456)
    data = b"".join(values.astype("<f8").tobytes() for values in columns.values())
    assert hashlib.sha256(data).hexdigest()[:16] == digest


@pytest.mark.parametrize("method", METHODS)
def test_a_hundred_million_rows_open_at_their_end(method):
    sample = Sample(method, 10**8, MIXED, seed=1)
    assert all(np.isfinite(v).all() and len(v) == 100 for v in sample.columns(10**8 - 100, 10**8).values())


@pytest.mark.parametrize("method", METHODS)
def test_seeds_and_names_give_different_numbers(method):
    first = Sample(method, 100, {"a": UNIT, "b": UNIT}, seed=1).columns(0, 100)
    other = Sample(method, 100, {"a": UNIT, "b": UNIT}, seed=2).columns(0, 100)
    assert not np.array_equal(first["a"], other["a"])
    assert not np.array_equal(first["a"], first["b"])


@pytest.mark.parametrize("method", ["random", "latin_hypercube"])
def test_a_further_parameter_does_not_change_the_others(method):
    one, two = (Sample(method, 50, {"a": UNIT, **more}) for more in ({}, {"b": UNIT}))
    assert np.array_equal(one.columns(0, 50)["a"], two.columns(0, 50)["a"])


@pytest.mark.parametrize("method", METHODS)
def test_values_follow_their_distribution(method):
    columns = Sample(method, 20_000, MIXED, seed=3).columns(0, 20_000)
    assert stats.kstest(columns["a"], stats.uniform(-2, 7).cdf).pvalue > 1e-3
    assert stats.kstest(columns["b"], stats.loguniform(0.01, 100).cdf).pvalue > 1e-3
    assert stats.kstest(columns["c"], stats.norm(3, 0.5).cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(list(columns.values())) - np.eye(3)).max() < 0.05


@given(st.integers(1, 3000), st.integers(0, 2**63 - 1))
def test_a_keyed_permutation_is_one(n, seed):
    assert np.array_equal(np.sort(permuted(seed, "x", n, 0, n)), np.arange(n))


def test_a_latin_hypercube_has_one_value_in_each_stratum():
    columns = Sample("latin_hypercube", 997, {"a": UNIT, "b": UNIT}).columns(0, 997)
    for values in columns.values():
        assert np.array_equal(np.sort(np.floor(values * 997)), np.arange(997))


@pytest.mark.core
def test_sobol_numbers_are_those_of_joe_and_kuo():
    d = sobol.MAX_DIMENSIONS
    expected = qmc.Sobol(d, scramble=False, bits=sobol.BITS).random(1024)
    ours = [sobol.points(0, 1024, sobol.direction_numbers(k), 0) * 2.0**-sobol.BITS for k in range(d)]
    assert np.array_equal(np.column_stack(ours), expected)


@pytest.mark.parametrize("seed", range(5))
def test_scrambled_sobol_stays_a_net(seed):
    """Every elementary box of the first 2**10 points in two dimensions holds one point: a (0, 10, 2)-net."""
    a, b = Sample("sobol", 1024, {"a": UNIT, "b": UNIT}, seed=seed).columns(0, 1024).values()
    for k in range(11):
        boxes = np.floor(a * 2**k) * 2 ** (10 - k) + np.floor(b * 2 ** (10 - k))
        assert len(np.unique(boxes)) == 1024


@pytest.mark.parametrize(
    ("kind", "arguments", "reference"),
    [
        ("uniform", (2.0, 3.0), stats.uniform(2, 1)),
        ("loguniform", (1e-3, 1e3), stats.loguniform(1e-3, 1e3)),
        ("normal", (0.0, 1.0), stats.norm()),
    ],
)
@pytest.mark.core
def test_quantiles_agree_with_scipy(kind, arguments, reference):
    tails = 10.0 ** -np.arange(1, 16)
    u = np.concatenate([tails, 1 - tails[:14], np.random.default_rng(0).uniform(size=1000)])
    assert Distribution(kind, arguments).quantile(u) == pytest.approx(reference.ppf(u), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("uniform", (2.0, 1.0), "less than"),
        ("loguniform", (0.0, 1.0), "positive"),
        ("normal", (0.0, -1.0), "positive"),
        ("normal", (0.0,), r"\[mean, standard deviation\]"),
        ("unifrom", (0.0, 1.0), "did you mean 'uniform'"),
    ],
)
def test_impossible_distributions_are_refused(kind, arguments, message):
    with pytest.raises(InputError, match=message):
        Distribution(kind, arguments)


BAD_SAMPLES = [
    ({"method": "sobel"}, "did you mean 'sobol'"),
    ({"n": 0}, "n = 0: must be a whole number from 1"),
    ({"n": "5"}, "n = '5' is not a number"),
    ({"n": 10.5}, "n = 10.5: must be a whole number"),
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed = 1.5: must be a whole number"),
    ({"seed": 2**63}, "seed = 9223372036854775808: must be a whole number"),
    ({"parameters": 5}, "parameters: is of type int"),
    ({"parameters": {}}, "no parameter varies"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_SAMPLES)
def test_impossible_samples_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Sample(**({"method": "sobol", "n": 10, "parameters": {"a": UNIT}, "seed": 0} | changes))


def test_numbers_of_samples_are_exact():
    """1e3 is a thousand; seeds above 2**53 are whole, too."""
    one = Sample("random", 1e3, {"g_Na": Distribution("uniform", (90, 150))}, seed=2**63 - 1)
    assert (one.n, one.seed) == (1000, 2**63 - 1)
    assert isinstance(one.n, int)


@pytest.mark.parametrize("arguments", [(1, "a"), 5, (1, [2, 3]), (1, 2, 3), (1, np.inf)])
def test_what_is_no_distribution_is_refused(arguments):
    with pytest.raises(InputError, match=r"^uniform"):
        Distribution("uniform", arguments)
