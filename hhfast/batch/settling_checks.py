"""What goes with `until="settled"`: stimuli, recorders and features that do not are refused."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder
from hhfast.parts.stimulus import Stimulus


def check_constant(stimulus: Stimulus, t_stop: float) -> np.ndarray:
    """When the current becomes constant, ms; raises `InputError` where that is not before t_stop."""
    after = np.asarray(stimulus.constant_after(t_stop), np.float64)
    if not (after < t_stop).all():
        never = np.isinf(after).any()
        reason = "never becomes a constant current" if never else f"becomes constant at {np.nanmax(after):g} ms only"
        raise InputError(
            f"until: the stimulus {reason}, and a cell settles only under a constant current; "
            f"let it end before t_stop = {t_stop:g} ms, or give until = 't_stop'"
        )
    return after


def check_settled(record: Iterable[Recorder]) -> None:
    """Refuse recorders that do not go with `until="settled"`."""
    for r in record:
        if getattr(r, "window", None) is not None:
            raise InputError(
                "record.window: does not go with until = 'settled', whose features are of the last period; remove it"
            )
        if isinstance(r, Features):
            _check_no_whole_run(r)


def _check_no_whole_run(recorder: Features) -> None:
    for name in recorder.names:
        feature = recorder.feature(name)
        if feature is not None and feature.whole_run:
            raise InputError(f"record.features: {name} does not go with until = 'settled'; remove it")


def check_not_settled(record: Iterable[Recorder]) -> None:
    """Refuse features that only settled cells have."""
    for r in record:
        for name in getattr(r, "settled_names", ()):
            raise InputError(f"record.features: '{name}' needs until = 'settled'")
