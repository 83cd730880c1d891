"""The functions that formulas can call, as NumPy computes them, and the constants of physics in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

R, F = 8.314462618, 96485.33212  # J / (mol K), C / mol
ZERO_CELSIUS = 273.15  # K


def nernst(inside: Any, outside: Any, z: Any, celsius: Any) -> Any:
    """The reversal potential (mV) of an ion of valence z, from its concentrations."""
    return 1e3 * R * (celsius + ZERO_CELSIUS) / (z * F) * np.log(outside / inside)


def ghk(V: Any, inside: Any, outside: Any, z: Any, celsius: Any) -> Any:
    """The current (uA/cm2, outward positive) through a permeability of 1 cm/s, from concentrations in mM.

    Goldman, Hodgkin & Katz: z F u (inside - outside exp(-u)) / (1 - exp(-u)) with u = z F V / (R T); right at V = 0.
    """
    u = z * F * V / (1e3 * R * (celsius + ZERO_CELSIUS))
    return z * F * (inside * _exprelr(-u) - outside * _exprelr(u))


def _exprelr(u: Any) -> Any:
    """u / (exp(u) - 1), 1 at u = 0."""
    small = np.abs(u) < 1e-9
    safe = np.where(small, 1.0, u)
    return np.where(small, 1.0 - 0.5 * u, safe / np.expm1(safe))


def _several(of_two: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *values: reduce(of_two, values)


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {  # name -> (NumPy meaning, fewest, most arguments)
    "exp": (np.exp, 1, 1),
    "log": (np.log, 1, 1),
    "ln": (np.log, 1, 1),
    "sqrt": (np.sqrt, 1, 1),
    "tanh": (np.tanh, 1, 1),
    "sinh": (np.sinh, 1, 1),
    "cosh": (np.cosh, 1, 1),
    "abs": (np.abs, 1, 1),
    "min": (_several(np.minimum), 2, 8),
    "max": (_several(np.maximum), 2, 8),
    "nernst": (nernst, 4, 4),
    "ghk": (ghk, 5, 5),
}
