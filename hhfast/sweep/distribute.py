"""Running batches in an executor: a sliding window of tasks, and what to do about batches that crash their worker."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import replace
from queue import Empty, SimpleQueue

from hhfast.errors import InputError
from hhfast.interrupts import PATIENCE, result, safe_point
from hhfast.sweep.batch import Done, Job, compute, try_rows

WINDOW = 4  # tasks submitted per worker
MAX_FAILED = 16  # rows of one batch; where more fail, the fault is not theirs


class FailingRows(RuntimeError):
    """So many rows fail that it must be something else: memory, the installation, the machine."""


def run_on(
    executor: Executor, jobs: Iterable[Job], accept: Callable[[Done], None], say: Callable[[str], None]
) -> None:
    """Keep a sliding window of tasks in an executor: enough to keep it busy, too few to choke its scheduler.

    A batch that fails is divided until the rows at fault are found; they are flagged, and the run goes on.
    """
    window = WINDOW * _workers(executor)
    finished: SimpleQueue[Future[Done]] = SimpleQueue()
    running: dict[Future[Done], Job] = {}
    waiting = iter(jobs)
    try:
        while True:
            for job in itertools.islice(waiting, window - len(running)):
                future = executor.submit(compute, job)
                running[future] = job
                future.add_done_callback(finished.put)
            if not running:
                return
            safe_point()
            try:
                future = finished.get(timeout=PATIENCE)
            except Empty:
                continue
            job = running.pop(future)
            try:
                done = future.result()
            except _NOT_THE_ROWS:
                raise
            except Exception as error:  # noqa: BLE001  whatever a worker dies of
                done = _without_failing_rows(executor, job, error, say)
            accept(done)
    finally:
        for future in running:
            future.cancel()


# What says nothing about the rows of a batch: mistakes in the sweep, disks, and executors without workers.
_NOT_THE_ROWS = (InputError, OSError, BrokenExecutor, CancelledError)


def _workers(executor: Executor) -> int:
    """How many tasks an executor runs at once: as Dask is told to say, as MPI says, as the standard library knows."""
    names = ("workers", "num_workers", "_max_workers")
    return next((n for name in names if (n := getattr(executor, name, None))), None) or os.cpu_count() or 1


def _without_failing_rows(executor: Executor, job: Job, error: Exception, say: Callable[[str], None]) -> Done:
    """Compute a batch that has failed, leaving out the rows that fail by themselves."""
    n = job.stop - job.start
    failed: list[int] = []
    ranges = [(0, n)]
    while ranges:
        first, last = ranges.pop()
        try:
            result(executor.submit(try_rows, job, first, last))
        except _NOT_THE_ROWS:
            raise
        except Exception:  # noqa: BLE001
            if last - first > 1:
                middle = (first + last) // 2
                ranges += [(middle, last), (first, middle)]
                continue
            failed.append(first)
            if len(failed) > MAX_FAILED:
                raise FailingRows(f"more than {MAX_FAILED} rows of batch {job.batch} fail ({error!r})") from error
    rows = ", ".join(str(job.start + k) for k in failed)
    found = f"row {rows} is flagged as failed" if failed else "its rows work when tried again"
    say(f"batch {job.batch} has failed ({type(error).__name__}: {error}); {found}")
    return result(executor.submit(compute, replace(job, failed=tuple(failed))))
