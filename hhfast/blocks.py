"""Blocks of cells handed out to threads, each call of the kernel tens of milliseconds of work."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.interrupts import first_done, safe_point, undisturbed
from hhfast.kernel.course import Course
from hhfast.kernel.grid import Grid

_CALL_STEPS = 3_000_000  # neuron-steps in one kernel call: tens of milliseconds


@undisturbed()
def run_blocks(
    call: Any, n_cells: int, lanes: int, steps: Grid | Course, threads: int | None, stop: np.ndarray, progress: bool
) -> None:
    """Hand out runs of blocks to threads: many more than threads, so that no thread waits long for the last one."""
    threads = available_threads() if threads is None else threads
    if threads < 1:
        raise InputError(f"threads = {threads}: must be at least 1")
    blocks = -(-n_cells // lanes)
    enough = max(_CALL_STEPS // max(steps.n_steps * lanes, 1), steps.least_blocks)
    per_call = max(1, min(enough, blocks // (steps.calls_per_thread * threads)))
    starts = iter(range(0, n_cells, per_call * lanes))
    with ThreadPoolExecutor(threads) as pool, _bar(progress, n_cells) as advance:
        pending: dict[Future[None], int] = {}
        try:
            while True:
                while len(pending) < 2 * threads and (first := next(starts, None)) is not None:
                    last = min(first + per_call * lanes, n_cells)
                    pending[pool.submit(call, first, last)] = last - first
                if not pending:
                    return
                for future in first_done(pending):
                    future.result()
                    advance(pending.pop(future))
                safe_point()
        except BaseException:
            stop[0] = 1  # kernels look at it every few hundred steps
            pool.shutdown(cancel_futures=True)
            raise


class _bar:
    """A progress bar over cells, or nothing."""

    def __init__(self, shown: bool, total: int) -> None:
        self.shown, self.total = shown, total

    def __enter__(self) -> Any:
        if not self.shown:
            return lambda n: None
        from rich.progress import Progress

        self.progress = Progress()
        self.progress.start()
        task = self.progress.add_task("simulating", total=self.total)
        return lambda n: self.progress.advance(task, n)

    def __exit__(self, *error: object) -> None:
        if self.shown:
            self.progress.stop()


def available_threads() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
