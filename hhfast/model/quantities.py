"""What each variable of a model is: a potential, a gate, a current ..., whatever it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hhfast.model.model import Model

POTENTIAL, GATE, POOL, CURRENT, CONDUCTANCE, APPLIED_CURRENT = QUANTITIES = (
    "potential", "gate", "pool", "current", "conductance", "applied current",
)  # fmt: skip


def quantities(model: Model) -> dict[str, str]:
    """Name -> one of `QUANTITIES`, of everything that a trace can record (`Model.recordable`)."""
    found = dict.fromkeys(model.recordable, GATE)  # the states of schemes are fractions of channels, as gates are
    for section in model.sections:
        found |= {section.potential: POTENTIAL} | dict.fromkeys((p.name for p in section.pools), POOL)
    for channel in model.every_channel:
        found[f"i_{channel.name}"] = CURRENT
        if channel.current is None:
            found[f"g_{channel.name}"] = CONDUCTANCE
    return found | {"i_app": APPLIED_CURRENT, "i_clamp": CURRENT}
