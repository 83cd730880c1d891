"""Currents that show what a model does by itself, and where its currents lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hhfast.model import Model
from hhfast.pages.phenomena import Preset, after_hyperpolarisation, firing, refractory, threshold, two_states
from hhfast.pages.probe import DECADES, Probe, round_up, rounded


@dataclass(frozen=True)
class Protocols:
    """Where the currents of a model lie, and the presets found.

    duration : ms, of a run that shows a few spikes. current : a scale, with which the cell fires.
    fires : whether it then fires again and again, or else at most once. is_pacemaker : whether it fires without any.
    absent : the phenomena that were looked for and not seen.
    """

    duration: float
    current: float
    fires: bool
    is_pacemaker: bool
    presets: tuple[Preset, ...] = field(default=())
    absent: tuple[str, ...] = field(default=())


_OF_REST = ("firing", "threshold", "refractory period", "anode break", "rebound", "two stable states")
_OF_PACEMAKERS = ("silenced",)
_AROUND = np.linspace(0.85, 1.15, 16)  # of a current: all must hold a cell, since near a fold one spike may come late


def protocols(model: Model) -> Protocols:
    """What is worth showing of a model, found by simulation."""
    cell = Probe(model)
    if cell.is_pacemaker:
        return _of_pacemaker(cell)
    tonic = cell.least(500.0, "amplitude_0", spikes=4, stop_0=math.inf)
    brief = cell.least(100.0, "amplitude_1", start_1=5.0)
    single = tonic or cell.least(500.0, "amplitude_0", stop_0=math.inf)
    duration = 400.0
    if tonic is not None:
        times = cell.run(500.0, amplitude_0=1.4 * tonic, stop_0=math.inf)[0]
        if len(times) > 2:
            duration = float(np.clip(round_up(8 * np.median(np.diff(times))), 50.0, 2000.0))
    found = [] if tonic is None else [*firing(cell, tonic, duration)]
    current = next((float(p.state["0.amplitude"]) for p in found), rounded(1.5 * (brief or single or 10.0)))
    if brief is not None:
        found += [*threshold(cell, brief, duration), *refractory(cell, brief, duration)]
    found += after_hyperpolarisation(cell, single or brief or 10.0)
    if tonic is not None and brief is not None:
        found += two_states(cell, tonic, brief)
    fires = any(preset.name == "firing" for preset in found)
    return Protocols(duration, current, fires, False, tuple(found), _without(found, _OF_REST))


def _without(found: Sequence[Preset], names: Sequence[str]) -> tuple[str, ...]:
    seen = {preset.name for preset in found}
    if "anode break" in seen:
        seen.add("rebound")  # which is then not looked for
    return tuple(name for name in names if name not in seen)


def _of_pacemaker(cell: Probe) -> Protocols:
    (times,) = cell.run(cell.span)
    gaps = np.diff(times)
    natural = max(8 * np.median(gaps), 2.5 * np.max(gaps)) if len(gaps) else 2000.0
    duration = float(np.clip(round_up(natural), 50.0, max(3000.0, cell.span / 3)))
    quiet = next(filter(None, (_least_quiet(cell, -decade) for decade in DECADES)), None)
    cell.rest = "model"
    alone = _by_itself(cell, duration)
    found = [alone, *([] if quiet is None else _silenced(cell, quiet, float(alone.state["t"])))]
    return Protocols(
        float(alone.state["t"]),
        rounded(1.2 * (quiet or 1.0)),
        False,
        True,
        tuple(found),
        _without(found, _OF_PACEMAKERS),
    )


def _by_itself(cell: Probe, duration: float) -> Preset:
    """Without current, long enough for some spikes, or for a silence between bursts."""
    for t_stop in (duration, 2 * duration, 4 * duration):
        (times,) = cell.run(t_stop)
        gaps = np.diff(times)
        state: dict[str, float | str] = {"t": t_stop, "start": "model"}
        if len(gaps) > 2 and np.max(gaps) > 3.0 * np.median(gaps):
            sentence = "No current at all: bursts of spikes, and silence between, come by themselves."
            return Preset("bursting", sentence, state)
        if len(gaps) > 2:
            break
    return Preset("pacemaker", "No current at all: the cell fires by itself.", state)


def _silenced(cell: Probe, quiet: float, duration: float) -> Iterator[Preset]:
    """A steady outward current that holds the cell, and lets it fire again when it ends."""
    for t_stop, factor in itertools.product((duration, 3 * duration), (1.2, 1.5, 2.0, 3.0)):
        held = {"amplitude_0": -rounded(factor * quiet), "start_0": 0.3 * t_stop, "stop_0": 0.7 * t_stop}
        nearly = _AROUND * held["amplitude_0"]
        trains = cell.run(t_stop, **{**held, "amplitude_0": nearly})
        if all(_is_silenced(times, t_stop) for times in trains):
            state: dict[str, float | str] = {f"0.{name[:-2]}": value for name, value in held.items()}
            sentence = "A steady outward current holds it; when it ends, firing goes on."
            yield Preset("silenced", sentence, {**state, "t": t_stop, "start": "model"})
            return


def _is_silenced(times: np.ndarray, t_stop: float) -> bool:
    before, after = times < 0.3 * t_stop, times > 0.7 * t_stop
    return bool(before.any() and after.any() and not ((times > 0.4 * t_stop) & ~after).any())


def _least_quiet(cell: Probe, amplitudes: np.ndarray) -> float | None:
    """How strong the weakest of these steady currents is with which a cell that fires by itself is silent."""
    trains = cell.run(cell.span, amplitude_0=amplitudes, stop_0=math.inf)
    silent = (not np.any(times > cell.span / 3) for times in trains)
    return next((-float(a) for a, is_silent in zip(amplitudes, silent, strict=True) if is_silent), None)
