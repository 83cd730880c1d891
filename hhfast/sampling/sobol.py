"""The Sobol sequence by index, scrambled: point i computed alone, the same on every machine.

Direction numbers of Joe & Kuo (2008, SIAM J Sci Comput 30:2635-2654, new-joe-kuo-6); scrambling by a random lower
triangular matrix and a digital shift (Matousek 1998, J Complexity 14:527-556), which keeps the net's evenness.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hhfast.sampling.counter_rng import words

BITS = 52  # of each coordinate: what a float64 strictly between 0 and 1 can hold

# Of each dimension after the first: its primitive polynomial (as bits) and initial direction numbers m_1, m_2, ...
_JOE_KUO: tuple[tuple[int, tuple[int, ...]], ...] = (
    (3, (1,)),
    (7, (1, 3)),
    (11, (1, 3, 1)),
    (13, (1, 1, 1)),
    (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)),
    (41, (1, 1, 5, 5, 5)),
    (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)),
    (61, (1, 3, 5, 5, 31)),
    (67, (1, 3, 3, 9, 7, 49)),
    (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)),
    (103, (1, 1, 1, 15, 7, 5)),
    (109, (1, 3, 1, 15, 13, 25)),
    (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)),
    (137, (1, 3, 7, 13, 13, 15, 69)),
    (143, (1, 1, 3, 13, 7, 35, 63)),
    (145, (1, 3, 5, 9, 1, 25, 53)),
    (157, (1, 3, 1, 13, 9, 35, 107)),
    (167, (1, 3, 1, 5, 27, 61, 31)),
    (171, (1, 1, 5, 11, 19, 41, 61)),
    (185, (1, 3, 5, 3, 3, 13, 69)),
    (191, (1, 1, 7, 13, 1, 19, 1)),
    (193, (1, 3, 7, 5, 13, 19, 59)),
    (203, (1, 1, 3, 9, 25, 29, 41)),
    (211, (1, 3, 5, 13, 23, 1, 55)),
    (213, (1, 3, 7, 3, 13, 59, 17)),
    (229, (1, 3, 1, 3, 5, 53, 69)),
    (239, (1, 1, 5, 5, 23, 33, 13)),
    (241, (1, 1, 7, 7, 1, 61, 123)),
    (247, (1, 1, 7, 9, 13, 61, 49)),
    (253, (1, 3, 3, 5, 3, 55, 33)),
    (285, (1, 3, 1, 15, 31, 13, 49, 245)),
    (299, (1, 3, 5, 15, 31, 59, 63, 97)),
    (301, (1, 3, 1, 11, 11, 11, 77, 249)),
    (333, (1, 3, 1, 11, 27, 43, 71, 9)),
    (351, (1, 1, 7, 15, 21, 11, 81, 45)),
    (355, (1, 3, 7, 3, 25, 31, 65, 79)),
    (357, (1, 3, 1, 1, 19, 11, 3, 205)),
    (361, (1, 1, 5, 9, 19, 21, 29, 157)),
    (369, (1, 3, 7, 11, 1, 33, 89, 185)),
    (391, (1, 3, 3, 3, 15, 9, 79, 71)),
    (397, (1, 3, 7, 11, 15, 39, 119, 27)),
)
MAX_DIMENSIONS = 1 + len(_JOE_KUO)


def points(start: int, stop: int, directions: tuple[int, ...], shift: int) -> np.ndarray:
    """One coordinate of points start to stop as `BITS`-bit integers, uint64, in Gray code order."""
    index = np.arange(start, stop, dtype=np.uint64)
    gray = index ^ (index >> np.uint64(1))
    result = np.full(stop - start, shift, dtype=np.uint64)
    for bit in range(max(stop - 1, 0).bit_length()):
        chosen = (gray >> np.uint64(bit)) & np.uint64(1)
        result ^= chosen * np.uint64(directions[bit])
    return result


@lru_cache(maxsize=MAX_DIMENSIONS)
def direction_numbers(dimension: int) -> tuple[int, ...]:
    """The direction numbers v_1, v_2, ... of one dimension (from 0), as `BITS`-bit fractions."""
    if dimension == 0:
        return tuple(1 << (BITS - 1 - k) for k in range(BITS))
    polynomial, initial = _JOE_KUO[dimension - 1]
    degree = len(initial)
    m = list(initial)
    for i in range(degree, BITS):
        new = m[i - degree] ^ (m[i - degree] << degree)
        for k in range(1, degree):
            if polynomial >> (degree - k) & 1:
                new ^= m[i - k] << k
        m.append(new)
    return tuple(number << (BITS - 1 - k) for k, number in enumerate(m))


@lru_cache(maxsize=256)
def scrambled(dimension: int, seed: int, name: str) -> tuple[tuple[int, ...], int]:
    """(direction numbers times a random lower triangular matrix, digital shift) of one dimension."""
    random = [int(word) >> (64 - BITS) for word in words(seed, f"sobol {name}", 0, BITS + 1)]
    # Row k gives output bit k (from the top): the input's bit k, and a random choice of the bits above it.
    rows = [(r & -(1 << (BITS - k)) | 1 << (BITS - 1 - k)) & (1 << BITS) - 1 for k, r in enumerate(random[:BITS])]
    mixed = tuple(
        sum(((number & row).bit_count() & 1) << (BITS - 1 - k) for k, row in enumerate(rows))
        for number in direction_numbers(dimension)
    )
    return mixed, random[BITS]
