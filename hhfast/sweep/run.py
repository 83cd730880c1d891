"""Running a sweep: what is missing is simulated batch by batch into shards, and at the end the shards are merged."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import math
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from hhfast.errors import InputError
from hhfast.sweep.batch import Done, Job, compute, simulate_job, store_job
from hhfast.sweep.durable import lock, write_durably
from hhfast.sweep.parts import DamagedShard, Parts, Plan, parts_directory, remove_parts
from hhfast.sweep.progress import Reporter
from hhfast.sweep.provenance import check_versions, global_attributes, versions
from hhfast.sweep.space import Rows
from hhfast.sweep.spec import Sweep
from hhfast.sweep.table import Table

_STEPS_PER_BATCH = 2e7, 1e8  # neuron-steps: the work of a second or so; the larger where there are many batches
_MANY_BATCHES = 8
_ROWS_PER_BATCH = 1024, 65536  # enough to occupy all threads; few enough for memory
_TRACE_BYTES_PER_BATCH = 64e6
_UNWRITTEN = 2  # batches that may wait for the disk while the next is computed
_WINDOW = 4  # tasks submitted per worker


class Incomplete(RuntimeError):
    """A run stopped early; what is finished is safe, and the same command resumes it."""


def run_sweep(
    sweep: Sweep, out: Path, executor: Executor | None = None, *, fresh: bool = False, progress: bool = True,
    threads: int | None = None,
) -> Path:  # fmt: skip
    """Simulate every row of a sweep into `out`; see `Sweep.run`.

    Raises `InputError` before anything is touched, `Incomplete` or KeyboardInterrupt when what is finished is safe.
    """
    if is_finished(sweep, out, fresh):
        return out
    with _opened(sweep, out, fresh) as parts, _explained(parts):
        with Reporter(out.name, sweep.space.n_rows, "rows", show=progress) as reporter:
            todo = _check_shards(parts, reporter)
            if executor is None:
                _run_here((_job(sweep, parts, batch, threads) for batch in todo), parts, reporter)
            else:
                _run_on(executor, (_job(sweep, parts, batch, threads or 1) for batch in todo), parts, reporter)
        merge_parts(sweep, parts, progress)
        remove_parts(parts.folder)
    return out


def is_finished(sweep: Sweep, out: Path, fresh: bool = False) -> bool:
    """Whether `out` already holds this sweep. With `fresh`, a result that is ours makes way.

    Raises `InputError` if `out` is anything else: it is never overwritten.
    """
    from hhfast.sweep.store import ResultFile

    if not out.exists():
        return False
    if out.is_dir():
        raise InputError(f"{out}: is a directory; give a file name with -o")
    try:
        with ResultFile(out) as result:
            sha256 = result.attributes["hhfast_spec_sha256"]
    except InputError as error:
        raise InputError(f"{error}, and is not overwritten; choose another output with -o") from None
    if fresh:
        out.unlink()
        return False
    if sha256 != sweep.sha256:
        remedy = "choose another output with -o, or replace it with --fresh"
        raise InputError(f"{out}: holds the result of another sweep; {remedy}")
    return True


def rows_per_batch(sweep: Sweep) -> int:
    """Rows of one batch: a power of two that is some seconds of work, unless the sweep says otherwise.

    It depends on the sweep alone, so that machines that share a sweep agree on its batches.
    """
    if sweep.rows_per_batch is not None:
        return sweep.rows_per_batch
    record = sweep.record
    few, many = (steps / sweep.n_steps for steps in _STEPS_PER_BATCH)
    wanted = min(max(sweep.space.n_rows / _MANY_BATCHES, few), many)
    wanted = min(max(wanted, _ROWS_PER_BATCH[0]), _ROWS_PER_BATCH[1])
    if record.every is not None:
        row_bytes = 4 * len(record.trace) * (1 + sweep.t_stop / record.every)
        wanted = min(wanted, max(1.0, _TRACE_BYTES_PER_BATCH / row_bytes))
    return int(2 ** int(math.log2(wanted)))


@contextlib.contextmanager
def _opened(sweep: Sweep, out: Path, fresh: bool) -> Iterator[Parts]:
    """The parts directory of a run, found or made, and locked; if it ends up empty, it goes."""
    folder = parts_directory(out)
    existed = (folder / "spec.json").exists()
    if existed and not fresh:
        _check_same(Parts.open(folder), sweep)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another output with -o") from None
    try:
        with _locked(folder, out):
            if existed and fresh:
                Parts.open(folder)  # refuses a directory that is not recognisably ours
                remove_parts(folder)
            parts = Parts.open(folder) if existed and not fresh else Parts.create(folder, _plan(sweep))
            parts.remove_temporaries()
            try:
                yield parts
            except InputError:
                if not parts.present():  # a mistake that only the first simulation could find
                    remove_parts(folder)
                raise
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock(folder / "lock", str(out)))
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another output with -o") from None
        yield


def _check_same(parts: Parts, sweep: Sweep) -> None:
    if parts.plan.spec_sha256 != sweep.sha256:
        raise InputError(
            f"{parts.folder}: holds an unfinished run of another sweep ({_difference(parts.plan.spec, sweep.text)}); "
            "finish that one, choose another output with -o, or start again with --fresh"
        )
    check_versions(parts.plan.versions, str(parts.folder))


def _difference(old: str, new: str) -> str:
    """The keys in which two canonical specs differ."""
    a, b = json.loads(old), json.loads(new)
    return ", ".join(sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))) + " differ"


def _plan(sweep: Sweep) -> Plan:
    model = sweep.model.to_toml()
    return Plan(sweep.text, sweep.sha256, model, sweep.space.n_rows, rows_per_batch(sweep), versions())


def _check_shards(parts: Parts, reporter: Reporter) -> list[int]:
    """Check every shard in full; the batches still to do. A damaged shard is set aside and its batch done again."""
    for batch in parts.present():
        try:
            header, _ = parts.read(batch)
        except DamagedShard as damage:
            kept = parts.set_aside(batch)
            reporter.say(f"batch {batch}: its shard is damaged ({damage}); kept as {kept}, computing its rows again")
        else:
            reporter.advance(header.stop - header.start)
    todo = parts.missing()
    if reporter.done:
        reporter.say(f"resuming {parts.out}: {reporter.done:,} of {parts.plan.n_rows:,} rows are done")
    return todo


def _job(sweep: Sweep, parts: Parts, batch: int, threads: int | None) -> Job:
    start, stop = parts.plan.rows(batch)
    # Only the driver's disk is sure to have the table; other spaces are computed where they are needed.
    columns = sweep.space.columns(start, stop) if isinstance(sweep.space, Table | Rows) else None
    folder = str(parts.folder.resolve())
    return Job(sweep, sweep.sha256, batch, start, stop, parts.plan.rows_per_batch, threads, columns, folder)


def _run_here(jobs: Iterable[Job], parts: Parts, reporter: Reporter) -> None:
    """Simulate in this thread, which interrupts reach, while another one writes."""
    with ThreadPoolExecutor(1, thread_name_prefix="hhfast-writer") as writer:
        unwritten: deque[Future[Done]] = deque()
        for job in jobs:
            unwritten.append(writer.submit(store_job, job, simulate_job(job)))
            while len(unwritten) > _UNWRITTEN or (unwritten and unwritten[0].done()):
                _accept(unwritten.popleft().result(), parts, reporter)
        for future in unwritten:
            _accept(future.result(), parts, reporter)


def _run_on(executor: Executor, jobs: Iterable[Job], parts: Parts, reporter: Reporter) -> None:
    """Keep a sliding window of tasks in an executor: enough to keep it busy, too few to choke its scheduler."""
    window = _WINDOW * (getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
    finished: SimpleQueue[Future[Done]] = SimpleQueue()
    running: set[Future[Done]] = set()
    waiting = iter(jobs)
    try:
        while True:
            for job in itertools.islice(waiting, window - len(running)):
                future = executor.submit(compute, job)
                running.add(future)
                future.add_done_callback(finished.put)
            if not running:
                return
            future = finished.get()
            running.remove(future)
            _accept(future.result(), parts, reporter)
    finally:
        for future in running:
            future.cancel()


def _accept(done: Done, parts: Parts, reporter: Reporter) -> None:
    """Take in a finished batch, and store it if its worker could not."""
    if done.shard is not None:
        write_durably(parts.path(done.header.batch), done.shard)
    reporter.advance(done.header.stop - done.header.start)


def merge_parts(sweep: Sweep, parts: Parts, progress: bool) -> None:
    """Merge a complete parts directory in a thread of its own, so that an interrupt cannot hit HDF5 in mid-call."""
    from hhfast.sweep.store import merge

    stop = threading.Event()

    def step(batch: int) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        reporter.advance(1)

    attributes = global_attributes(sweep, parts.plan.versions)
    reporter = Reporter(f"merging {parts.out.name}", parts.plan.n_batches, "shards", show=progress)
    with reporter, ThreadPoolExecutor(1, thread_name_prefix="hhfast-merge") as pool:
        try:
            pool.submit(merge, parts, attributes, step).result()
        except KeyboardInterrupt:
            stop.set()
            raise


@contextlib.contextmanager
def _explained(parts: Parts) -> Iterator[None]:
    """Turn what stops a run into `Incomplete`, which says what is safe and how to go on."""
    safe = "what is finished is safe; run the same command again to resume"
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else str(error)
        raise Incomplete(f"{parts.out}: {reason}; {safe}") from error
    except DamagedShard as damage:
        raise Incomplete(f"{parts.folder}: a shard was damaged after it was checked ({damage}); {safe}") from None
    except BrokenExecutor as error:
        raise Incomplete(f"{parts.out}: the executor has lost its workers ({error}); {safe}") from error
