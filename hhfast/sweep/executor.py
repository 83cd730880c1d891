"""Where batches are computed: in this process, in any `concurrent.futures.Executor`, or on a Dask cluster.

The only place that imports dask.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from hhfast.errors import InputError
from hhfast.interrupts import PATIENCE, result, safe_point
from hhfast.sweep.batch import (
    Batch,
    FinishedBatch,
    SimulatedBatch,
    columns_of,
    compute_batch,
    simulate_batch,
    store_batch,
    try_rows,
    warm_up,
)
from hhfast.sweep.processes import Processes

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep

TASKS_PER_WORKER = 4  # submitted at a time
MAX_FAILED = 16  # rows of one batch; if more fail, the rows are not the cause
_UNWRITTEN = 2  # batches that may wait for the disk while the next is computed
_RETRIES = 3  # of a task whose Dask worker has died
_TIMEOUT = "30s"  # for a Dask scheduler to answer


class FailingRows(RuntimeError):
    """So many rows fail that the cause must be another: memory, the installation, the machine."""


def compute_here(
    batches: Iterator[Batch], stored: Callable[[int], None], accept: Callable[[FinishedBatch], None]
) -> None:
    """Simulate in this thread, which interrupts reach, while another prepares the next batch and writes the last.

    stored : told the number of each batch whose shard is written, in the other thread. accept : takes finished batches.
    """

    def store(batch: Batch, simulated: SimulatedBatch) -> FinishedBatch:
        finished = store_batch(batch, simulated)
        stored(batch.number)
        return finished

    with ThreadPoolExecutor(1, thread_name_prefix="hhfast-helper") as helper:
        unwritten: deque[Future[FinishedBatch]] = deque()
        for batch in _prepared(batches, helper):
            unwritten.append(helper.submit(store, batch, simulate_batch(batch)))
            while len(unwritten) > _UNWRITTEN or (unwritten and unwritten[0].done()):
                accept(result(unwritten.popleft()))
            safe_point()
        for future in unwritten:
            accept(result(future))


def _prepared(batches: Iterator[Batch], helper: Executor) -> Iterator[Batch]:
    """The batches with the parameters of their rows, computed by the helper one batch in advance."""

    def prepare_next() -> Batch | None:
        batch = next(batches, None)
        return batch and replace(batch, columns=columns_of(batch))

    coming = helper.submit(prepare_next)
    while (batch := result(coming)) is not None:
        coming = helper.submit(prepare_next)
        yield batch


def compute_on(
    executor: Executor, batches: Iterable[Batch], accept: Callable[[FinishedBatch], None], say: Callable[[str], None]
) -> None:
    """Keep a sliding window of tasks in an executor: enough to keep it busy, too few to choke its scheduler.

    A batch that fails is divided until the rows at fault are found; they are flagged, and the run goes on.
    """
    window = TASKS_PER_WORKER * _workers(executor)
    finished: SimpleQueue[Future[FinishedBatch]] = SimpleQueue()
    running: dict[Future[FinishedBatch], Batch] = {}
    waiting = iter(batches)
    try:
        while True:
            for batch in itertools.islice(waiting, window - len(running)):
                future = executor.submit(compute_batch, batch)
                running[future] = batch
                future.add_done_callback(finished.put)
            if not running:
                return
            safe_point()
            try:
                future = finished.get(timeout=PATIENCE)
            except Empty:
                continue
            batch = running.pop(future)
            try:
                done = future.result()
            except _NOT_THE_ROWS:
                raise
            except Exception as error:  # noqa: BLE001  a worker may fail with any exception
                done = _without_failing_rows(executor, batch, error, say)
            accept(done)
    finally:
        for future in running:
            future.cancel()


# Errors that no row has caused: mistakes in the sweep, a failing disk, an executor without workers.
_NOT_THE_ROWS = (InputError, OSError, BrokenExecutor, CancelledError)


def _workers(executor: Executor) -> int:
    """How many tasks an executor runs at once: as `dask_executor` says, as MPI says, as the standard library knows."""
    names = ("workers", "num_workers", "_max_workers")
    return next((n for name in names if (n := getattr(executor, name, None))), None) or os.cpu_count() or 1


def _without_failing_rows(
    executor: Executor, batch: Batch, error: Exception, say: Callable[[str], None]
) -> FinishedBatch:
    """Compute a batch that has failed, leaving out the rows that fail by themselves."""
    failed: list[int] = []
    ranges = [(0, batch.stop - batch.start)]
    while ranges:
        first, last = ranges.pop()
        try:
            result(executor.submit(try_rows, batch, first, last))
        except _NOT_THE_ROWS:
            raise
        except Exception:  # noqa: BLE001
            if last - first > 1:
                middle = (first + last) // 2
                ranges += [(middle, last), (first, middle)]
                continue
            failed.append(first)
            if len(failed) > MAX_FAILED:
                raise FailingRows(f"more than {MAX_FAILED} rows of batch {batch.number} fail ({error!r})") from error
    rows = ", ".join(str(batch.start + k) for k in failed)
    found = f"row {rows} is flagged as failed" if failed else "its rows work when tried again"
    say(f"batch {batch.number} has failed ({type(error).__name__}: {error}); {found}")
    return result(executor.submit(compute_batch, replace(batch, failed=tuple(failed))))


@contextlib.contextmanager
def dask_executor(address: str, sweep: Sweep, threads: int) -> Iterator[tuple[Executor, str]]:
    """An executor on a Dask cluster, and a line that describes it.

    address : of a scheduler, as in "tcp://host:8786", or "local:N" for N processes of this machine.
    threads : of each task. The kernel is compiled on one worker of each machine before the others need it.
    """
    if found := re.fullmatch(r"local:(\d+)", address):
        with _processes(address, int(found[1]), sweep) as processes:
            yield processes, f"{processes.workers} processes of this machine, threads per task: {threads}"
        return
    try:
        import distributed
    except ImportError:
        raise InputError("--dask needs dask.distributed; install it with: pip install 'hhfast[dask]'") from None

    with contextlib.ExitStack() as stack:
        untyped: Any = distributed
        try:
            client = stack.enter_context(untyped.Client(address, timeout=_TIMEOUT))
        except (OSError, ValueError) as error:
            raise InputError(f"--dask {address}: no Dask scheduler answers there ({error})") from None
        workers = client.scheduler_info(n_workers=-1)["workers"]
        slots = sum(worker["nthreads"] for worker in workers.values())
        if not slots:
            raise InputError(f"--dask {address}: the cluster has no workers; start some")
        hosts = {worker["host"]: name for name, worker in workers.items()}
        client.run(warm_up, sweep, workers=list(hosts.values()))
        executor = client.get_executor(retries=_RETRIES, pure=False)
        executor.workers = slots
        machines = f"{len(hosts)} machine{'s' if len(hosts) > 1 else ''}"
        text = f"dask: {len(workers)} workers on {machines}, {slots} tasks at once, threads per task: {threads}"
        yield executor, text


@contextlib.contextmanager
def _processes(address: str, n: int, sweep: Sweep) -> Iterator[Processes]:
    if not 1 <= n <= 4096:
        raise InputError(f"--dask {address}: N must be between 1 and 4096")
    processes = Processes(n)
    try:
        result(processes.submit(warm_up, sweep))
        yield processes
    finally:
        processes.shutdown(cancel_futures=True)
