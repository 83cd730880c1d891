"""Ctrl-C and SIGTERM, let in only where an exception breaks nothing.

Python raises KeyboardInterrupt between any two calls of the main thread: also inside the standard library just after
it has taken a lock, which nobody releases then, so that the threads that need it wait for ever; or at the beginning of
a `finally`. So what must not be broken runs in `undisturbed`, with safe points in it.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

_T = TypeVar("_T")
PATIENCE = 0.5  # seconds between safe points, where there is nothing but waiting
_handlers: dict[int, Any] = {}  # those that are put off
_caught: list[tuple[int, Any]] = []  # the signals that have come meanwhile


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off interrupts to the next safe point, or to the end of the (outermost) `with` block."""
    if _handlers or threading.current_thread() is not threading.main_thread():  # other threads are never interrupted
        yield
        return
    try:
        _put_off()
        yield
    finally:
        _let_in()
        safe_point()


def interruptible(function: Callable[..., _T], *arguments: Any) -> _T:
    """Call a function with interrupts let in: one that takes long, has no safe points, and can be broken anywhere.

    It is no context manager, since one that is interrupted at the beginning of its end is ended at some later time.
    """
    if not _handlers or threading.current_thread() is not threading.main_thread():
        return function(*arguments)
    safe_point()
    try:
        _let_in()
        return function(*arguments)
    finally:
        _put_off()


def safe_point() -> None:
    """Let in what has been put off."""
    if _caught and threading.current_thread() is threading.main_thread():
        caught = tuple(_caught)
        _caught.clear()
        for number, frame in caught:
            handler = _handlers.get(number, signal.getsignal(number))
            if callable(handler):
                handler(number, frame)


def _put_off() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        if callable(handler := signal.getsignal(number)):  # not the system's own, which ends the process
            _handlers[number] = handler
            signal.signal(number, lambda number, frame: _caught.append((number, frame)))


def _let_in() -> None:
    while _handlers:
        signal.signal(*_handlers.popitem())


def first_done(futures: Iterable[Future[_T]]) -> set[Future[_T]]:
    """Those of the futures that are done, after a wait for the first; none, if that takes longer than `PATIENCE`."""
    return wait(futures, timeout=PATIENCE, return_when=FIRST_COMPLETED).done


def result(future: Future[_T]) -> _T:
    """The result of a future (or the exception it ended with), with safe points while it is waited for."""
    while not first_done([future]):
        safe_point_of_any_thread()
    return future.result()


def safe_point_of_any_thread() -> None:
    """Let in what has been put off; in another thread than the main one, end with `asyncio.run` after Ctrl-C."""
    safe_point()
    if _interrupted_in_asyncio():
        raise KeyboardInterrupt


def _interrupted_in_asyncio() -> bool:
    """Whether `asyncio.run` ends after Ctrl-C, and waits only for threads such as this one (`asyncio.to_thread`).

    No signal reaches other threads than the main one, and no exception: so it is looked at what that does.
    """
    main = threading.main_thread()
    if threading.current_thread() is main or "asyncio" not in sys.modules:
        return False
    frame = sys._current_frames().get(main.ident or 0)  # noqa: SLF001  documented, in spite of its name
    while frame is not None:
        if frame.f_code.co_name == "close" and frame.f_globals.get("__name__") == "asyncio.runners":
            return getattr(frame.f_locals.get("self"), "_interrupt_count", 0) > 0
        frame = frame.f_back
    return False
