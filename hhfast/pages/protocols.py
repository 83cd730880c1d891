"""Currents that show what a model does by itself: a threshold, refractoriness, rebound, two stable states.

Each is found by simulating batches of currents from rest, and kept only if it does what its sentence says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hhfast.batch.method import Method
from hhfast.batch.result import OK
from hhfast.batch.simulate import simulate
from hhfast.model import Model
from hhfast.parts.recorders import Final, Spikes
from hhfast.parts.stimuli import PairedPulse, Step, Stimulus

SETTLE = 3000.0  # ms without current, after which a cell counts as at rest
WIDTH = 1.0  # ms, of a brief pulse
_CALM, _STIFF = 300.0, 20.0  # ms of a run without current; more steps per ms than this are those of a stiff model
_DECADES = tuple(np.geomspace(low, 10 * low, 10, endpoint=False) for low in 10.0 ** np.arange(-2, 4))  # amplitudes
_STEP, _PULSES = ("amplitude", "start", "stop"), ("amplitude", "second_amplitude", "start", "width", "interval")
NAMES = (*(f"0.{name}" for name in _STEP), *(f"1.{name}" for name in _PULSES))
NOTHING = {"0.amplitude": 0.0, "0.start": 0.0, "0.stop": 1.0, "1.amplitude": 0.0, "1.second_amplitude": 0.0,
           "1.start": 0.0, "1.width": WIDTH, "1.interval": 1.0}  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """A current worth seeing: values of the page's state, and a sentence that says what it shows."""

    name: str
    sentence: str
    state: dict[str, float | str]


@dataclass(frozen=True)
class Protocols:
    """Where the currents of a model lie, and the presets found.

    duration : ms, of a run that shows a few spikes. current : a scale, with which the cell fires.
    fires : whether it then fires again and again, or else at most once. is_pacemaker : whether it fires without any.
    """

    duration: float
    current: float
    fires: bool
    is_pacemaker: bool
    presets: tuple[Preset, ...] = field(default=())


def stimulus(values: dict[str, Any]) -> Stimulus:
    """A step and two pulses, of the page's names and values (numbers, or arrays of one value per cell)."""
    step, pulses = ({name: values[f"{k}.{name}"] for name in names} for k, names in enumerate((_STEP, _PULSES)))
    return Step(**step) + PairedPulse(**pulses)


def levels(model: Model) -> tuple[float, float]:
    """The spike levels (threshold, rearm) of a model: those of its checks, where it has any."""
    return next(((c.threshold, c.rearm) for c in model.checks), (Spikes().threshold, Spikes().rearm))


def suited(model: Model) -> str:
    """The integrator for a model: of Rosenbrock's kind where an explicit one must take small steps even at rest."""
    found = simulate(model, t_stop=_CALM, record=[Final()], integrator="tsit5", max_steps=100_000)
    return "rodas4" if found["n_steps"][0] > _STIFF * _CALM else "tsit5"


class _Cell:
    """A model at rest, to be asked what it does."""

    def __init__(self, model: Model) -> None:
        self.model, self.method = model, Method(suited(model), max_steps=200_000)
        self.spikes = Spikes(*levels(model))
        self.rest: Any = "model"
        settled = self.run(SETTLE)
        self.is_pacemaker = bool(len(settled[0]) and settled[0][-1] > SETTLE / 3)
        self.rest = self.final

    def run(self, t_stop: float, **given: Any) -> list[np.ndarray]:
        """The spike times of each cell, with stimulus values given by name (`amplitude_0` is that of the step)."""
        values = {**NOTHING, **{f"{name[-1]}.{name[:-2]}": value for name, value in given.items()}}
        n = max((np.size(v) for v in values.values()), default=1)
        values = {name: np.broadcast_to(np.asarray(v, float), (n,)).copy() for name, v in values.items()}
        found = simulate(
            self.model, t_stop=t_stop, stimulus=stimulus(values), record=[self.spikes, Final()], initial=self.rest,
            method=self.method,
        )  # fmt: skip
        self.final = {x: float(found[f"{x}_final"][0]) for x in self.model.states}
        reached = found.status == OK  # a cell that gave up shows nothing
        return [times if ok else times[:0] for times, ok in zip(found.spike_times, reached, strict=True)]

    def least(self, t_stop: float, name: str, spikes: int = 1, **given: Any) -> float | None:
        """The least amplitude with so many spikes: found decade by decade, then to a percent; None if there is none."""

        def first_of(amplitudes: np.ndarray) -> int | None:
            counts = np.array([len(times) for times in self.run(t_stop, **{name: amplitudes}, **given)])
            return int(np.argmax(counts >= spikes)) if counts.max() >= spikes else None

        for decade in _DECADES:
            if (k := first_of(decade)) is not None:
                finer = np.linspace(decade[k] / 10**0.1, decade[k], 25)[1:]
                again = first_of(finer)
                return float(decade[k] if again is None else finer[again])
        return None


def protocols(model: Model) -> Protocols:
    """What is worth showing of a model, found by simulation."""
    cell = _Cell(model)
    if cell.is_pacemaker:
        return _of_pacemaker(cell)
    tonic = cell.least(500.0, "amplitude_0", spikes=4, stop_0=math.inf)
    brief = cell.least(100.0, "amplitude_1", start_1=5.0)
    single = tonic or cell.least(500.0, "amplitude_0", stop_0=math.inf)
    duration = 400.0
    if tonic is not None:
        times = cell.run(500.0, amplitude_0=1.4 * tonic, stop_0=math.inf)[0]
        if len(times) > 2:
            duration = float(np.clip(_nice(8 * np.median(np.diff(times))), 50.0, 2000.0))
    current = _round(1.4 * tonic) if tonic else _round(1.5 * (brief or single or 10.0))
    found = [*_firing(tonic, current, duration)]
    if brief is not None:
        found += [*_threshold(cell, brief, duration), *_refractory(cell, brief, duration)]
    found += _after_hyperpolarisation(cell, single or brief or 10.0)
    if tonic is not None and brief is not None:
        found += _two_states(cell, tonic, brief)
    return Protocols(duration, current, tonic is not None, is_pacemaker=False, presets=tuple(found))


def _of_pacemaker(cell: _Cell) -> Protocols:
    times = cell.run(SETTLE)[0]
    gaps = np.diff(times)
    duration = (
        float(np.clip(_nice(max(8 * np.median(gaps), 2.5 * np.max(gaps))), 50.0, 3000.0)) if len(gaps) else 2000.0
    )
    quiet = next(filter(None, (_least_quiet(cell, -decade) for decade in _DECADES)), 1.0)
    scale = _round(1.2 * quiet)
    silenced: dict[str, float | str] = {
        "0.amplitude": -scale,
        "0.start": 0.3 * duration,
        "0.stop": 0.7 * duration,
        "t": duration,
    }
    presets = (
        Preset("pacemaker", "No current at all: the cell fires by itself.", {"t": duration, "start": "model"}),
        Preset(
            "silenced",
            "A steady outward current holds it; when it ends, firing goes on.",
            {**silenced, "start": "model"},
        ),
    )
    return Protocols(duration, scale, fires=False, is_pacemaker=True, presets=presets)


def _least_quiet(cell: _Cell, amplitudes: np.ndarray) -> float | None:
    """How strong the weakest of these steady currents is with which a cell that fires by itself is silent."""
    trains = cell.run(SETTLE, amplitude_0=amplitudes, stop_0=math.inf)
    silent = (not np.any(times > SETTLE / 3) for times in trains)
    return next((-float(a) for a, is_silent in zip(amplitudes, silent, strict=True) if is_silent), None)


def _firing(tonic: float | None, current: float, duration: float) -> Iterator[Preset]:
    if tonic is not None:
        state: dict[str, float | str]
        state = {"0.amplitude": current, "0.start": 0.1 * duration, "0.stop": duration, "t": duration, "start": "rest"}
        yield Preset("firing", "A constant current, and the cell fires again and again. Move its amplitude.", state)


def _threshold(cell: _Cell, brief: float, duration: float) -> Iterator[Preset]:
    """Two brief pulses, one just below and one just above what makes a spike."""
    start, interval = _round(0.1 * duration), _round(0.5 * duration)
    for below, above in ((0.96, 1.04), (0.9, 1.1), (0.8, 1.2)):
        pulses = {"amplitude": _round(below * brief, 4), "second_amplitude": _round(above * brief, 4), "start": start,
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


def _refractory(cell: _Cell, brief: float, duration: float) -> Iterator[Preset]:
    """Two equal pulses so close together that the second fails, and from where on it does not."""
    pulses = {
        "amplitude": _round(1.5 * brief),
        "second_amplitude": _round(1.5 * brief),
        "start": _round(0.1 * duration),
    }
    named = {f"{name}_1": value for name, value in pulses.items()}
    alone = len(cell.run(duration, **{**named, "second_amplitude_1": 0.0})[0])
    intervals = np.linspace(2.0 * WIDTH, 0.7 * duration, 140)
    counts = np.array([len(times) for times in cell.run(duration, interval_1=intervals, **named)])
    answered = counts > alone
    if alone != 1 or answered[0] or not answered.any():
        return
    shortest = intervals[int(np.argmax(answered))]
    state = {f"1.{name}": value for name, value in pulses.items()} | {"1.width": WIDTH}
    yield Preset(
        "refractory period",
        f"Two equal pulses, each strong enough alone; the second comes too early. Beyond an interval of about "
        f"{_round(shortest, 2):g} ms it is answered: move the slider.",
        {**state, "1.interval": _round(0.7 * shortest), "t": duration, "start": "rest"},
    )


def _after_hyperpolarisation(cell: _Cell, scale: float) -> Iterator[Preset]:
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
        state = {"0.amplitude": _round(amplitudes[k]), "0.start": start, "0.stop": stop, "t": _nice(t_stop)}
        yield Preset(name, sentence, {**state, "start": "rest"})
        return


def _two_states(cell: _Cell, tonic: float, brief: float) -> Iterator[Preset]:
    """At one and the same current the cell may rest or fire: a brief pulse stops it, another starts it again."""
    levels = tonic * np.array([1.0, 1.03, 1.07, 1.12, 1.2, 1.3])
    periods = [np.median(np.diff(t[-4:])) if len(t) > 4 else math.nan
               for t in cell.run(500.0, amplitude_0=levels, stop_0=math.inf)]  # fmt: skip
    for level, period in zip(levels, periods, strict=True):
        if not math.isfinite(period):
            continue
        t_stop = float(_nice(16 * period))
        start = 0.25 * t_stop + period * np.linspace(0.0, 1.0, 24, endpoint=False)
        kicks = brief * np.array([-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0])
        grid = [x.ravel() for x in np.meshgrid(kicks, start, indexing="ij")]
        trains = cell.run(t_stop, amplitude_0=level, stop_0=math.inf, amplitude_1=grid[0], start_1=grid[1])
        stops = np.array([np.sum(t > at + 2 * period) == 0 for t, at in zip(trains, grid[1], strict=True)])
        stops = stops.reshape(len(kicks), len(start))
        sure = stops & np.roll(stops, 1, axis=1) & np.roll(stops, -1, axis=1)  # neighbours do it, too
        chosen = sure if sure.any() else stops
        if not chosen.any():
            continue
        k = int(np.argmax(chosen.ravel()))
        state = {"amplitude_0": level, "stop_0": t_stop, "amplitude_1": grid[0][k], "start_1": grid[1][k],
                 "interval_1": 0.35 * t_stop, "second_amplitude_1": 2.0 * brief}  # fmt: skip
        state = {name: _round(value, 5) for name, value in state.items()}
        (times,) = cell.run(t_stop, **state)
        first, second = state["start_1"], state["start_1"] + state["interval_1"]
        if np.any((times > first + 2 * period) & (times < second)) or np.sum(times > second + 3 * period) < 3:
            continue
        yield Preset(
            "two stable states",
            "The current is constant all along. A brief pulse at the right moment stops the firing, another starts it "
            "again: rest and firing are both stable.",
            {**{f"{name[-1]}.{name[:-2]}": value for name, value in state.items()}, "t": t_stop, "start": "rest"},
        )
        return


def _round(x: float, digits: int = 3) -> float:
    return float(f"{x:.{digits}g}")


def _nice(x: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(x))
    return float(next(m for m in (1, 1.5, 2, 3, 5, 7, 10) if m * power >= 0.999 * x) * power)
