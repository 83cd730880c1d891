"""Repeated trials of every cell, whose channels open and close at random: how reliable its spikes are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.population import FOR_EVER
from hhfast.analysis.trial_statistics import TrialStatistics, joined, trial_statistics
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.arguments import as_table
from hhfast.batch.cells import Cells
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.simulate import simulate
from hhfast.errors import InputError
from hhfast.inputs import finite, not_negative, number, one_of, whole_number
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.channel_noise import KINDS, ChannelNoise, as_channel_noise
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import Pulse

_AT_ONCE = 16384  # trials that are simulated together, of whole cells


def repeated_trials(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    trials: int = 100,
    amplitude: float = 0.0,
    start: float = 0.0,
    width: float = math.inf,
    t_stop: float = 100.0,
    initial: str = "rest",
    channel_noise: str | Mapping[str, Any] | ChannelNoise = "diffusion",
    sigma: float = 2.0,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> TrialStatistics:
    """Firing efficiency, jitter, reliability and rate of each cell over trials with other channel noise.

    params : with the numbers of channels, as {"count_Na": 6000, "count_K": 1800}; one that is not given is infinite.
    trials : of each cell. amplitude, start, width : of a current pulse, in the unit of the model and ms; by default a
    step from the beginning on, and no current. t_stop : of each trial, ms; spikes count from `start` on.
    initial : "rest", "model" or "depolarised". channel_noise : as in `simulate`; the `cell` of a `ChannelNoise` is the
    number of a cell whatever the others are, (n_cells,), and its trials have numbers of their own. sigma : of the
    filter of `reliability`, as in `trial_statistics`. threshold : of a spike, mV; it arms again 10 mV below.
    method, options : as in `simulate`.

    Returns `TrialStatistics`, one number per cell. Raises `InputError` as `simulate` does.
    """
    given = {
        "trials": trials, "amplitude": amplitude, "start": start, "width": width, "t_stop": t_stop, "initial": initial,
        "channel_noise": channel_noise, "sigma": sigma, "threshold": threshold,
    }  # fmt: skip
    check_options(_OPTIONS, **given)
    _check_together(given)
    found, own = find_model(model).with_counts(), as_table("params", params)
    noise = _noise("channel_noise", channel_noise)
    cells = Cells.of(found, own, noise=noise)
    number_of = np.broadcast_to(noise.numbered(np.arange(cells.n)).cell, cells.n)
    seed = np.broadcast_to(noise.seed, cells.n)
    parts = []
    for first in range(0, cells.n, max(1, _AT_ONCE // trials)):
        rows = np.repeat(np.arange(first, min(first + max(1, _AT_ONCE // trials), cells.n)), trials)
        trial = np.tile(np.arange(trials), len(rows) // trials)
        result = simulate(
            found,
            {name: np.asarray(v, np.float64)[rows] if np.ndim(v) else v for name, v in own.items()}
            | {"C_m": cells.values("C_m")[rows]},
            t_stop=t_stop,
            stimulus=Pulse(amplitude=amplitude, start=start, width=min(width, FOR_EVER)),
            record=[Spikes(threshold=threshold, rearm=threshold - 10.0)],
            initial=initial,
            channel_noise=ChannelNoise(noise.kind, seed[rows], cell=number_of[rows] * trials + trial),
            method=Method.of(method, options),
        )
        parts.append(trial_statistics(result, trials, window=(start, t_stop), sigma=sigma))
    return joined(parts)


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _duration(name: str, value: Any) -> float:
    if not (found := number(name, value)) > 0:
        raise InputError(f"{name} = {value}: must be a positive number, or infinite")
    return found


def _noise(name: str, value: Any) -> ChannelNoise:
    try:
        found = as_channel_noise(value)
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix('channel_noise: ')}") from None
    if found is None:
        raise InputError(f"{name}: is missing; give one of {', '.join(KINDS)}")
    return found


def _check_together(options: Mapping[str, Any]) -> None:
    if not options["start"] < options["t_stop"]:
        raise InputError(f"start: is {options['start']:g} ms; it must come before t_stop = {options['t_stop']:g} ms")


_VARIABLES = {
    "efficiency": ("1", "share of trials with a spike (firing efficiency)"),
    "latency": ("ms", "mean time to the first spike"),
    "jitter": ("ms", "standard deviation of the first spike time"),
    "rate": ("Hz", "mean firing rate"),
    "fano": ("1", "variance over mean of spike counts"),
    "isi_cv": ("1", "mean coefficient of variation of intervals"),
    "reliability": ("1", "mean correlation of filtered spike trains"),
}
_OPTIONS = {
    "trials": Option(
        "how often each cell is simulated, with other channel noise",
        "1",
        lambda name, value: whole_number(name, value, 1, 1_000_000),
    ),
    "amplitude": Option("of a current pulse", "i_app", finite),
    "start": Option("of the pulse; spikes count from here on", "ms", not_negative),
    "width": Option("of the pulse; infinite: a step", "ms", _duration),
    "t_stop": Option("duration of each trial", "ms"),
    "initial": Option("where trials start", "1", lambda name, v: one_of(name, v, ("rest", "model", "depolarised"))),
    "channel_noise": Option("diffusion or markov, or a table with kind and seed", "1", _noise),
    "sigma": Option("of the filter of the reliability", "ms"),
    "threshold": Option("of a spike", "mV", finite),
}

ANALYSIS = Analysis(
    name="repeated_trials",
    help="Firing efficiency, jitter, reliability and rate of each cell over trials with channel noise.",
    function=repeated_trials,
    options=_OPTIONS,
    variables=lambda found: {
        name: per_cell_number(getattr(found, name), unit, told) for name, (unit, told) in _VARIABLES.items()
    },
    check_together=_check_together,
    runs=lambda options: 4.0 * options["trials"] * options["t_stop"] / 1000.0,  # four: what diffusion costs
    prepared=Model.with_counts,
    picture=Picture("plot_trials", lambda found, model, cells, options: found),
)
