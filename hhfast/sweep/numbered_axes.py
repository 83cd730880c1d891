"""Axes whose values are numbers of things: of the initial states and of the replicates of a sweep."""

from __future__ import annotations

from hhfast.errors import InputError
from hhfast.inputs import whole_number
from hhfast.sweep.axis import MOST_VALUES, Axis, Values
from hhfast.sweep.space import Grid, Space


def with_initial_states(space: Space, count: int) -> Space:
    """A space with several initial states as its last axis, unless it has that already."""
    if "initial" in getattr(space, "names", ()):
        return space
    if not isinstance(space, Grid):
        raise InputError("initial: several states are an axis, which only [axes] can have; give one state")
    axis = Grid.of({"initial": range(count)}).axes if count else ()  # none is refused by the checks of the sweep
    return Grid((*space.axes, *axis))


def with_replicates(space: Space, count: int) -> Space:
    """A space with replicates as its last axis, unless it has that already."""
    if isinstance(count, bool):
        raise InputError(f"replicates: is {count!r}; it must be a whole number, at least 1")
    count = whole_number("replicates", count, 1, MOST_VALUES)
    if "replicate" in getattr(space, "names", ()):
        return space
    if not isinstance(space, Grid):
        raise InputError("replicates: are an axis, which only [axes] can have; leave them out")
    numbers = Values("arange", (float(count),))
    return Grid((*space.axes, Axis("replicate", (("replicate", numbers),))))
