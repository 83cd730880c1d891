"""Conductances of random synaptic events, each of which adds the same time course: two sums that an event renews.

The last event was at `since`, and is counted apart (`on`: 1, and 0 before the first), so that the sums of those before
it hold on either side of it: with steps of fixed size an event falls within a step. Of several in one step the later
ones wait for the next.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import exp, log
from hhfast.kernel.math.random import uniform

_NEVER = np.inf
_TOGETHER = 1e-9  # ms; an event is at the time t if it is not later than this


def next_event(seed, cell, number, time, rate, stop):
    """The time of the event that follows one at `time`, at `rate` Hz; infinite from `stop` on (Poisson process)."""
    after = time - 1000.0 * log(uniform(seed, cell, number)) / rate if rate > 0.0 else _NEVER
    return after if after < stop else _NEVER


def alpha_events(seed, cell, number, until, rate, stop, tau, since, on, sum_of_exp, sum_of_rises, t):
    """(number, until, since, sums) after the event at `until` and all up to t, of alpha functions."""
    while not since > t + _TOGETHER:
        d = (until - since) / tau
        sum_of_rises = (sum_of_rises + (sum_of_exp + on) * d) * exp(-d)
        sum_of_exp = (sum_of_exp + on) * exp(-d)
        since, on, number = until, 1.0, number + 1.0
        until = next_event(seed, cell, number, until, rate, stop)
        if not until <= t + _TOGETHER:
            break
    return number, until, since, sum_of_exp, sum_of_rises


def alpha_sum(s, on, sum_of_exp, sum_of_rises, tau):
    """The sum of (s / tau) exp(1 - s / tau) of the events, the last of them s ago."""
    new = 0.0 if s < 0.0 else on
    return exp(1.0 - s / tau) * ((sum_of_exp + new) * (s / tau) + sum_of_rises)


def double_exponential_events(
    seed, cell, number, until, rate, stop, rise, decay, since, on, sum_of_decays, sum_of_rises, t
):
    """The same of differences of two exponentials."""
    while not since > t + _TOGETHER:
        d = until - since
        sum_of_decays = (sum_of_decays + on) * exp(-d / decay)
        sum_of_rises = (sum_of_rises + on) * exp(-d / rise)
        since, on, number = until, 1.0, number + 1.0
        until = next_event(seed, cell, number, until, rate, stop)
        if not until <= t + _TOGETHER:
            break
    return number, until, since, sum_of_decays, sum_of_rises


def double_exponential_sum(s, on, sum_of_decays, sum_of_rises, rise, decay):
    """The sum of exp(-s / decay) - exp(-s / rise) of the events, the last of them s ago."""
    new = 0.0 if s < 0.0 else on
    return (sum_of_decays + new) * exp(-s / decay) - (sum_of_rises + new) * exp(-s / rise)


def double_exponential_scale(rise, decay):
    """By what such a difference is multiplied so that its peak is 1."""
    peak = log(decay / rise) * rise * decay / (decay - rise)
    return 1.0 / (exp(-peak / decay) - exp(-peak / rise))
