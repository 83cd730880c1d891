"""TOML as people write model files: a parameter in one line, a table for each channel and gate."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

_INLINE = ({"value", "unit"}, {"args", "is"}, {"to", "g"}, {"to", "g", "fraction"})  # keys of tables in one line
_WIDTH = 110


def toml_text(table: Mapping[str, Any]) -> str:
    """A TOML text of nested mappings, lists, texts and numbers, as `tomllib.loads` reads it back."""
    return "\n".join(_lines(table, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    inner = {k: v for k, v in table.items() if isinstance(v, Mapping) and set(v) not in _INLINE}
    arrays = {k: v for k, v in table.items() if isinstance(v, list) and v and all(isinstance(e, Mapping) for e in v)}
    own = {k: v for k, v in table.items() if k not in inner and k not in arrays}
    if path and (own or not (inner or arrays)):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in own.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield from _lines(value, (*path, key))
    for key, entries in arrays.items():
        for entry in entries:
            yield ""
            yield f"[[{'.'.join(map(_key, (*path, key)))}]]"
            yield from (f"{_key(k)} = {_value(v)}" for k, v in entry.items())


def _key(name: str) -> str:
    return tomli_w.dumps({name: 0}).partition(" =")[0]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        items = [_value(v) for v in value]
        line = f"[{', '.join(items)}]"
        if len(line) > _WIDTH and all(isinstance(v, (int, float)) for v in value):
            return "[\n" + textwrap.fill(", ".join(items), _WIDTH, initial_indent="  ", subsequent_indent="  ") + "\n]"
        return line if len(line) <= _WIDTH else "[\n" + "".join(f"  {item},\n" for item in items) + "]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
