"""Voltage clamps: V follows a command exactly, and everything else is integrated; or through a series resistance.

Commands are linear between points (steps, ramps, waveforms), so that V' is constant between them: while V is clamped
its equation is V' = slope of the command, which every integrator solves exactly; at points V is set to the command.
A clamp through a series resistance R is a conductance 1/R whose reversal potential is the command.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.piecewise_linear import Points
from hhfast.parts.stimulus import Stimulus, StimulusKind, Values

COMMAND = "level + slope * (t - since)"
MOST_STEPS = 200  # of a protocol, each of which is a few lines of the kernel
Levels: TypeAlias = Values | tuple[Values, Values]  # of a step; two: a ramp from one to the other
INTERVALS = ("on", "start", "stop")
# Rounding of a time is none; see `window`.
LATE = "late = t0 + 1e-07 * (t1 - t0) + 2e-15 * abs(t0)"


def VoltageClamp(
    holding: Values,
    levels: Levels | Sequence[Levels] = (),
    durations: Values | Sequence[Values] = math.inf,
    *,
    start: Values = 0.0,
    on: Values = 0.0,
    stop: Values = math.inf,
    series_resistance: Values = 0.0,
) -> Stimulus:
    """V follows a command exactly: `holding`, from `start` on the steps and ramps of `levels`, then `holding` again.

    Every number can be an array of n_cells, one value per cell.

    Parameters
    ----------
    holding : mV. A run with `initial="model"` begins with the gates steady at this potential.
    levels : mV; a number, or an array of n_cells, is one step. A list has several, one after another (a prepulse, the
        test, a tail): each a number or an array; a tuple (from, to) is a ramp. An array (n_cells, n_steps) has a list
        for each cell.
    durations : ms; of all steps, or a list with one for each step.
    start : ms, of the first step.
    on, stop : ms; the clamp is on from `on` to `stop`, outside V is free (current clamp).
    series_resistance : of the electrode, in kOhm cm2 (GOhm for models in pF and nS). 0: none, the clamp is perfect.
        With one, V lags behind: C_m V' = ... + (command - V) / R.

    `Trace("i_clamp")` is the current of the clamp, and every `i_NAME` and conductance `g_NAME` can be recorded with it;
    at the jumps of a perfect clamp the charge C_m dV passes at once, and is not in i_clamp.

    Times that differ between cells need an integrator with own steps (tsit5, rodas4): V must change at the edge, not
    at the next step.

    Raises
    ------
    InputError : for levels that are NaN, negative durations or resistances, steps that last beyond `stop`.
    """
    steps = _steps(levels)
    lasting = _durations(durations, len(steps))
    values: dict[str, Any] = {"holding": holding, "on": on, "start": start, "stop": stop}
    for k, ((begin, end), duration) in enumerate(zip(steps, lasting, strict=True), 1):
        step = ClampStep(k)
        values |= {step.level: begin, step.duration: duration}
        if end is not None:
            values[step.rise] = np.asarray(end, np.float64) - np.asarray(begin, np.float64)
    in_series = bool(np.any(np.asarray(series_resistance) != 0.0))
    if in_series:
        values["series_resistance"] = series_resistance
    try:
        check_protocol(values)
    except InputError as error:
        raise InputError(f"stimulus 'voltage_clamp': {error}") from None
    return clamp_kind(len(steps), in_series)(**values)


def _steps(levels: Any) -> list[tuple[Any, Any]]:
    """(begin, end) of each step, end None where it is the same."""
    if isinstance(levels, np.ndarray) and levels.ndim == 2:
        return [(levels[:, k], None) for k in range(levels.shape[1])]
    if isinstance(levels, np.ndarray) or not isinstance(levels, Sequence):
        return [(levels, None)]
    several = [levels] if isinstance(levels, tuple) and len(levels) == 2 else list(levels)
    for step in several:
        if isinstance(step, tuple) and len(step) != 2:
            raise InputError(f"stimulus 'voltage_clamp': levels: {step!r} is no ramp; give (from, to), mV")
    return [step if isinstance(step, tuple) else (step, None) for step in several]


def _durations(durations: Any, n: int) -> list[Any]:
    if isinstance(durations, np.ndarray) and durations.ndim == 2:
        durations = [durations[:, k] for k in range(durations.shape[1])]
    if isinstance(durations, np.ndarray) or not isinstance(durations, Sequence):
        return [durations] * n
    if len(durations) != n:
        raise InputError(
            f"stimulus 'voltage_clamp': durations: has {len(durations)} and levels {n}; give one for each step"
        )
    return list(durations)


# --- the kind of a protocol of k steps --------------------------------------------------------------------------------
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


@lru_cache(maxsize=256)
def clamp_kind(steps: int, in_series: bool) -> StimulusKind:
    """The kind of stimulus that is a clamp with this many steps; with a series resistance, or none.

    Parameters of step k: level_k, rise_k (its change, of a ramp), duration_k.
    """
    if steps > MOST_STEPS:
        raise InputError(
            f"stimulus 'voltage_clamp': {steps} steps; at most {MOST_STEPS} are possible; give a WaveformClamp instead"
        )
    units = {"holding": "mV", "on": "ms", "start": "ms", "stop": "ms", "series_resistance": "kOhm cm2"}
    defaults: dict[str, Any] = {"holding": inspect.Parameter.empty, "on": 0.0, "start": 0.0, "stop": math.inf}
    if in_series:
        defaults["series_resistance"] = 0.0
    for k in range(1, steps + 1):
        step, empty = ClampStep(k), inspect.Parameter.empty
        units |= {step.level: "mV", step.rise: "mV", step.duration: "ms"}
        defaults |= {step.level: empty, step.rise: 0.0, step.duration: math.inf if k == steps else empty}
    kinds = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.Signature([inspect.Parameter(n, kinds, default=d) for n, d in defaults.items()])
    return StimulusKind(
        "voltage_clamp",
        inspect.getdoc(VoltageClamp) or "",
        "",
        signature,
        {name: units[name] for name in defaults},
        edges=lambda p: [],
        points=_protocol(steps, in_series),
        check=check_clamp,
        conductances=(("in_series", COMMAND),) if in_series else (),
        clamp=_holding,
        remade=(clamp_kind, (steps, in_series)),
    )


def _protocol(steps: int, in_series: bool) -> Points:
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


def _holding(p: Mapping[str, Any]) -> Any:
    """Cells are held before the run, unless the clamp is switched on later."""
    return np.where(np.asarray(p["on"]) <= 0.0, p["holding"], np.nan)[()]


def check_clamp(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for numbers that no cell can have; of arrays, a wrong value is the matter of its own cell."""
    check_protocol({name: value for name, value in p.items() if np.ndim(value) == 0})


def check_protocol(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for values, of any cell, that are wrong; parameters that are not there are not looked at."""
    steps = ClampStep.all_of(p)
    finite = "levels of a clamp must be finite, mV"
    for name in ("holding", *(name for step in steps for name in (step.level, step.rise))):
        _refuse(name, p, np.isfinite, finite)
    for step in steps:
        _refuse(step.duration, p, _not_negative, "steps would overlap; a duration is not negative, ms")
    _refuse("series_resistance", p, _not_negative, "must not be negative; 0 is a perfect clamp")
    on, stop = np.asarray(p.get("on", 0.0)), {"stop": p.get("stop", math.inf)}
    _refuse("stop", stop, lambda values: on < values, "the clamp is switched on at that time or later")


def _not_negative(values: np.ndarray) -> Any:
    return values >= 0.0


def _refuse(name: str, p: Mapping[str, Any], right: Callable[[np.ndarray], Any], why: str) -> None:
    """Raise an `InputError` that shows the first of the values that are not right; if the parameter is there."""
    if name not in p:
        return
    values = np.asarray(p[name], np.float64)
    values, fine = np.broadcast_arrays(values, right(values))
    if not fine.all():
        raise InputError(f"{name} = {values[~fine].flat[0]:g}: {why}")
