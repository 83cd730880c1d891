"""Blocks of cells for threads to take, each call of the kernel some ten milliseconds of work."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

import numpy as np

from hhfast.batch.step_control import AdaptiveSchedule
from hhfast.batch.time_grid import TimeGrid
from hhfast.interrupts import result, safe_point_of_any_thread, undisturbed
from hhfast.progress import Reporter

_MOST_THREADS = 1024
_CALL_STEPS = 20_000_000  # neuron-steps in one kernel call: tens of milliseconds
# What takes no longer than it takes to wake threads (neuron-steps, as estimated), and what surely ends within about a
# second (neuron-steps times states, at most): the thread that asks does it by itself, although no Ctrl-C reaches it,
# since a thread that has just been started is slower for the first millisecond.
_AT_ONCE, _SURELY_SHORT = 200_000, 50_000_000


def run_blocks(
    call: Callable[[int, int], None],
    n_cells: int,
    lanes: int,
    n_states: int,
    steps: TimeGrid | AdaptiveSchedule,
    threads: int | None,
    stop: np.ndarray,
    progress: bool,
    work: float = 1.0,
) -> None:
    """Advance all cells, in threads if it takes long.

    call(first, last) : advances these cells. stop : set to 1 to end all calls soon. work : of a step, in those of a
    cell without noise.
    """
    blocks = -(-n_cells // lanes)
    threads = min(blocks, available_threads() if threads is None else min(threads, _MOST_THREADS))
    small = threads == 1 or work * steps.n_steps * lanes * blocks <= _AT_ONCE
    if small and not progress and work * steps.most_steps * lanes * blocks * n_states <= _SURELY_SHORT:
        call(0, n_cells)
        return
    of_block, at_most = (max(work * n * lanes, 1.0) for n in (steps.n_steps, steps.most_steps * n_states))
    enough = max(int(_CALL_STEPS / of_block), 1 if work > 1.0 else steps.least_blocks)
    if steps.n_steps == steps.most_steps:  # of steps that cells choose for themselves, calls are large
        enough = max(1, min(enough, int(_SURELY_SHORT / at_most)))
    starts = _starts(blocks, enough, steps, threads)
    helps = enough * at_most <= _SURELY_SHORT
    _run_in_threads(call, [lanes * k for k in starts], n_cells, threads, helps, stop, progress)


def _starts(blocks: int, enough: int, steps: TimeGrid | AdaptiveSchedule, threads: int) -> list[int]:
    """The first blocks of the calls: each takes as many as are enough, but leaves each thread its share."""
    starts, taken = list[int](), 0
    while taken < blocks:
        starts.append(taken)
        left = blocks - taken
        taken += max(1, min(enough, left if threads == 1 else steps.fair_share(left, blocks, threads)))
    return starts


def dealt(n: int) -> np.ndarray:
    """(n,) the numbers of n cells, in an order in which any run of them holds cells from all over the batch."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    return np.argsort(np.arange(n) * golden % 1.0, kind="stable")


@undisturbed()
def _run_in_threads(
    call: Callable[[int, int], None],
    starts: list[int],
    n_cells: int,
    threads: int,
    helps: bool,
    stop: np.ndarray,
    progress: bool,
) -> None:
    """Let threads take the runs of cells that start there.

    helps : whether the thread that asks is one of them; else it waits, so that Ctrl-C reaches it at once.
    """
    runs, taking = iter(zip(starts, [*starts[1:], n_cells], strict=True)), threading.Lock()

    def work(between: Callable[[], None] = lambda: None) -> None:
        try:
            while not stop[0]:
                with taking:
                    first, last = next(runs, (n_cells, n_cells))
                if first == n_cells:
                    return
                call(first, last)
                reporter.advance(last - first)
                between()
        except BaseException:
            stop[0] = 1
            raise

    with Reporter("simulating", n_cells, "cells", show=progress) as reporter:
        running: list[Future[None]] = []
        try:
            running.extend(_started(work) for _ in range(threads - helps))
            if helps:
                work(safe_point_of_any_thread)
            for future in running:
                result(future)
        except BaseException:
            stop[0] = 1  # kernels look at it every few hundred steps
            raise
        finally:
            wait(running)


def _started(work: Callable[[], None]) -> Future[None]:
    """The future of a thread that works; a daemon, so that a process may end while another daemon simulates."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  told to who waits
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True, name="hhfast-simulating").start()
    return future


def available_threads() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
