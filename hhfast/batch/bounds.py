"""What the potential and the parameters of a cell can be: beyond it, a row is no physiology, and is flagged.

Above all reversal potentials every channel's current is outward, so that V can only rise there as far as the leak and
the applied current alone would take it; likewise below. This holds for currents g (V - E) with constant E; V of other
models is held to 1 V.
"""

from __future__ import annotations

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.model.elements import Channel
from hhfast.model.names import is_count
from hhfast.parts.stimuli import CURRENT, Stimulus, stimuli

WIDEST = 1000.0  # mV, either way, where nothing nearer is known
_TIMES = ("start", "stop")
_MARGIN = 5.0  # mV
_SIGMAS = 12.0  # of a noise: its largest value in any run


def possible_range(cells: Cells, stimulus: Stimulus, X: np.ndarray, noisy: bool = False) -> np.ndarray:
    """(n, 2) mV: between what values the potential of each cell stays that starts at X (n_states, n).

    With channel noise, by which fractions of channels may for a moment be below 0 or above 1, V is held to 1 V alone.

    NaN for a cell whose parameters are impossible; its states become NaN, too.
    """
    bounds = np.tile([-WIDEST, WIDEST], (cells.n, 1)) if noisy else _potential_bounds(cells, stimulus, X[0])
    impossible = _impossible_parameters(cells, stimulus)
    bounds[impossible] = np.nan
    X[:, impossible] = np.nan
    return bounds


def _impossible_parameters(cells: Cells, stimulus: Stimulus) -> np.ndarray:
    """(n,) whether a cell has parameters that none can have: not finite, or a negative maximal conductance.

    Parameters of the stimulus may be infinite where that is their default, or where they say when it begins or ends.
    """
    bad = np.zeros(cells.n, bool)
    conductances = {f"g_{channel.name}" for channel in cells.model.every_channel if channel.current is None}
    for name in cells.model.parameters:
        values = cells.values(name)
        if is_count(name):
            bad |= ~(values > 0)
        else:
            bad |= ~np.isfinite(values) | ((values < 0) & (name in conductances))
    for kind, of in stimulus.parts:
        for name, (default, _) in kind.parameters.items():
            given = np.asarray(of[name], np.float64)
            as_default = default is not None and (given == default) | (np.isnan(given) & np.isnan(default))
            bad |= ~(np.isfinite(given) | as_default | (np.isinf(given) & (name in _TIMES)))
    return bad


def _potential_bounds(cells: Cells, stimulus: Stimulus, V: np.ndarray) -> np.ndarray:
    """(n, 2) mV: between what values the potential of each cell stays that starts at V (n,)."""
    model = cells.model
    bounds = np.tile([-WIDEST, WIDEST], (cells.n, 1))
    channels = list(model.every_channel)
    current = _largest_current(stimulus)
    if current is not None and not model.compartments and all(map(_is_ohmic, channels)):
        reversal = np.array([cells.values(f"E_{channel.name}") for channel in channels])
        leaks = [channel for channel in channels if not channel.gates and channel.scheme is None]
        g = np.array([cells.values(f"g_{channel.name}") for channel in leaks]).reshape(len(leaks), cells.n)
        E = np.array([cells.values(f"E_{channel.name}") for channel in leaks]).reshape(g.shape)
        with np.errstate(all="ignore"):
            passive = [((g * E).sum(axis=0) + sign * current) / g.sum(axis=0) for sign in (-1.0, 1.0)]
        low, high = np.fmin(reversal.min(axis=0), V), np.fmax(reversal.max(axis=0), V)
        with np.errstate(invalid="ignore"):
            low = np.where(g.sum(axis=0) > 0, np.minimum(low, passive[0]), -WIDEST)
            high = np.where(g.sum(axis=0) > 0, np.maximum(high, passive[1]), WIDEST)
        bounds = np.stack([low - _MARGIN, high + _MARGIN], axis=1)
    return bounds


def _is_ohmic(channel: Channel) -> bool:
    return channel.current is None and not isinstance(channel.E, str)


def _largest_current(stimulus: Stimulus) -> float | np.ndarray | None:
    """The largest size of the current, a number or one per cell; None for a clamp, a conductance, or one's own."""
    total: float | np.ndarray = 0.0
    for kind, values in stimulus.parts:
        if kind.name not in stimuli or stimuli[kind.name] != kind or kind.clamp is not None or kind.conductances:
            return None
        if kind.tables:
            total = total + np.abs(values["scale"]) * np.abs(values["values"]).max()
            continue
        currents = [name for name, (_, unit) in kind.parameters.items() if unit == CURRENT]
        for name in currents:
            total = total + np.abs(values[name]) * (_SIGMAS if name == "sigma" else 1.0)
    return total
