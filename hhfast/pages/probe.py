"""A cell at rest, asked by batches of currents what it does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hhfast.batch.fastest_rate import told_before
from hhfast.batch.membrane import spike_levels
from hhfast.batch.method import Method
from hhfast.batch.result import OK
from hhfast.batch.simulate import simulate
from hhfast.model import Model
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Final, Spikes
from hhfast.parts.stimuli import PairedPulse, Step, Stimulus

SETTLE = 3000.0  # ms without current, after which a cell counts as at rest
_PATIENCE = 10  # times as long for a cell that has not come to rest then
_WHILE, _STILL = 100.0, 1e-3  # ms in which a state of a cell at rest moves by no more than this share of itself
WIDTH = 1.0  # ms, of a brief pulse
_CALM, _STIFF = 300.0, 20.0  # ms of a run without current; more steps per ms than this are those of a stiff model
DECADES = tuple(np.geomspace(low, 10 * low, 10, endpoint=False) for low in 10.0 ** np.arange(-2, 4))  # amplitudes
_STEP, _PULSES = ("amplitude", "start", "stop"), ("amplitude", "second_amplitude", "start", "width", "interval")
NOTHING = {"0.amplitude": 0.0, "0.start": 0.0, "0.stop": 1.0, "1.amplitude": 0.0, "1.second_amplitude": 0.0,
           "1.start": 0.0, "1.width": WIDTH, "1.interval": 1.0}  # fmt: skip


def stimulus(values: dict[str, Any]) -> Stimulus:
    """A step and two pulses, of the page's names and values (numbers, or arrays of one value per cell)."""
    step, pulses = ({name: values[f"{k}.{name}"] for name in names} for k, names in enumerate((_STEP, _PULSES)))
    return Step(**step) + PairedPulse(**pulses)


def suited(model: Model) -> str:
    """The integrator for a model: of Rosenbrock's kind where an explicit one must take small steps even at rest."""
    method = Method("tsit5", max_steps=100_000)
    found = simulate(model, t_stop=_CALM, stimulus=stimulus(NOTHING), record=_recorders(model), method=method)
    return "rodas4" if found["n_steps"][0] > _STIFF * _CALM else "tsit5"


def _recorders(model: Model) -> list[Recorder]:
    """What every run of a model is asked for, so that one kernel makes them all."""
    return [Spikes(*spike_levels(model)), Final()]


class Probe:
    """A model at rest, to be asked what it does."""

    def __init__(self, model: Model) -> None:
        self.model, self.method = model, Method(suited(model), max_steps=200_000)
        self.rest: Any = "model"
        self.final: Any = "model"  # what the first cell of the last run has come to, if that reached its end
        self.span = SETTLE
        (settled,) = self.run(self.span)
        if self._drifts():  # slowly, as bursters do: what it does by itself takes longer
            self.rest = "model"
            (longer,) = self.run(_PATIENCE * SETTLE)
            if self.reached:  # one that fires fast has taken all its steps before
                settled, self.span = longer, _PATIENCE * SETTLE
        self.is_pacemaker = bool(len(settled) and settled[-1] > self.span / 3)
        self.rest = self.final

    def _drifts(self) -> bool:
        """Whether the states go on moving, as far as a run could tell; leaves the cell at what it has reached."""
        if self.final == "model":
            return False
        self.rest = self.final
        self.run(_WHILE)
        return any(
            abs(x - self.rest[name]) > _STILL * max(abs(self.rest[name]), _STILL) for name, x in self.final.items()
        )

    def run(self, t_stop: float, **given: Any) -> list[np.ndarray]:
        """The spike times of each cell, with stimulus values given by name (`amplitude_0` is that of the step)."""
        values = {**NOTHING, **{f"{name[-1]}.{name[:-2]}": value for name, value in given.items()}}
        n = max((np.size(v) for v in values.values()), default=1)
        values = {name: np.broadcast_to(np.asarray(v, float), (n,)).copy() for name, v in values.items()}
        with told_before():  # what is tried is not what is shown
            found = simulate(
                self.model, t_stop=t_stop, stimulus=stimulus(values), record=_recorders(self.model), initial=self.rest,
                method=self.method,
            )  # fmt: skip
        reached = found.status == OK  # a cell that gave up shows nothing
        self.reached = bool(reached[0])
        if self.reached:
            self.final = {x: float(found[f"{x}_final"][0]) for x in self.model.states}
        return [times if ok else times[:0] for times, ok in zip(found.spike_times, reached, strict=True)]

    def least(self, t_stop: float, name: str, spikes: int = 1, **given: Any) -> float | None:
        """The least amplitude with so many spikes: found decade by decade, then to a percent; None if there is none."""

        def first_of(amplitudes: np.ndarray) -> int | None:
            counts = np.array([len(times) for times in self.run(t_stop, **{name: amplitudes}, **given)])
            return int(np.argmax(counts >= spikes)) if counts.max() >= spikes else None

        for decade in DECADES:
            if (k := first_of(decade)) is not None:
                finer = np.linspace(decade[k] / 10**0.1, decade[k], 25)[1:]
                again = first_of(finer)
                return float(decade[k] if again is None else finer[again])
        return None


def rounded(x: float, digits: int = 3) -> float:
    return float(f"{x:.{digits}g}")


def round_up(x: float) -> float:
    """The next of 1, 1.5, 2, 3, 5, 7 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(x))
    return float(next(m for m in (1, 1.5, 2, 3, 5, 7, 10) if m * power >= 0.999 * x) * power)
