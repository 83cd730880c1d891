"""Potentials at which compiled rates are not those of the formulas: their exponentials are held there.

Kernels hold V inside exponentials to `RANGE` on either side of `CENTRE`, so that nothing overflows. A strong current
may take V beyond, which is no error of the integrator; but how fast a gate moves there is then only about right.
"""

from __future__ import annotations

import warnings

import numpy as np

from hhfast.batch.fastest_rate import is_told
from hhfast.errors import PrecisionWarning
from hhfast.kernel.optimise.held_range import CENTRE, RANGE


def exact_range(dtype: str) -> tuple[float, float]:
    """The potentials, mV, between which compiled rates are those of the formulas."""
    return float(CENTRE - RANGE[dtype]), float(CENTRE + RANGE[dtype])


def within_rates(bounds: np.ndarray, dtype: str) -> np.ndarray:
    """Bounds (n, 2) of potentials, mV, where they are wider brought down to `exact_range`; NaN stays."""
    low, high = exact_range(dtype)
    return np.stack([np.maximum(bounds[:, 0], low), np.minimum(bounds[:, 1], high)], axis=1)


def warn_of_held_rates(beyond: np.ndarray, dtype: str) -> None:
    """Warn, in one line, of cells whose potential went beyond the rates; beyond : (n,) whether it did."""
    n = int(beyond.sum())
    if n and not is_told():
        low, high = exact_range(dtype)
        who = "the potential goes" if len(beyond) == 1 else f"the potential of {n:,} of {len(beyond):,} cells goes"
        warnings.warn(
            f"{who} beyond {low:g} to {high:g} mV, where exponentials of rates are held constant: gates that "
            "move there are only about right (their reason is 'potential_beyond_rates'); take a weaker current",
            PrecisionWarning,
            stacklevel=3,
        )
