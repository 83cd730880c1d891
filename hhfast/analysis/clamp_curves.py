"""The curves of a clamp family: reversal potential, conductance, inactivation, time constants."""

from __future__ import annotations

import numpy as np

from hhfast.analysis.clamp_protocol import ClampProtocol, Family
from hhfast.analysis.clamp_settings import Conditioning
from hhfast.analysis.curve_fits import Boltzmann, fit_boltzmann, fit_exponential
from hhfast.model import Channel

_NEAR = 5.0  # mV; so near the reversal potential a conductance, current / (V - E), says nothing
_STILL = 1e-5  # a change by less, relative to the largest value of the cell, has no time constant


def reversal_of(level: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """(n,) mV: where the line between two neighbouring peaks first goes from inward to outward at higher levels."""
    turns = (peak[:, :-1] < 0) & (peak[:, 1:] >= 0)
    last = turns.shape[1] - 1 - np.argmax(turns[:, ::-1], axis=1) if turns.shape[1] else np.zeros(len(peak), int)
    rows = np.arange(len(peak))
    if not turns.shape[1]:
        return np.full(len(peak), np.nan)
    low, high = peak[rows, last], peak[rows, last + 1]
    with np.errstate(all="ignore"):
        crossing = level[last] - low * (level[last + 1] - level[last]) / (high - low)
    return np.where(turns.any(axis=1), crossing, np.nan)


def conductance_of(family: Family, peak: np.ndarray, level: np.ndarray, reversal: np.ndarray) -> np.ndarray:
    """(n, k): the largest conductance of a channel, or that of the membrane by its peak and reversal potential."""
    if family.test_conductance is not None:
        return np.asarray(family.test_conductance.max(axis=-1))
    away = level - reversal[:, None]
    with np.errstate(all="ignore"):
        return np.where(away < -_NEAR, peak / away, np.nan)


def inactivation_of(
    protocol: ClampProtocol,
    conditioning: Conditioning,
    level: np.ndarray,
    conductance: np.ndarray,
    reversal: np.ndarray,
) -> Boltzmann:
    """What a test step finds after conditioning at each level. level, conductance : of the steps without it."""
    before = np.unique(conditioning.levels_from(protocol.holding))
    if conditioning.duration == 0.0:
        return fit_boltzmann(before, np.full((protocol.population.n, len(before)), np.nan), rising=False)
    test = _best_level(level, conductance) if conditioning.test is None else float(conditioning.test)
    family = protocol.conditioned(before, conditioning.duration, test)
    found = conductance_of(family, family.peaks()[0], np.full(len(before), test), reversal)
    return fit_boltzmann(before, found, rising=False)


def _best_level(level: np.ndarray, conductance: np.ndarray) -> float:
    """The level at which a typical cell has its largest conductance."""
    typical = np.median(np.nan_to_num(conductance), axis=0)
    return float(level[np.argmax(typical)])


def tau_of(channel: Channel | None, family: Family, at: np.ndarray) -> np.ndarray:
    """(n, k) ms; the gate of a channel with a single one is the root of its conductance."""
    n, k, _ = family.current.shape
    open_ = family.test_conductance
    if channel is not None and len(channel.gates) == 1 and open_ is not None:
        y = np.maximum(open_, 0.0) ** (1.0 / channel.gates[0].power)
        used = np.ones(y.shape, bool)
    else:
        y, first = (family.test_current, at) if open_ is None else (open_, np.argmax(open_, axis=-1))
        used = np.arange(y.shape[-1]) >= first[..., None]
    tau = fit_exponential(family.test_time, y.reshape(n * k, -1), used.reshape(n * k, -1)).reshape(n, k)
    with np.errstate(invalid="ignore"):
        change = np.abs(np.take_along_axis(y, np.argmax(used, axis=-1)[..., None], axis=-1)[..., 0] - y[..., -1])
        return np.where(change > _STILL * np.abs(y).max(axis=(1, 2))[:, None], tau, np.nan)
