"""Axes whose values are numbers of things: of initial states, replicates, and entries of an analysis."""

from __future__ import annotations

from collections.abc import Mapping

from hhfast.errors import InputError, shown
from hhfast.inputs import whole_number
from hhfast.sweep.axis import MOST_VALUES, Axis, Values
from hhfast.sweep.space import Grid, Space
from hhfast.tables import number_text

INITIAL, REPLICATE = "initial", "replicate"  # names of these axes


def state_name(state: str | Mapping[str, float]) -> str:
    """An initial state in words: "rest", "V = -60"."""
    if isinstance(state, str):
        return state
    return ", ".join(f"{name} = {number_text(value, 15)}" for name, value in state.items())


def with_initial_states(space: Space, count: int) -> Space:
    """A space with several initial states as its last axis, unless it has that already."""
    if INITIAL in getattr(space, "names", ()):
        return space
    if not isinstance(space, Grid):
        raise InputError("initial: several states are an axis, which only [axes] can have; give one state")
    axis = Grid.of({INITIAL: range(count)}).axes if count else ()  # none is refused by the checks of the sweep
    return Grid((*space.axes, *axis))


def with_replicates(space: Space, count: int) -> Space:
    """A space with replicates as its last axis, unless it has that already."""
    if isinstance(count, bool):
        raise InputError(f"replicates: is {shown(count)}; it must be a whole number, at least 1")
    count = whole_number("replicates", count, 1, MOST_VALUES)
    return _with_last(space, REPLICATE, count, "replicates: are an axis")


def with_entries(space: Space, name: str, count: int) -> Space:
    """A space with the entries of an option of an analysis as its last axis, unless it has that already.

    Rows that are no grid all have the first entry, which must be the only one.
    """
    if count == 1 and not isinstance(space, Grid):
        return space
    return _with_last(space, name, count, f"analysis.{name}: there are {count}, which are an axis")


def _with_last(space: Space, name: str, count: int, told: str) -> Space:
    if name in getattr(space, "names", ()):
        return space
    if not isinstance(space, Grid):
        raise InputError(f"{told}, which only [axes] can have; leave them out")
    numbers = Values("arange", (float(count),))
    return Grid((*space.axes, Axis(name, ((name, numbers),))))
