"""Paired pulses: cells at rest that fire at a first pulse, and whether they fire again at a second one.

A second spike is a new upward crossing of the threshold after the onset of the second pulse, by a membrane that has
fallen below -40 mV since the first spike, and that then drives itself further up (the rule of `spike_test`): what the
second pulse forces on a membrane that is still refractory is not a spike, however high it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.population import Population
from hhfast.analysis.rheobase import find_rheobase
from hhfast.analysis.spike_test import RegenerativeSpikes, SpikeTest, regenerative_spikes
from hhfast.batch.analyses import Option
from hhfast.batch.analysis_status import AnalysisStatus
from hhfast.batch.method import Method
from hhfast.inputs import finite
from hhfast.model import Model
from hhfast.parts.recorders import Final
from hhfast.parts.stimuli import PairedPulse

OPTIONS = {  # of every analysis with paired pulses
    "width": Option("duration of both pulses", "ms"),
    "first": Option("amplitude of the first pulse, in thresholds of the resting cell"),
    "cap": Option("the largest amplitude of the second pulse that is tried, in thresholds"),
    "watch": Option("how long after a pulse a spike may still come", "ms"),
    "threshold": Option("of a spike", "mV", finite),
}


@dataclass(frozen=True)
class PairedPulses:
    """n cells at rest, and what the first pulse alone does to them.

    X : (n_states, n) at rest. width : of both pulses, watch : after them, ms. first : (n,) amplitude of the first
    pulse. threshold : (n,) that of the resting cell. first_spike, repolarised : (n,) ms after the onset of the first
    pulse. status : (n,) uint8, `AnalysisStatus`.
    """

    population: Population
    spikes: RegenerativeSpikes
    X: np.ndarray
    width: float
    watch: float
    first: np.ndarray
    threshold: np.ndarray
    first_spike: np.ndarray
    repolarised: np.ndarray
    status: np.ndarray

    @classmethod
    def of(
        cls, model: str | Path | Model, params: Mapping[str, Any] | None, method: Method, *, width: float,
        first: float, watch: float, threshold: float,
    ) -> PairedPulses:  # fmt: skip
        """Find the thresholds of the cells at rest, and apply the first pulse, `first` times as strong, alone."""
        population, spikes = Population.of(model, params, method), regenerative_spikes(threshold)
        rest = find_rheobase(model, params, width=width, tol=1e-7, watch=watch, threshold=threshold, method=method)
        X, status, amplitude = population.rest(), rest.status.copy(), first * rest.amplitude
        spike, last, fell = np.full((3, population.n), np.nan)
        rows = np.flatnonzero(rest.found)
        if len(rows):
            alone = PairedPulse(amplitude=amplitude[rows], second_amplitude=0.0, width=width, interval=width)
            result = population.take(rows).run(X[:, rows], alone, width + 4.0 * watch, [spikes, Final()])
            spike[rows], last[rows], fell[rows] = (result[name] for name in spikes.names)
            status[rows[last[rows] > spike[rows]]] = AnalysisStatus.REPETITIVE
            status[rows[np.isnan(fell[rows])]] = AnalysisStatus.NO_SPIKE
        return cls(population, spikes, X, width, watch, amplitude, rest.amplitude, spike, fell, status)

    @property
    def usable(self) -> np.ndarray:
        """(n,) bool: the first pulse makes one spike, that ends."""
        return np.isin(self.status, (AnalysisStatus.OK, AnalysisStatus.NON_MONOTONE))

    def second_fires(self, rows: np.ndarray, amplitude: np.ndarray, interval: Any, onset: float) -> SpikeTest:
        """Whether the second pulse makes the cells fire, beginning at time `onset`, `interval` after the first (ms)."""
        stimulus = PairedPulse(amplitude=self.first[rows], second_amplitude=amplitude, start=onset - interval,
                               width=self.width, interval=interval)  # fmt: skip
        end = onset + self.width + self.watch
        spikes = replace(self.spikes, window=(onset, end))
        return SpikeTest.of(self.population.take(rows).run(self.X[:, rows], stimulus, end, [spikes, Final()]))
