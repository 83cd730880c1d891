"""Running a sweep: what is missing is simulated batch by batch into shards, and at the end the shards are merged."""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hhfast.errors import Incomplete, InputError
from hhfast.interrupts import result, safe_point, undisturbed
from hhfast.progress import Reporter
from hhfast.sweep.batch import Done, Job, Outcome, columns_of, simulate_job, store_job
from hhfast.sweep.distribute import FailingRows, run_on
from hhfast.sweep.joining import merge_parts
from hhfast.sweep.merging import Merging
from hhfast.sweep.outputs import Part, is_finished, opened
from hhfast.sweep.parts import DamagedShard, Parts, parts_directory, remove_parts
from hhfast.sweep.space import Rows
from hhfast.sweep.sweep import Sweep

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_UNWRITTEN = 2  # batches that may wait for the disk while the next is computed


@undisturbed()
def run_sweep(
    sweep: Sweep, out: Path, executor: Executor | None = None, *, fresh: bool = False, repair: bool = False,
    progress: bool = True, threads: int | None = None, part: Part | None = None,
) -> Path:  # fmt: skip
    """Simulate every row of a sweep (or those of one part, without merging) into `out`; see `Sweep.run`.

    Raises `InputError` before anything is touched, `Incomplete` or KeyboardInterrupt when what is finished is safe.
    """
    if fresh and part is not None:
        folder = parts_directory(out)
        raise InputError(f"--fresh: would discard what the other parts have computed; delete {folder} if you want that")
    if is_finished(sweep, out, fresh):
        return out
    with opened(sweep, out, fresh, part) as parts, explained(out), Merging(parts, early=part is None) as merging:
        batches = [batch for batch in range(parts.plan.n_batches) if part is None or batch in part]
        rows = sum(stop - start for start, stop in map(parts.plan.rows, batches))
        with Reporter(out.name, rows, "rows", show=progress) as reporter:
            todo = _check_shards(parts, batches, reporter, repair)
            merging.there.update(set(batches) - set(todo))
            if executor is None:
                _run_here(_jobs(sweep, parts, todo, threads), parts, reporter, merging)
            else:

                def accept(done: Done) -> None:
                    _accept(done, parts, reporter)
                    merging.follow(done.header.batch)

                run_on(executor, _jobs(sweep, parts, todo, threads or 1), accept, reporter.say)
        if part is None:
            merge_parts(merging, progress)
            remove_parts(parts.folder)
    return out


def _check_shards(parts: Parts, batches: list[int], reporter: Reporter, repair: bool) -> list[int]:
    """Check every shard in full; the batches still to do.

    Shards are written so that no crash can leave a damaged one: something else did, and the user should know. With
    `repair` it is set aside and its batch done again.
    """
    for batch in sorted(set(batches) & set(parts.present())):
        try:
            header, _ = parts.read(batch)
        except DamagedShard as damage:
            if not repair:
                raise InputError(f"{parts.path(batch)}: a damaged shard ({damage}); nothing was changed; with --repair "
                                 "it is set aside and its rows are computed again") from None
            kept = parts.set_aside(batch)
            reporter.say(f"batch {batch}: its shard is damaged ({damage}); kept as {kept}, computing its rows again")
        else:
            reporter.advance(header.stop - header.start)
        safe_point()
    if reporter.done:
        reporter.say(f"resuming {parts.out}: {reporter.done:,} of {reporter.total:,} rows are done")
    missing = set(parts.missing())
    return [batch for batch in batches if batch in missing]


def _jobs(sweep: Sweep, parts: Parts, batches: Iterable[int], threads: int | None) -> Iterator[Job]:
    """The jobs of some batches, made as they are asked for."""
    folder, size = str(parts.folder.resolve()), parts.plan.rows_per_batch
    # A table is on this machine's disk, and too large to travel whole with each task: its rows go, a batch each.
    sent = sweep if sweep.space.formula else sweep.with_space(Rows(sweep.space.columns(0, 1)))
    for batch in batches:
        start, stop = parts.plan.rows(batch)
        columns = None if sweep.space.formula else sweep.space.columns(start, stop)
        yield Job(sent, sweep.sha256, batch, start, stop, size, threads, columns, folder)


def _run_here(jobs: Iterator[Job], parts: Parts, reporter: Reporter, merging: Merging) -> None:
    """Simulate in this thread, which interrupts reach, while another prepares the next batch, and writes and merges
    the last.
    """

    def store(job: Job, outcome: Outcome) -> Done:
        done = store_job(job, outcome)
        merging.follow(job.batch)
        return done

    with ThreadPoolExecutor(1, thread_name_prefix="hhfast-helper") as helper:
        unwritten: deque[Future[Done]] = deque()
        for job in _prepared(jobs, helper):
            unwritten.append(helper.submit(store, job, simulate_job(job)))
            while len(unwritten) > _UNWRITTEN or (unwritten and unwritten[0].done()):
                _accept(result(unwritten.popleft()), parts, reporter)
            safe_point()
        for future in unwritten:
            _accept(result(future), parts, reporter)


def _prepared(jobs: Iterator[Job], helper: Executor) -> Iterator[Job]:
    """The jobs with the parameters of their rows, made ahead."""

    def after_next() -> Job | None:
        job = next(jobs, None)
        return job and replace(job, columns=columns_of(job))

    coming = helper.submit(after_next)
    while (job := result(coming)) is not None:
        coming = helper.submit(after_next)
        yield job


def _accept(done: Done, parts: Parts, reporter: Reporter) -> None:
    """Take in a finished batch, and store it if its worker could not."""
    if done.shard is not None:
        parts.adopt(done.header.batch, done.shard)
    reporter.advance(done.header.stop - done.header.start)


@contextlib.contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn what stops a run into `Incomplete`, which says what is safe and how to go on."""
    safe = "what is finished is safe; run the same command again to resume"
    try:
        yield
    except OSError as error:
        raise Incomplete(f"{out}: {_reason(error)}; {safe}") from error
    except DamagedShard as damage:
        raise Incomplete(f"{out}: a shard was damaged after it was checked ({damage}); {safe}") from None
    except BrokenExecutor as error:
        raise Incomplete(f"{out}: the executor has lost its workers ({error}); {safe}") from error
    except FailingRows as error:
        raise Incomplete(f"{out}: {error}; {safe}") from error


def _reason(error: OSError) -> str:
    if error.errno in _FULL:
        return "the disk is full"
    if error.errno in _READ_ONLY and error.filename is not None:
        return f"{Path(error.filename2 or error.filename).parent} cannot be written any more ({error.strerror})"
    return str(error)
