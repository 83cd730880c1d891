"""Whether the states at the last sections of a lane lie on a cycle."""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.section_rings import HEAD, MOST, NUMBER, RING, SMALLEST, STATE, slot

LATE = 128  # sections, after which a cycle must close three times
NEARLY, NEARLY_ROUGH = 10.0, 2.0  # of the tolerance: what a part of a period may lack to be the whole
LEAST = 0.01  # mV; a smaller oscillation is rounding, or a rest that is not reached yet
ELSEWHERE = 10.0  # times this where the cycle is more sensitive than at the last section
NOISE = 0.01  # of the tolerance: changes below it say nothing about whether a cycle still drifts


def events_of_period(memory, base, ring, n, number, fewest, tolerance, floor):
    """The smallest number of sections after which the whole state has returned `fewest` times in a row; 0: none.

    fewest : two or more; after many sections three: chaos comes close to many a cycle in the end.
    It returns if no state has moved by more than the tolerance, relative to its range in these periods, nor the length
    of the period, and if none drifts: what geometric steps still lead to must be within the tolerance, too.
    """
    extent = base + STATE + n
    newest = slot(ring, n, number)
    times = max(int(fewest), 3 if number > LATE else 2)
    for j in range(n):
        memory[extent + j] = np.inf
        memory[extent + n + j] = -np.inf
    most = min(MOST, (RING - 1) // times)
    for k in range(1, min(most, number // times) + 1):
        entry = slot(ring, n, number - k + 1) + HEAD
        for j in range(n):
            memory[extent + j] = min(memory[extent + j], memory[entry + n + j])
            memory[extent + n + j] = max(memory[extent + n + j], memory[entry + 2 * n + j])
        before = slot(ring, n, number - k)
        earlier = slot(ring, n, number - 2 * k)
        moves = memory[extent + n] - memory[extent] >= LEAST
        closed = moves and alike(memory, newest, before, earlier, tolerance)
        closed = closed and returns(memory, extent, newest + HEAD, before + HEAD, earlier + HEAD, n, tolerance, floor)
        for i in range(2, times if closed else 0):
            later, first = slot(ring, n, number - i * k) + HEAD, slot(ring, n, number - (i + 1) * k) + HEAD
            closed = closed and distance(memory, extent, later, first, n, floor) <= tolerance
        if closed:
            nearly = tolerance * (NEARLY if fewest == 2 else NEARLY_ROUGH)
            return divided(memory, ring, base, n, number, k, nearly, floor)
    return 0


def alike(memory, newest, before, earlier, tolerance):
    """Whether two periods, between three sections, have as many spikes and are equally long to the tolerance.

    A long pause tells more of the state at its beginning than the state at its end does.
    """
    spikes = memory[newest + NUMBER] - memory[before + NUMBER]
    length = memory[newest] - memory[before]
    longer = abs(length - (memory[before] - memory[earlier]))
    return spikes == memory[before + NUMBER] - memory[earlier + NUMBER] and longer <= tolerance * length


def divided(memory, ring, base, n, number, k, nearly, floor):
    """The smallest divisor of k sections after which the state has nearly returned, too, at each of the last k.

    Near a period doubling a cycle is reached by turns from both sides: after two periods the state has returned before
    it has after one. (In the middle of a burst, two spikes in a row may be as alike.)
    """
    for d in range(1, k // 2 + 1):
        same = (k // d) * d == k
        for i in range(k if same else 0):
            now, before = slot(ring, n, number - i) + HEAD, slot(ring, n, number - i - d) + HEAD
            limit = nearly if i == 0 else ELSEWHERE * nearly
            same = same and distance(memory, base + STATE + n, now, before, n, floor) <= limit
        if same:
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
