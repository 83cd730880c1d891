"""Locks: one writer of a directory at a time, and a lock whose process has died is taken over."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError
from hhfast.sweep.durable_files import temporary_name

_HEARTBEAT = 30.0  # seconds
STALE_AFTER = 600.0  # seconds without a heartbeat, after which the lock of another machine counts as abandoned


@dataclass(frozen=True)
class LockHolder:
    """The process that holds a lock."""

    pid: int
    host: str
    started: float

    @property
    def here(self) -> bool:
        return self.host == socket.gethostname()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@contextlib.contextmanager
def lock(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file; `busy` begins the `InputError` raised when another live process holds it.

    A lock whose process is gone is taken over: at once if it was on this machine, after ten minutes without
    a heartbeat if it was on another.
    """
    holder = live_holder(path)
    if holder is not None:
        raise InputError(f"{busy} is in use by {holder}; wait for it, or if it is surely gone, delete {path}")
    taken_over = path.exists()
    path.unlink(missing_ok=True)
    entry = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time(), "birth": _birth(os.getpid())}
    text = json.dumps(entry)
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{busy} has just been taken by another process; wait for it") from None
    if taken_over:  # another may have judged the old lock dead at the same moment, and removed ours for it
        time.sleep(0.2)
        if path.read_text() != text:
            raise InputError(f"{busy} has just been taken by another process; wait for it")
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(path, stop), daemon=True, name="hhfast-heartbeat")
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        with contextlib.suppress(OSError):  # the directory may have become read-only; a dead process holds no lock
            path.unlink()


def _heartbeat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(_HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


def live_holder(path: Path) -> LockHolder | None:
    """Who holds a lock; None if nobody does any more."""
    try:
        if not (text := path.read_text()):  # between creation and writing
            time.sleep(0.2)
            text = path.read_text()
        entry = json.loads(text)
        holder = LockHolder(int(entry["pid"]), str(entry["host"]), float(entry["started"]))
        age = _now(path.parent) - path.stat().st_mtime
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not holder.here:
        return holder if age < STALE_AFTER else None
    return holder if _is_running(holder.pid) and _birth(holder.pid) == entry.get("birth") else None


def _now(folder: Path) -> float:
    """The time by the clock that stamps files in `folder` (a file server's, perhaps), else our own."""
    probe = temporary_name(folder / "clock")
    try:
        probe.touch()
        stamp = probe.stat().st_mtime
        probe.unlink()
    except OSError:
        return time.time()
    return stamp


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # there, os.kill(pid, 0) would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _birth(pid: int) -> str | None:
    """When a process started, in the system's own terms: tells it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
