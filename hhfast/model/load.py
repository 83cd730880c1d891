"""Model files: TOML in, Model out. Reading a file never executes anything in it, and is bounded."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hhfast.errors import BROKEN, InputError, did_you_mean, one_line, shown
from hhfast.inputs import path_of
from hhfast.model.model import Model

_MAX_SIZE = 1_000_000  # bytes of a file; the largest published model takes some thousands
_MAX_DOTS = 100  # of a dotted key; tomllib takes time and memory by the square of them
# What a file gives as tables of named things, and what is in them; () marks name = text.
_CHANNELS: dict[str, Any] = {"gates": {}, "parameters": {}}
_POOLS: dict[str, Any] = {"parameters": {}}
_LISTS: dict[str, Any] = {
    "channels": _CHANNELS, "pools": _POOLS, "parameters": {}, "formulas": "text", "functions": {},
    "compartments": {"channels": _CHANNELS, "pools": _POOLS, "parameters": {}},
}  # fmt: skip
_KEYS: dict[str, list[str]] = {
    "gates": ["power", "alpha", "beta", "inf", "tau", "rate_scale", "initial", "instantaneous"],
    "parameters": ["value", "unit"],
    "pools": ["unit", "initial", "a", "b", "parameters"],
    "scheme": ["states", "transitions", "open", "initial"],
    "channels": ["g", "E", "current", "rate_scale", "gates", "parameters", "open", "scheme", "count"],
    "coupling": ["to", "g", "fraction"],
    "compartments": ["coupling", "C_m", "V_init", "i_app", "channels", "pools", "parameters"],
    "functions": ["args", "is"],
    "checks": ["t_stop", "spikes", "i_app", "start", "stop", "threshold", "rearm", "rtol", "parameters"],
}
_TOP = ["name", "title", "citation", "units", "V_init", "parameters", "channels", "pools", "formulas", "functions",
        "compartments", "main", "species", "cell", "currents", "notes", "checks", "float32"]  # fmt: skip


def load_model(path: str | Path) -> Model:
    """The model in a TOML file, at `path`.

    Raises `InputError` (file, key, reason) if the file cannot be read or is not a model.
    """
    path = path_of("path", path)
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot read the model file: it is not a file")
        if not path.stat().st_size:  # or one that the system makes up, as /proc/kmsg, which would be waited for
            raise InputError(f"{path}: cannot read the model file: it is empty")
        with path.open("rb") as file:
            content = file.read(_MAX_SIZE + 1)
        if len(content) > _MAX_SIZE:
            raise InputError(f"{path}: above {_MAX_SIZE:,} bytes; this is no model file")
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{path}: cannot read the model file: {reason}") from None
    return parse_model(text, str(path))


@lru_cache(maxsize=128)
def parse_model(text: str, where: str = "model", trusted: bool = False) -> Model:
    """The model in a TOML text; `where` names its place in error messages."""
    try:
        return _model(toml_table(text), text, trusted)
    except InputError as error:
        raise InputError(f"{where}: {one_line(str(error), 240)}") from None
    except BROKEN as error:
        raise InputError(f"{where}: not a model: {one_line(str(error), 240) or type(error).__name__}") from None


def toml_table(text: str, most: int = _MAX_SIZE) -> dict[str, Any]:
    """The tables of a TOML text, of bounded size (in characters) and depth."""
    if len(text) > most:
        raise InputError(f"above {most:,} characters; this is no such file")
    if any(part.count(".") > _MAX_DOTS for part in re.split(r"[,=\[\]{}\n]", text)):
        raise InputError("not valid TOML: a key of more than 100 parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}") from None
    except RecursionError:
        raise InputError("not valid TOML: nested too deeply") from None
    except ValueError:  # of Python's own limit
        raise InputError("holds a number of more than 4,300 digits; numbers go up to 1e308") from None


def _model(table: dict[str, Any], text: str, trusted: bool) -> Model:
    for key in table:
        if key not in _TOP:
            raise InputError(f"unknown key '{key}'; {did_you_mean(key, _TOP)}")
    data = _as_lists(table, _LISTS)
    data["shared"] = data.pop("parameters", ())
    data.setdefault("channels", ())
    try:
        return TypeAdapter(Model).validate_python({**data, "text": text, "trusted": trusted})
    except ValidationError as error:
        raise InputError(_explain(error, data)) from None


def _as_lists(table: Any, lists: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Tables of named things -> tuples of things with a `name`, as the dataclasses have them."""
    result = dict(table)
    for key, inner in lists.items():
        entries = result.get(key)
        if not isinstance(entries, dict):
            continue
        if inner == "text":
            result[key] = tuple({"name": name, "text": entry} for name, entry in entries.items())
            continue
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                table_like = '{ value = ..., unit = "..." }' if key == "parameters" else "a table"
                raise InputError(f"{path}{key}.{name}: give {table_like}, not {shown(entry)}")
        result[key] = tuple(
            {**_as_fields(_as_lists(entry, inner, f"{path}{key}.{name}."), key), "name": name}
            for name, entry in entries.items()
        )
    if not path:
        result["checks"] = _checks(result.get("checks", ()))
    return result


def _as_fields(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """Keys of a file whose dataclass calls them otherwise, and numbers where a formula may stand."""
    if kind == "functions" and "is" in entry:
        entry["text"] = entry.pop("is")
    if kind == "channels" and isinstance(scheme := entry.get("scheme"), dict) and "initial" in scheme:
        if not isinstance(scheme["initial"], dict):
            raise InputError("scheme.initial: give { state = value }")
        entry["scheme"] = {**scheme, "initial": tuple(scheme["initial"].items())}
    if kind == "compartments":
        C_m = entry.get("C_m")
        if isinstance(C_m, dict) and C_m.keys() == {"value", "unit"}:
            if C_m["unit"] not in ("uF cm-2", "pF"):
                raise InputError(f"compartments: C_m: unit '{C_m['unit']}' must be that of the model's C_m")
            entry["C_m"] = C_m["value"]
        if isinstance(coupling := entry.get("coupling"), dict):
            entry["coupling"] = {k: repr(v) if isinstance(v, (int, float)) else v for k, v in coupling.items()}
    return entry


def _checks(entries: Any) -> Any:
    if not isinstance(entries, (list, tuple)):
        raise InputError("checks: give a list of tables, [[checks]]")
    found = []
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("parameters", {}), dict):
            raise InputError("checks: give tables, [[checks]], with parameters = { name = value }")
        found.append({**entry, "parameters": tuple(entry.get("parameters", {}).items())})
    return tuple(found)


def _explain(error: ValidationError, data: dict[str, Any]) -> str:
    """The first problem in one line: key path, what is wrong, what to do."""
    first = min(error.errors(), key=lambda e: e["type"] != "unexpected_keyword_argument")  # likely why one is missing
    path: list[str] = []
    place: Any = data
    part: Any
    for part in first["loc"]:
        if part in ("str", "float", "int"):  # pydantic's names for the members of a union
            continue
        place = place[part] if isinstance(place, (dict, tuple)) and _has(place, part) else None
        label = place["name"] if isinstance(part, int) and isinstance(place, dict) and "name" in place else str(part)
        path.append("parameters" if label == "shared" else label)
    if len(path) > 1 and path[0] == "functions":
        path = ["is" if part == "text" else part for part in path]
    if len(path) > 2 and path[0] == "formulas":
        path = path[:2]
    key = ".".join(path) or ".".join(map(str, first["loc"]))
    match first["type"]:
        case "value_error":
            message = str(first["ctx"]["error"])
            return f"{key}: {message}" if key else message
        case "missing":
            return f"{key}: this key is missing"
        case "unexpected_keyword_argument":
            return f"unknown key '{key}'; {did_you_mean(path[-1], _known_keys(path))}"
    return f"{key}: {first['msg'][0].lower()}{first['msg'][1:]}, not {shown(first['input'])}"


def _has(place: Any, part: Any) -> bool:
    return part in place if isinstance(place, dict) else isinstance(part, int) and part < len(place)


def _known_keys(path: list[str]) -> list[str]:
    """The keys of the innermost table that the path leads into."""
    return next((_KEYS[part] for part in reversed(path[:-1]) if part in _KEYS), _TOP)
