"""Files that survive a crash: written whole or not at all, and one writer at a time."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError

TEMPORARY_SUFFIX = ".hhfast-tmp"
_HEARTBEAT = 30.0  # seconds
STALE_AFTER = 600.0  # seconds without a heartbeat, after which another machine's lock is taken for dead


def write_durably(path: Path, *pieces: bytes | memoryview) -> None:
    """Write a file so that after a crash or power loss it is either complete or absent.

    Raises OSError (disk full, no permission) with nothing left behind.
    """
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other writer uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def publish(temporary: Path, path: Path) -> None:
    """Give a finished, synced file its final name, durably."""
    temporary.replace(path)
    sync_directory(path.parent)


def make_directory(folder: Path) -> None:
    """Make a directory, unless it is there, such that power loss cannot take it away with all it will hold."""
    folder.mkdir(exist_ok=True)
    sync_directory(folder.parent)


def sync_directory(folder: Path) -> None:
    """Make the names in a directory durable, where the system knows how (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse to sync a directory; the rename is then as safe as it gets
        pass
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Holder:
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


def live_holder(path: Path) -> Holder | None:
    """Who holds a lock; None if nobody does any more."""
    try:
        if not (text := path.read_text()):  # between creation and writing
            time.sleep(0.2)
            text = path.read_text()
        entry = json.loads(text)
        holder = Holder(int(entry["pid"]), str(entry["host"]), float(entry["started"]))
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
