"""The error for a name that is no parameter of a model, with what there is to say of such a name."""

from __future__ import annotations

from collections.abc import Iterable

from hhfast.batch.channel_counts import check_countable
from hhfast.errors import UnknownName, unknown
from hhfast.model import Model


def unknown_parameter(model: Model, name: str, known: Iterable[str], where: str) -> UnknownName:
    """The error, ready to raise: for a count of channels, why there is none; for a temperature, which models have one.

    known : names to suggest one of. where : what the name was given in.
    """
    check_countable(model, name)
    if name == "celsius":
        return UnknownName(
            f"{where}: unknown parameter 'celsius': the model is for one temperature; "
            "'hhfast models --with celsius' lists those that have it"
        )
    return unknown("parameter", name, known, where)
