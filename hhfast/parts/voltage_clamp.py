"""Voltage clamps: V follows a command exactly, and everything else is integrated; or through a series resistance.

Commands are linear between points (steps, ramps, waveforms), so that V' is constant between them: while V is clamped
its equation is V' = slope of the command, which every integrator solves exactly; at points V is set to the command.
A clamp through a series resistance R is a conductance 1/R whose reversal potential is the command.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.parts.clamp_command import COMMAND, MOST_STEPS, ClampStep, check_clamp, check_protocol, protocol
from hhfast.parts.stimulus import Stimulus, StimulusKind, Values

Levels: TypeAlias = Values | tuple[Values, Values]  # of a step; two: a ramp from one to the other


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
            raise InputError(f"stimulus 'voltage_clamp': levels: {shown(step)} is no ramp; give (from, to), mV")
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
        points=protocol(steps, in_series),
        check=check_clamp,
        conductances=(("in_series", COMMAND),) if in_series else (),
        clamp=_holding,
        remade=(clamp_kind, (steps, in_series)),
    )


def _holding(p: Mapping[str, Any]) -> Any:
    """Cells are held before the run, unless the clamp is switched on later."""
    return np.where(np.asarray(p["on"]) <= 0.0, p["holding"], np.nan)[()]
