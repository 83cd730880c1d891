"""A voltage clamp in a sweep file: lists of levels and durations, as parameters that each can be varied.

`levels = [-100, [-80, 40], 0]` (a pair is a ramp) and `durations = [50, 100, 20]` become level_1, level_2, rise_2 ...;
an axis is then "stimulus.level_1".
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from hhfast.errors import InputError, shown
from hhfast.parts.clamp_command import ClampStep
from hhfast.parts.stimuli import StimulusKind, clamp_kind

KIND = "voltage_clamp"
_OF_STEPS = ("level", "rise", "duration")


def is_clamp(entry: Mapping[str, Any]) -> bool:
    """Whether a table is a voltage clamp with steps."""
    return bool(entry.get("kind") == KIND)


def with_steps(prefix: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A table in which levels and durations are parameters of each step. Raises `InputError` where they do not fit."""
    lists = {name: entry[name] for name in ("levels", "durations") if name in entry}
    if not lists:
        return entry
    for name, values in lists.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{prefix}.{name}: is {shown(values)}; it must be a list, with one value for each step")
    if len({len(values) for values in lists.values()}) > 1:
        n, m = (len(values) for values in lists.values())
        raise InputError(f"{prefix}.durations: has {m} values and levels {n}; give one for each step")
    steps: dict[str, Any] = {}
    for step, level in zip(map(ClampStep, count(1)), lists.get("levels", ()), strict=False):
        if isinstance(level, list):
            if len(level) != 2 or not all(isinstance(V, (int, float)) for V in level):
                raise InputError(f"{prefix}.levels: {shown(level)} is no ramp; give [from, to], mV")
            steps |= {step.level: level[0], step.rise: level[1] - level[0]}
        else:
            steps[step.level] = level
    steps |= {ClampStep(k).duration: duration for k, duration in enumerate(lists.get("durations", ()), 1)}
    if twice := sorted(steps.keys() & entry.keys()):
        raise InputError(f"{prefix}.{twice[0]}: is given, and so are levels or durations; keep one")
    return {name: value for name, value in entry.items() if name not in lists} | steps


def kind_of_clamp(entry: Mapping[str, Any]) -> StimulusKind:
    """The kind of a clamp in a table: as many steps as it names, one at least, which may be varied."""
    numbers = [int(number) for name, _, number in (key.partition("_") for key in entry) if _is_step(name, number)]
    return clamp_kind(max(numbers, default=1), in_series=True)


def _is_step(name: str, number: str) -> bool:
    return name in _OF_STEPS and number.isascii() and number.isdigit() and 0 < int(number) < 10_000
