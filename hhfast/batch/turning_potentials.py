"""Where the currents of a cell turn from inward to outward, whatever their formulas: by trying, not by algebra.

The slope of V is a sum over channels, each of which is a product of its gates (or of a scheme's states) and a function
of V. So with all gates closed it is that of the leaks and the applied current, and with those of one channel open it
shows that channel's current. The potentials where these change their signs bound V.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.model import Model
from hhfast.model.elements import Channel

if TYPE_CHECKING:
    from sympy import Expr, Symbol

HALVINGS = 12  # of 2 V: to half a millivolt


@lru_cache(maxsize=128)
def can_turn(model: Model) -> bool:
    """Whether every current is a product of states of its own channel and a function of V alone.

    It is not with pools or compartments, whose states may come anywhere; nor where formulas mix states in another way,
    as in 1 - n, which is open where all gates are closed.
    """
    if model.pools or model.compartments:
        return False
    from hhfast.kernel.equations.system import system_of

    system = system_of(model)
    for channel in model.channels:
        current = system.named[f"i_{channel.name}"]
        of_V = [system.named[name] for name in system.needed([current])]
        if _states(model, of_V) or not _is_product(current, _states(model, [current]), _opened(channel)):
            return False
    return True


def _states(model: Model, expressions: list[Expr]) -> set[Symbol]:
    """The states but V in expressions."""
    return {s for e in expressions for s in e.free_symbols if s.name in model.states and s.name != "V"}


def _is_product(current: Expr, states: set[Symbol], own: list[str]) -> bool:
    """Whether a current is a product of powers of its channel's own states and something without states."""
    if not {s.name for s in states} <= set(own):
        return False
    with_states = current.as_independent(*states, as_Add=False)[1]
    return not states or all(factor.as_base_exp()[0] in states for factor in with_states.as_ordered_factors())


def _opened(channel: Channel) -> list[str]:
    """The states that open a channel."""
    return [gate.name for gate in channel.gates] or list(channel.scheme.states if channel.scheme else ())


def opened_states(model: Model) -> list[list[int]]:
    """Of each channel that states open, their numbers."""
    number = {s.name: k for k, s in enumerate(model.rows)}
    every = ([number[name] for name in _opened(channel) if name in number] for channel in model.channels)
    return [opened for opened in every if opened]


def turning_potentials(cells: Cells, current: np.ndarray, widest: float) -> tuple[np.ndarray, np.ndarray]:
    """((n,), (n,)) mV: below the one V only rises, above the other it only falls, under currents of at most (n,).

    -widest or widest where that is not so.
    """
    closed = np.zeros((len(cells.model.rows), cells.n))

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
    for opened in opened_states(cells.model):
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
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        rising = slope(middle) > 0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    turn = 0.5 * (low + high)
    upper = np.where(at_high < 0, np.where(at_low < 0, -np.inf, turn), widest)
    lower = np.where(at_low > 0, np.where(at_high > 0, np.inf, turn), -widest)
    nothing = (at_low == 0) & (at_high == 0)
    return np.where(nothing, np.inf, lower), np.where(nothing, -np.inf, upper)
