"""Progress of long work: a bar on a terminal, one line every 30 seconds otherwise."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from hhfast.errors import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

LINE_EVERY = 30.0  # seconds


class Reporter:
    """Shows how many of `total` units are done, and messages, on standard error; use it in a `with` statement.

    Any thread may report. With `show=False` nothing is printed, and messages go to the log.
    """

    def __init__(self, title: str, total: int, unit: str, done: int = 0, show: bool = True) -> None:
        self.title, self.total, self.unit, self.done, self.show = title, total, unit, done, show
        self._began, self._first = time.monotonic(), done
        self._counting = threading.Lock()
        self._console: Console | None = _console() if show else None
        self._bar: tuple[Progress, TaskID] | None = None
        self._end = threading.Event()
        self._lines: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._console is None:
            return self
        if self._console.is_terminal or self._console.is_jupyter:
            bar = _bar(self.unit, self._console)
            self._bar = bar, bar.add_task(harmless(self.title), total=self.total, completed=self.done)
            bar.start()
        else:
            self._lines = threading.Thread(target=self._print_lines, daemon=True, name="hhfast-progress")
            self._lines.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar[0].stop()
        if self._lines is not None:
            self._end.set()
            self._lines.join()

    def advance(self, n: int) -> None:
        """Count n further units as done."""
        with self._counting:
            self.done += n
            if self._bar is not None:
                bar, task = self._bar
                bar.update(task, completed=self.done)

    def say(self, text: str) -> None:
        """Tell the user something that must not go unnoticed, above the bar."""
        if self._console is not None:
            self._console.print(harmless(text), markup=False)
        else:
            logging.getLogger("hhfast").warning(text)

    def _print_lines(self) -> None:
        while not self._end.wait(LINE_EVERY):
            self.say(self.line())

    def line(self) -> str:
        """The state of the work in one line."""
        text = f"{self.title}: {self.done:,} of {self.total:,} {self.unit} ({self.done / max(1, self.total):.1%})"
        elapsed = time.monotonic() - self._began
        if self.done > self._first and self.done < self.total:
            text += f", {duration(elapsed / (self.done - self._first) * (self.total - self.done))} left"
        return text


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def _bar(unit: str, console: Console) -> Progress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    # A title is the name of a file: neither a format nor markup.
    named = TextColumn("{task.description}", markup=False)
    counts = (named, BarColumn(), MofNCompleteColumn(), TextColumn(unit))
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    return Progress(*counts, *times, console=console, transient=True)


def duration(seconds: float) -> str:
    """A length of time as people say it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for big, small, size, ratio in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            rest = (whole % size) // ratio
            return f"{whole // size} {big}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def size(n_bytes: float) -> str:
    """A number of bytes: 512 B, 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
