"""Every key of a sweep file, from the data model that reads them."""

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from generate.markdown import code, table, title_page, value
from hhfast.sampling.distributions import ARGUMENTS
from hhfast.sampling.sample import METHODS
from hhfast.sweep.axis import VALUE_KINDS
from hhfast.sweep.sweep_file_keys import TABLES

WORDS = {
    str: "text",
    float: "number",
    int: "integer",
    bool: "true or false",
    dict: "table",
    list: "list",
    tuple: "list",
}


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    example = (docs.parent / "examples" / "fi_scan.toml").read_text(encoding="utf-8").strip()
    parts = [
        "A sweep is one TOML file; `hhfast run FILE.toml` runs it, `Sweep.from_toml` reads it. A mistake in it is one "
        "line: file, key, reason, and the name that was probably meant.",
        f"```toml\n{example}\n```",
    ]
    for where, keys in TABLES.items():
        heading = f"`[{'.'.join(where)}]`" if where else "At the top"
        parts.append(f"## {heading}\n\n" + table(["key", "type", "default", ""], _rows(keys)))
    parts.append(_spaces())
    yield "reference/sweep-file.md", title_page("Sweep file", *parts)


def _rows(keys: Any) -> Iterator[tuple[str, ...]]:
    for name, field in keys.model_fields.items():
        yield code(name), _type(field.annotation), _default(field), field.description or ""


def _default(field: Any) -> str:
    if field.is_required():
        return "must be given"
    default = field.get_default(call_default_factory=True)
    return "" if default is None or default is PydanticUndefined or default in ([], {}) else value(default)


def _type(annotation: Any) -> str:
    """The type in the words of TOML."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(a) for a in arguments if a is not type(None)))
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in (list, tuple):
        inner = _type(arguments[0])
        return "list of tables" if inner == "table" else f"list of {inner}s" if inner else "list"
    if origin is not None:
        return WORDS.get(origin, "")
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        return "table"
    return WORDS.get(annotation, "")


def _spaces() -> str:
    text = (
        "What varies stands in exactly one of `[axes]`, `[sample]` and `[table]`, by the names of model parameters, or "
        '`"stimulus.NAME"` in quotes. Row i can always be computed alone.'
    )
    axes = table(["an axis", "takes"], ((code(kind), takes) for kind, takes in VALUE_KINDS.items()))
    together = "`NAME = { zip = { g_Na = {...}, g_K = {...} } }` is one axis for parameters that go together."
    methods = ", ".join(map(code, METHODS))
    sample = f"`[sample]` has `method` ({methods}), `n`, `seed` and a distribution for each parameter:"
    distributions = table(["distribution", "takes"], ((code(kind), takes) for kind, takes in ARGUMENTS.items()))
    return f"## What varies\n\n{text}\n\n{axes}\n\n{together}\n\n{sample}\n\n{distributions}"
