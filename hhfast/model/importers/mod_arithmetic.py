"""NMODL's arithmetic on numbers, apart from hhfast's own: a quotient by 0 is no error, nor an overflow."""

from __future__ import annotations

import math
from collections.abc import Callable


def _divide(a: float, b: float) -> float:
    return a / b if b != 0 else math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)


def _power(a: float, b: float) -> float:
    try:
        result = a**b
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return result if isinstance(result, float) else math.nan


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    def evaluate(*x: float) -> float:
        try:
            return function(*x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return evaluate


_PLAIN: dict[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "log10": math.log10, "sqrt": math.sqrt, "fabs": abs, "abs": abs,
    "tanh": math.tanh, "sinh": math.sinh, "cosh": math.cosh, "pow": _power, "fmin": min, "fmax": max,
}  # fmt: skip
FUNCTIONS = {name: _guarded(f) for name, f in _PLAIN.items()}
FUNCTIONS["exprelr"] = lambda x: 1.0 - x / 2 if abs(x) < 1e-8 else x / math.expm1(x)
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "^": _power,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}


def reversal(inside: float, outside: float, z: float, celsius: float) -> float:
    """The Nernst potential, mV; no number where a concentration is 0 or less."""
    if not (inside > 0 and outside > 0):
        return math.nan
    return 1e3 * 8.314462618 * (celsius + 273.15) / (z * 96485.33212) * math.log(outside / inside)


def ghk(v: float, inside: float, outside: float, z: float, celsius: float) -> float:
    """NEURON's: mA/cm2 per cm/s."""
    u = z * v * 96485.33212 / (1e3 * 8.314462618 * (celsius + 273.15))
    relative = FUNCTIONS["exprelr"]
    return 1e-3 * z * 96485.33212 * (inside * relative(-u) - outside * relative(u))
