"""What the potential and the parameters of a cell can be: beyond it, a row is no physiology, and is flagged.

Above all reversal potentials every channel's current is outward, so that V can only rise there as far as the leak and
the applied current alone would take it; likewise below. Where currents are not g (V - E) with constant E, but depend on
V and gates alone, the potentials at which they turn are looked for (`turning_potentials`). V of other models is held to
1 V.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.turning_potentials import can_turn, turning_potentials
from hhfast.model import Model
from hhfast.model.elements import Channel
from hhfast.parts.clamp_command import WIDEST
from hhfast.parts.stimuli import CURRENT, Stimulus, stimuli

_TIMES = ("start", "stop")
MARGIN = 5.0  # mV
WIDE_MARGIN = 4.0  # times that, where currents are not ohmic
_SIGMAS = 12.0  # of a noise: its largest value in any run


def possible_range(cells: Cells, stimulus: Stimulus, X: np.ndarray, noisy: bool = False) -> np.ndarray:
    """(n, 2) mV: between what values the potential of each cell stays that starts at X (n_states, n).

    With channel noise, by which fractions of channels may for a moment be below 0 or above 1, V is held to 1 V alone.

    NaN for a cell whose parameters are impossible; its states become NaN, too.
    """
    bounds = np.tile([-WIDEST, WIDEST], (cells.n, 1)) if noisy else _potential_bounds(cells, stimulus, X[0])
    impossible = _impossible_parameters(cells, stimulus)
    if impossible.any():
        bounds[impossible] = np.nan
        X[:, impossible] = np.nan
    return bounds


def conductances(model: Model) -> tuple[str, ...]:
    """The parameters that are maximal conductances, which cannot be negative."""
    return tuple(f"g_{channel.name}" for channel in model.every_channel if channel.current is None)


def _impossible_parameters(cells: Cells, stimulus: Stimulus) -> np.ndarray:
    """(n,) whether a cell has parameters that none can have: not finite, or a negative maximal conductance.

    Parameters of the stimulus may be infinite where that is their default, or where they say when it begins or ends.
    """
    bad = np.zeros(cells.n, bool)
    lowest, highest = _possible_values(cells.model)
    col = cells.col[: len(lowest)]
    common, own = col < 0, col >= 0
    if not _within(cells.p0[: len(lowest)][common], lowest[common], highest[common]).all():
        bad[:] = True
    if own.any():
        bad |= ~_within(cells.P[col[own]], lowest[own, None], highest[own, None]).all(axis=0)
    for kind, of in stimulus.parts:
        for name, (default, _) in kind.parameters.items():
            if isinstance(of[name], float) and (math.isfinite(of[name]) or of[name] == default):
                continue
            given = np.asarray(of[name], np.float64)
            if np.isfinite(given).all():
                continue
            as_default = default is not None and (given == default) | (np.isnan(given) & np.isnan(default))
            bad |= ~(np.isfinite(given) | as_default | (np.isinf(given) & (name in _TIMES)))
    return bad


@lru_cache(maxsize=256)
def _possible_values(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest value that each parameter of a model can have."""
    largest, positive, maximal = np.finfo(np.float64).max, np.nextafter(0.0, 1.0), conductances(model)
    lowest = [positive if name in model.counts else 0.0 if name in maximal else -largest for name in model.parameters]
    highest = [np.inf if name in model.counts else largest for name in model.parameters]
    return np.array(lowest), np.array(highest)


def _within(values: np.ndarray, lowest: np.ndarray, highest: np.ndarray) -> np.ndarray:
    return np.asarray((values >= lowest) & (values <= highest))


@dataclass(frozen=True)
class BoundedBy:
    """What the bounds of the potential follow from.

    reversal : the parameters that are reversal potentials. leaks : (conductance, reversal potential) of each leak.
    currents : (number of the part, parameter, factor) of the stimulus, whose sizes add up to its largest current.
    """

    reversal: tuple[str, ...]
    leaks: tuple[tuple[str, str], ...]
    currents: tuple[tuple[int, str, float], ...]


def bounded_by(model: Model, stimulus: Stimulus) -> BoundedBy | None:
    """What bounds the potential nearer than the widest; None: nothing does."""
    currents, of_model = currents_of(stimulus), _reversal_and_leaks(model)
    return None if currents is None or of_model is None else BoundedBy(*of_model, currents)


@lru_cache(maxsize=256)
def _reversal_and_leaks(model: Model) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """`reversal` and `leaks` of `BoundedBy`; None for a model with compartments, or currents that are not ohmic."""
    channels = list(model.every_channel)
    if model.compartments or not all(map(_is_ohmic, channels)):
        return None
    leaks = [c.name for c in channels if not c.gates and c.scheme is None]
    return tuple(f"E_{c.name}" for c in channels), tuple((f"g_{name}", f"E_{name}") for name in leaks)


def _potential_bounds(cells: Cells, stimulus: Stimulus, V: np.ndarray) -> np.ndarray:
    """(n, 2) mV: between what values the potential of each cell stays that starts at V (n,)."""
    by = bounded_by(cells.model, stimulus)
    if by is None:
        return _wide_bounds(cells, stimulus, V)
    reversal = [cells.value(name) for name in by.reversal]
    current, bounds = _largest(by.currents, stimulus), np.empty((cells.n, 2))
    with np.errstate(all="ignore"):
        g = sum(cells.value(name) for name, _ in by.leaks)
        inward = sum(cells.value(name) * cells.value(E) for name, E in by.leaks)
        low = np.minimum(np.fmin(reduce(np.minimum, reversal), V), np.divide(inward - current, g))
        high = np.maximum(np.fmax(reduce(np.maximum, reversal), V), np.divide(inward + current, g))
        bounds[:, 0] = np.where(g > 0, low, -WIDEST) - MARGIN
        bounds[:, 1] = np.where(g > 0, high, WIDEST) + MARGIN
    return bounds


def _wide_bounds(cells: Cells, stimulus: Stimulus, V: np.ndarray) -> np.ndarray:
    """As `_potential_bounds`, of a model whose currents are not all ohmic."""
    currents = currents_of(stimulus)
    if currents is None or not can_turn(cells.model):
        return np.tile([-WIDEST, WIDEST], (cells.n, 1))
    low, high = turning_potentials(cells, np.broadcast_to(_largest(currents, stimulus), cells.n), WIDEST)
    wide = WIDE_MARGIN * MARGIN
    bounds = np.stack([np.fmin(low, V) - wide, np.fmax(high, V) + wide], axis=1)
    return np.asarray(np.clip(bounds, -WIDEST, WIDEST))


def _largest(currents: tuple[tuple[int, str, float], ...], stimulus: Stimulus) -> Any:
    """The largest current of the stimulus, of all cells or of each."""
    return sum(np.abs(stimulus.parts[k][1][name]) * factor for k, name, factor in currents)


def _is_ohmic(channel: Channel) -> bool:
    return channel.current is None and not isinstance(channel.E, str)


def currents_of(stimulus: Stimulus) -> tuple[tuple[int, str, float], ...] | None:
    """`currents` of `BoundedBy`; None for a clamp, a conductance, or a stimulus of one's own."""
    found: list[tuple[int, str, float]] = []
    for k, (kind, values) in enumerate(stimulus.parts):
        if kind.name not in stimuli or stimuli[kind.name] != kind or kind.clamp is not None or kind.conductances:
            return None
        if kind.tables:
            found.append((k, "scale", float(np.abs(values["values"]).max())))
            continue
        names = [name for name, (_, unit) in kind.parameters.items() if unit == CURRENT]
        found += [(k, name, _SIGMAS if name == "sigma" else 1.0) for name in names]
    return tuple(found)
