"""The stimuli: functions that make applied currents. Every parameter can be a number or an array, one value per cell.

Units: ms, and the model's unit of current (uA/cm2, or pA). Adding a stimulus is adding a function like these, and its
entry in `stimuli`; `hhfast.parts.stimulus` says how a current is written.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.parts.conductances import AlphaSynapse, ConductanceStep, DoubleExponential, PointConductance
from hhfast.parts.piecewise_linear import NOISE, WAVEFORM, check_noise, check_waveform
from hhfast.parts.random_events import PoissonAlpha, PoissonDoubleExponential
from hhfast.parts.stimulus import Stimulus, StimulusKind, Values
from hhfast.parts.stimulus_checks import onsets
from hhfast.parts.stimulus_decorator import kind_of, stimulus
from hhfast.parts.voltage_clamp import VoltageClamp, clamp_kind
from hhfast.parts.waveform_clamp import WaveformClamp
from hhfast.registry import Registry

__all__ = [
    "AlphaSynapse",
    "Chirp",
    "ConductanceStep",
    "DoubleExponential",
    "Noise",
    "PairedPulse",
    "PointConductance",
    "PoissonAlpha",
    "PoissonDoubleExponential",
    "Pulse",
    "Ramp",
    "Sine",
    "Step",
    "Stimulus",
    "StimulusKind",
    "Train",
    "VoltageClamp",
    "Waveform",
    "WaveformClamp",
    "clamp_kind",
    "stimuli",
]

CURRENT = "uA cm-2"


def _train_edges(p: Mapping[str, Any]) -> list[Any]:
    return [edge for start in onsets(p) for edge in (start, start + p["width"])]


@stimulus(
    "amplitude * window(t0, t1, start, stop)",
    units={"amplitude": CURRENT, "start": "ms", "stop": "ms"},
    edges=lambda p: [p["start"], p["stop"]],
)
def Step(amplitude: Values, start: Values = 0.0, stop: Values = math.inf) -> None:
    """A constant current of `amplitude` from `start` to `stop` (ms)."""


@stimulus(
    "amplitude * window(t0, t1, start, start + width)",
    units={"amplitude": CURRENT, "start": "ms", "width": "ms"},
    edges=lambda p: [p["start"], p["start"] + p["width"]],
)
def Pulse(amplitude: Values, start: Values = 0.0, width: Values = 1.0) -> None:
    """One rectangular pulse of `amplitude` from `start` on, `width` ms long."""


@stimulus(
    "amplitude * window(t0, t1, start, start + width) "
    "+ second_amplitude * window(t0, t1, start + interval, start + interval + width)",
    units={"amplitude": CURRENT, "second_amplitude": CURRENT, "start": "ms", "width": "ms", "interval": "ms"},
    edges=lambda p: [p["start"] + d for d in (0.0, p["width"], p["interval"], p["interval"] + p["width"])],
)
def PairedPulse(
    amplitude: Values, second_amplitude: Values, start: Values = 0.0, width: Values = 1.0, *, interval: Values
) -> None:
    """Two rectangular pulses, `amplitude` and `second_amplitude`, each `width` ms long.

    The first begins at `start`, the second `interval` ms later.
    """


@stimulus(
    "amplitude * train(t0, t1, start, width, period, count)",
    units={"amplitude": CURRENT, "start": "ms", "width": "ms", "period": "ms", "count": "1"},
    edges=_train_edges,
    constant_after=lambda p: p["start"] + (p["count"] - 1) * p["period"] + p["width"],
)
def Train(
    amplitude: Values, start: Values = 0.0, width: Values = 1.0, *, period: Values, count: Values = math.inf
) -> None:
    """`count` rectangular pulses of `amplitude`, `width` ms long, one every `period` ms from `start` on.

    Pulses longer than a period are one long pulse: they do not add up.
    """


@stimulus(
    "amplitude * (t - start) / (stop - start) * window(t0, t1, start, stop)",
    units={"amplitude": CURRENT, "start": "ms", "stop": "ms"},
    edges=lambda p: [p["start"], p["stop"]],
    constant_after=lambda p: p["stop"],
)
def Ramp(amplitude: Values, start: Values = 0.0, *, stop: Values) -> None:
    """A current that rises linearly from 0 at `start` to `amplitude` at `stop` (ms), and is 0 outside."""


@stimulus(
    "(offset + amplitude * sin(6.283185307179586e-3 * frequency * (t - start) + phase)) * window(t0, t1, start, stop)",
    units={"amplitude": CURRENT, "frequency": "Hz", "phase": "rad", "offset": CURRENT, "start": "ms", "stop": "ms"},
    edges=lambda p: [p["start"], p["stop"]],
    constant_after=lambda p: p["stop"],
)
def Sine(
    amplitude: Values,
    frequency: Values,
    phase: Values = 0.0,
    offset: Values = 0.0,
    start: Values = 0.0,
    stop: Values = math.inf,
) -> None:
    """offset + amplitude sin(2 pi frequency (t - start) + phase), from `start` to `stop` (ms); `frequency` in Hz."""


@stimulus(
    "(offset + amplitude * sin(6.283185307179586e-3 * (t - start) * (frequency "
    "+ 0.5 * (frequency_end - frequency) * (t - start) / (stop - start)))) * window(t0, t1, start, stop)",
    units={
        "amplitude": CURRENT,
        "frequency": "Hz",
        "frequency_end": "Hz",
        "offset": CURRENT,
        "start": "ms",
        "stop": "ms",
    },
    edges=lambda p: [p["start"], p["stop"]],
    constant_after=lambda p: p["stop"],
)
def Chirp(
    amplitude: Values,
    frequency: Values,
    frequency_end: Values,
    offset: Values = 0.0,
    start: Values = 0.0,
    *,
    stop: Values,
) -> None:
    """`offset` and a sine of `amplitude`, from `start` to `stop` (ms).

    Its frequency goes linearly from `frequency` at `start` to `frequency_end` at `stop` (Hz).
    """


@stimulus(
    "scale * (level + slope * (t - since))",
    units={"times": "ms", "values": CURRENT, "start": "ms", "scale": "1"},
    edges=lambda p: [],
    tables=("times", "values"),
    points=WAVEFORM,
    check=check_waveform,
    constant_after=lambda p: p["start"] + p["times"][-1],
)
def Waveform(
    times: Sequence[float] | np.ndarray, values: Sequence[float] | np.ndarray, start: Values = 0.0, scale: Values = 1.0
) -> None:
    """`scale` times a current that is linear between points, the same for all cells.

    times : ms, ascending, counted from `start`; two points at one time make a jump. values : the current there.
    The current is 0 before the first point and after the last.
    """


@stimulus(
    "(mean + sigma * (level + slope * (t - since))) * window(t0, t1, start, stop)",
    units={
        "sigma": CURRENT,
        "tau": "ms",
        "mean": CURRENT,
        "every": "ms",
        "seed": "1",
        "start": "ms",
        "stop": "ms",
        "cell": "1",
    },
    edges=lambda p: [p["start"], p["stop"]],
    single=("every",),
    points=NOISE,
    check=check_noise,
    constant_after=lambda p: p["stop"],
)
def Noise(
    sigma: Values,
    tau: Values,
    mean: Values = 0.0,
    every: float = 0.1,
    seed: Values = 0.0,
    start: Values = 0.0,
    stop: Values = math.inf,
    cell: Values = math.nan,
) -> None:
    """An Ornstein-Uhlenbeck process (Uhlenbeck & Ornstein 1930, Phys Rev 36:823-841) from `start` to `stop` (ms).

    sigma, tau, mean : standard deviation, correlation time (ms) and mean. The process is stationary, and exact
    (Gillespie 1996, Phys Rev E 54:2084-2091) at the multiples of `every` ms, linear between them. The random numbers
    depend on seed, cell and time alone (Philox4x32-10: Salmon et al. 2011, SC'11); `cell` is by default the number of
    the cell in its batch, or of the row in its sweep, so one number for it gives all cells the same noise. Terms of a
    sum need different seeds to be independent.
    """


_FUNCTIONS = (
    Step,
    Pulse,
    PairedPulse,
    Train,
    Ramp,
    Sine,
    Chirp,
    Waveform,
    Noise,
    ConductanceStep,
    AlphaSynapse,
    DoubleExponential,
    PointConductance,
    PoissonAlpha,
    PoissonDoubleExponential,
    WaveformClamp,
)
# A clamp of one step stands for those of any number of steps.
stimuli: Registry[StimulusKind] = Registry.of("stimulus", [*map(kind_of, _FUNCTIONS), clamp_kind(1, in_series=True)])
