"""Least squares of the curves of voltage-clamp work, for many rows at once: Boltzmann's curve and one exponential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hhfast.analysis.golden_section import golden_section
from hhfast.tables import html_of, one_line

_ROUNDS = 200  # of Levenberg and Marquardt's method
_FLAT = 0.01  # data that vary by less than this fraction of their largest have no half-voltage
_POOR = 0.5  # relative residual; a fit that leaves more is none


@dataclass(frozen=True)
class Boltzmann:
    """maximum / (1 + exp(-+(V - V_half) / slope)), rising (-) or falling (+), fitted to the values of n cells.

    V : (k,) mV. value : (n, k) what was fitted, NaN where there is no point. V_half, slope : (n,) mV, slope > 0.
    maximum : (n,) in the unit of the values. residual : (n,) root mean square of what is left, relative to maximum. All
    are NaN where the values are flat, fewer than four, or not of such a shape between the first and last V.
    """

    V: np.ndarray
    value: np.ndarray
    V_half: np.ndarray
    slope: np.ndarray
    maximum: np.ndarray
    residual: np.ndarray
    rising: bool

    __repr__ = one_line
    _repr_html_ = html_of

    def at(self, V: np.ndarray) -> np.ndarray:
        """(n, len(V)) the fitted curves."""
        u = (V - self.V_half[:, None]) / self.slope[:, None]
        with np.errstate(over="ignore"):
            return np.asarray(self.maximum[:, None] / (1.0 + np.exp(-u if self.rising else u)))

    @property
    def normalised(self) -> np.ndarray:
        """(n, k) the values as fractions of the fitted maximum."""
        return np.asarray(self.value / self.maximum[:, None])


def fit_boltzmann(V: np.ndarray, value: np.ndarray, *, rising: bool) -> Boltzmann:
    """Fit the values (n, k) at V (k,), mV, of each cell; NaN among the values are left out."""
    known = np.isfinite(value)
    y = np.where(known, value, 0.0)
    top = np.max(np.abs(y), axis=1)
    spread = np.max(np.where(known, y, -np.inf), axis=1) - np.min(np.where(known, y, np.inf), axis=1)
    good = (known.sum(axis=1) >= 4) & (top > 0) & (spread > _FLAT * top)
    fit = np.full((len(value), 4), np.nan)
    if good.any():
        fit[good] = _levenberg_marquardt(V if rising else -V, y[good] / top[good, None], known[good])
        fit[~_is_within(fit, V if rising else -V)] = np.nan
    V_half = fit[:, 1] if rising else -fit[:, 1]
    return Boltzmann(V, value, V_half, fit[:, 2], fit[:, 0] * top, fit[:, 3], rising)


def _is_within(fit: np.ndarray, V: np.ndarray) -> np.ndarray:
    """(n,) whether the half-voltage is among V, the slope no wider than they are, and the curve near the values."""
    half, slope, residual = fit[:, 1], fit[:, 2], fit[:, 3]
    return np.asarray((half >= V.min()) & (half <= V.max()) & (slope <= np.ptp(V)) & (residual < _POOR))


def _levenberg_marquardt(V: np.ndarray, y: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n, 4): maximum, half-voltage, slope (above 0, by its logarithm) and relative residual of rising curves."""
    half = V[np.argmin(np.abs(np.where(known, y - 0.5 * y.max(axis=1, keepdims=True), np.inf)), axis=1)]
    p = np.stack([y.max(axis=1), half, np.full(len(y), np.log(np.ptp(V) / 10.0))], axis=1)
    damping = np.full(len(y), 1e-3)
    left, J = _residuals(p, V, y, known)
    for _ in range(_ROUNDS):
        normal = np.einsum("nki,nkj->nij", J, J)
        normal += damping[:, None, None] * (np.einsum("nii->ni", normal)[:, :, None] * np.eye(3) + 1e-12 * np.eye(3))
        step = np.linalg.solve(normal, -np.einsum("nki,nk->ni", J, left)[..., None])[..., 0]
        tried = p + np.clip(step, -20.0, 20.0)
        tried[:, 2] = np.clip(tried[:, 2], -20.0, 20.0)
        left_then, J_then = _residuals(tried, V, y, known)
        better = np.sum(left_then**2, axis=1) < np.sum(left**2, axis=1)
        p[better], left[better], J[better] = tried[better], left_then[better], J_then[better]
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-12, 1e12)
        if np.max(np.abs(step)) < 1e-12:
            break
    rms = np.sqrt(np.sum(left**2, axis=1) / known.sum(axis=1))
    return np.stack([p[:, 0], p[:, 1], np.exp(p[:, 2]), rms / np.abs(p[:, 0])], axis=1)


def _residuals(p: np.ndarray, V: np.ndarray, y: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, k) curve - values, and (n, k, 3) its derivatives by maximum, half-voltage and log slope."""
    top, half, k = (column[:, None] for column in (p[:, 0], p[:, 1], np.exp(p[:, 2])))
    u = np.clip((V - half) / k, -500.0, 500.0)
    share = 1.0 / (1.0 + np.exp(-u))
    bend = top * share * (1.0 - share)
    J = np.stack([share, -bend / k, -bend * u], axis=2)
    return np.where(known, top * share - y, 0.0), np.where(known[:, :, None], J, 0.0)


def fit_exponential(t: np.ndarray, y: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(n,) time constants of y (n, k) = end + change exp(-t / tau) at the times t (k,), where `used` (n, k).

    The constant that leaves the least squares, searched from the spacing of times to ten times their range; NaN where
    there are fewer than four values, or none that differ.
    """
    used = used & np.isfinite(y).all(axis=1)[:, None]
    w, y = used.astype(np.float64), np.where(used, y, 0.0)
    shifted = np.where(
        used, y - np.sum(w * y, axis=1, keepdims=True) / np.maximum(w.sum(axis=1, keepdims=True), 1.0), 0.0
    )
    first = t[np.argmax(used, axis=1)][:, None]
    scale = np.max(np.abs(shifted), axis=1)
    low, high = np.log(np.min(np.diff(t))), np.log(10.0 * np.ptp(t))

    def left(log_tau: np.ndarray) -> np.ndarray:
        e = np.where(used, np.exp(-np.maximum(t - first, 0.0) / np.exp(log_tau)[:, None]), 0.0)
        n = np.maximum(w.sum(axis=1), 1.0)
        e = np.where(used, e - (e.sum(axis=1) / n)[:, None], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = np.sum(e * shifted, axis=1) ** 2 / np.sum(e * e, axis=1)
        return np.asarray(np.sum(shifted**2, axis=1) - np.nan_to_num(gain))

    grid = np.linspace(low, high, 25)
    best = grid[np.argmin([left(np.full(len(y), g)) for g in grid], axis=0)]
    a, b = best - (grid[1] - grid[0]), best + (grid[1] - grid[0])
    a, b = golden_section(left, a, b, rounds=45)
    changes = scale > 1e-12 * np.max(np.abs(np.where(used, y, 0.0)), axis=1, initial=0.0)
    inside = (a > low) & (b < high)
    return np.where((used.sum(axis=1) >= 4) & changes & inside, np.exp(0.5 * (a + b)), np.nan)
