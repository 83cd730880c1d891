"""What a fit is to meet, in a CSV file: recorded traces, spike times, or features with their errors.

Traces: `time` (ms, evenly spaced from 0) and a column for each, or `cell`, `time` and `V` as `hhfast simulate --csv`
writes them. Spike times: `cell` and `spike_time`, or one column. Features: their names, a row for each target, and the
error of each as `NAME_error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.sweep.table import Table

_REGULAR = 1e-3  # how far samples may lie off their grid, in steps
_ERROR = "_error"


def has_target(analysis: Mapping[str, Any] | None) -> bool:
    """Whether an analysis, as a sweep file has it, is a fit."""
    return analysis is not None and isinstance(analysis.get("target"), Mapping)


def with_target(analysis: Mapping[str, Any] | None, folder: Path) -> Mapping[str, Any] | None:
    """An analysis with the target that is in a file, relative to a folder."""
    if analysis is None or not has_target(analysis) or "file" not in analysis["target"]:
        return analysis
    given = {key: value for key, value in analysis["target"].items() if key != "file"}
    file = analysis["target"]["file"]
    if not isinstance(file, str):
        raise InputError(f"analysis.target.file: is {shown(file)}; it must be a path")
    if twice := sorted({"V", "every", "times", "values"} & given.keys()):
        raise InputError(f"analysis.target.{twice[0]}: is given, and so is file; keep one")
    path = folder / file
    return {**analysis, "target": given | target_in(path, columns_of(path), given)}


def columns_of(path: Path) -> dict[str, np.ndarray]:
    """The columns of a CSV file."""
    table = Table.open(path)
    return table.columns(0, table.n_rows)


def target_in(path: Path, columns: Mapping[str, np.ndarray], given: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a target that a file says, beside what is given: V and every, times, or values and errors."""
    if "errors" in given or any(name.endswith(_ERROR) for name in columns):
        return _features(path, columns, given)
    if len(columns) == 1 or "spike_time" in columns:
        return {"times": _trains(path, columns)}
    return _traces(path, columns)


def _features(path: Path, columns: Mapping[str, np.ndarray], given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: column.tolist() for name, column in columns.items() if not name.endswith(_ERROR)}
    errors = {name.removesuffix(_ERROR): c.tolist() for name, c in columns.items() if name.endswith(_ERROR)}
    for name in errors:
        if name not in values:
            raise InputError(f"{path}: has a column {name}{_ERROR}, and none of {name}")
    return {"values": values, "errors": {**given.get("errors", {}), **errors}}


def _trains(path: Path, columns: Mapping[str, np.ndarray]) -> list[list[float]]:
    """Spike times of each cell, in the order of the cells' numbers."""
    if len(columns) == 1:
        (times,) = columns.values()
        return [times.tolist()]
    if set(columns) != {"cell", "spike_time"}:
        known = ", ".join(columns)
        raise InputError(f"{path}: has the columns {known}; spike times of several cells are cell and spike_time")
    return [columns["spike_time"][columns["cell"] == cell].tolist() for cell in np.unique(columns["cell"])]


def _traces(path: Path, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if {"cell", "time", "V"} <= columns.keys():
        cells = np.unique(columns["cell"])
        times = [columns["time"][columns["cell"] == cell] for cell in cells]
        V = [columns["V"][columns["cell"] == cell].tolist() for cell in cells]
        if any(not np.array_equal(time, times[0]) for time in times):
            raise InputError(f"{path}: its cells have samples at different times; give one file for each")
        return {"V": V, "every": _interval(path, times[0])}
    if "time" in columns and "V" in columns:  # what was recorded beside V is no target
        return {"V": [columns["V"].tolist()], "every": _interval(path, columns["time"])}
    if "time" not in columns and len(columns) > 2:
        known = ", ".join(columns)
        raise InputError(f"{path}: has the columns {known}; it needs two, time and V, or one of spike times")
    time = columns["time"] if "time" in columns else next(iter(columns.values()))
    return {"V": [c.tolist() for c in columns.values() if c is not time], "every": _interval(path, time)}


def _interval(path: Path, time: np.ndarray) -> float:
    """The interval of samples, ms. Raises `InputError` where they are not evenly spaced from 0."""
    every = float(time[-1] - time[0]) / max(len(time) - 1, 1)
    if len(time) < 2 or every <= 0 or np.abs(time - every * np.arange(len(time))).max() > _REGULAR * every:
        raise InputError(f"{path}: samples must be evenly spaced from time 0; resample the recording")
    return every
