"""What is handed back of a cell that ends: its kind, and its last period, or what there is instead at the cap.

A cell at the cap that does not drift may still be on a loose cycle: rounding, or chaos in a detail, keeps its state
from returning as exactly as a cycle asks, but it comes back again and again to within a few per cent.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.settling import (
    ABOVE,
    AT,
    CAP,
    COUNTS,
    DRIFT,
    EVENTS,
    I_APP,
    KIND,
    KINDS,
    LAST,
    LOOSE,
    MAXIMA,
    MOST,
    PEAK,
    PERIOD,
    RING,
    RUNNING,
    SMALLEST,
    SPIKES,
    STATE,
    TIMES,
    TROUGH,
    ring_of,
    slot,
)  # fmt: skip

PERIODS, SECTIONS = 3, 16  # for so long, at least, a loose cycle must have come back


def finish(memory, base, n, outcome, place, times, first, t, current, looseness, floor):
    """Hand back what is known of a cell that ends at t (ms): to `outcome` from `place` on, to `times` from `first`.

    looseness : to which a cell at the cap must come back, relative to each state's range, to be on a loose cycle.
    """
    kind = memory[base + KIND]
    mode = 1 if kind == MAXIMA or (kind == RUNNING and memory[base + COUNTS] < memory[base + COUNTS + 1]) else 0
    size = 4 + 3 * n
    ring = ring_of(base, mode, n)
    count = int(memory[base + COUNTS + mode])
    events = int(memory[base + PERIOD]) if kind >= SPIKES else min(max(count - 1, 0), MOST)
    drifts, period = 0.0, events if kind >= SPIKES else 0
    if kind == RUNNING:
        kind = CAP - mode
        drifts = drift(memory, ring, size, n, count, min(max(count, 1), RING) - 1)
        period = loose_cycle(memory, ring, n, count, looseness, floor) if drifts < 1.0 else 0
        if period > 0:
            kind = LOOSE - mode
            events = period
    peak, trough, above = memory[base + STATE], memory[base + STATE], 0.0
    for k in range(events):
        entry = slot(ring, size, count - 1 - k)
        peak = max(peak, memory[entry + 1]) if k > 0 else memory[entry + 1]
        trough = min(trough, memory[entry + 2]) if k > 0 else memory[entry + 2]
        above += memory[entry + 3]
    kept = min(events + 1, count)
    for k in range(kept):
        times[first + k] = memory[slot(ring, size, count - kept + k)]
    outcome[place + KINDS] = kind
    outcome[place + EVENTS] = float(events)
    outcome[place + AT] = t
    outcome[place + PEAK] = peak
    outcome[place + TROUGH] = trough
    outcome[place + ABOVE] = above
    outcome[place + TIMES] = float(kept)
    outcome[place + DRIFT] = drifts
    outcome[place + I_APP] = current
    if kind >= SPIKES:
        outcome[place + AT] = memory[slot(ring, size, count - 1)]
    for k in range(3):
        outcome[place + LAST + k] = np.nan
        if period > 0 and count - 1 - (k + 1) * events >= 0:
            ends = memory[slot(ring, size, count - 1 - k * events)]
            outcome[place + LAST + k] = ends - memory[slot(ring, size, count - 1 - (k + 1) * events)]
    return 0.0


def loose_cycle(memory, ring, n, count, tolerance, floor):
    """The smallest number of sections after which the whole state has come back again and again; 0: none."""
    for k in range(1, MOST + 1):
        window = max(PERIODS * k, SECTIONS)
        if window < min(count, RING) and stays(memory, ring, n, count, k, window, tolerance, floor):
            return k
    return 0


def stays(memory, ring, n, count, k, window, tolerance, floor):
    """Whether every k-th of the last sections has the same state to the tolerance, each state relative to its range."""
    size = 4 + 3 * n
    for j in range(n):
        low, high = np.inf, -np.inf
        for i in range(k):
            entry = slot(ring, size, count - 1 - i) + 4 + j
            low = min(low, memory[entry + n])
            high = max(high, memory[entry + 2 * n])
        scale = max(high - low, floor[j])
        scale = tolerance * max(scale, SMALLEST * max(abs(low), abs(high)))
        for phase in range(k):
            least, most = np.inf, -np.inf
            for i in range(phase, window + 1, k):
                x = memory[slot(ring, size, count - 1 - i) + 4 + j]
                least = min(least, x)
                most = max(most, x)
            if most - least > scale:
                return False
    return True


def drift(memory, ring, size, n, count, events):
    """How far the means of the older and the newer half of the last sections are apart, over their own scatter.

    Of the intervals and of every state, the most: well below 1 in irregular firing, above it where something drifts.
    """
    half = events // 2
    worst, mean = 0.0, 0.0
    if half < 2:
        return np.inf
    for j in range(n + 1):  # the interval, then the states
        means, scatter = 0.0, 0.0
        for part in range(2):
            total, squares = 0.0, 0.0
            for k in range(half):
                entry = slot(ring, size, count - 1 - part * half - k)
                x = memory[entry + 3 + j]
                if j == 0:
                    x = memory[entry] - memory[slot(ring, size, count - 2 - part * half - k)]
                total += x
                squares += x * x
            mean = total / half
            scatter += max(squares / half - mean * mean, 0.0)
            means += mean if part == 0 else -mean
        noise = np.sqrt(0.5 * scatter)
        if abs(means) > 1e-6 * abs(mean):  # else it is rounding
            worst = max(worst, abs(means) / noise)
    return worst
