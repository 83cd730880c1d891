"""What several stimuli check of their parameters, and the onsets of their trains.

Values that cells differ in are not looked at: a wrong one makes its own cell NaN, and flags its own row alone. Nor are
parameters that are not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hhfast.errors import InputError

MOST = 1e6  # events of a train


def onsets(p: Mapping[str, Any]) -> list[Any]:
    """The times, ms, at which the events of a train begin, before t_stop; inf for cells that have fewer.

    p : `start`, `period`, `count`, and `t_stop`. Raises `InputError` for a period that is not positive.
    """
    if np.ndim(p["period"]) == 0 and not p["period"] > 0:
        raise InputError(f"stimulus: period = {p['period']:g} ms must be positive")
    with np.errstate(all="ignore"):  # a cell without a sound train has no events; its current is NaN
        events = np.ceil((p["t_stop"] - p["start"]) / np.asarray(p["period"], np.float64))
        count = np.where((np.asarray(p["period"]) > 0) & (events > 0), np.minimum(p["count"], events), 0.0)
    most = np.max(count)
    if not most <= MOST:
        raise InputError(f"stimulus: {most:.3g} events before t_stop; at most {MOST:g} are allowed")
    return [np.where(k < count, p["start"] + p["period"] * k, np.inf)[()] for k in range(int(most))]


def check_lasting(p: Mapping[str, Any], *names: str) -> None:
    """Raise `InputError` for a duration, ms, that is not positive and finite."""
    for name in names:
        value = p.get(name, 1.0)
        if not np.ndim(value) and not 0 < value < math.inf:
            raise InputError(f"{name} = {value:g} ms must be positive and finite")


def check_rise(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for a double exponential that decays faster than it rises."""
    rise, decay = p.get("tau_rise", 0.0), p.get("tau_decay", math.inf)
    if not (np.ndim(rise) or np.ndim(decay)) and not rise < decay:
        raise InputError(f"tau_rise = {rise:g} ms must be shorter than tau_decay = {decay:g} ms")
