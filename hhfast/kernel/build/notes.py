"""The equations of a model as lines for the reader of a kernel."""

from __future__ import annotations

from hhfast.model.model import Model


def equations(model: Model) -> tuple[str, ...]:
    """What `hhfast models NAME` shows; printers put every line into a comment."""
    return tuple(model.equations().splitlines())
