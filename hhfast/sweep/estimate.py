"""What a sweep will take in time and space, measured on a second of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, cast

import numpy as np

from hhfast.batch.result import Result
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Trace
from hhfast.sweep.batch_size import rows_per_batch, trace_bytes
from hhfast.sweep.simulate_rows import simulate_rows
from hhfast.sweep.sweep import Sweep

_ROWS = 1024  # of the calibration: enough to occupy the threads
_SECONDS = 0.5  # the shortest measurement that is accurate enough


@dataclass(frozen=True)
class Estimate:
    """The size of a sweep, and its predicted time on this machine.

    n_steps : steps of each row. n_bytes : of the result, before compression (spike times as in the calibration).
    """

    n_rows: int
    rows_per_batch: int
    n_steps: int
    n_bytes: float
    seconds: float
    nanoseconds_per_step: float


def estimate(sweep: Sweep, threads: int | None = None) -> Estimate:
    """Simulate rows from all over the space for about a second, after compilation."""
    columns = some_rows(sweep)
    n = len(next(iter(columns.values())))
    # An analysis cannot be shortened.
    duration = sweep.t_stop if sweep.analysis is not None else min(sweep.t_stop, 20 * sweep.dt)
    simulate_rows(_shortened(sweep, duration), columns, threads)  # compiles
    while True:
        began = time.perf_counter()
        result = simulate_rows(_shortened(sweep, duration), columns, threads, sweep.certify)
        seconds = time.perf_counter() - began
        if seconds >= _SECONDS or duration >= sweep.t_stop:
            break
        duration = min(sweep.t_stop, duration * min(10.0, 1.5 * _SECONDS / seconds))
    per_step = seconds / (n * _shortened(sweep, duration).n_steps)
    n_rows = sweep.space.n_rows
    n_bytes = n_rows * _bytes_per_row(sweep, result, duration)
    total = per_step * n_rows * sweep.n_steps
    return Estimate(n_rows, min(n_rows, rows_per_batch(sweep)), sweep.n_steps, n_bytes, total, 1e9 * per_step)


def some_rows(sweep: Sweep) -> dict[str, np.ndarray]:
    """Rows spread evenly over the space, a few from each of several places."""
    n_rows = sweep.space.n_rows
    starts = np.linspace(0, max(0, n_rows - 16), _ROWS // 16).astype(int) if n_rows > _ROWS else np.array([0])
    length = 16 if n_rows > _ROWS else n_rows
    blocks = [sweep.space.columns(start, start + length) for start in starts.tolist()]
    return {name: np.concatenate([block[name] for block in blocks]) for name in sweep.space.names}


def _shortened(sweep: Sweep, duration: float) -> Sweep:
    """The sweep with another duration; what is recorded in a window is recorded all the time."""
    if duration == sweep.t_stop:
        return sweep
    return replace(sweep, t_stop=duration, record=tuple(map(_without_window, sweep.recorders)))


def _without_window(recorder: Recorder) -> Recorder:
    has_window = is_dataclass(recorder) and getattr(recorder, "window", None) is not None
    without: Recorder = replace(cast("Any", recorder), window=None) if has_window else recorder
    return without


def _bytes_per_row(sweep: Sweep, result: Result, duration: float) -> float:
    """Bytes of one row of the result file, from those of a shorter run."""
    longer = sweep.t_stop / duration
    total = 8.0 * (1 + len(sweep.space.names)) + 1
    for variable in result.variables.values():
        if variable.dims[0] == "spike":
            total += longer * variable.values.nbytes / result.n_cells
        elif variable.dims == ("cell",):
            total += variable.values.itemsize
    return total + sum(trace_bytes(r, sweep.t_stop) for r in sweep.recorders if isinstance(r, Trace))
