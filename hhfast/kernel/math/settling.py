"""What a lane remembers of its past, so that it knows when it has reached its attractor.

Sections are the events at which states are compared: upward crossings of the spike threshold (mode 0), and maxima of V
without a crossing since the maximum before (mode 1; forgotten at a crossing). Of each section the time, the state, and
the ranges since the section before are kept in a ring. All of it lies in one flat array, a lane from `base` on:

    COUNTS (2)  CROSSED  ABOVE_SINCE  KIND  PERIOD  CURRENT  ...  ACCUMULATED (3 of each mode: peak, trough, above)
    STATE (n)  RANGE (2 n)  low and high of mode 0 (2 n), of mode 1 (2 n)  CHECKED (n)  ring of mode 0, ring of mode 1

CHECKED is the state when it was last seen whether it stands still.

An entry of a ring is: time, peak, trough, time above the plateau level, state (n), low (n), high (n).
"""

from __future__ import annotations

import numpy as np

LATE = 128  # sections, after which a cycle must close three times
NEARLY = 10.0  # of the tolerance: what a part of a period may lack to be the whole
RING = 193  # entries: three periods, and the section at which they begin
MOST = 64  # sections of a period at most
COUNTS, CROSSED, ABOVE_SINCE, KIND, PERIOD, CURRENT, ACCUMULATED, STATE = 0, 2, 3, 4, 5, 6, 8, 14
RUNNING, REST, SPIKES, MAXIMA = 0.0, 1.0, 2.0, 3.0  # of KIND: what the lane has settled to; a cycle by its mode
CAP, LOOSE = -1.0, -3.0  # what is handed back of a cell at the cap, and on a loose cycle there; in mode 1 one less
LEAST = 0.01  # mV; a smaller oscillation is rounding, or a rest that is not reached yet
SMALLEST = 0.02  # of a state's own size: a smaller range counts as this, lest rounding keeps a cycle from closing
NOISE = 0.01  # of the tolerance: changes below it say nothing about whether a cycle still drifts
# What is handed back of a cell; periods are those of the last three, ms.
KINDS, EVENTS, AT, PEAK, TROUGH, ABOVE, TIMES, DRIFT, LAST, SECOND, THIRD, I_APP, OUTCOMES = range(13)
KEPT = MOST + 1  # section times that are handed back


def memory_of(n: int) -> int:
    """The length of a lane's memory, for n states."""
    return STATE + 8 * n + 2 * RING * (4 + 3 * n)


def ring_of(base, mode, n):
    """Where the ring of a mode begins."""
    return base + STATE + 8 * n + mode * RING * (4 + 3 * n)


def slot(ring, size, number):
    """Where the entry of a section lies, by its number from 0 on."""
    return ring + (number - (number // RING) * RING) * size


def forget(memory, base, mode, n):
    """Begin a ring, and what is accumulated for its first entry, from the state that the lane has."""
    memory[base + COUNTS + mode] = 0.0
    _ = reset(memory, base, mode, n)
    return 0.0


def reset(memory, base, mode, n):
    """Begin what is accumulated between two sections, from the state that the lane has."""
    place = base + ACCUMULATED + 3 * mode
    V = memory[base + STATE]
    memory[place] = V
    memory[place + 1] = V
    memory[place + 2] = 0.0
    low = base + STATE + (3 + 2 * mode) * n
    for j in range(n):
        x = memory[base + STATE + j]
        memory[low + j] = x
        memory[low + n + j] = x
    return 0.0


def begin(memory, base, n, level):
    """Begin a cell, whose state is in the memory; level: of the plateau, mV."""
    for k in range(STATE):
        memory[base + k] = 0.0
    _ = forget(memory, base, 0, n)
    _ = forget(memory, base, 1, n)
    for j in range(n):
        memory[base + STATE + 7 * n + j] = memory[base + STATE + j]
    memory[base + ABOVE_SINCE] = 0.0 if memory[base + STATE] >= level else np.nan
    return 0.0


def spread(memory, base, n):
    """Extend the ranges since the last sections by the state that the lane has."""
    for mode in range(2):
        low = base + STATE + (3 + 2 * mode) * n
        for j in range(n):
            x = memory[base + STATE + j]
            memory[low + j] = min(memory[low + j], x)
            memory[low + n + j] = max(memory[low + n + j], x)
    return 0.0


def extremum(memory, base, V):
    """Extend peak and trough since the last sections by an extremum of V, mV."""
    for mode in range(2):
        place = base + ACCUMULATED + 3 * mode
        memory[place] = max(memory[place], V)
        memory[place + 1] = min(memory[place + 1], V)
    return 0.0


def plateau(memory, base, t, rises):
    """V crosses the plateau level at t (ms): upwards if rises > 0."""
    if rises > 0.0:
        memory[base + ABOVE_SINCE] = t
    else:
        lasted = t - memory[base + ABOVE_SINCE]
        if lasted > 0.0:
            memory[base + ACCUMULATED + 2] += lasted
            memory[base + ACCUMULATED + 5] += lasted
        memory[base + ABOVE_SINCE] = np.nan
    return 0.0


def section(memory, base, mode, n, t, tolerance, floor):
    """Keep the state at a section, and see whether the lane has settled to a cycle; 1.0 if it has.

    floor : (n,) the least range of each state. In mode 0 the ring of mode 1 is forgotten.
    """
    number = int(memory[base + COUNTS + mode])
    size = 4 + 3 * n
    ring = ring_of(base, mode, n)
    here = slot(ring, size, number)
    memory[here] = t
    for k in range(3):
        memory[here + 1 + k] = memory[base + ACCUMULATED + 3 * mode + k]
    low = base + STATE + (3 + 2 * mode) * n
    for j in range(n):
        x = memory[base + STATE + j]
        memory[here + 4 + j] = x
        memory[here + 4 + n + j] = min(memory[low + j], x)
        memory[here + 4 + 2 * n + j] = max(memory[low + n + j], x)
    _ = reset(memory, base, mode, n)
    memory[base + COUNTS + mode] = number + 1.0
    if mode == 0:
        memory[base + CROSSED] = 1.0
        _ = forget(memory, base, 1, n)
    k = events_of_period(memory, base, ring, n, number, tolerance, floor)
    if k > 0:
        memory[base + KIND] = SPIKES + mode
        memory[base + PERIOD] = k
        return 1.0
    return 0.0


def events_of_period(memory, base, ring, n, number, tolerance, floor):
    """The smallest number of sections after which the whole state has returned twice in a row; 0: none.

    It returns if no state has moved by more than the tolerance, relative to its range in these periods, and if none
    drifts: what geometric steps still lead to must be within the tolerance, too. After many sections it must have
    returned three times: chaos comes close to many a cycle in the end.
    """
    size = 4 + 3 * n
    extent = base + STATE + n
    newest = slot(ring, size, number)
    times = 3 if number > LATE else 2
    for j in range(n):
        memory[extent + j] = np.inf
        memory[extent + n + j] = -np.inf
    for k in range(1, min(MOST, number // times) + 1):
        entry = slot(ring, size, number - k + 1) + 4
        for j in range(n):
            memory[extent + j] = min(memory[extent + j], memory[entry + n + j])
            memory[extent + n + j] = max(memory[extent + n + j], memory[entry + 2 * n + j])
        before = slot(ring, size, number - k)
        earlier = slot(ring, size, number - 2 * k)
        moves = memory[extent + n] - memory[extent] >= LEAST
        closed = moves and returns(memory, extent, newest + 4, before + 4, earlier + 4, n, tolerance, floor)
        if closed and times == 3:
            first = slot(ring, size, number - 3 * k)
            closed = distance(memory, extent, earlier + 4, first + 4, n, floor) <= tolerance
        if closed:
            return divided(memory, ring, base, n, number, k, tolerance, floor)
    return 0


def divided(memory, ring, base, n, number, k, tolerance, floor):
    """The smallest divisor of k sections after which the state has nearly returned, too.

    Near a period doubling a cycle is reached by turns from both sides: after two periods the state has returned before
    it has after one.
    """
    size = 4 + 3 * n
    extent = base + STATE + n
    newest = slot(ring, size, number) + 4
    for d in range(1, k // 2 + 1):
        before = slot(ring, size, number - d) + 4
        if (k // d) * d == k and distance(memory, extent, newest, before, n, floor) <= NEARLY * tolerance:
            return d
    return k


def distance(memory, extent, newest, before, n, floor):
    """How far two states are apart, each relative to its range, at most."""
    worst = 0.0
    for j in range(n):
        low, high = memory[extent + j], memory[extent + n + j]
        scale = max(high - low, floor[j])
        scale = max(scale, SMALLEST * max(abs(low), abs(high)))
        worst = max(worst, abs(memory[newest + j] - memory[before + j]) / scale)
    return worst


def returns(memory, extent, newest, before, earlier, n, tolerance, floor):
    """Whether three states are the same to the tolerance, each state relative to its range, and do not drift."""
    now, then = 0.0, 0.0
    for j in range(n):
        low, high = memory[extent + j], memory[extent + n + j]
        scale = max(high - low, floor[j])
        scale = tolerance * max(scale, SMALLEST * max(abs(low), abs(high)))
        step = (memory[newest + j] - memory[before + j]) / scale
        last = (memory[before + j] - memory[earlier + j]) / scale
        if not (abs(step) <= 1.0 and abs(last) <= 1.0):
            return False
        drifts = step * last > 0.0 and abs(last) > NOISE and abs(step) > NOISE
        if drifts and not step * step <= abs(last) - abs(step):
            return False
        now += step * step
        then += last * last
    return now <= then or now <= NOISE * NOISE
