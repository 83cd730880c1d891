"""One batch of a sweep: its rows, those of them that are simulated, and the shard that holds the results."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hhfast.batch.fastest_rate import told_before
from hhfast.batch.result import EXCLUDED, FAILED, STATUS_MEANINGS, Result
from hhfast.errors import InputError
from hhfast.kernel.jit.llvm_compiler import arithmetic
from hhfast.parts.variable import Variable
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.shards import ShardHeader, shard_bytes
from hhfast.sweep.simulate_rows import simulate_rows
from hhfast.sweep.sweep import Sweep


@dataclass(frozen=True)
class Batch:
    """Rows to be computed together, anywhere; picklable.

    columns : the parameters of its rows, where the worker cannot find them itself (a table on the driver's disk).
    folder : the directory of the run, where the shard goes if the worker can see it.
    arithmetic : of the processor that began the run; another one would give other last digits.
    failed : rows (from the batch's first) that are known to crash the process; they are only flagged.
    """

    sweep: Sweep
    spec_sha256: str
    number: int
    start: int
    stop: int
    rows_per_batch: int
    threads: int | None
    columns: Mapping[str, np.ndarray] | None = None
    folder: str | None = None
    failed: tuple[int, ...] = ()
    arithmetic: str = ""


@dataclass(frozen=True)
class FinishedBatch:
    """A computed batch: its header, and its shard unless the worker stored that itself."""

    header: ShardHeader
    shard: bytes | None


@dataclass(frozen=True)
class SimulatedBatch:
    """The rows of a batch with their results."""

    columns: Mapping[str, np.ndarray]
    result: Result
    seconds: float


def columns_of(batch: Batch) -> Mapping[str, np.ndarray]:
    """The parameters of a batch's rows."""
    return batch.columns if batch.columns is not None else batch.sweep.space.columns(batch.start, batch.stop)


def simulate_batch(batch: Batch) -> SimulatedBatch:
    """The first half of the work on a batch: its arithmetic."""
    began = time.perf_counter()
    columns = columns_of(batch)
    excluded = ~batch.sweep.allowed(columns)
    failed = np.zeros(batch.stop - batch.start, bool)
    failed[list(batch.failed)] = True
    with told_before():  # of the whole sweep, before it began
        result = _simulate_some(batch, columns, ~(excluded | failed))
    result.status[excluded] = EXCLUDED
    result.status[failed] = FAILED
    return SimulatedBatch(columns, result, time.perf_counter() - began)


def _simulate_some(batch: Batch, columns: Mapping[str, np.ndarray], wanted: np.ndarray) -> Result:
    """Simulate the wanted rows of a batch; the others have NaN, and no spikes."""
    certify = batch.sweep.certified(batch.start, batch.stop)
    numbers = np.arange(batch.start, batch.stop)
    if wanted.all():
        return simulate_rows(batch.sweep, columns, batch.threads, certify, numbers)
    # If no row is wanted, the model's own values for one show which variables there would be.
    some = {name: values[wanted] for name, values in columns.items()} if wanted.any() else _example(batch.sweep)
    if isinstance(certify, np.ndarray):
        certify = certify[wanted] if wanted.any() else np.zeros(1, bool)
    result = simulate_rows(batch.sweep, some, batch.threads, certify, numbers[wanted] if wanted.any() else None)
    return Result(_spread(result.status, wanted), {k: _spread_variable(v, wanted) for k, v in result.variables.items()})


def _example(sweep: Sweep) -> dict[str, np.ndarray]:
    """One harmless row: no current, and the model's own values."""
    known = {name: p.value for name, p in sweep.model.parameters.items()}
    return {name: np.array([known.get(name, 0.0)]) for name in sweep.space.names}


def _spread_variable(variable: Variable, wanted: np.ndarray) -> Variable:
    if variable.dims[0] == "spike":
        return variable if wanted.any() else replace(variable, values=variable.values[:0])
    return replace(variable, values=_spread(variable.values, wanted)) if variable.dims[0] == "cell" else variable


def _spread(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values of the wanted rows in their places among all rows; NaN, or 0 for integers, in the others."""
    blank = np.nan if values.dtype.kind == "f" else 0
    result = np.full((len(wanted), *values.shape[1:]), blank, dtype=values.dtype)
    if wanted.any():
        result[wanted] = values
    return result


def store_batch(batch: Batch, simulated: SimulatedBatch) -> FinishedBatch:
    """The second half: the shard, stored if this process sees the directory of the run."""
    from hhfast.sweep.store import batch_columns, shard_image

    on_grid = batch.sweep.space.kind == "axes"
    columns = batch_columns(batch.start, simulated.columns, batch.sweep.units, simulated.result, on_grid=on_grid)
    image = shard_image(columns, batch.rows_per_batch)
    header = _header(batch, simulated)
    run = None if batch.folder is None else visible_run(batch.folder, batch.spec_sha256)
    if run is None:
        return FinishedBatch(header, b"".join(shard_bytes(header, image)))
    run.write(header, image)
    return FinishedBatch(header, None)


def try_rows(batch: Batch, first: int, last: int) -> None:
    """Simulate some rows of a batch (from its first row), to see whether they can be."""
    columns = {name: values[first:last] for name, values in columns_of(batch).items()}
    part = replace(batch, columns=columns, start=batch.start + first, stop=batch.start + last)
    simulate_batch(part)


def warm_up(sweep: Sweep) -> None:
    """Compile the kernel of a sweep (or find it compiled), by simulating one row."""
    simulate_rows(sweep, _example(sweep), threads=1)


def compute_batch(batch: Batch) -> FinishedBatch:
    """The whole of the work on a batch, as a worker of an executor does it."""
    here = arithmetic()
    if batch.arithmetic not in ("", here):
        where = f"the worker on {socket.gethostname()[:60]} computes by {here}, this run by {batch.arithmetic}"
        raise InputError(f"{where}: its rows would differ in the last digits; leave that worker out")
    return store_batch(batch, simulate_batch(batch))


def _header(batch: Batch, simulated: SimulatedBatch) -> ShardHeader:
    result = simulated.result
    status = np.bincount(result.status, minlength=len(STATUS_MEANINGS)).tolist()
    spikes = len(result.spike_time) if "spike_time" in result else 0
    seconds, host = round(simulated.seconds, 3), socket.gethostname()[:64]
    return ShardHeader(batch.number, batch.start, batch.stop, batch.spec_sha256, tuple(status), spikes, host, seconds)


@functools.lru_cache(maxsize=8)
def visible_run(folder: str, spec_sha256: str) -> RunDirectory | None:
    """The directory of this very run, if this process sees it (same machine or shared file system)."""
    try:
        run = RunDirectory.open(Path(folder))
    except ValueError:
        return None
    return run if run.plan.spec_sha256 == spec_sha256 else None
