"""Clamp protocols run on a population: prepulse, test step and tail, of all cells at all levels in one batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hhfast.analysis.clamp_settings import ClampRecording
from hhfast.analysis.population import Population
from hhfast.batch.result import GAVE_UP, Result
from hhfast.batch.simulate import simulate
from hhfast.errors import InputError
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Final, Trace
from hhfast.parts.stimuli import Stimulus
from hhfast.parts.voltage_clamp import VoltageClamp

Step = tuple[float, float]  # mV, ms
_MOST = 2e8  # samples of a family, 1.6 GB
_ROUNDING = 1e-6  # of the largest current
_BASELINE = 0.1  # of the test step: what is recorded before all steps


@dataclass(frozen=True)
class Family:
    """Traces of n cells at k levels.

    time : (n_times,) ms from the test step, which is the samples `test`. current : (n, k, n_times). conductance :
    likewise, of a channel that has one. diverged : (n,).
    """

    time: np.ndarray
    test: slice
    current: np.ndarray
    conductance: np.ndarray | None
    diverged: np.ndarray
    of_channel: bool

    @property
    def test_time(self) -> np.ndarray:
        return self.time[self.test]

    @property
    def test_current(self) -> np.ndarray:
        return self.current[..., self.test]

    @property
    def test_conductance(self) -> np.ndarray | None:
        return None if self.conductance is None else self.conductance[..., self.test]

    def peaks(self) -> tuple[np.ndarray, np.ndarray]:
        """((n, k) the peak current of the test step, (n, k) the number of that sample).

        Of a channel the largest current. Of a whole membrane, in which a slow current may outgrow an early one, the
        current that is farthest from its end; but of a cell with no such transient at any level the largest, too.
        """
        inside = self.test_current
        size = np.abs(inside)
        at = np.argmax(size, axis=-1)
        if not self.of_channel:
            with np.errstate(invalid="ignore"):
                far = np.abs(inside - inside[..., -1:])
            early = np.argmax(far, axis=-1)
            transient = (early > 0) & (far.max(axis=-1) > _ROUNDING * size.max(axis=(1, 2))[:, None])
            at = np.where(transient.any(axis=1)[:, None], early, at)
        return np.take_along_axis(inside, at[..., None], axis=-1)[..., 0], at


@dataclass(frozen=True)
class ClampProtocol:
    """Its potentials and times; `channel` whose current is recorded (None: the clamp's), and how."""

    population: Population
    holding: float
    duration: float
    prepulse: Step | None
    tail: Step | None
    channel: str | None
    recording: ClampRecording

    @property
    def every(self) -> float:
        """Between samples, ms."""
        return self.duration / 500.0 if self.recording.every is None else self.recording.every

    def run(self, level: np.ndarray) -> Family:
        """The family of test steps to these levels."""
        family = self._scaled(level, 1.0)
        n = self.recording.leak_subtraction
        if n == 0:
            return family
        small = self._scaled(level, 1.0 / n)
        at_rest = self._scaled(np.array([self.holding]), 0.0).current
        current = (family.current - at_rest) - n * (small.current - at_rest)
        return replace(family, current=current, diverged=family.diverged | small.diverged)

    def conditioned(self, level: np.ndarray, conditioning: float, test: float) -> Family:
        """The family of test steps to one level after each of these for a time, which is not recorded."""
        before = self._simulate(len(level), self._clamp(self.holding, [np.tile(level, self.population.n)], [math.inf]),
                                conditioning, [Final()], None)  # fmt: skip
        states = {x: before[f"{x}_final"] for x in self.population.model.states}
        return self._family(len(level), self._clamp(test, [], []), 0, self.duration, states)

    def _scaled(self, level: np.ndarray, scale: float) -> Family:
        """The family with all steps from the holding potential scaled."""
        steps = [self.prepulse] if self.prepulse else []
        levels: list[np.ndarray | float] = [s[0] for s in steps] + [np.tile(level, self.population.n)]
        durations = [s[1] for s in steps] + [self.duration]
        if self.tail:
            levels, durations = [*levels, self.tail[0]], [*durations, self.tail[1]]
        shrunk = [self.holding + scale * (V - self.holding) for V in levels]
        before = self.prepulse[1] if self.prepulse else 0.0
        first = math.ceil((before + _BASELINE * self.duration) / self.every * (1.0 - 1e-9))  # sample of the test step
        clamp = self._clamp(self.holding, shrunk, durations, start=first * self.every - before)
        after = sum(durations) - before + (_BASELINE * self.duration if self.tail is None else 0.0)
        return self._family(len(level), clamp, first, first * self.every + after, None)

    def _clamp(
        self, holding: float, levels: Sequence[np.ndarray | float], durations: Sequence[float], start: float = 0.0
    ) -> Stimulus:
        return VoltageClamp(
            holding, list(levels), list(durations), start=start, series_resistance=self.recording.series_resistance
        )

    def _family(
        self, k: int, clamp: Stimulus, first: int, t_stop: float, initial: dict[str, np.ndarray] | None
    ) -> Family:
        n, inside = self.population.n, math.ceil(self.duration / self.every * (1.0 - 1e-9))
        if n * k * t_stop / self.every > _MOST:
            raise InputError(f"every = {self.every:g} ms: more than {_MOST:g} samples of {n} cells; make it longer")
        current, conductance = ("i_clamp", None) if self.channel is None else (f"i_{self.channel}", f"g_{self.channel}")
        if conductance not in self.population.model.recordable:
            conductance = None
        names = [name for name in (current, conductance) if name is not None]
        result = self._simulate(k, clamp, t_stop, [Trace(*names, every=self.every)], initial)
        traces = {name: result[name].reshape(n, k, -1) for name in names}
        diverged = np.any(np.isin(result.status, GAVE_UP).reshape(n, k), axis=1)
        time = result.time - first * self.every
        open_ = traces[conductance] if conductance is not None else None
        return Family(time, slice(first, first + inside), traces[current], open_, diverged, self.channel is not None)

    def _simulate(
        self, k: int, clamp: Stimulus, t_stop: float, record: list[Recorder], initial: dict[str, np.ndarray] | None
    ) -> Result:
        rows = self.population.take(np.repeat(np.arange(self.population.n), k))
        params = rows.params if any(np.ndim(v) for v in rows.params.values()) else self._at_least_one(rows)
        return simulate(
            rows.model, params, stimulus=clamp, t_stop=t_stop, record=record, initial=initial or "model",
            method=rows.method,
        )  # fmt: skip

    @staticmethod
    def _at_least_one(rows: Population) -> dict[str, np.ndarray]:
        """The parameters with one as an array, which says how many cells there are."""
        return {**rows.params, "C_m": np.array(rows.values("C_m"))}
