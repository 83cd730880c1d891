"""Bracketing and bisection, on tests that are formulas."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hhfast.analysis import bisection as search
from hhfast.analysis.spike_test import SpikeTest


def fires_above(thresholds, tested=None):
    def test(rows, value):
        if tested is not None:
            tested.append(len(rows))
        fired = value >= thresholds[rows]
        return SpikeTest(fired, np.zeros(len(rows), bool))

    return test


@given(st.lists(st.floats(1e-3, 900.0), min_size=1, max_size=40), st.floats(1e-9, 1e-2))
def test_bracket_and_bisection_enclose(thresholds, tol):
    """The threshold lies between lo and hi, no farther apart than the tolerance."""
    thresholds = np.array(thresholds)
    test = fires_above(thresholds)
    found = search.bracket(test, np.ones(len(thresholds)), np.full(len(thresholds), 1e3))
    assert found.found.all()
    lo, hi = search.bisect(test, found.lo, found.hi, tol)
    assert ((lo < thresholds) & (thresholds <= hi) & (hi - lo <= tol * hi)).all()


def test_testing_in_advance_changes_nothing(monkeypatch):
    """Few cells are bisected several rounds at a time; the path is that of plain bisection."""
    thresholds = np.random.default_rng(0).uniform(1.0, 2.0, 7)
    lo, hi = np.full(7, 1.0), np.full(7, 2.0)
    tested = []
    in_advance = search.bisect(fires_above(thresholds, tested), lo, hi, 1e-12)
    calls = len(tested)
    monkeypatch.setattr(search, "_PAIRS", 1)
    plain = search.bisect(fires_above(thresholds, tested), lo, hi, 1e-12)
    assert np.array_equal(in_advance, plain)
    assert calls < (len(tested) - calls) / 2


def test_block_at_the_guess():
    """A cell that fires in a window below the guess only is found there, and marked as non-monotone."""

    def test(rows, value):
        return SpikeTest((value > 0.3) & (value < 0.8), np.zeros(len(rows), bool))

    found = search.bracket(test, np.array([1.0]), np.array([1e3]))
    assert found.gap.tolist() == [True]
    lo, hi = search.bisect(test, found.lo, found.hi, 1e-6)
    np.testing.assert_allclose([lo, hi], 0.3, rtol=1e-5)


def test_what_fires_always_or_never():
    """Always: lo is 0. Never: no hi."""
    found = search.bracket(fires_above(np.array([-1.0, np.inf])), np.ones(2), np.full(2, 1e3))
    assert found.lo[0] == 0.0
    assert found.hi[0] > 0.0
    assert np.isnan(found.hi[1])


def test_divergence_is_reported():
    """A test that diverges ends the search of its cell, not of others."""

    def test(rows, value):
        return SpikeTest((value >= 3.0) & (rows == 0), (value >= 3.0) & (rows == 1))

    found = search.bracket(test, np.ones(2), np.full(2, 1e3))
    assert found.diverged.tolist() == [False, True]
    assert found.found.tolist() == [True, False]


def test_statuses_of_the_search():
    """Fires in a window only: non-monotone; not up to the cap: never; spontaneous and broken cells are not tested."""
    from hhfast import AnalysisStatus as Status
    from hhfast.analysis.threshold_search import lowest_firing

    low, high = np.array([1.3, 1.3, 1e9, 0.0, 0.0]), np.array([np.inf, 3.0, np.inf, 1.0, 1.0])

    def test(rows, value):
        assert (rows < 3).all()
        return SpikeTest((value >= low[rows]) & (value < high[rows]), np.zeros(len(rows), bool))

    without = SpikeTest(np.array([False, False, False, True, False]), np.array([False, False, False, False, True]))
    value, status = lowest_firing(test, np.ones(5), np.full(5, 1e3), 1e-6, without)
    assert status.tolist() == [Status.OK, Status.NON_MONOTONE, Status.NEVER, Status.SPONTANEOUS, Status.DIVERGED]
    np.testing.assert_allclose(value, [1.3, 1.3, np.nan, np.nan, np.nan], rtol=2e-6)
