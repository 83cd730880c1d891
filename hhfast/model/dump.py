"""A model as the text of a file: what is not as by default, parameters before channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from hhfast.model.model import Model
from hhfast.model.toml_text import toml_text

_FIRST = ("name", "title", "citation", "species", "cell", "currents", "notes", "float32", "units", "main", "V_init",
          "parameters", "formulas", "functions", "channels", "pools", "compartments", "checks")  # fmt: skip
_PAIRS = ("initial", "parameters")  # fields that hold name and value, in schemes and checks


def dump(model: Model) -> str:
    """A TOML text of the model; `parse_model` gives back an equal one."""
    data = _given(model)
    data["parameters"] = _tables(data.pop("shared"))
    data["formulas"] = {f.name: f.text for f in model.formulas}
    data["functions"] = {f.name: {"args": list(f.args), "is": f.text} for f in model.functions}
    tables = {key: _plain(data[key]) for key in _FIRST if data.get(key) not in (None, (), {}, [])}
    return toml_text(tables)


def _given(element: Any) -> dict[str, Any]:
    """The fields that say something: not their defaults, in the order of the class."""
    values = {f.name: (getattr(element, f.name), f) for f in fields(element) if f.compare}
    return {k: v for k, (v, f) in values.items() if f.default is MISSING or v != f.default}


def _plain(value: Any) -> Any:
    """Nested tables, lists, texts and numbers."""
    if is_dataclass(value):
        given = _given(value)
        for key in _PAIRS:
            if key in given and isinstance(given[key], tuple) and not any(map(is_dataclass, given[key])):
                given[key] = dict(given[key])
        return {key: _plain(v) for key, v in given.items()}
    if isinstance(value, Mapping):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (tuple, list)):
        named = value and all(is_dataclass(entry) and hasattr(entry, "name") for entry in value)
        return _tables(value) if named else [_plain(entry) for entry in value]
    return value


def _tables(elements: Any) -> dict[str, Any]:
    """Named elements as tables, name -> the rest."""
    plain = {element.name: _plain(element) for element in elements}
    return {name: {k: v for k, v in table.items() if k != "name"} for name, table in plain.items()}
