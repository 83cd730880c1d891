"""One batch of a sweep: its rows' parameters, their simulation, and the shard that holds the outcome."""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.batch.result import EXCLUDED, FAILED, STATUS_MEANINGS, Result
from hhfast.parts.variable import Variable
from hhfast.sweep.parts import Header, Parts, sealed
from hhfast.sweep.sweep import Record, Sweep

if TYPE_CHECKING:
    from hhfast.parts.stimuli import Stimulus


@dataclass(frozen=True)
class Job:
    """A batch to be computed anywhere; picklable.

    columns : the parameters of its rows, where the worker cannot find them itself (a table on the driver's disk).
    folder : the parts directory, where the shard goes if the worker can see it.
    failed : rows (from the batch's first) that are known to crash the process; they are only flagged.
    """

    sweep: Sweep
    spec_sha256: str
    batch: int
    start: int
    stop: int
    rows_per_batch: int
    threads: int | None
    columns: Mapping[str, np.ndarray] | None = None
    folder: str | None = None
    failed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Done:
    """A computed batch: its header, and its shard unless the worker stored that itself."""

    header: Header
    shard: bytes | None


def simulate_rows(
    sweep: Sweep, columns: Mapping[str, np.ndarray], threads: int | None = None,
    certify: bool | float | np.ndarray = False, numbers: np.ndarray | None = None,
) -> Result:  # fmt: skip
    """Simulate rows with these parameters, one cell each; `certify` as in `simulate`, not as in the sweep.

    numbers : of the rows in the sweep, by which they have their noise; None: from 0 on.
    """
    from hhfast.batch.simulate import simulate

    parameters, stimulus = cells_of(sweep, columns, numbers)
    if sweep.analysis is not None:
        from hhfast.batch.analyses import analyses

        options = {name: value for name, value in sweep.analysis.items() if name != "kind"}
        how = {"dt": sweep.dt, "integrator": sweep.integrator, "rtol": sweep.rtol, "threads": threads}
        status, found = analyses[sweep.analysis["kind"]].rows(sweep.model, parameters, options | how)
        return Result(status, found, {"model": sweep.model.name})
    return simulate(
        sweep.model,
        parameters,
        stimulus=stimulus,
        t_stop=sweep.t_stop,
        dt=sweep.dt,
        integrator=sweep.integrator,
        record=_recorders(sweep.record),
        initial=sweep.initial,
        dtype=sweep.dtype,
        threads=threads,
        certify=certify,
        **sweep.control,
    )


def cells_of(
    sweep: Sweep, columns: Mapping[str, np.ndarray], numbers: np.ndarray | None = None
) -> tuple[dict[str, Any], Stimulus]:
    """The parameters of the model and the stimulus of rows, as `simulate` takes them.

    What is varied is always an array, what is fixed a scalar, so that a row's result does not depend on the rows it
    is batched with.
    """
    from hhfast.parts.stimuli import Stimulus, stimuli

    prefixes = tuple(f"{prefix}." for prefix in sweep.stimuli)
    parameters = {**sweep.parameters, **{n: values for n, values in columns.items() if not n.startswith(prefixes)}}
    total = Stimulus()
    for prefix, entry in sweep.stimuli.items():
        fixed = {name: value for name, value in entry.items() if name != "kind"}
        varied = {n.removeprefix(f"{prefix}."): values for n, values in columns.items() if n.startswith(f"{prefix}.")}
        total += stimuli[entry["kind"]](**fixed, **varied)
    return parameters, total if numbers is None else total.numbered(numbers)


def _recorders(record: Record) -> list[Any]:
    from hhfast.parts.recorders import Features, Spikes, Trace

    chosen: list[Any] = []
    if record.features:
        chosen.append(Features(record.features, threshold=record.threshold, rearm=record.rearm, window=record.window))
    if record.spikes:
        limit = Spikes.max_per_cell if record.max_spikes is None else record.max_spikes
        chosen.append(Spikes(threshold=record.threshold, rearm=record.rearm, max_per_cell=limit))
    if record.every is not None:
        chosen.append(Trace(*record.trace, every=record.every))
    return chosen


@dataclass(frozen=True)
class Outcome:
    """The rows of a batch, simulated."""

    columns: Mapping[str, np.ndarray]
    result: Result
    seconds: float


def columns_of(job: Job) -> Mapping[str, np.ndarray]:
    """The parameters of a job's rows."""
    return job.columns if job.columns is not None else job.sweep.space.columns(job.start, job.stop)


def simulate_job(job: Job) -> Outcome:
    """The first half of a job: its arithmetic."""
    began = time.perf_counter()
    columns = columns_of(job)
    excluded = ~job.sweep.allowed(columns)
    failed = np.zeros(job.stop - job.start, bool)
    failed[list(job.failed)] = True
    result = _simulate_some(job, columns, ~(excluded | failed))
    result.status[excluded] = EXCLUDED
    result.status[failed] = FAILED
    return Outcome(columns, result, time.perf_counter() - began)


def _simulate_some(job: Job, columns: Mapping[str, np.ndarray], wanted: np.ndarray) -> Result:
    """Simulate the wanted rows of a batch; the others have NaN, and no spikes."""
    certify = job.sweep.certified(job.start, job.stop)
    numbers = np.arange(job.start, job.stop)
    if wanted.all():
        return simulate_rows(job.sweep, columns, job.threads, certify, numbers)
    # If no row is wanted, the model's own values for one show which variables there would be.
    some = {name: values[wanted] for name, values in columns.items()} if wanted.any() else _example(job.sweep)
    if isinstance(certify, np.ndarray):
        certify = certify[wanted] if wanted.any() else np.zeros(1, bool)
    result = simulate_rows(job.sweep, some, job.threads, certify, numbers[wanted] if wanted.any() else None)
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


def store_job(job: Job, outcome: Outcome) -> Done:
    """The second half: the shard, stored if the parts directory is in sight of this process."""
    from hhfast.sweep.store import batch_columns, shard_image

    columns = batch_columns(job.start, outcome.columns, job.sweep.units, outcome.result)
    image = shard_image(columns, job.rows_per_batch)
    header = _header(job, outcome)
    parts = None if job.folder is None else visible_parts(job.folder, job.spec_sha256)
    if parts is None:
        return Done(header, b"".join(sealed(header, image)))
    parts.write(header, image)
    return Done(header, None)


def try_rows(job: Job, first: int, last: int) -> None:
    """Simulate some rows of a batch (from its first row), to see whether they can be."""
    columns = {name: values[first:last] for name, values in columns_of(job).items()}
    part = replace(job, columns=columns, start=job.start + first, stop=job.start + last)
    simulate_job(part)


def warm_up(sweep: Sweep) -> None:
    """Compile the kernel of a sweep (or find it compiled), by one row of one step."""
    whole = sweep.analysis is not None
    brief = sweep if whole else replace(sweep, t_stop=sweep.dt, record=replace(sweep.record, window=None))
    simulate_rows(brief, _example(sweep), threads=1)


def compute(job: Job) -> Done:
    """The whole of a job, as an executor's worker does it."""
    return store_job(job, simulate_job(job))


def _header(job: Job, outcome: Outcome) -> Header:
    result = outcome.result
    status = np.bincount(result.status, minlength=len(STATUS_MEANINGS)).tolist()
    spikes = len(result.spike_time) if "spike_time" in result else 0
    seconds, host = round(outcome.seconds, 3), socket.gethostname()[:64]
    return Header(job.batch, job.start, job.stop, job.spec_sha256, tuple(status), spikes, host, seconds)


@functools.lru_cache(maxsize=8)
def visible_parts(folder: str, spec_sha256: str) -> Parts | None:
    """The parts directory of this very run, if this process sees it (same machine or shared file system)."""
    try:
        parts = Parts.open(Path(folder))
    except ValueError:
        return None
    return parts if parts.plan.spec_sha256 == spec_sha256 else None
