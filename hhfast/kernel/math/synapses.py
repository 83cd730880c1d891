"""Conductances of trains of synaptic events in closed form, so that they cost the same after any number of events."""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import exp, log


def rectified(x):
    """x where it is not negative, else 0."""
    return 0.0 if x < 0.0 else x


def events_before(t, start, period, count):
    """(s, n) of a train of `count` events, one every `period` from `start` on: n of them were, the last s before t."""
    k = np.floor((t - start) / period)
    k = k if k < count - 1.0 else count - 1.0
    k = -1.0 if k < 0.0 else k
    return t - (start + k * period), k + 1.0


def alpha_train(t, start, period, count, tau):
    """The sum of alpha functions (s / tau) exp(1 - s / tau) of the events of a train, as two geometric series."""
    s, n = events_before(t, start, period, count)
    s = 0.0 if n < 1.0 else s
    q, r = exp(-period / tau), 1.0 - exp(-period / tau)
    last = exp(-(n - 1.0) * period / tau)
    recent = (1.0 - last * q) / r
    weighted = (period / tau) * q * (1.0 - n * last + (n - 1.0) * last * q) / (r * r)
    value = exp(1.0 - s / tau) * ((s / tau) * recent + weighted)
    return 0.0 if n < 1.0 else value


def exponential_train(s, n, period, tau):
    """The sum of exp(-s / tau) of the last n events of a train, the last s ago."""
    return exp(-s / tau) * (1.0 - exp(-n * period / tau)) / (1.0 - exp(-period / tau))


def double_exponential_train(t, start, period, count, rise, decay):
    """The sum over the events of a train of differences of two exponentials, each with the peak 1."""
    s, n = events_before(t, start, period, count)
    s = 0.0 if n < 1.0 else s
    peak = log(decay / rise) * rise * decay / (decay - rise)
    value = exponential_train(s, n, period, decay) - exponential_train(s, n, period, rise)
    value = value / (exp(-peak / decay) - exp(-peak / rise))
    return 0.0 if n < 1.0 else value
