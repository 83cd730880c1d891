"""Phenomena that follow from the equations alone: each is looked for by simulation, and kept only if it is seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hhfast.pages.probe import WIDTH, Probe, round_up, rounded


@dataclass(frozen=True)
class Preset:
    """A current worth seeing: values of the page's state, and a sentence that says what it shows."""

    name: str
    sentence: str
    state: dict[str, float | str]


def firing(cell: Probe, tonic: float, duration: float) -> Iterator[Preset]:
    """A constant current with which the cell goes on firing, to the end: the strongest of some above the least."""
    begin = 0.1 * duration
    amplitudes = np.array([rounded(factor * tonic) for factor in (1.4, 1.25, 1.1, 1.05, 1.02, 1.0)])
    trains = cell.run(duration, amplitude_0=amplitudes, start_0=begin, stop_0=duration)
    for amplitude, times in zip(amplitudes, trains, strict=True):
        if len(times) < 3 or times[-1] < begin + 0.7 * (duration - begin):
            continue
        state: dict[str, float | str]
        state = {"0.amplitude": amplitude, "0.start": begin, "0.stop": duration, "t": duration, "start": "rest"}
        yield Preset("firing", "A constant current, and the cell fires again and again. Move its amplitude.", state)
        return


def threshold(cell: Probe, brief: float, duration: float) -> Iterator[Preset]:
    """Two brief pulses, one just below and one just above what makes a spike."""
    start, interval = rounded(0.1 * duration), rounded(0.5 * duration)
    for below, above in ((0.96, 1.04), (0.9, 1.1), (0.8, 1.2)):
        pulses = {"amplitude": rounded(below * brief, 4), "second_amplitude": rounded(above * brief, 4), "start": start,
                  "width": WIDTH, "interval": interval}  # fmt: skip
        (times,) = cell.run(duration, **{f"{name}_1": value for name, value in pulses.items()})
        if len(times) == 1 and times[0] > start + interval:
            percent = round(100 * (pulses["second_amplitude"] / pulses["amplitude"] - 1))
            yield Preset(
                "threshold",
                f"Two brief pulses; the second is {percent} % stronger. All or nothing: only it makes a spike.",
                {**{f"1.{name}": value for name, value in pulses.items()}, "t": duration, "start": "rest"},
            )
            return


def refractory(cell: Probe, brief: float, duration: float) -> Iterator[Preset]:
    """Two equal pulses so close together that the second fails, and from where on it does not."""
    pulses = {
        "amplitude": rounded(1.5 * brief),
        "second_amplitude": rounded(1.5 * brief),
        "start": rounded(0.1 * duration),
    }
    named = {f"{name}_1": value for name, value in pulses.items()}
    alone = len(cell.run(duration, **{**named, "second_amplitude_1": 0.0})[0])
    intervals = np.geomspace(2.0 * WIDTH, 0.7 * duration, 140)
    counts = np.array([len(times) for times in cell.run(duration, interval_1=intervals, **named)])
    answered = counts > alone
    if alone != 1 or answered[0] or not answered.any():
        return
    first = int(np.argmax(answered))
    shortest = intervals[first]
    early = rounded(max(intervals[0], intervals[intervals <= 0.7 * shortest].max(initial=0.0)))
    if len(cell.run(duration, interval_1=early, **named)[0]) != 1:
        return
    state = {f"1.{name}": value for name, value in pulses.items()} | {"1.width": WIDTH}
    yield Preset(
        "refractory period",
        f"Two equal pulses, each strong enough alone; the second comes too early. Beyond an interval of about "
        f"{rounded(shortest, 2):g} ms it is answered: move the slider.",
        {**state, "1.interval": early, "t": duration, "start": "rest"},
    )


def after_hyperpolarisation(cell: Probe, scale: float) -> Iterator[Preset]:
    """Spikes when an outward current ends: after a short one (anode break), or only after a long one (rebound)."""
    amplitudes = -scale * np.geomspace(0.05, 20.0, 50)
    for name, held, sentence in (
        ("anode break", 20.0, "An outward current ends, and that alone makes a spike: the cell fires on release."),
        ("rebound", 300.0, "A long outward current prepares the cell; when it ends, spikes follow by themselves."),
    ):
        start, stop = 0.25 * held, 1.25 * held
        t_stop = stop + max(2 * held, 60.0)
        trains = cell.run(t_stop, amplitude_0=amplitudes, start_0=start, stop_0=stop)
        good = np.array([len(times) > 0 and times[0] > stop for times in trains])
        # In the middle of those that do it, not at the edge.
        runs = np.flatnonzero(good)
        if not len(runs):
            continue
        k = runs[min(len(runs) // 3, 6)]
        state = {"0.amplitude": rounded(amplitudes[k]), "0.start": start, "0.stop": stop, "t": round_up(t_stop)}
        yield Preset(name, sentence, {**state, "start": "rest"})
        return


def two_states(cell: Probe, tonic: float, brief: float) -> Iterator[Preset]:
    """At one and the same current the cell may rest or fire: a brief pulse stops it, another starts it again."""
    levels = tonic * np.array([1.0, 1.03, 1.07, 1.12, 1.2, 1.3])
    trains = cell.run(500.0, amplitude_0=levels, stop_0=math.inf)
    for level, times in zip(levels, trains, strict=True):
        if len(times) <= 4:
            continue
        period = float(np.median(np.diff(times[-4:])))
        t_stop = float(round_up(16 * period))
        pulse = _stopping_pulse(cell, level, period, t_stop, brief)
        if pulse is None:
            continue
        amplitude, start = pulse
        state = {"amplitude_0": level, "stop_0": t_stop, "amplitude_1": amplitude, "start_1": start,
                 "interval_1": 0.35 * t_stop, "second_amplitude_1": 2.0 * brief}  # fmt: skip
        state = {name: rounded(value, 5) for name, value in state.items()}
        if not _stops_and_starts(cell, state, period, t_stop):
            continue
        yield Preset(
            "two stable states",
            "The current is constant all along. A brief pulse at the right moment stops the firing, another starts it "
            "again: rest and firing are both stable.",
            {**{f"{name[-1]}.{name[:-2]}": value for name, value in state.items()}, "t": t_stop, "start": "rest"},
        )
        return


def _stopping_pulse(
    cell: Probe, level: float, period: float, t_stop: float, brief: float
) -> tuple[float, float] | None:
    """(amplitude, start) of a brief pulse after which a cell that fires at this current does not fire again."""
    amplitudes = brief * np.array([-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0])
    starts = 0.25 * t_stop + period * np.linspace(0.0, 1.0, 24, endpoint=False)
    amplitude, start = (x.ravel() for x in np.meshgrid(amplitudes, starts, indexing="ij"))
    trains = cell.run(t_stop, amplitude_0=level, stop_0=math.inf, amplitude_1=amplitude, start_1=start)
    stops = np.array([np.sum(times > at + 2 * period) == 0 for times, at in zip(trains, start, strict=True)])
    stops = stops.reshape(len(amplitudes), len(starts))
    sure = (
        stops & np.roll(stops, 1, axis=1) & np.roll(stops, -1, axis=1)
    )  # pulses a little earlier and later do it, too
    chosen = sure if sure.any() else stops
    if not chosen.any():
        return None
    k = int(np.argmax(chosen.ravel()))
    return float(amplitude[k]), float(start[k])


def _stops_and_starts(cell: Probe, state: dict[str, float], period: float, t_stop: float) -> bool:
    """Whether the cell fires before the first pulse, is silent up to the second, and fires after it."""
    (times,) = cell.run(t_stop, **state)
    first, second = state["start_1"], state["start_1"] + state["interval_1"]
    is_silent = not np.any((times > first + 2 * period) & (times < second))
    return bool(np.sum(times < first) >= 3 and is_silent and np.sum(times > second + 3 * period) >= 3)
