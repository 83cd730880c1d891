"""The command of a voltage clamp: its steps and ramps as points, when it is on, and what its numbers cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import per_cell
from hhfast.parts.piecewise_linear import Points

WIDEST = 1000.0  # mV, either way: the potential of a cell is held to it
LEVELS = f"levels of a clamp must be from {-WIDEST:g} to {WIDEST:g} mV"
COMMAND = "level + slope * (t - since)"
MOST_STEPS = 200  # of a protocol, each of which is a few lines of the kernel
INTERVALS = ("on", "start", "stop")
# Rounding of a time is none; see `window`.
LATE = "late = t0 + 1e-07 * (t1 - t0) + 2e-15 * abs(t0)"


@dataclass(frozen=True)
class ClampStep:
    """Step k of a protocol (1, 2, ...): the names of its parameters."""

    k: int

    @property
    def level(self) -> str:
        return f"level_{self.k}"

    @property
    def rise(self) -> str:
        """Of the change of the level, of a ramp."""
        return f"rise_{self.k}"

    @property
    def duration(self) -> str:
        return f"duration_{self.k}"

    @classmethod
    def all_of(cls, values: Mapping[str, Any]) -> list[ClampStep]:
        """The steps of which some parameter is among the values."""
        steps = map(cls, range(1, MOST_STEPS + 1))
        return [step for step in steps if not values.keys().isdisjoint((step.level, step.rise, step.duration))]


def protocol(steps: int, in_series: bool) -> Points:
    """The points of a clamp: edges of steps, and when it is switched on and off."""
    lines = [
        LATE,
        "edge = start",
        "level = holding",
        "slope = 0.0",
        "since = t0",
        "until = start if start > late else np.inf",
    ]
    for step in map(ClampStep, range(1, steps + 1)):
        lines += [
            f"after = edge + {step.duration}",
            "is_now = (edge <= late) & (late < after)",
            f"level = {step.level} if is_now else level",
            f"slope = {step.rise} / {step.duration} if is_now & ({step.rise} != 0.0) else slope",
            "since = edge if is_now else since",
            "until = after if (after > late) & (after < until) else until",
            "edge = after",
        ]
    return Points(
        begin="until = -1.0",
        onward="\n".join([*lines, "level = level if edge == edge else np.nan", *switching(in_series)]),
        rows=("held", *(["in_series"] if in_series else [])),
        times=_protocol_times,
        curve=lambda p, t_stop: (np.array([0.0, t_stop]), np.zeros(2)),
    )


def switching(in_series: bool) -> list[str]:
    """When the clamp is on; a time that is NaN makes V NaN, which flags the cell."""
    lines = [
        "until = on if (on > late) & (on < until) else until",
        "until = stop if (stop > late) & (stop < until) else until",
        "level = level if (on == on) & (stop == stop) else np.nan",
        "held = 1.0 if ((on <= late) & (late < stop)) | (level != level) else 0.0",
    ]
    if not in_series:
        return lines
    return [
        *lines,
        "in_series = 1.0 / series_resistance if (held > 0.0) & (series_resistance > 0.0) else 0.0",
        "held = 0.0 if series_resistance > 0.0 else held",
    ]


def _protocol_times(p: Mapping[str, Any], t_stop: float) -> np.ndarray | None:
    durations = [p[step.duration] for step in ClampStep.all_of(p)]
    if any(np.ndim(v) for v in (*durations, *(p[name] for name in INTERVALS))):
        return None
    return finite_times([*np.cumsum([p["start"], *durations]), p["on"], p["stop"]])


def finite_times(times: Sequence[float]) -> np.ndarray:
    return np.array([t for t in times if math.isfinite(t)])


def is_level(V: Any) -> Any:
    """Whether potentials are such that a cell can be clamped to."""
    return np.abs(np.asarray(V)) <= WIDEST


def check_clamp(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for numbers that no cell can have; of arrays, a wrong value is the matter of its own cell."""
    check_protocol({name: value for name, value in p.items() if np.ndim(value) == 0})


def check_protocol(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for values, of any cell, that are wrong; parameters that are not there are not looked at."""
    steps = ClampStep.all_of(p)
    for name in ("holding", *(step.level for step in steps)):
        _refuse(name, p, is_level, LEVELS)
    for step in steps:
        _refuse(step.rise, p, lambda rise: np.abs(rise) <= 2 * WIDEST, LEVELS)
    for step in steps:
        _refuse(step.duration, p, _not_negative, "steps would overlap; a duration is not negative, ms")
    _refuse("series_resistance", p, _not_negative, "must not be negative; 0 is a perfect clamp")
    on, stop = np.asarray(per_cell("on", p.get("on", 0.0))), {"stop": p.get("stop", math.inf)}
    _refuse("stop", stop, lambda values: on < values, "the clamp is switched on at that time or later")


def _not_negative(values: np.ndarray) -> Any:
    return values >= 0.0


def _refuse(name: str, p: Mapping[str, Any], right: Callable[[np.ndarray], Any], why: str) -> None:
    """Raise an `InputError` that shows the first of the values that are not right; if the parameter is there."""
    if name not in p:
        return
    values = np.asarray(per_cell(name, p[name]))
    values, fine = np.broadcast_arrays(values, right(values))
    if not fine.all():
        raise InputError(f"{name} = {values[~fine].flat[0]:g}: {why}")
