"""Interpolation of equal samples of a period, by polynomials through nine of them."""

from __future__ import annotations

import numpy as np

POINTS = np.arange(-4, 5)  # around the middle one
COEFFICIENTS = np.linalg.inv(np.vander(POINTS, increasing=True).astype(float))


def around(values: np.ndarray, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k, 9) the nine samples of some rows around samples `at` (k,)."""
    return np.asarray(values[rows[:, None], (at[:, None] + POINTS) % values.shape[1]])


def polynomials(values: np.ndarray, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k, 9) coefficients, the constant first, of the polynomials through these samples."""
    return through(around(values, rows, at))


def through(samples: np.ndarray) -> np.ndarray:
    """The same of (k, 9) samples; each row by itself, as matrix products are not."""
    return np.asarray(sum(samples[:, j, None] * COEFFICIENTS[:, j] for j in range(len(POINTS))))


def value(polynomials: np.ndarray, u: np.ndarray) -> np.ndarray:
    """(k,) the polynomials at u, in samples from the middle one."""
    total = np.zeros(len(u))
    for c in polynomials.T[::-1]:
        total = total * u + c
    return total


def slope(polynomials: np.ndarray) -> np.ndarray:
    """The derivatives of polynomials."""
    return polynomials[:, 1:] * np.arange(1, polynomials.shape[1])


def slope_at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The slopes of periodic samples at some of them, per sample."""
    around_each = values[(places[:, None] + POINTS) % len(values)]
    return np.asarray(sum(around_each[:, j] * COEFFICIENTS[1, j] for j in range(len(POINTS))))
