"""Strength-duration curves: thresholds, chronaxie, and the classical fits."""

import numpy as np

import hhfast as hh
from hhfast.analysis.strength_duration import _lapicque, _weiss

SQUID = "hodgkin_huxley"


def test_strength_duration(analysis_reference):
    """The curve, its rheobase and chronaxie; the chronaxie is the width whose threshold is twice the rheobase."""
    r = hh.strength_duration(SQUID, [0.1, 1.0, 10.0], tol=1e-7)
    expected = [analysis_reference["threshold"][w] for w in ("0.1", "1", "10")]
    np.testing.assert_allclose(r.amplitude[0], expected, rtol=1e-6)
    np.testing.assert_allclose(r.rheobase, analysis_reference["threshold"]["500"], rtol=1e-6)
    there = hh.find_rheobase(SQUID, width=r.chronaxie[0], tol=1e-7)
    np.testing.assert_allclose(there.amplitude, 2.0 * r.rheobase, rtol=2e-5)


def test_fits_recover_their_own_law():
    """Thresholds made by the laws of Weiss and Lapicque give back rheobase and chronaxie, and no residual."""
    width = np.array([0.1, 0.5, 1.0, 5.0])
    b, c = np.array([2.0, 3.0]), np.array([1.5, 0.4])
    weiss = _weiss(width, b[:, None] * (1.0 + c[:, None] / width))
    lapicque = _lapicque(width, b[:, None] / (1.0 - np.exp(-width * np.log(2.0) / c[:, None])))
    for fit in (weiss, lapicque):
        np.testing.assert_allclose(fit.rheobase, b, rtol=1e-6)
        np.testing.assert_allclose(fit.chronaxie, c, rtol=1e-6)
        np.testing.assert_allclose(fit.residual, 0.0, atol=1e-6)
