"""The [axes], [sample] and [table] of a sweep file: the space they describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hhfast.errors import InputError, did_you_mean, shown, unknown
from hhfast.sampling.distributions import QUANTILES, Distribution
from hhfast.sampling.sample import Sample
from hhfast.sweep.axis import VALUE_KINDS, Axis, Values
from hhfast.sweep.space import Grid, Space
from hhfast.sweep.table import open_table

_MOST_AXES = 1000


def read_space(
    axes: Mapping[str, Any] | None, sample: Mapping[str, Any] | None, table: str | None, folder: Path
) -> Space:
    """The space that a sweep file gives as [axes], [sample] or the file of [table], which is relative to `folder`.

    Raises `InputError`, beginning with the key path, unless it is exactly one of them and right.
    """
    tables = {"axes": axes, "sample": sample, "table": table}
    given = [f"[{name}]" for name, content in tables.items() if content is not None]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} are given; keep one")
    if not given:
        raise InputError("[axes], [sample] and [table] are all missing; give one, to say what varies")
    if table is not None:
        return open_table(folder / table)
    if sample is not None:
        return _sample(sample)
    if not axes:
        raise InputError("axes: is empty; vary at least one parameter")
    if len(axes) > _MOST_AXES:
        raise InputError(f"axes: has {len(axes):,} parameters; at most {_MOST_AXES} can be varied")
    return Grid(tuple(_axis(name, entry) for name, entry in axes.items()))


def _sample(entry: Mapping[str, Any]) -> Sample:
    settings = {"method": str, "n": int, "seed": int}
    for key, kind in settings.items():
        if key in entry and type(entry[key]) is not kind:
            raise InputError(
                f"sample.{key}: is {shown(entry[key])}; it must be {'a text' if kind is str else 'an integer'}"
            )
    for key in ("method", "n"):
        if key not in entry:
            raise InputError(f"sample.{key}: is missing; add it")
    for key, value in entry.items():
        if key not in settings and not isinstance(value, Mapping):  # no distribution: a misspelt setting
            raise unknown("key", key, settings, where=f"sample.{key}")
    parameters = {key: _distribution(f"sample.{key}", value) for key, value in entry.items() if key not in settings}
    try:
        return Sample(entry["method"], entry["n"], parameters, entry.get("seed", 0))
    except InputError as error:
        raise InputError(f"sample: {error}") from None


def _distribution(where: str, entry: Any) -> Distribution:
    kind, arguments = _only_entry(where, entry, tuple(QUANTILES), "{ uniform = [90, 150] }")
    try:
        return Distribution(kind, arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _axis(name: str, entry: Any) -> Axis:
    where = f"axes.{name}"
    if isinstance(entry, list):  # [80, 100, 120] is short for { values = [80, 100, 120] }
        entry = {"values": entry}
    if isinstance(entry, dict) and set(entry) == {"zip"} and isinstance(entry["zip"], dict) and entry["zip"]:
        members = tuple((key, _values(f"{where}.zip.{key}", value)) for key, value in entry["zip"].items())
    else:
        members = ((name, _values(where, entry)),)
    try:
        return Axis(name, members)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _values(where: str, entry: Any) -> Values:
    kind, arguments = _only_entry(where, entry, (*VALUE_KINDS, "zip"), "{ linspace = [90, 150, 32] }")
    try:
        return Values(kind, arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _only_entry(where: str, entry: Any, kinds: tuple[str, ...], example: str) -> tuple[str, tuple[float, ...]]:
    """(kind, numbers) of a table with one key, a kind, and a list of numbers."""
    if where.endswith(".stimulus") and isinstance(entry, dict):
        raise InputError(f'{where}: a dot in a key needs quotes here, as in "stimulus.amplitude" = {example}')
    if not isinstance(entry, dict) or len(entry) != 1:
        raise InputError(f"{where}: must be a table with one of {', '.join(kinds)}, as in {example}")
    ((kind, arguments),) = entry.items()
    if kind not in kinds:
        raise InputError(f"{where}: unknown key '{kind}'; {did_you_mean(kind, kinds)}")
    if not isinstance(arguments, list) or not all(type(x) in (int, float) for x in arguments):
        raise InputError(f"{where}.{kind}: must be a list of numbers")
    try:
        return kind, tuple(map(float, arguments))
    except OverflowError:
        raise InputError(f"{where}.{kind}: holds a number beyond 1e308") from None
