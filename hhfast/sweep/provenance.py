"""Where a result comes from: versions, the code that computed it, and the file's global attributes."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import hhfast
from hhfast.errors import InputError
from hhfast.kernel.jit import cache
from hhfast.kernel.jit.llvm_compiler import arithmetic
from hhfast.sweep.space import axes_of
from hhfast.sweep.syntax_tree import fingerprint

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from hhfast.sweep.sweep import Sweep

# What may change the last digits of a result; a run is finished by what began it.
DECISIVE = ("hhfast", "code", "arithmetic", "numba", "llvmlite", "sympy")
# The code that decides the rows of any sweep, and how shards hold them.
_ROWS = (
    "model", "parts", "kernel", "batch", "sampling", "inputs.py",
    "sweep/axis.py", "sweep/space.py", "sweep/table.py", "sweep/record.py", "sweep/sweep.py", "sweep/simulate_rows.py",
    "sweep/numbered_axes.py", "sweep/constraints.py", "sweep/batch.py", "sweep/store/layout.py",
)  # fmt: skip
_ANALYSIS = ("analysis",)  # and those of an analysis


def versions(sweep: Sweep) -> dict[str, str]:
    """Versions of everything that takes part; "code" is a hash of the code that decides the rows of this sweep."""
    code = _code(_ROWS if sweep.analysis is None else _ROWS + _ANALYSIS)
    found = {name: metadata.version(name) for name in ("numba", "llvmlite", "sympy", "numpy", "h5py")}
    place = {"python": platform.python_version(), "machine": platform.machine()}
    return {"hhfast": hhfast.__version__, "code": code, "arithmetic": arithmetic(), **found, **place}


@lru_cache(maxsize=2)
def _code(places: tuple[str, ...]) -> str:
    """A hash of the code in some folders and files of the package; comments and docstrings do not count."""
    package = files("hhfast")
    where = [source for place in places for source in _sources(package.joinpath(*place.split("/")))]
    sources = [source.read_text(encoding="utf-8") for source in where]
    how = package.joinpath("sweep", "syntax_tree.py").read_text(encoding="utf-8")
    return cache.remembered("c", "\0".join([how, platform.python_version(), *sources]), lambda: fingerprint(*sources))


def _sources(place: Traversable) -> Iterator[Traversable]:
    """A Python file, or all those in a folder and below."""
    if place.is_dir():
        for entry in sorted(place.iterdir(), key=lambda f: f.name):
            yield from _sources(entry)
    elif place.name.endswith(".py"):
        yield place


def check_versions(began: dict[str, str], sweep: Sweep, place: str) -> None:
    """Refuse to finish a run with other arithmetic than it was begun with."""
    now = versions(sweep)
    changed = [f"{k} {began.get(k)} -> {now[k]}" for k in DECISIVE if began.get(k) != now[k]]
    if changed:
        raise InputError(
            f"{place}: was begun by other code ({', '.join(changed)}), so its rows may differ in the last digits; "
            "finish it with that code, or start again with --fresh"
        )


def global_attributes(sweep: Sweep, began: dict[str, str]) -> dict[str, Any]:
    """The global attributes of a result file (but for its history)."""
    used = ", ".join(f"{name} {version}" for name, version in began.items() if name != "hhfast")
    axes = axes_of(sweep.space)
    return {
        "Conventions": "CF-1.11",
        "title": f"Parameter sweep of {sweep.model.title or sweep.model.name}",
        "source": f"hhfast {began['hhfast']} ({used})",
        "references": sweep.model.citation,
        "hhfast_spec": sweep.text,
        "hhfast_spec_sha256": sweep.sha256,
        "hhfast_model": sweep.model.to_toml(),
        "hhfast_parameters": " ".join(sweep.space.names),
        "hhfast_grid_dims": " ".join(axes),
        "hhfast_grid_shape": list(axes.values()),
    }
