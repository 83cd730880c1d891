"""Processes of this machine that compute batches: no port is open, and one that is killed is made again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import Any

_RETRIES = 2  # of a task whose process has died, before it is tried alone


class ProcessDied(RuntimeError):
    """A task has ended the process that computed it, also when it was computed alone."""


class Processes(Executor):
    """`workers` processes with pipes to this one; tasks that were lost with a killed process are computed again.

    Nobody else can reach them: a Dask cluster on this machine would let every user of it run code here.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool, self._guard, self._ended = _pool(workers), threading.Lock(), False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        outer: Future[Any] = Future()
        self._try(outer, _RETRIES, fn, args, kwargs)
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._ended = True
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _try(self, outer: Future[Any], retries: int, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        def done(inner: Future[Any]) -> None:
            if inner.cancelled():
                outer.cancel()
            elif isinstance(error := inner.exception(), BrokenExecutor) and not self._ended:
                if retries:
                    self._try(outer, retries - 1, fn, args, kwargs)
                else:
                    threading.Thread(target=_alone, args=(outer, fn, args, kwargs), daemon=True).start()
            elif error is not None:
                outer.set_exception(error)
            else:
                outer.set_result(inner.result())

        with self._guard:
            try:
                inner = self._pool.submit(fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool.shutdown(wait=False)
                self._pool = _pool(self.workers)
                inner = self._pool.submit(fn, *args, **kwargs)
        inner.add_done_callback(done)


def _alone(outer: Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Compute a task in a process of its own, so that others do not suffer from it."""
    try:
        with _pool(1) as pool:
            outer.set_result(pool.submit(fn, *args, **kwargs).result())
    except BrokenExecutor:
        outer.set_exception(ProcessDied("the process that computed it has died"))
    except Exception as error:  # noqa: BLE001  a task may fail with any exception
        outer.set_exception(error)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned: a forked process would have the locks of threads that it has not.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """In a new process: interrupts are the parent's business, and its end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
