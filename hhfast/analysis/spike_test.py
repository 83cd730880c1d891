"""The spike test: does a pulse make a cell fire? The recorder that decides it, and a run that ends when it is decided.

The rule: a spike is an upward crossing of the threshold (the contract of `simulate`) after which, while V is still
above, the membrane drives itself further up: C dV/dt > i_app, the ionic current is inward. A crossing that the
pulse forces on a passive or refractory membrane, whose ionic current pulls V back all the time, is not a spike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hhfast.analysis.population import Population, final_states
from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian, newton_step
from hhfast.batch.result import GAVE_UP, Result
from hhfast.parts.recorder import Hooks, Recording, Run, Shared, Window
from hhfast.parts.recorders import Final
from hhfast.parts.stimuli import Pulse
from hhfast.parts.variable import Variable


@dataclass(frozen=True)
class RegenerativeSpikes:
    """Recorder of spikes by the rule above, in a window: `first_spike`, `last_spike`, and `repolarised`, when V has
    fallen below `rearm` after the first; ms, or NaN. threshold, rearm : mV.
    """

    threshold: float = -20.0
    rearm: float = -40.0
    window: Window | None = None
    names: ClassVar[tuple[str, ...]] = ("first_spike", "last_spike", "repolarised")

    @property
    def hooks(self) -> Hooks:
        return Hooks(
            begin="crossed = np.nan\nlevel = 1.0e9 + 0.0 * V\nfirst = np.nan\nlast = np.nan\nfell = np.nan",
            step=f"""\
inward = C_m * (V - V_was) - dt * i_app
rises = (V >= level) & (inward > 0.0)
first = crossed if rises & (first != first) else first
last = crossed if rises else last
falls = (V < {self.rearm}) & (first == first) & (fell != fell)
fell = t_end if falls else fell""",
            spike="crossed = t_spike\nlevel = V_was",
            end="\n".join(f"feature[{k}, cell] = {name}" for k, name in enumerate(("first", "last", "fell"))),
            extra=("crossed", "first", "last", "fell"),
            arrays=(("feature", "float64[:, ::1]"),),
            detects=True,
        )

    @property
    def levels(self) -> tuple[float, float]:
        return self.threshold, self.rearm

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return self.window or (0.0, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        values = np.full((len(self.names), run.n_cells), np.nan)
        times = dict(zip(self.names, values, strict=True))
        return Shared(
            (values,), lambda: {n: Variable(v, ("cell",), "ms", n.replace("_", " ")) for n, v in times.items()}
        )  # fmt: skip


def regenerative_spikes(threshold: float) -> RegenerativeSpikes:
    """The recorder of an analysis: a cell is ready for the next spike when V is below -40 mV (and the threshold)."""
    return RegenerativeSpikes(threshold, min(-40.0, threshold))


@dataclass(frozen=True)
class SpikeTest:
    """The outcome for n cells: whether each fired, and whether it diverged instead: (n,) bool."""

    fired: np.ndarray
    diverged: np.ndarray

    @classmethod
    def of(cls, result: Result) -> SpikeTest:
        """That of a run that recorded `RegenerativeSpikes`."""
        fired = ~np.isnan(result["first_spike"])
        return cls(fired, np.isin(result.status, GAVE_UP) & ~fired)


_SETTLED = 1e-4  # mV for V, and this fraction of their range or size for the other states


def spike_test(
    population: Population, X: np.ndarray, amplitude: np.ndarray, width: float, watch: float, spikes: RegenerativeSpikes
) -> SpikeTest:
    """Whether a pulse of `width` ms, from the states X, makes the cells fire before it has been over for `watch` ms.

    The run is interrupted now and then. A cell that has fired is decided; one that has settled into a stable state
    skips the rest of the pulse (or is decided, if that is past); the others go on. Decided cells are dropped.
    """
    fired, diverged = np.zeros(population.n, bool), np.zeros(population.n, bool)
    rows, t, end = np.arange(population.n), 0.0, width + watch

    def advance(rows: np.ndarray, X: np.ndarray, t: float, until: float) -> np.ndarray:
        stimulus = Pulse(amplitude=amplitude[rows], start=-t, width=width)
        result = population.take(rows).run(X, stimulus, until - t, [spikes, Final()])
        outcome = SpikeTest.of(result)
        fired[rows], diverged[rows] = outcome.fired, outcome.diverged
        return final_states(population.model, result)

    for stop in _stops(width, end):
        after = advance(rows, X, t, stop)
        undecided = ~(fired[rows] | diverged[rows])
        # A run cannot be cut while the detector is in the middle of a spike: such cells go on from the last stop.
        in_spike = undecided & (after[0] >= spikes.rearm)
        if in_spike.any() and stop < end:
            advance(rows[in_spike], X[:, in_spike], t, end)
        waiting = undecided & ~in_spike
        rows, X, t = rows[waiting], after[:, waiting], stop
        if stop < end and len(rows):
            settled = _settled(population.take(rows), X, amplitude[rows] if stop < width else np.zeros(len(rows)))
            if stop < width and settled.any():
                advance(rows[settled], X[:, settled], width, end)
            rows, X = rows[~settled], X[:, ~settled]
        if not len(rows):
            break
    return SpikeTest(fired, diverged)


def _stops(width: float, end: float) -> Iterator[float]:
    """The times at which a run is interrupted, ms; the end is the last."""
    stop = width + 10.0 if width <= 30.0 else 30.0
    while stop < end - 5.0:
        yield stop
        stop *= 2.0
    yield end


def _settled(population: Population, X: np.ndarray, i_app: np.ndarray) -> np.ndarray:
    """(n,) bool: within `_SETTLED` of an equilibrium that attracts (all eigenvalues well below zero)."""
    J = jacobian(population.cells, X)
    distance = np.abs(newton_step(population.cells, X, i_app, J))
    size = np.ones_like(X)
    pools = 1 + len(population.model.gates)
    size[pools:] = np.abs(X[pools:])
    near: np.ndarray = (distance < _SETTLED * size).all(axis=0)
    near[near] = eigenvalues(free_jacobian(population.model, J[near]))[:, 0].real < -1e-3
    return near
