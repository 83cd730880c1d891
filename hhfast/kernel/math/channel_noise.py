"""Random numbers of channel noise, for the lane loop, by counter: (seed, cell, step) and a number for each stream.

The words are those of Philox (see `random`); the number of the stream stands in bits that the noise of stimuli leaves
free, so the two never meet. The deviates that drive diffusion are polynomials of numbers of ten bits each: they
have the moments of the normal distribution up to the seventh, which a scheme of weak order 2 or less cannot tell from
it (Kloeden & Platen 1992, Numerical Solution of SDE, sec. 14.1-14.2), twelve of them from one call of Philox.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import log, sin, sqrt
from hhfast.kernel.math.random import fraction, halves, philox

DEVIATES = 12  # of one call
INITIAL, TRANSITIONS = 1024, 2048  # the first streams of these; those of deviates begin with 1
_U = np.uint64
_20, _FIELD, _1, _9, _19 = _U(20), _U(0x7FE), _U(1), _U(9), _U(19)
_HALVES = _U(0x4320000000000000)  # 2**51 in float64, whose lowest bit is worth a half
_MIDDLE = 2251799813685759.5  # 2**51 + 511.5


def noise_words(seed, cell, step, stream):
    """Four random words of 32 bits of (seed, cell, step) in a stream from 1 to 4095."""
    k, m = halves(seed)
    a, b = halves(step)
    c, d = halves(cell)
    return philox(a, b, c, d | (stream << _20), k, m)


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


def kicked(x, a, b):
    """x after a step of x' = a - b x, where a and b have the step in them: by a rational phi, for any b."""
    return x + (a - b * x) / (1.0 + b * (0.5 + 0.08333333333333333 * b))
