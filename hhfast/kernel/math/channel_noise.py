"""Random numbers of channel noise, for the lane loop, by counter: (seed, cell, step) and a number for each stream.

The words are those of Philox (see `random`); the number of the stream stands in bits that the noise of stimuli leaves
free, so the two never meet. The deviates that drive diffusion are polynomials of numbers of ten bits each: they
have the moments of the normal distribution up to the seventh, which a scheme of weak order 2 or less cannot tell from
it (Kloeden & Platen 1992, Numerical Solution of SDE, sec. 14.1-14.2), twelve of them from one call of Philox.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import log, sin, sqrt
from hhfast.kernel.math.random import fraction, halves, philox, philox_round

DEVIATES = 12  # of one call
INITIAL, TRANSITIONS = 1024, 2048  # the first streams of these; those of deviates begin with 1
_U = np.uint64
_LOW, _W0, _W1 = _U(0xFFFFFFFF), _U(0x9E3779B9), _U(0xBB67AE85)  # as of `random`
_20, _FIELD, _1, _9, _19 = _U(20), _U(0x7FE), _U(1), _U(9), _U(19)
_HALVES = _U(0x4320000000000000)  # 2**51 in float64, whose lowest bit is worth a half
_MIDDLE = 2251799813685759.5  # 2**51 + 511.5


def noise_words(seed, cell, step, stream):
    """Four random words of 32 bits of (seed, cell, step) in a stream from 1 to 4095.

    Step and stream are the key: they are the same for all lanes, so its schedule is not vectors but numbers. Seven
    rounds, the fewest with which Philox passes the tests of BigCrush (Salmon et al. 2011, table 2).
    """
    k, m = halves(step)
    m = m | (stream << _20)
    a, b = halves(seed)
    c, d = halves(cell)
    for _ in range(7):
        a, b, c, d = philox_round(a, b, c, d, k, m)
        k, m = (k + _W0) & _LOW, (m + _W1) & _LOW
    return a, b, c, d


def deviate(field):
    """A number with the first seven moments of N(0, 1), from ten random bits: those of `field` but the lowest."""
    u = (np.int64(field | _HALVES).view(np.float64) - _MIDDLE) * 0.001953125
    w = u * u
    return u * ((1.0001382171919937 + 5.5689908614098265 * w) + w * w * (-15.113230167613214 + 11.47212914 * w))


def deviates(word):
    """Three such numbers from a word of 32 bits."""
    return deviate((word << _1) & _FIELD), deviate((word >> _9) & _FIELD), deviate((word >> _19) & _FIELD)


def initial_deviate(seed, cell, stream):
    """A normal number (Box & Muller 1958) from which a fluctuation starts."""
    a, b, c, d = noise_words(seed, cell, 0.0, stream)
    return sqrt(-2.0 * log(fraction(a, b))) * sin(6.283185307179586 * fraction(c, d))


def uniforms(seed, cell, step, stream, event):
    """Two numbers strictly between 0 and 1 of an event in a step of (seed, cell), events and seeds below 2**32."""
    k, m = halves(step)
    a, _high = halves(seed)
    b, _high = halves(event)
    c, d = halves(cell)
    a, b, c, d = philox(a, b, c, d, k, m | (stream << _20))
    return fraction(a, b), fraction(c, d)
