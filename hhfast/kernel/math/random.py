"""Random numbers for the lane loop, by counter: the number of (seed, cell, step) without those before it.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11) turns a counter
and a key into four random words of 32 bits, by integer arithmetic alone: so a number depends neither on threads,
batches and step sizes nor on the machine. Branch-free and inlined, so that the loop around it vectorises.
"""

from __future__ import annotations

import numpy as np

from hhfast.kernel.math.elementary import exp, log, sin, sqrt

LARGEST = 2**52  # seeds, cells and steps are whole numbers below this
_WHOLE = 4503599627370496.0  # 2**52: added to such a number, it leaves its bits in the low ones of the sum
_U = np.uint64
_LOW, _32, _12, _ONE = _U(0xFFFFFFFF), _U(32), _U(12), _U(0x3FF0000000000000)
_M0, _M1 = _U(0xD2511F53), _U(0xCD9E8D57)  # multipliers of the rounds
_W0, _W1 = _U(0x9E3779B9), _U(0xBB67AE85)  # what is added to the key after each


def philox_round(a, b, c, d, k, m):
    """One round: the counter a, b, c, d under the key k, m; all words of 32 bits in uint64."""
    first, second = _M0 * a, _M1 * c
    return (second >> _32) ^ b ^ k, second & _LOW, (first >> _32) ^ d ^ m, first & _LOW


def philox(a, b, c, d, k, m):
    """Philox4x32-10: four random words from the counter a, b, c, d and the key k, m."""
    for _ in range(10):
        a, b, c, d = philox_round(a, b, c, d, k, m)
        k, m = (k + _W0) & _LOW, (m + _W1) & _LOW
    return a, b, c, d


def halves(x):
    """The low and the high 32 bits of a whole number 0 <= x < 2**52 in float64."""
    bits = _U(np.float64(x + _WHOLE).view(np.int64))
    return bits & _LOW, (bits >> _32) & _U(0xFFFFF)


def fraction(high, low):
    """A number strictly between 0 and 1 from two random words: the middle of one of 2**52 equal cells."""
    bits = np.int64((((high << _32) | low) >> _12) | _ONE)  # of a number from 1 to 2
    return bits.view(np.float64) - 0.99999999999999988898


def normal(seed, cell, step):
    """The standard normal number of (seed, cell, step): whole numbers >= 0 in float64 (Box & Muller 1958)."""
    k, m = halves(seed)
    a, b = halves(step)
    c, d = halves(cell)
    a, b, c, d = philox(a, b, c, d, k, m)
    return sqrt(-2.0 * log(fraction(a, b))) * sin(6.283185307179586 * fraction(c, d))


def uniform(seed, cell, step):
    """The number of (seed, cell, step) strictly between 0 and 1, by the same words as `normal`."""
    k, m = halves(seed)
    a, b = halves(step)
    c, d = halves(cell)
    a, b, c, d = philox(a, b, c, d, k, m)
    return fraction(a, b)


def ornstein_uhlenbeck(every, tau):
    """(keep, kick) of the exact update over `every` ms: x <- keep x + kick N(0, 1).

    Of the stationary process with unit variance and correlation time tau (Gillespie 1996, Phys Rev E 54:2084-2091).
    """
    keep = exp(-every / tau)
    return keep, sqrt(1.0 - keep * keep)


def ornstein_uhlenbeck_path(x, seed, cell, every, tau):
    """Fill x with such a process of one cell at its points, one every `every` ms."""
    keep, kick = ornstein_uhlenbeck(every, tau)
    x[0] = normal(seed, cell, 0.0)
    for k in range(1, len(x)):
        x[k] = keep * x[k - 1] + kick * normal(seed, cell, float(k))
