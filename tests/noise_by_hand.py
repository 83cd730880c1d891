"""Noise as documented, in Python's integers and `math`, apart from hhfast."""

import math

import numpy as np


def philox_by_hand(counter, key):
    """Philox4x32-10 as in the paper, in Python's integers."""
    a, b, c, d = counter
    for r in range(10):
        k, m = ((key[0] + r * 0x9E3779B9) % 2**32, (key[1] + r * 0xBB67AE85) % 2**32)
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ k, second % 2**32, (first >> 32) ^ d ^ m, first % 2**32
    return a, b, c, d


def normal_by_hand(seed, cell, step):
    """Box and Muller's normal number from the four words of a counter (step, cell) and a key (seed)."""
    counter = (step % 2**32, step >> 32, cell % 2**32, cell >> 32)
    a, b, c, d = philox_by_hand(counter, (seed % 2**32, seed >> 32))
    u, v = (((((high << 32) + low) >> 12) + 0.5) / 2**52 for high, low in ((a, b), (c, d)))
    return math.sqrt(-2 * math.log(u)) * math.sin(2 * math.pi * v)


def current_by_hand(cell, n, p):
    """The current of a cell at n multiples of `every`: the exact update, from the stationary distribution."""
    keep = math.exp(-p["every"] / p["tau"])
    x = [normal_by_hand(p["seed"], cell, 0)]
    for k in range(1, n):
        x.append(keep * x[-1] + math.sqrt(1 - keep**2) * normal_by_hand(p["seed"], cell, k))
    return p["mean"] + p["sigma"] * np.array(x)
