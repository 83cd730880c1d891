"""Distributions as quantile functions made of IEEE arithmetic alone, so that every machine gets the same bits.

`exp`, `log` and the normal quantile of a mathematical library differ in their last digit from one machine to the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import known_name, per_cell

_LN2 = float(Decimal(2).ln())
_EXP = [1 / math.factorial(k) for k in range(15)]  # Taylor, for |x| < 0.35
_ATANH = [1 / (2 * k + 1) for k in range(12)]  # of the logarithm, for |x| < 0.18


@dataclass(frozen=True)
class Distribution:
    """Values of a parameter, as kind and arguments.

    `Distribution("uniform", (low, high))`, `("loguniform", (low, high))` or `("normal", (mean, sd))`.
    """

    kind: str
    arguments: tuple[float, ...]

    def __post_init__(self) -> None:
        known_name("distribution", self.kind, QUANTILES)
        given = per_cell(self.kind, self.arguments)
        if np.ndim(given) != 1 or len(given) != 2 or not np.isfinite(given).all():
            raise InputError(f"{self.kind} takes two finite numbers: {ARGUMENTS[self.kind]}")
        if not isinstance(self.arguments, tuple):
            object.__setattr__(self, "arguments", tuple(given.tolist()))
        a, b = self.arguments
        if self.kind == "normal":
            if b <= 0:
                raise InputError(f"normal has the standard deviation {b:g}; it must be positive")
        elif not a < b:
            raise InputError(f"{self.kind} goes from {a:g} to {b:g}; the first must be less than the second")
        if self.kind == "loguniform" and a <= 0:
            raise InputError(f"loguniform begins at {a:g}; it must be positive")

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and largest value it can give."""
        return (-math.inf, math.inf) if self.kind == "normal" else (self.arguments[0], self.arguments[1])

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The value below which a share `u` (0 < u < 1) lies."""
        return QUANTILES[self.kind](u, *self.arguments)

    def canonical(self) -> dict[str, list[float]]:
        return {self.kind: list(self.arguments)}


def _uniform(u: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip(low + u * (high - low), low, high)


def _loguniform(u: np.ndarray, low: float, high: float) -> np.ndarray:
    ratio = float((Decimal(high) / Decimal(low)).ln())  # correctly rounded, unlike math.log
    return np.clip(low * _exp(u * ratio), low, high)


def _normal(u: np.ndarray, mean: float, sd: float) -> np.ndarray:
    return mean + sd * _standard_normal(u)


QUANTILES: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "normal": _normal,
}
ARGUMENTS = {"uniform": "[low, high]", "loguniform": "[low, high]", "normal": "[mean, standard deviation]"}


def _polynomial(coefficients: Sequence[float], x: np.ndarray) -> np.ndarray:
    """c[0] + c[1] x + ..., by Horner's rule."""
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result


def _exp(x: np.ndarray) -> np.ndarray:
    power = np.floor(x / _LN2 + 0.5)
    result: np.ndarray = np.ldexp(_polynomial(_EXP, x - power * _LN2), power.astype(np.int32))
    return result


def _log(x: np.ndarray) -> np.ndarray:
    mantissa, power = np.frexp(x)
    low = mantissa < math.sqrt(0.5)
    mantissa, power = np.where(low, 2 * mantissa, mantissa), np.where(low, power - 1, power)
    t = (mantissa - 1) / (mantissa + 1)
    result: np.ndarray = power * _LN2 + 2 * t * _polynomial(_ATANH, t * t)
    return result


# Wichura 1988, Appl Statist 37:477-484, algorithm AS 241 (PPND16), about 1e-16.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_SIDE = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_TAIL = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def _standard_normal(u: np.ndarray) -> np.ndarray:
    q = u - 0.5
    central = np.abs(q) <= 0.425
    r = np.sqrt(-_log(np.minimum(u, 1 - u)))
    outside = np.where(r <= 5, _ratio(_SIDE, r - 1.6), _ratio(_TAIL, r - 5))
    return np.where(central, q * _ratio(_CENTRE, 0.180625 - q * q), np.copysign(outside, q))


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: np.ndarray) -> np.ndarray:
    result: np.ndarray = _polynomial(coefficients[0], x) / _polynomial(coefficients[1], x)
    return result
