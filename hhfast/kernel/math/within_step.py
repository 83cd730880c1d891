"""What happens inside a step, in float64: windows, pulse trains and waveforms of stimuli, and crossings of a level."""

from __future__ import annotations

import numpy as np


def window(t0, t1, start, stop):
    """The fraction of the step t0..t1 that lies in start..stop: 1 inside, 0 outside, exact where an edge falls between.

    Fractions within 1e-7 of 0 or 1 are rounding of t and become 0 or 1.
    """
    lo = t0 if t0 >= start else start  # so that NaN stays NaN
    hi = t1 if t1 <= stop else stop
    fraction = (hi - lo) / (t1 - t0)
    fraction = 0.0 if fraction < 1e-7 else fraction
    return 1.0 if fraction > 1.0 - 1e-7 else fraction


def train(t0, t1, start, width, period, count):
    """The fraction of the step t0..t1 that lies in any of `count` windows of `width`, one every `period`."""
    period = period if period > 0.0 else np.nan
    k = np.floor((t0 - start) / period + 1e-9)  # the step meets this pulse and perhaps the next
    k = min(k, -np.floor(-count) - 1.0)  # after the last one has begun: it may be longer than a period
    first = window(t0, t1, start + k * period, start + k * period + width)
    second = window(t0, t1, start + (k + 1.0) * period, start + (k + 1.0) * period + width)
    first = 0.0 if k < 0.0 else first
    both = first + (0.0 if (k < -1.0) | (k + 1.0 >= count) else second)
    return min(both, 1.0)


def waveform(times, values, number, start, t0, t1):
    """(number, level, slope, until) of the current through points (times + start, values) over the step t0..t1.

    number : the point before t0, or one before that; the current is level + slope (t - t0) until the next point. Where
    that is within the step, level is the mean over the step, slope 0 and until t1. A start that is NaN shows.
    """
    rounding = 1e-7 * (t1 - t0) + 1e-15 * abs(t0)
    j, last = int(number), len(times) - 2
    while j < last and start + times[j + 1] <= t0 + rounding:
        j += 1
    slope = (values[j + 1] - values[j]) / (times[j + 1] - times[j])
    until = start + times[j + 1] if j < last and not np.isnan(start) else np.inf
    if until >= t1 - rounding:
        level = values[j] + slope * (t0 - start - times[j]) if slope != 0.0 or np.isnan(start) else values[j]
        return float(j), level, slope, until
    charge, t, k = 0.0, t0, j
    while t < t1:
        end = min(start + times[k + 1], t1)
        if end > t:
            slope = (values[k + 1] - values[k]) / (times[k + 1] - times[k])
            charge += (end - t) * (values[k] + slope * (0.5 * (t + end) - start - times[k]))
            t = end
        k += 1
    return float(j), charge / (t1 - t0), 0.0, t1


def polynomial_crossing(V0, c1, c2, c3, c4, level):
    """The x in 0..1 at which V0 + c1 x + c2 x^2 + c3 x^3 + c4 x^4 reaches `level`, from below at 0."""
    V0, c1, c2, c3, c4 = np.float64(V0), np.float64(c1), np.float64(c2), np.float64(c3), np.float64(c4)
    lo, hi = 0.0, 1.0
    x = (level - V0) / (c1 + c2 + c3 + c4)
    for _ in range(60):
        value = V0 + x * (c1 + x * (c2 + x * (c3 + x * c4))) - level
        if value < 0.0:
            lo = x
        else:
            hi = x
        slope = c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4))
        step = x - value / slope if slope != 0.0 else -1.0
        if abs(step - x) < 1e-15:
            break
        x = step if lo < step < hi else 0.5 * (lo + hi)
    return x


def upward_crossing(V0, c1, c2, c3, c4, level):
    """The x in 0..1 at which the same polynomial crosses `level` upwards, also where it turns between 0 and 1.

    Then it does so before a maximum, if it ends below the level, and after a minimum, if it begins above; a maximum
    that stays below (the steps were told of it by another polynomial) is itself the place.
    """
    V0, c1, c2, c3, c4 = np.float64(V0), np.float64(c1), np.float64(c2), np.float64(c3), np.float64(c4)
    rises_to = V0 + c1 + c2 + c3 + c4
    if level > V0 and rises_to >= level:
        return polynomial_crossing(V0, c1, c2, c3, c4, level)
    sign = -1.0 if rises_to < level else 1.0
    turn = polynomial_crossing(sign * c1, 2.0 * sign * c2, 3.0 * sign * c3, 4.0 * sign * c4, 0.0, 0.0)
    V_turn = V0 + turn * (c1 + turn * (c2 + turn * (c3 + turn * c4)))
    if rises_to < level:
        y2, y3, y4 = turn * turn, turn * turn * turn, turn * turn * turn * turn
        return turn * polynomial_crossing(V0, c1 * turn, c2 * y2, c3 * y3, c4 * y4, min(level, V_turn))
    rest = 1.0 - turn
    d1 = rest * (c1 + turn * (2.0 * c2 + turn * (3.0 * c3 + 4.0 * turn * c4)))
    d2 = rest * rest * (c2 + turn * (3.0 * c3 + 6.0 * turn * c4))
    d3 = rest * rest * rest * (c3 + 4.0 * turn * c4)
    d4 = rest * rest * rest * rest * c4
    return turn + rest * polynomial_crossing(V_turn, d1, d2, d3, d4, max(level, V_turn))


def crossing(V0, V1, dV0, dV1, dt, level):
    """The fraction of a step at which the cubic through V0, V1 with slopes dV0, dV1 (per ms) reaches `level`.

    V0 < level <= V1. The cubic's error is of fourth order in dt, so no integrator here loses its order to it.
    """
    V0, V1 = np.float64(V0), np.float64(V1)
    c1 = np.float64(dV0) * dt
    c2 = 3.0 * (V1 - V0) - 2.0 * c1 - np.float64(dV1) * dt
    c3 = 2.0 * (V0 - V1) + c1 + np.float64(dV1) * dt
    return polynomial_crossing(V0, c1, c2, c3, 0.0, level)


def cubic_through(V0, V1, dV0, dV1, dt, at):
    """The value, at a fraction of a step, of the cubic through V0, V1 with slopes dV0, dV1 (per ms)."""
    c1 = np.float64(dV0) * dt
    c2 = 3.0 * (np.float64(V1) - np.float64(V0)) - 2.0 * c1 - np.float64(dV1) * dt
    c3 = 2.0 * (np.float64(V0) - np.float64(V1)) + c1 + np.float64(dV1) * dt
    return np.float64(V0) + at * (c1 + at * (c2 + at * c3))


def slope_of_cubic(V0, V1, dV0, dV1, dt, at):
    """Its slope there, per ms."""
    c1 = np.float64(dV0) * dt
    c2 = 3.0 * (np.float64(V1) - np.float64(V0)) - 2.0 * c1 - np.float64(dV1) * dt
    c3 = 2.0 * (np.float64(V0) - np.float64(V1)) + c1 + np.float64(dV1) * dt
    return (c1 + at * (2.0 * c2 + 3.0 * at * c3)) / dt
