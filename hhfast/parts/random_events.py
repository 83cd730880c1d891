"""Random synaptic events: Poisson trains through the conductances of synapses, other events in every cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.parts.piecewise_linear import MOST, Points, check_noise
from hhfast.parts.stimulus import Values
from hhfast.parts.stimulus_checks import check_lasting, check_rise
from hhfast.parts.stimulus_decorator import stimulus

_UNITS = {"g": "mS cm-2", "rate": "Hz", "E": "mV", "start": "ms", "stop": "ms", "seed": "1", "cell": "1"}


def _events(p: Any, t_stop: float) -> None:
    """Where events are differs between cells; raises `InputError` for more than a run can have."""
    expected = float(np.nanmax(np.asarray(p["rate"], np.float64))) * t_stop / 1000.0
    if not expected <= MOST:
        raise InputError(
            f"stimulus: rate gives {expected:.3g} synaptic events before t_stop; at most {MOST} are allowed"
        )


def _no_curve(p: Any, t_stop: float) -> tuple[np.ndarray, np.ndarray]:
    raise InputError("stimulus: random synaptic events have no curve of points")


def _check(p: Any) -> None:
    """Raise `InputError` for what no cell can have."""
    check_noise({name: p[name] for name in ("seed", "cell") if name in p})
    check_lasting(p, "tau", "tau_rise", "tau_decay")
    check_rise(p)
    rate = p.get("rate", 0.0)
    if not np.ndim(rate) and not 0 <= rate < math.inf:
        raise InputError(f"rate = {rate:g} Hz must be finite and not negative")


_BEGIN = """\
number = 0.0
on = 0.0
since = 0.0
first_sum = 0.0
second_sum = 0.0
until = next_event(seed, cell, 0.0, start, rate, stop)"""


@stimulus(
    conductances=(("g * alpha_sum(t - since, on, first_sum, second_sum, tau)", "E"),),
    units={**_UNITS, "tau": "ms"},
    edges=lambda p: [],
    points=Points(
        begin=_BEGIN,
        onward="""\
number, until, since, first_sum, second_sum = alpha_events(\
seed, cell, number, until, rate, stop, tau, since, on, first_sum, second_sum, t0)
on = 1.0""",
        rows=("number", "on", "first_sum", "second_sum"),
        times=_events,
        curve=_no_curve,
    ),
    check=_check,
)
def PoissonAlpha(
    g: Values,
    rate: Values,
    tau: Values,
    E: Values = 0.0,
    seed: Values = 0.0,
    start: Values = 0.0,
    stop: Values = math.inf,
    cell: Values = math.nan,
) -> None:
    """Synaptic events at random times, `rate` of them per second from `start` to `stop` (ms): a Poisson process.

    Each adds the conductance of an event of `AlphaSynapse`: `g` (mS/cm2) at its peak, `tau` ms after its onset;
    reversal potential `E`, mV. The times depend on `seed` and `cell` (as in `Noise`) and the number of the event
    alone, whatever the steps (Philox4x32-10: Salmon et al. 2011, SC'11); an event need not fall on the end of a step.
    """


@stimulus(
    conductances=(
        ("g * scale * double_exponential_sum(t - since, on, first_sum, second_sum, tau_rise, tau_decay)", "E"),
    ),
    units={**_UNITS, "tau_rise": "ms", "tau_decay": "ms"},
    edges=lambda p: [],
    points=Points(
        begin=f"{_BEGIN}\nscale = double_exponential_scale(tau_rise, tau_decay)",
        onward="""\
number, until, since, first_sum, second_sum = double_exponential_events(\
seed, cell, number, until, rate, stop, tau_rise, tau_decay, since, on, first_sum, second_sum, t0)
on = 1.0""",
        rows=("number", "on", "first_sum", "second_sum", "scale"),
        times=_events,
        curve=_no_curve,
    ),
    check=_check,
)
def PoissonDoubleExponential(
    g: Values,
    rate: Values,
    tau_rise: Values,
    tau_decay: Values,
    E: Values = 0.0,
    seed: Values = 0.0,
    start: Values = 0.0,
    stop: Values = math.inf,
    cell: Values = math.nan,
) -> None:
    """Synaptic events as those of `PoissonAlpha`, each with the conductance of an event of `DoubleExponential`.

    Each opens with `tau_rise` and closes with `tau_decay` (ms, the longer one), `g` (mS/cm2) at its peak; `rate` of
    them per second from `start` to `stop` (ms), at random times; reversal potential `E`, mV. `seed` and `cell` choose
    the times, as in `PoissonAlpha`.
    """
