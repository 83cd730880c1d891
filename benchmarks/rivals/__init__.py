"""The contestants of compare.py: each module of this folder has a tuple ENTRIES, found here by looking.

A module must be importable without its library: that is imported in `prepare`, in the contestant's own process.
"""

from __future__ import annotations

import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from workload import Workload

Counts = np.ndarray
Run = Callable[[], tuple[Counts, float]]  # spike counts, seconds


@dataclass(frozen=True)
class Entry:
    """One contestant. `prepare(work, dtype, threads)` builds and compiles, and returns what runs the work once.

    settings : what was chosen to make it fast, for the table's footnotes. library : what must be importable;
    rival : whether it lives in the rivals' environment. program : what must be on the PATH. order : place in the table.
    """

    key: str
    title: str
    integrator: str
    settings: str
    prepare: Callable[[Workload, str, int], Run]
    order: int
    library: str = "numpy"
    program: str = ""
    rival: bool = False
    dtypes: tuple[str, ...] = ("float64",)
    threaded: bool = True


def entries() -> dict[str, Entry]:
    """All contestants by key, in the order of the table."""
    modules = [import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found = sorted((e for m in modules for e in m.ENTRIES), key=lambda e: e.order)
    return {e.key: e for e in found}


def timed(function: Callable[[], Counts]) -> Run:
    """A run that is timed from the call to the counts."""

    def run() -> tuple[Counts, float]:
        start = time.perf_counter()
        counts = np.asarray(function())
        return counts, time.perf_counter() - start

    return run
