"""The memory of a lane that runs until it is settled: where its sections lie.

Sections are the events at which states are compared: upward crossings of the spike threshold (mode 0), maxima of V
without a crossing since the maximum before (mode 1; forgotten at a crossing), and the first spikes of bursts (mode 2;
they are of mode 0, too). Of each section the time, the state, and the ranges since the section before are kept in a
ring. All of it lies in one flat array, a lane from `base` on:

    COUNTS (3)  CROSSED  ABOVE_SINCE  KIND  PERIOD  BURSTS  ACCUMULATED (3 of each mode: peak, trough, above)
    STATE (n)  RANGE (2 n)  low and high of each mode (6 n)  CHECKED (n)  a ring of each mode

CHECKED is the state when it was last seen whether it stands still. An entry of a ring is: time, peak, trough, time
above the plateau level, number of the section of mode 0, state (n), low (n), high (n).
"""

from __future__ import annotations

RING = 385  # entries: a long burst and the one that the cap cuts short; three periods, and where they begin
MOST = 64  # sections of a period at most
KEPT = RING  # spike times that are handed back
MODES = 3
COUNTS, CROSSED, ABOVE_SINCE, KIND, PERIOD, BURSTS, ACCUMULATED, STATE = 0, 3, 4, 5, 6, 7, 8, 17
NUMBER, HEAD = 4, 5  # of an entry: the number of its section; its length before the states
RUNNING, REST, SPIKES, MAXIMA = 0.0, 1.0, 2.0, 3.0  # of KIND: what the lane has settled to; a cycle by its mode
SMALLEST = 0.02  # of a state's own size: a smaller range counts as this, lest rounding keeps a cycle from closing


def checked_at(n: int) -> int:
    """Where CHECKED begins, for n states."""
    return STATE + (3 + 2 * MODES) * n


def memory_of(n: int) -> int:
    """The length of a lane's memory, for n states."""
    return checked_at(n) + n + MODES * RING * (HEAD + 3 * n)


def ring_of(base, mode, n):
    """Where the ring of a mode begins."""
    return base + STATE + (4 + 2 * MODES) * n + mode * RING * (HEAD + 3 * n)


def slot(ring, n, number):
    """Where the entry of a section lies, by its number from 0 on."""
    return ring + (number - (number // RING) * RING) * (HEAD + 3 * n)
