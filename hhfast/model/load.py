"""Model files: TOML in, Model out, and back. Reading a file never executes anything in it."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import TypeAdapter, ValidationError

from hhfast.errors import InputError, did_you_mean
from hhfast.model.model import Model

_LISTS: dict[str, Any] = {"channels": {"gates": {}, "parameters": {}}, "pools": {"parameters": {}}, "parameters": {}}


def load_model(path: str | Path) -> Model:
    """The model in a TOML file.

    Raises `InputError` (file, key, reason) if the file cannot be read or is not a model.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path}: cannot read the model file: {reason}") from None
    return parse_model(text, str(path))


@lru_cache(maxsize=64)
def parse_model(text: str, where: str = "model", trusted: bool = False) -> Model:
    """The model in a TOML text; `where` names its place in error messages."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None
    for key in ("text", "trusted", "shared"):  # fields of Model that are no keys of a file
        if key in table:
            raise InputError(f"{where}: unknown key '{key}'")
    try:
        data = _as_lists(table, _LISTS)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    data["shared"] = data.pop("parameters", ())
    data.setdefault("channels", ())
    try:
        return TypeAdapter(Model).validate_python({**data, "text": text, "trusted": trusted})
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error, data)}") from None


def _as_lists(table: Any, lists: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Tables of named things -> tuples of things with a `name`, as the dataclasses have them."""
    result = dict(table)
    for key, inner in lists.items():
        entries = result.get(key)
        if not isinstance(entries, dict):
            continue
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                table_like = '{ value = ..., unit = "..." }' if key == "parameters" else "a table"
                raise InputError(f"{path}{key}.{name}: give {table_like}, not {entry!r}")
        result[key] = tuple({**_as_lists(entry, inner, f"{path}{key}.{name}."), "name": name}
                            for name, entry in entries.items())
    return result


def _explain(error: ValidationError, data: dict[str, Any]) -> str:
    """The first problem in one line: key path, what is wrong, what to do."""
    first = error.errors()[0]
    path: list[str] = []
    place: Any = data
    part: Any
    for part in first["loc"]:
        if part in ("str", "float", "int"):  # pydantic's names for the members of a union
            continue
        place = place[part] if isinstance(place, (dict, tuple)) and _has(place, part) else None
        label = place["name"] if isinstance(part, int) and isinstance(place, dict) else str(part)
        path.append("parameters" if label == "shared" else label)
    key = ".".join(path)
    match first["type"]:
        case "value_error":
            message = str(first["ctx"]["error"])
            return f"{key}: {message}" if key else message
        case "missing":
            return f"{key}: this key is missing"
        case "unexpected_keyword_argument":
            return f"unknown key '{key}'; {did_you_mean(path[-1], _known_keys(path))}"
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]}, not {first['input']!r}"


def _has(place: Any, part: Any) -> bool:
    return part in place if isinstance(place, dict) else isinstance(part, int) and part < len(place)


def _known_keys(path: list[str]) -> list[str]:
    if "gates" in path[:-1]:
        return ["power", "alpha", "beta", "inf", "tau", "rate_scale", "initial"]
    if "parameters" in path[:-1]:
        return ["value", "unit"]
    if path[0] == "pools" and len(path) > 1:
        return ["unit", "initial", "a", "b", "parameters"]
    if path[0] == "channels" and len(path) > 1:
        return ["g", "E", "current", "rate_scale", "gates", "parameters"]
    return ["name", "title", "citation", "units", "V_init", "parameters", "channels", "pools"]


def dump(model: Model) -> str:
    """A canonical TOML text of the model; `parse_model` gives back an equal one."""
    data = {key: value for key, value in asdict(model).items() if key not in ("text", "trusted")}
    data["parameters"] = data.pop("shared")
    return tomli_w.dumps(_as_tables(data))


def _as_tables(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_tables(v) for key, v in value.items() if v is not None and v != ()}
    if isinstance(value, tuple):
        return {entry["name"]: _as_tables({k: v for k, v in entry.items() if k != "name"}) for entry in value}
    return value
