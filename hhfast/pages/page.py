"""One self-contained HTML file from parts: markup, style, scripts, data.

A user's text (titles, names) is only in the data: JSON in which `<` is escaped, which scripts show as text. The page
may run no other scripts than these and load nothing: its content security policy lists their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

LARGEST = 2_000_000  # bytes of a page


def part(name: str) -> str:
    """A file of this folder."""
    return files("hhfast.pages").joinpath(name).read_text(encoding="utf-8")


def page(body: str, data: Mapping[str, Any], kernels: Sequence[str], scripts: Sequence[str]) -> str:
    """The text of a page. kernels : sources that the worker of the page runs, too. scripts : names of further ones."""
    engine = "\n".join(['"use strict";', *kernels, part("scripts/bounds.js"), part("scripts/simulation.js")])
    view = '"use strict";\n' + "\n".join(part(f"scripts/{name}.js") for name in scripts)
    parts = {
        "POLICY": _policy(engine, view),
        "STYLE": part("style.css"),
        "BODY": part(f"{body}.html"),
        "DATA": _json(data),
        "ENGINE": engine,
        "WORKER": part("scripts/worker.js"),
        "VIEW": view,
    }
    pieces = part("page.html").split("@@")  # text and the names of parts, in turn
    return "".join(parts[piece] if k % 2 else piece for k, piece in enumerate(pieces))


def _json(data: Mapping[str, Any]) -> str:
    """JSON that ends no script and opens no comment in a page; numbers that JSON has not are null."""
    return json.dumps(_finite(data), ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _finite(data: Any) -> Any:
    match data:
        case float() if not math.isfinite(data):
            return None
        case Mapping():
            return {str(key): _finite(value) for key, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
    return data


def _policy(*scripts: str) -> str:
    """Nothing from elsewhere; these scripts; workers made of them."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; script-src {allowed}; worker-src blob:; style-src 'unsafe-inline'; img-src data:"
