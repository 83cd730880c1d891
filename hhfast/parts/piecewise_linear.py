"""Currents that are linear between points: how a lane goes from one point to the next, as text.

Between two points such a current is level + slope (t - since), which vectorises like any other. Steps of all
integrators end at points (`until` is the next), so that a kink costs no integrator its order. Fixed steps that points
of one cell alone fall into see the exact mean of the current, as they do of `window`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.stimulus_checks import check_lasting

MOST = 10_000_000  # points of a run
_NEVER = 1e300  # ms, either way
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Points:
    """The points of a kind of stimulus. Text is of one lane, for the step from t0 to t1 (adaptive: t0 alone).

    begin : what precedes the first point of a cell; leaves `until`, which is not in the future.
    onward : go on to what holds from t0: since, level and slope; until becomes the time of the next point, ms.
    rows : what a lane keeps besides these four.
    arrays : names of the kernel's arrays, which all cells share, and `given` the parameters that they are made from.
    together : whether the points of all cells are at the same times.
    jumps : whether the current may jump at a point.
    times : the points of all cells up to t_stop, ms; None where they differ between cells.
    curve : times, ms, and values of the points of one cell up to t_stop, its parameters numbers; 0 outside.
    """

    begin: str
    onward: str
    rows: tuple[str, ...]
    times: Callable[[Values, float], np.ndarray | None]
    curve: Callable[[Values, float], tuple[np.ndarray, np.ndarray]]
    arrays: tuple[str, ...] = ()
    given: Callable[[Values], tuple[np.ndarray, ...]] = lambda p: ()
    together: bool = False
    jumps: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What a kernel depends on."""
        return self.begin, self.onward, self.rows, self.arrays, self.together, self.jumps


POINT_ROWS = ("since", "level", "slope", "until")


# --- a current given by points ---------------------------------------------------------------------------------------
def _padded(p: Values) -> tuple[np.ndarray, ...]:
    """Times and values with zero current before the first and after the last."""
    times, values = p["times"], p["values"]
    return (
        np.concatenate([[-_NEVER, times[0]], times, [times[-1], _NEVER]]),
        np.concatenate([[0.0, 0.0], values, [0.0, 0.0]]),
    )


def check_waveform(p: Values) -> None:
    """Raise `InputError` unless times and values are as many finite numbers, at least two, and the times ascend."""
    for name in ("times", "values"):
        if np.ndim(p[name]) != 1:
            raise InputError(f"{name}: must be a list of numbers, one per point")
        if not np.isfinite(p[name]).all():
            k = int(np.argmin(np.isfinite(p[name])))
            raise InputError(f"{name}[{k}] = {p[name][k]}: must be finite")
    n, m = len(p["times"]), len(p["values"])
    if n != m:
        raise InputError(f"values: has {m} numbers and times {n}; give one value for each time")
    if not 2 <= n <= MOST:
        raise InputError(f"times: has {n} points; give 2 to {MOST}")
    if (np.diff(p["times"]) < 0).any():
        k = int(np.argmax(np.diff(p["times"]) < 0))
        later, earlier = p["times"][k : k + 2]
        raise InputError(f"times[{k + 1}] = {earlier:g} ms is before times[{k}] = {later:g} ms; they must ascend")


def _waveform_times(p: Values, t_stop: float) -> np.ndarray | None:
    return None if np.ndim(p["start"]) else p["start"] + p["times"]


WAVEFORM = Points(
    begin="number = 0.0\nuntil = -1.0",
    onward="since = t0\nnumber, level, slope, until = waveform(point_time, point_value, number, start, t0, t1)",
    rows=("number",),
    times=_waveform_times,
    curve=lambda p, t_stop: (p["start"] + p["times"], p["values"]),
    arrays=("point_time", "point_value"),
    given=_padded,
    jumps=True,
)


# --- noise ------------------------------------------------------------------------------------------------------------
def check_noise(p: Values) -> None:
    """Raise `InputError` for what no cell can have; parameters that are not there are not looked at."""
    check_lasting(p, "tau", "tau_e", "tau_i", "every")
    for name in ("sigma", "sigma_e", "sigma_i"):
        if not np.ndim(p.get(name, 0.0)) and not p.get(name, 0.0) >= 0:
            raise InputError(f"{name} = {p[name]:g}: a standard deviation must not be negative")
    for name in ("seed", "cell"):
        numbers = np.atleast_1d(p.get(name, 0.0))
        wrong = numbers[~((numbers >= 0) & (numbers < 2**52) & (numbers == np.floor(numbers)))]
        if len(wrong):
            raise InputError(f"{name} = {wrong[0]:g}: must be a whole number from 0 to below 2**52")


def check_seeds(noises: Iterable[Values]) -> None:
    """Raise `InputError` where two noises have the same seed and cells; those that vary are not looked at."""
    keys = [(p["seed"], p.get("cell", math.nan)) for p in noises]
    fixed = [f"{float(seed)}, {float(cell)}" for seed, cell in keys if not (np.ndim(seed) or np.ndim(cell))]
    if len(set(fixed)) < len(fixed):
        raise InputError(
            "stimulus: two noises have the same seed, so their random numbers are the same; give each its own"
        )


def _noise_times(p: Values, t_stop: float) -> np.ndarray:
    """From start to stop, where these are the same for all cells; elsewhere steps may pass points."""
    first, last = (
        t_end if np.ndim(p[name]) else min(max(p[name], 0.0), t_stop)
        for name, t_end in (("start", 0.0), ("stop", t_stop))
    )
    if not (last - first) / p["every"] <= MOST:
        raise InputError(f"stimulus 'noise': every = {p['every']:g} ms gives more than {MOST} points; make it longer")
    every: float = p["every"]
    return every * np.arange(math.floor(first / every), math.ceil(last / every))


def _noise_curve(p: Values, t_stop: float) -> tuple[np.ndarray, np.ndarray]:
    from hhfast.kernel.math import random

    x = np.empty(math.ceil(t_stop / p["every"]) + 1)
    with np.errstate(over="ignore"):  # the random numbers are arithmetic modulo 2**32
        random.ornstein_uhlenbeck_path(x, *(np.float64(p[name]) for name in ("seed", "cell", "every", "tau")))
    return p["every"] * np.arange(len(x)), x


NOISE = Points(
    begin="""\
number = -1.0
until = 0.0
keep, kick = ornstein_uhlenbeck(every, tau)
ahead = normal(seed, cell, 0.0)""",
    onward="""\
number = number + 1.0
since = number * every
until = (number + 1.0) * every
level = ahead
ahead = keep * ahead + kick * normal(seed, cell, number + 1.0)
slope = (ahead - level) / every""",
    rows=("number", "ahead", "keep", "kick"),
    times=_noise_times,
    curve=_noise_curve,
    together=True,
)

# Two processes at the same points, an excitatory and an inhibitory one; the second has the upper half of the steps that
# random numbers are counted by.
POINT_CONDUCTANCE = replace(
    NOISE,
    begin="""\
number = -1.0
until = 0.0
keep, kick = ornstein_uhlenbeck(every, tau_e)
keep_i, kick_i = ornstein_uhlenbeck(every, tau_i)
ahead = normal(seed, cell, 0.0)
ahead_i = normal(seed, cell, 2251799813685248.0)""",
    onward="""\
number = number + 1.0
since = number * every
until = (number + 1.0) * every
level = ahead
level_i = ahead_i
ahead = keep * ahead + kick * normal(seed, cell, number + 1.0)
ahead_i = keep_i * ahead_i + kick_i * normal(seed, cell, number + 2251799813685249.0)
slope = (ahead - level) / every
slope_i = (ahead_i - level_i) / every""",
    rows=("number", "ahead", "keep", "kick", "level_i", "slope_i", "ahead_i", "keep_i", "kick_i"),
)
