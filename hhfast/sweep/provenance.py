"""Where a result comes from: versions, the code that computed it, and the file's global attributes."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import hhfast
from hhfast.errors import InputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from hhfast.sweep.sweep import Sweep

# What may change the last digits of a result; a run is finished by what began it.
DECISIVE = ("hhfast", "code", "numba", "llvmlite", "sympy")
_ONLY_SHOW = ("__main__.py", "ask.py", "cli.py", "curves.py", "plots.py", "progress.py", "show.py")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Versions of everything that takes part; "code" is a hash of hhfast itself."""
    found = {name: metadata.version(name) for name in ("numba", "llvmlite", "sympy", "numpy", "h5py")}
    place = {"python": platform.python_version(), "machine": platform.machine()}
    return {"hhfast": hhfast.__version__, "code": _code(), **found, **place}


def _code() -> str:
    """The hash of the files that a row or a shard may depend on: all but those that only show."""
    digest = hashlib.sha256()
    for source in _sources(files("hhfast")):
        if source.name not in _ONLY_SHOW:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda f: f.name):
        if entry.name.endswith(".py"):
            yield entry
        elif entry.is_dir():
            yield from _sources(entry)


def check_versions(began: dict[str, str], place: str) -> None:
    """Refuse to finish a run with other arithmetic than it was begun with."""
    now = versions()
    changed = [f"{k} {began.get(k)} -> {now[k]}" for k in DECISIVE if began.get(k) != now[k]]
    if changed:
        raise InputError(
            f"{place}: was begun by other code ({', '.join(changed)}), so its rows may differ in the last digits; "
            "finish it with that code, or start again with --fresh"
        )


def global_attributes(sweep: Sweep, began: dict[str, str]) -> dict[str, Any]:
    """The global attributes of a result file (but for its history)."""
    used = ", ".join(f"{name} {version}" for name, version in began.items() if name != "hhfast")
    return {
        "Conventions": "CF-1.11",
        "title": f"Parameter sweep of {sweep.model.title or sweep.model.name}",
        "source": f"hhfast {began['hhfast']} ({used})",
        "references": sweep.model.citation,
        "hhfast_spec": sweep.text,
        "hhfast_spec_sha256": sweep.sha256,
        "hhfast_model": sweep.model.to_toml(),
        "hhfast_parameters": " ".join(sweep.space.names),
        "hhfast_grid_dims": " ".join(sweep.space.dims),
        "hhfast_grid_shape": list(sweep.space.shape),
    }
