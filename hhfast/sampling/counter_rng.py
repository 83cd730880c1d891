"""Randomness by index: the number of row i from a seed and a name, without those before it, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np

_ROUNDS = 8  # of the Feistel network; four suffice in theory, small domains profit from more


def words(seed: int, name: str, start: int, stop: int) -> np.ndarray:
    """Random words start to stop of the stream of (seed, name), uint64."""
    generator = np.random.Philox(key=[seed, _number(name)])
    generator.advance(start // 4)  # each step of the counter gives four words
    return generator.random_raw(stop - start + start % 4)[start % 4 :]


def uniform(seed: int, name: str, start: int, stop: int) -> np.ndarray:
    """Uniform random numbers strictly between 0 and 1."""
    return fraction(words(seed, name, start, stop) >> np.uint64(12))


def fraction(integers: np.ndarray) -> np.ndarray:
    """52-bit integers as the midpoints of 2**52 equal cells of (0, 1): exact, and never 0 or 1."""
    return (integers.astype(np.float64) + 0.5) * 2.0**-52


def permuted(seed: int, name: str, n: int, start: int, stop: int) -> np.ndarray:
    """Entries start to stop of a random permutation of range(n), int64.

    A Feistel network permutes the smallest even number of bits that holds n; what falls outside range(n) goes round
    again ("cycle walking"; Black & Rogaway 2002), which leaves a permutation of range(n).
    """
    half = np.uint64(max(1, ((n - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = words(seed, f"permutation {name}", 0, _ROUNDS)
    values = np.arange(start, stop, dtype=np.uint64)
    walking = np.arange(len(values))
    while len(walking):
        left, right = values[walking] >> half, values[walking] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        values[walking] = left << half | right
        walking = walking[values[walking] >= n]
    return values.astype(np.int64)


def _mixed(x: np.ndarray) -> np.ndarray:
    """A 64-bit hash (the finaliser of SplitMix64; Steele, Lea & Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
