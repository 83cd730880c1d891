"""Derivatives of features with respect to parameters, accumulated beside them in runs with sensitivities.

Of what is counted (spike_count, rate) there are none. That of an extremum of V is the derivative of V at its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Derivative:
    """Text that accumulates the derivatives by parameter number {k}: before that of the feature itself, at its places.

    values : what it keeps in the lanes' type; extra : in float64. own_steps : whether it needs an integrator with steps
    of its own, whose dense output says what is within a step.
    """

    begin: str
    step: str = ""
    spike: str = ""
    values: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    own_steps: bool = False


DERIVATIVES: dict[str, Derivative] = {  # of what `running_values` has
    "times": Derivative(
        begin="first_by_{k} = np.nan\nlast_by_{k} = np.nan\nscatter_by_{k} = 0.0",
        spike="""\
if spikes == 0.0:
    first_by_{k} = t_spike_by_{k}
else:
    n_{k} = max(spikes - 1.0, 1.0)
    off_{k} = t_spike - last - (last - first) / n_{k}
    off_by_{k} = t_spike_by_{k} - last_by_{k} - (last_by_{k} - first_by_{k}) / n_{k}
    new_{k} = t_spike - last - (t_spike - first) / spikes
    new_by_{k} = t_spike_by_{k} - last_by_{k} - (t_spike_by_{k} - first_by_{k}) / spikes
    scatter_by_{k} = scatter_by_{k} + off_by_{k} * new_{k} + off_{k} * new_by_{k}
last_by_{k} = t_spike_by_{k}""",
        extra=("first_by_{k}", "last_by_{k}", "scatter_by_{k}"),
    ),
    "extremes": Derivative(
        begin="V_max_by_{k} = V_by_{k}\nV_min_by_{k} = V_by_{k}",
        step="""\
V_max_by_{k} = V_high_by_{k} if V_high > V_max else V_max_by_{k}
V_min_by_{k} = V_low_by_{k} if V_low < V_min else V_min_by_{k}""",
        values=("V_max_by_{k}", "V_min_by_{k}"),
        own_steps=True,
    ),
    "mean": Derivative(
        begin="V_sum_by_{k} = 0.0 * V_by_{k}",
        step="V_sum_by_{k} = V_sum_by_{k} + dt * V_step_by_{k}",
        values=("V_sum_by_{k}",),
        own_steps=True,
    ),
}


def _isi_mean(a: Mapping[str, Any], k: int) -> np.ndarray:
    change = (a[f"last_by_{k}"] - a[f"first_by_{k}"]) / np.maximum(a["spikes"] - 1, 1)
    return np.where(a["spikes"] > 1, change, np.nan)


def _isi_cv(a: Mapping[str, Any], k: int) -> np.ndarray:
    mean = (a["last"] - a["first"]) / np.maximum(a["spikes"] - 1, 1)
    cv = np.sqrt(a["scatter"] / np.maximum(a["spikes"] - 2, 1)) / mean
    change = cv * (0.5 * a[f"scatter_by_{k}"] / a["scatter"] - _isi_mean(a, k) / mean)
    return np.where(a["spikes"] > 2, change, np.nan)


def _latency(a: Mapping[str, Any], k: int) -> np.ndarray:
    counted = (a["spikes"] > 0) & (a["first"] >= a["onset"])
    return np.where(counted, a[f"first_by_{k}"] - a["onset_by"][k], np.nan)


VALUES: dict[str, Callable[[Mapping[str, Any], int], np.ndarray]] = {  # feature -> its derivative by parameter k
    "latency": _latency,
    "isi_mean": _isi_mean,
    "isi_cv": _isi_cv,
    "V_max": lambda a, k: np.asarray(a[f"V_max_by_{k}"]),
    "V_min": lambda a, k: np.asarray(a[f"V_min_by_{k}"]),
    "V_mean": lambda a, k: np.asarray(a[f"V_sum_by_{k}"] / a["duration"]),
}
