"""Copies of a model whose channels are others: one added, replaced or removed, or all with counts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from hhfast.errors import InputError, unknown
from hhfast.model.dependencies import users_of
from hhfast.model.elements import Channel

if TYPE_CHECKING:
    from hhfast.model.model import Model


def with_channel(model: Model, channel: Channel) -> Model:
    """The model with a channel added (or replaced, if it has one of that name)."""
    if not isinstance(channel, Channel):
        raise InputError(f"with_channel: is given {type(channel).__name__}; give a hhfast.Channel")
    kept = tuple(c for c in model.channels if c.name != channel.name)
    return replace(model, channels=(*kept, channel), text="", trusted=False)


def with_counts(model: Model) -> Model:
    """The model with a count, infinite unless it has one, for every channel that can be noisy: see `Model`."""

    def counted(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        return tuple(
            replace(c, count=math.inf)
            if c.count is None and c.current is None and c.open is None and c.fluctuates
            else c
            for c in channels
        )

    if all(counted(s.channels) == s.channels for s in model.sections):
        return model
    sections = tuple(replace(s, channels=counted(s.channels)) for s in model.compartments)
    return replace(model, channels=counted(model.channels), compartments=sections, text="")


def without_channel(model: Model, name: str) -> Model:
    """The model without one of its channels."""
    if name not in {c.name for c in model.channels}:
        raise unknown("channel", name, [c.name for c in model.channels], model.name)
    if users := users_of(model, f"i_{name}"):
        pools = {s.name for s in model.rows if s.group == "pools"}
        kind = "pool " if users[0] in pools else ""
        raise InputError(
            f"{model.name}: channel '{name}' cannot be removed, {kind}'{users[0]}' uses i_{name}; "
            f"set g_{name} = 0 instead"
        )
    return replace(model, channels=tuple(c for c in model.channels if c.name != name), text="", trusted=False)
