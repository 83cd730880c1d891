"""The scale that suits the values of a parameter, for pictures and pages."""

from __future__ import annotations

import numpy as np


def spans_magnitudes(values: np.ndarray) -> bool:
    """Whether positive values spread over so many magnitudes that their logarithm is to be shown."""
    return bool(values.min() > 0 and values.max() > 50 * values.min() and np.median(values) < 0.2 * values.max())
