"""Conductance stimuli: g(t) with a battery E injects the current g (E - V), as synapses and dynamic clamps do.

They go wherever a stimulus does, also into sums with currents. Units: ms, mV, and the model's unit of conductance
(mS/cm2, or nS).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.piecewise_linear import POINT_CONDUCTANCE, check_noise
from hhfast.parts.stimulus import Values
from hhfast.parts.stimulus_checks import check_lasting, check_rise, onsets
from hhfast.parts.stimulus_decorator import stimulus

CONDUCTANCE = "mS cm-2"


def _check(p: Mapping[str, Any]) -> None:
    """Raise `InputError` for what no cell can have; parameters that are not there are not looked at."""
    count = p.get("count", 1.0)
    if not np.ndim(count) and count < 0:
        raise InputError(f"count = {count:g}: a number of events cannot be negative")
    check_lasting(p, "tau", "tau_rise", "tau_decay", "period")
    check_rise(p)


@stimulus(
    conductances=(("g * window(t0, t1, start, stop)", "E"),),
    units={"g": CONDUCTANCE, "E": "mV", "start": "ms", "stop": "ms"},
    edges=lambda p: [p["start"], p["stop"]],
)
def ConductanceStep(g: Values, E: Values = 0.0, start: Values = 0.0, stop: Values = math.inf) -> None:
    """A constant conductance `g` with the reversal potential `E` (mV), from `start` to `stop` (ms)."""


@stimulus(
    conductances=(("g * alpha_train(t, start, period, count, tau)", "E"),),
    units={"g": CONDUCTANCE, "tau": "ms", "E": "mV", "start": "ms", "period": "ms", "count": "1"},
    edges=onsets,
    check=_check,
)
def AlphaSynapse(
    g: Values, tau: Values, E: Values = 0.0, start: Values = 0.0, period: Values = 1000.0, count: Values = 1.0
) -> None:
    """`count` synaptic events, one every `period` ms from `start` on: alpha functions.

    Each adds the conductance g (s / tau) exp(1 - s / tau), s ms after its onset (Rall 1967, J Neurophysiol 30:1138);
    its peak is `g`, at s = `tau` ms. `E` : reversal potential, mV.
    """


@stimulus(
    conductances=(("g * double_exponential_train(t, start, period, count, tau_rise, tau_decay)", "E"),),
    units={
        "g": CONDUCTANCE,
        "tau_rise": "ms",
        "tau_decay": "ms",
        "E": "mV",
        "start": "ms",
        "period": "ms",
        "count": "1",
    },
    edges=onsets,
    check=_check,
)
def DoubleExponential(
    g: Values,
    tau_rise: Values,
    tau_decay: Values,
    E: Values = 0.0,
    start: Values = 0.0,
    period: Values = 1000.0,
    count: Values = 1.0,
) -> None:
    """`count` synaptic events, one every `period` ms from `start` on, each a difference of two exponentials.

    Each adds a conductance in proportion to exp(-s / tau_decay) - exp(-s / tau_rise), s ms after its onset, whose peak
    is `g`. `tau_rise` < `tau_decay` : ms. `E` : reversal potential, mV.
    """


@stimulus(
    conductances=(
        ("rectified(g_e + sigma_e * (level + slope * (t - since))) * window(t0, t1, start, stop)", "E_e"),
        ("rectified(g_i + sigma_i * (level_i + slope_i * (t - since))) * window(t0, t1, start, stop)", "E_i"),
    ),
    units={
        "g_e": CONDUCTANCE,
        "g_i": CONDUCTANCE,
        "sigma_e": CONDUCTANCE,
        "sigma_i": CONDUCTANCE,
        "tau_e": "ms",
        "tau_i": "ms",
        "E_e": "mV",
        "E_i": "mV",
        "every": "ms",
        "seed": "1",
        "start": "ms",
        "stop": "ms",
        "cell": "1",
    },
    edges=lambda p: [p["start"], p["stop"]],
    single=("every",),
    points=POINT_CONDUCTANCE,
    check=check_noise,
)
def PointConductance(
    g_e: Values,
    g_i: Values,
    sigma_e: Values,
    sigma_i: Values,
    tau_e: Values = 2.7,
    tau_i: Values = 10.5,
    E_e: Values = 0.0,
    E_i: Values = -75.0,
    every: float = 0.1,
    seed: Values = 0.0,
    start: Values = 0.0,
    stop: Values = math.inf,
    cell: Values = math.nan,
) -> None:
    """Synaptic background as two fluctuating conductances, one excitatory and one inhibitory.

    Each is an Ornstein-Uhlenbeck process from `start` to `stop` (ms), with mean `g_e` or `g_i`, standard deviation
    `sigma_e`, `sigma_i`, correlation time `tau_e`, `tau_i` (ms) and reversal potential `E_e`, `E_i` (mV); where it is
    negative, the conductance is 0 (Destexhe, Rudolph, Fellous & Sejnowski 2001, Neuroscience 107:13-24). The two are
    independent of each other; every, seed and cell are those of `Noise`.
    """
