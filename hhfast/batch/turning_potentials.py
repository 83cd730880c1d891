"""Where the currents of a cell turn from inward to outward, whatever their formulas: by trying, not by algebra.

The slope of V is a sum over channels, each of which is a product of its gates (or of a scheme's states) and a function
of V. So with all gates closed it is that of the leaks and the applied current, and with those of one channel open it
shows that channel's current. The potentials where these change their signs bound V.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.model import Model

_HALVINGS = 12  # of 2 V: to half a millivolt


def can_turn(model: Model) -> bool:
    """Whether the currents depend on V and gates alone, with no pool or other compartment, which may come anywhere."""
    return not model.pools and not model.compartments


def turning_potentials(cells: Cells, current: np.ndarray, widest: float) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n,)) mV: below the one V only rises, above the other it only falls, under currents of at most (n,).

    -widest or widest where that is not so.
    """
    number = {s.name: k for k, s in enumerate(cells.model.rows)}
    closed = np.zeros((len(number), cells.n))

    def slope(V: np.ndarray, opened: list[int], i_app: np.ndarray) -> np.ndarray:
        X = closed.copy()
        X[0], X[opened] = V, 1.0
        with np.errstate(all="ignore"):
            A, B = cells.rates(X, i_app)
            return np.asarray(A[0] - B[0] * V)

    def of_channel(opened: list[int]) -> Callable[[np.ndarray], np.ndarray]:
        none = np.zeros(cells.n)
        return lambda V: slope(V, opened, none) - slope(V, [], none)

    highest = [_turns(lambda V: slope(V, [], current), widest)[1]]
    lowest = [_turns(lambda V: slope(V, [], -current), widest)[0]]
    for channel in cells.model.channels:
        names = [gate.name for gate in channel.gates] or list(channel.scheme.states if channel.scheme else ())
        if opened := [number[name] for name in names if name in number]:
            low, high = _turns(of_channel(opened), widest)
            highest.append(high)
            lowest.append(low)
    return np.clip(np.min(lowest, axis=0), -widest, widest), np.clip(np.max(highest, axis=0), -widest, widest)


def _turns(slope: Callable[[np.ndarray], np.ndarray], widest: float) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n,)) mV: where a slope turns from rising below to falling above, as the lower and the upper bound.

    Where V is driven the same way everywhere, that bounds nothing on the side from which it comes: inf, or -inf.
    """
    V = np.array(0.0)
    low, high = np.full(slope(V).shape, -widest), np.full(slope(V).shape, widest)
    at_low, at_high = slope(low), slope(high)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        rising = slope(middle) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    turn = 0.5 * (low + high)
    upper = np.where(at_high < 0, np.where(at_low < 0, -np.inf, turn), widest)
    lower = np.where(at_low > 0, np.where(at_high > 0, np.inf, turn), -widest)
    nothing = (at_low == 0) & (at_high == 0)
    return np.where(nothing, np.inf, lower), np.where(nothing, -np.inf, upper)
