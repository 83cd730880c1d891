"""What is handed back of a cell that ends: its kind, and its last period, or what there is instead at the cap.

A cell at the cap that does not drift may still be on a loose cycle: rounding, or chaos in a detail, keeps its state
from returning as exactly as a cycle asks, but it comes back again and again to within a few per cent: at each spike, or
at least at the beginning of each burst. Or bursts follow each other in equal times, though one may have some spikes
more than another.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.section_rings import (
    BURSTS,
    COUNTS,
    HEAD,
    KIND,
    MAXIMA,
    MOST,
    NUMBER,
    PERIOD,
    RING,
    RUNNING,
    SMALLEST,
    SPIKES,
    STATE,
    ring_of,
    slot,
)  # fmt: skip

PERIODS, SECTIONS, FIRST_SPIKES = 5, 12, 6  # for so long, at least, a loose cycle must have come back
LATELY = 193  # sections at the end by which it is judged whether they come back, or drift
FEW = 6  # sections; of fewer it is not told whether they drift
PAUSES = 2.0  # times the longest interval: a cell that is silent for longer has stopped
CHANGE = 2.0  # times the scatter: what drifts at least changes by so much
CAP, LOOSE = -1.0, -3.0  # what is handed back of a cell at the cap, and on a loose cycle there; in mode 1 one less
LOOSE_BURSTS = -5.0  # of one there whose bursts come back, not its spikes
# What is handed back of a cell; periods are those of the last three, ms.
KINDS, EVENTS, AT, PEAK, TROUGH, ABOVE, TIMES, DRIFT, LAST, SECOND, THIRD, I_APP, OUTCOMES = range(13)


def finish(memory, base, n, outcome, place, times, first, apart, t, current, looseness, floor):
    """Hand back what is known of a cell that ends at t (ms): to `outcome` from `place` on, to `times` from `first`.

    apart : from one time of a cell to its next; few cells have many, and memory that is never written costs nothing.
    looseness : to which a cell at the cap must come back, relative to each state's range, to be on a loose cycle.
    """
    kind = memory[base + KIND]
    mode = 1 if kind == MAXIMA or (kind == RUNNING and has_stopped(memory, base, n, t)) else 0
    outcome[place + DRIFT] = 0.0
    if kind == RUNNING:
        outcome[place + DRIFT] = loosely(memory, base, mode, n, looseness, floor)
    kind, period, bursts = memory[base + KIND], int(memory[base + PERIOD]), int(memory[base + BURSTS])
    ring = ring_of(base, mode, n)
    count = int(memory[base + COUNTS + mode])
    if bursts > 0:  # the last period ends where the last burst begins
        count = 1 + int(memory[slot(ring_of(base, 2, n), n, int(memory[base + COUNTS + 2]) - 1) + NUMBER])
    events = period if period > 0 else min(max(count - 1, 0), MOST)
    peak, trough, above = memory[base + STATE], memory[base + STATE], 0.0
    for k in range(events):
        entry = slot(ring, n, count - 1 - k)
        peak = max(peak, memory[entry + 1]) if k > 0 else memory[entry + 1]
        trough = min(trough, memory[entry + 2]) if k > 0 else memory[entry + 2]
        above += memory[entry + 3]
    kept = min(events + 1, count)
    for k in range(kept):
        times[first + k * apart] = memory[slot(ring, n, count - kept + k)]
    outcome[place + KINDS] = kind
    outcome[place + EVENTS] = float(events)
    outcome[place + AT] = memory[slot(ring, n, count - 1)] if kind >= SPIKES else t
    outcome[place + PEAK] = peak
    outcome[place + TROUGH] = trough
    outcome[place + ABOVE] = above
    outcome[place + TIMES] = float(kept)
    outcome[place + I_APP] = current
    if bursts > 0:
        ring = ring_of(base, 2, n)
        count, period = int(memory[base + COUNTS + 2]), bursts
    for k in range(3):
        outcome[place + LAST + k] = np.nan
        if period > 0 and count - 1 - (k + 1) * period >= 0:
            ends = memory[slot(ring, n, count - 1 - k * period)]
            outcome[place + LAST + k] = ends - memory[slot(ring, n, count - 1 - (k + 1) * period)]
    return 0.0


def has_stopped(memory, base, n, t):
    """Whether a cell at the cap no longer spikes: V has had maxima without a spike for longer than between any two.

    In a long pause between bursts V may oscillate, too.
    """
    ring, count = ring_of(base, 0, n), int(memory[base + COUNTS])
    longest = 0.0
    for k in range(min(count, RING) - 1):
        longest = max(longest, interval_or_state(memory, ring, n, count - 1 - k, 0))
    last = memory[slot(ring, n, max(count - 1, 0))] if count > 0 else 0.0
    return memory[base + COUNTS + 1] > 0.0 and t - last > PAUSES * longest


def loosely(memory, base, mode, n, looseness, floor):
    """Of a cell at the cap: keep its kind and, on a loose cycle, its period; hand back how far it drifts."""
    ring, bursts = ring_of(base, mode, n), ring_of(base, 2, n)
    count, begun = int(memory[base + COUNTS + mode]), int(memory[base + COUNTS + 2]) if mode == 0 else 0
    drifts = drift(memory, bursts, n, begun)
    if drifts == np.inf:
        drifts = drift(memory, ring, n, count)
    memory[base + KIND] = CAP - mode
    if drifts < 1.0:
        period = loose_cycle(memory, ring, n, count, SECTIONS, looseness, floor)
        repeated = 0
        if period == 0:
            repeated = loose_cycle(memory, bursts, n, begun, FIRST_SPIKES, looseness, floor)
            if repeated == 0 and is_regular(memory, bursts, n, begun, FIRST_SPIKES, looseness):
                repeated = 1
        if repeated > 0:
            start = int(memory[slot(bursts, n, begun - 1 - repeated) + NUMBER])
            period = int(memory[slot(bursts, n, begun - 1) + NUMBER]) - start if count - start <= RING else 0
        if period > 0:
            memory[base + KIND] = LOOSE_BURSTS if repeated > 0 else LOOSE - mode
            memory[base + PERIOD] = float(period)
            memory[base + BURSTS] = float(repeated)
    return drifts


def loose_cycle(memory, ring, n, count, least, tolerance, floor):
    """The smallest number of sections after which the whole state has come back again and again; 0: none.

    least : sections, for which it must have come back.
    """
    known = min(count, LATELY) - 1
    for k in range(1, MOST + 1):
        window = max(PERIODS * k, least)
        window = max(window, known // 2)
        if window <= known and stays(memory, ring, n, count, k, window, tolerance, floor):
            return k
    return 0


def stays(memory, ring, n, count, k, window, tolerance, floor):
    """Whether every k-th of the last sections has the same state: two standard deviations are within the tolerance,
    relative to each state's range. (The extremes of a few sections are a matter of chance.)
    """
    for j in range(n):
        low, high = np.inf, -np.inf
        for i in range(k):
            entry = slot(ring, n, count - 1 - i) + HEAD + j
            low = min(low, memory[entry + n])
            high = max(high, memory[entry + 2 * n])
        scale = max(high - low, floor[j])
        scale = tolerance * max(scale, SMALLEST * max(abs(low), abs(high)))
        for phase in range(k):
            first, total, squares, many = memory[slot(ring, n, count - 1 - phase) + HEAD + j], 0.0, 0.0, 0.0
            for i in range(phase, window + 1, k):
                x = memory[slot(ring, n, count - 1 - i) + HEAD + j] - first
                total += x
                squares += x * x
                many += 1.0
            if 4.0 * (squares - total * total / many) > scale * scale * (many - 1.0):
                return False
    return True


def is_regular(memory, ring, n, count, least, tolerance):
    """Whether the last sections follow each other in equal times: two standard deviations are within the tolerance,
    relative to their mean.
    """
    known = min(count, LATELY) - 1
    window = max(known // 2, least)
    if window > known:
        return False
    first, total, squares = interval_or_state(memory, ring, n, count - 1, 0), 0.0, 0.0
    for k in range(window):
        x = interval_or_state(memory, ring, n, count - 1 - k, 0) - first
        total += x
        squares += x * x
    most = tolerance * (first + total / window)
    return 4.0 * (squares - total * total / window) <= most * most * (window - 1.0)


def drift(memory, ring, n, count):
    """How far the last sections drift: the change along a straight line through them, over the scatter about it, and
    over what chance would make of so few.

    Of the intervals and of every state, the most: below 1 in irregular firing, above it where something drifts; inf
    for very few sections.
    """
    known = min(count, LATELY) - 1
    many = known - known // 4  # without the transient
    if many < FEW:
        return np.inf
    worst, middle = 0.0, 0.5 * (many - 1)
    for j in range(n + 1):  # the interval, then the states
        mean, along, squares = 0.0, 0.0, 0.0
        for k in range(many):
            mean += interval_or_state(memory, ring, n, count - 1 - k, j) / many
        for k in range(many):
            x = interval_or_state(memory, ring, n, count - 1 - k, j) - mean
            along += (middle - k) * x
            squares += x * x
        change = abs(along) * 12.0 / (many * (many + 1.0))  # from the first to the last
        scatter = max(squares - change * abs(along) / (many - 1.0), 0.0)
        if change > 1e-6 * abs(mean):  # else it is rounding
            worst = max(worst, change / np.sqrt(scatter / (many - 2.0)))
    # In one of a million (of thousands, where there are few sections): many quantities of many cells are looked at, and
    # irregular firing wanders. What drifts in truth is far beyond it.
    chance = 4.9 * (1.0 + 5.5 / (many - 2.0)) * np.sqrt(12.0 / many)
    return worst / max(CHANGE, chance)


def interval_or_state(memory, ring, n, number, j):
    """Of the section of this number: the interval before it (j = 0), ms, or a state (from 1 on)."""
    entry = slot(ring, n, number)
    if j == 0:
        return memory[entry] - memory[slot(ring, n, number - 1)]
    return memory[entry + HEAD - 1 + j]
