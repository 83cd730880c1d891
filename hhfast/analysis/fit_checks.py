"""The checks of a fit: its target, the parameters that are free, and those that are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hhfast.analysis.feature_target import FeatureTarget
from hhfast.analysis.fit_targets import SpikeTarget, TraceTarget
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import interval, whole_number
from hhfast.model import Model
from hhfast.parts.stimulus import Stimulus

_MOST_STARTS = 10_000


def check_target(target: Any) -> None:
    """Raise `InputError` for what is no target."""
    if not isinstance(target, (TraceTarget, SpikeTarget, FeatureTarget)):
        raise InputError(
            f"target: is of type {type(target).__name__}; give a TraceTarget, SpikeTarget or FeatureTarget"
        )


def check_free(model: Model, free: Any, others: Iterable[str]) -> None:
    """Raise `InputError` for ranges that are none, of what is no parameter, or of one that is among the others."""
    if not isinstance(free, Mapping):
        raise InputError(f"free: is {shown(free)}; give ranges by name, as {{'g_Na': (40, 200)}}")
    if not free:
        raise InputError("free: is empty; name the parameters to fit, as {'g_Na': (40, 200)}")
    for name, ends in free.items():
        if name not in model.parameters:
            raise unknown("parameter", name, model.parameters, f"free of model {model.name}")
        if name in others:
            raise InputError(f"free: '{name}' is also among params; leave it out of one of them")
        interval(f"free: {name}", ends)


def check_lengths(params: Mapping[str, Any], stimulus: Stimulus | None, n: int) -> None:
    """Raise `InputError` for arrays that do not have one value for each target."""
    arrays = dict(params)
    for kind, values in () if stimulus is None else stimulus.parts:
        arrays |= {f"stimulus '{kind.name}': {name}": values[name] for name in kind.parameters}
    for name, value in arrays.items():
        if np.ndim(value) and np.shape(value) != (n,):
            raise InputError(
                f"{name}: has {len(value)} values; give one number, or one for each target (there are {n})"
            )


def check_starts(name: str, value: Any) -> int:
    """A number of starts; `InputError` for what is none."""
    return whole_number(name, value, 1, _MOST_STARTS)
