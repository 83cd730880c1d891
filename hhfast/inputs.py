"""The value of a parameter: a number, or one for each cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from hhfast.errors import InputError


def per_cell(name: str, value: Any) -> Any:
    """A float, or a 1-D float64 array; `name` is for the message of the `InputError` where it is neither."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} = {value!r} is not a number or an array of numbers") from None
    if array.ndim > 1:
        raise InputError(f"{name} has {array.ndim} dimensions; give a number or a 1-D array with one value per cell")
    if array.ndim == 0 and np.isnan(array):
        raise InputError(f"{name} = {value}: must be a number, not NaN")
    return float(array) if array.ndim == 0 else array
