"""What a lane does at its events, so that it knows when it has reached its attractor.

Its memory is laid out in `section_rings`, the comparison of states is in `cycle_test`.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.cycle_test import events_of_period
from hhfast.kernel.math.section_rings import (
    ABOVE_SINCE,
    ACCUMULATED,
    BURSTS,
    COUNTS,
    CROSSED,
    HEAD,
    KIND,
    MODES,
    NUMBER,
    PERIOD,
    RING,
    SPIKES,
    STATE,
    checked_at,
    ring_of,
    slot,
)


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
    for mode in range(MODES):
        _ = forget(memory, base, mode, n)
    checked = base + checked_at(n)
    for j in range(n):
        memory[checked + j] = memory[base + STATE + j]
    memory[base + ABOVE_SINCE] = 0.0 if memory[base + STATE] >= level else np.nan
    return 0.0


def spread(memory, base, n):
    """Extend the ranges since the last sections by the state that the lane has."""
    for mode in range(MODES):
        low = base + STATE + (3 + 2 * mode) * n
        for j in range(n):
            x = memory[base + STATE + j]
            memory[low + j] = min(memory[low + j], x)
            memory[low + n + j] = max(memory[low + n + j], x)
    return 0.0


def extremum(memory, base, V):
    """Extend peak and trough since the last sections by an extremum of V, mV."""
    for mode in range(MODES):
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
            for mode in range(MODES):
                memory[base + ACCUMULATED + 3 * mode + 2] += lasted
        memory[base + ABOVE_SINCE] = np.nan
    return 0.0


def section(memory, base, mode, n, t, ratio, fewest, tolerance, floor):
    """Keep the state at a section, and see whether the lane has settled to a cycle; 1.0 if it has.

    ratio : a spike begins a burst if the interval before it is at least so many times the one before that.
    fewest : returns that make a cycle.
    floor : (n,) the least range of each state. In mode 0 the ring of mode 1 is forgotten.
    """
    number = int(memory[base + COUNTS + mode])
    _ = keep(memory, base, mode, n, t, number)
    if mode == 0:
        memory[base + CROSSED] = 1.0
        _ = forget(memory, base, 1, n)
    k = events_of_period(memory, base, ring_of(base, mode, n), n, number, fewest, tolerance, floor)
    bursts = 0
    if k == 0 and mode == 0 and begins_burst(memory, ring_of(base, 0, n), n, number, ratio):
        burst = int(memory[base + COUNTS + 2])
        _ = keep(memory, base, 2, n, t, number)
        ring = ring_of(base, 2, n)
        bursts = events_of_period(memory, base, ring, n, burst, fewest, tolerance, floor)
        k = number - int(memory[slot(ring, n, burst - bursts) + NUMBER])
    if k > 0 and k < RING:
        memory[base + KIND] = SPIKES + mode
        memory[base + PERIOD] = float(k)
        memory[base + BURSTS] = float(bursts)
        return 1.0
    return 0.0


def keep(memory, base, mode, n, t, number):
    """Put the state, and what was accumulated, into the ring of a mode. number : of this section in mode 0."""
    here = slot(ring_of(base, mode, n), n, int(memory[base + COUNTS + mode]))
    memory[here] = t
    for k in range(3):
        memory[here + 1 + k] = memory[base + ACCUMULATED + 3 * mode + k]
    memory[here + NUMBER] = float(number)
    low = base + STATE + (3 + 2 * mode) * n
    for j in range(n):
        x = memory[base + STATE + j]
        memory[here + HEAD + j] = x
        memory[here + HEAD + n + j] = min(memory[low + j], x)
        memory[here + HEAD + 2 * n + j] = max(memory[low + n + j], x)
    _ = reset(memory, base, mode, n)
    memory[base + COUNTS + mode] += 1.0
    return 0.0


def begins_burst(memory, ring, n, number, ratio):
    """Whether the spike of this number comes after an interval that is long beside the one before it."""
    if number < 2:
        return False
    last = memory[slot(ring, n, number - 1)]
    return memory[slot(ring, n, number)] - last >= ratio * (last - memory[slot(ring, n, number - 2)])
