"""Does a cell answer a pulse with a spike? The recorder that decides it, and a run that ends when it is decided.

The rule: a spike is an upward crossing of the threshold (the contract of `simulate`) after which, while V is still
above, the membrane drives itself further up: C dV/dt > i_app, the ionic current is inward. A crossing that the
pulse forces on a passive or refractory membrane, whose ionic current pulls V back all the time, is not a spike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hhfast.analysis.linearisation import eigenvalues, jacobian, newton_step
from hhfast.analysis.population import Cohort, Method, final_states
from hhfast.batch.result import GAVE_UP
from hhfast.parts.recorders import Final, Hooks, Recording, Run, Window
from hhfast.parts.stimuli import Pulse
from hhfast.parts.variable import Variable


@dataclass(frozen=True)
class OwnSpikes:
    """Recorder of spikes by the rule above, in a window: `first_spike`, `last_spike`, and `repolarised`, when V has
    fallen below `rearm` after the first; ms, or NaN.
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
own = C_m * (V - V_was) - dt * i_app
rises = (V >= level) & (own > 0.0)
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
        return _OwnSpikesRecording(np.full((len(self.names), run.n_cells), np.nan))


@dataclass(frozen=True)
class _OwnSpikesRecording:
    values: np.ndarray

    def arguments(self, first: int, last: int) -> tuple[np.ndarray, ...]:
        return (self.values,)

    def done(self, first: int, arguments: tuple[np.ndarray, ...]) -> None:
        pass

    def variables(self) -> dict[str, Variable]:
        return {
            name: Variable(values, ("cell",), "ms", name.replace("_", " "))
            for name, values in zip(OwnSpikes.names, self.values, strict=True)
        }


@dataclass(frozen=True)
class Answer:
    """Whether each cell fired, and whether it diverged instead: (n,) bool."""

    fired: np.ndarray
    diverged: np.ndarray


_SETTLED = 1e-4  # mV for V, and this fraction of their range or size for the other states


def answer(
    cohort: Cohort, X: np.ndarray, amplitude: np.ndarray, width: float, watch: float, method: Method
) -> Answer:
    """Whether a pulse of `width` ms, from the states X, makes the cells fire before it has been over for `watch` ms.

    The run is looked at now and then. A cell that has fired is done; one that has settled into a stable state jumps
    to the end of the pulse (or is done, if that is past); the others go on. What is dropped costs nothing.
    """
    fired, diverged = np.zeros(cohort.n, bool), np.zeros(cohort.n, bool)
    rows, t, end = np.arange(cohort.n), 0.0, width + watch

    def advance(rows: np.ndarray, X: np.ndarray, t: float, until: float) -> np.ndarray:
        stimulus = Pulse(amplitude=amplitude[rows], start=-t, width=width)
        record = [OwnSpikes(method.threshold, method.rearm), Final()]
        result = cohort.take(rows).run(X, stimulus, until - t, record, method)
        fired[rows] = ~np.isnan(result["first_spike"])
        diverged[rows] = np.isin(result.status, GAVE_UP) & ~fired[rows]
        return final_states(cohort, result)

    for look in _looks(width, end):
        after = advance(rows, X, t, look)
        undecided = ~(fired[rows] | diverged[rows])
        # A run cannot be cut while the detector is in the middle of a spike: such cells go on from the last look.
        flying = undecided & (after[0] >= method.rearm)
        if flying.any() and look < end:
            advance(rows[flying], X[:, flying], t, end)
        waiting = undecided & ~flying
        rows, X, t = rows[waiting], after[:, waiting], look
        if look < end and len(rows):
            settled = _settled(cohort.take(rows), X, amplitude[rows] if look < width else np.zeros(len(rows)))
            if look < width and settled.any():
                advance(rows[settled], X[:, settled], width, end)
            rows, X = rows[~settled], X[:, ~settled]
        if not len(rows):
            break
    return Answer(fired, diverged)


def _looks(width: float, end: float) -> Iterator[float]:
    """The times at which a run is looked at, ms."""
    look = width + 10.0 if width <= 30.0 else 30.0
    while look < end - 5.0:
        yield look
        look *= 2.0
    yield end


def _settled(cohort: Cohort, X: np.ndarray, i_app: np.ndarray) -> np.ndarray:
    """(n,) bool: within `_SETTLED` of an equilibrium that attracts (all eigenvalues well below zero)."""
    J = jacobian(cohort.cells, X)
    distance = np.abs(newton_step(cohort.cells, X, i_app, J))
    size = np.ones_like(X)
    pools = 1 + len(cohort.model.gates)
    size[pools:] = np.abs(X[pools:])
    near = (distance < _SETTLED * size).all(axis=0)
    near[near] = eigenvalues(J[near])[:, 0].real < -1e-3
    return near
