"""A stimulus in words, as `--stimulus "alpha_synapse g=0.3 tau=1"`: the table of a sweep file on the command line.

Of a voltage clamp, levels and durations are lists, and a ramp is `from:to`: "voltage_clamp holding=-70
levels=-100,-80:40 durations=5,10". Currents and commands through points are read from a file: "waveform_clamp
file=spike.csv".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hhfast.errors import InputError

if TYPE_CHECKING:
    from hhfast.parts.stimulus import Stimulus

_LISTS = ("levels", "durations")
_FILE = "file"


def stimulus_of(texts: Sequence[str]) -> Stimulus:
    """The sum of stimuli in words. Raises `InputError` (the words, what is wrong, what to do)."""
    from hhfast.parts.stimulus import Stimulus

    total = Stimulus()
    for text in texts:
        try:
            total += _one(text)
        except InputError as error:
            raise InputError(f"--stimulus '{text}': {error}") from None
    return total


def _one(text: str) -> Stimulus:
    from hhfast.sweep.stimulus import stimulus_kind
    from hhfast.sweep.table import read_waveform

    words = text.split()
    if not words:
        raise InputError("is empty; give KIND NAME=VALUE ..., as 'alpha_synapse g=0.3 tau=1'")
    entry: dict[str, Any] = {"kind": words[0]}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise InputError(f"{word}: give NAME=VALUE, without spaces around =")
        if name in entry:
            raise InputError(f"{word}: {name} is given twice; keep one")
        entry[name] = value if name == _FILE else _value(word, name, value)
    kind = stimulus_kind(_with_steps(entry))
    values = {name: value for name, value in _with_steps(entry).items() if name != "kind"}
    if _FILE in values:
        if not kind.tables:
            raise InputError(f"file: {kind.name} has no points; give its parameters: {', '.join(kind.parameters)}")
        values |= dict(zip(kind.tables, read_waveform(Path(values.pop(_FILE))), strict=True))
    elif kind.tables:
        raise InputError("its points are read from a file of the columns time and value; give file=NAME.csv")
    return kind(**values)


def _with_steps(entry: dict[str, Any]) -> dict[str, Any]:
    """The table with the steps of a clamp as parameters of their own."""
    from hhfast.sweep.clamp_entry import is_clamp, with_steps

    return dict(with_steps("voltage_clamp", entry)) if is_clamp(entry) else entry


def _value(word: str, name: str, value: str) -> Any:
    if name in _LISTS:
        return [_level(word, part) for part in value.split(",")]
    return _number(word, value)


def _level(word: str, text: str) -> float | list[float]:
    """A level, or the ends of a ramp."""
    begin, colon, end = text.partition(":")
    return [_number(word, begin), _number(word, end)] if colon else _number(word, text)


def _number(word: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{word}: '{text}' is no number") from None
