"""Locks: one writer of a directory at a time.

The operating system holds the lock (`flock`; on Windows `msvcrt`), and lets go of it when the process ends, however
that happens: nothing is ever judged dead on this machine. That sees through containers, too: those of one machine have
one system under them. The file says who holds it, and a heartbeat in its time stamp keeps it from other machines, to
which some network file systems do not show the lock of the system; a lock of theirs without a heartbeat for ten minutes
counts as abandoned.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hhfast.errors import InputError
from hhfast.sweep.durable_files import temporary_name

_HEARTBEAT = 30.0  # seconds
STALE_AFTER = 600.0  # seconds without a heartbeat, after which the lock of another machine counts as abandoned
_TRIES, _PAUSE = 10, 0.05  # s: who only looks at a lock holds it for a moment
_LONGEST = 4096  # bytes of an entry
# What systems answer that know no such locks.
_UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL)
_held: set[int] = set()  # descriptors of locks of this process


@dataclass(frozen=True)
class LockHolder:
    """The process that holds a lock."""

    pid: int
    host: str
    started: float

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@contextlib.contextmanager
def lock(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock file; `busy` begins the `InputError` raised when another live process holds it."""
    descriptor = _taken(path, busy)
    _held.add(descriptor)
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(path, stop), daemon=True, name="hhfast-heartbeat")
    try:
        _write_entry(descriptor)
        beat.start()
        yield
    finally:
        stop.set()
        if beat.is_alive():
            beat.join()
        # Removed while it is held: who opened it meanwhile finds that it is no longer the file of that name.
        if descriptor in _held:  # not in a process that was forked meanwhile
            with contextlib.suppress(OSError):  # the directory may have become read-only
                path.unlink()
            _held.discard(descriptor)
            os.close(descriptor)


def live_holder(path: Path) -> LockHolder | None:
    """Who holds a lock; None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return _abandoned_or_live(path)  # not there, or not ours to read
    try:
        free = _try_lock(descriptor, only_look=True)
        return _of_another_machine(path) if free else (_entry(path) or LockHolder(0, "an unknown machine", time.time()))
    finally:
        os.close(descriptor)


def _taken(path: Path, busy: str) -> int:
    """An open descriptor of the lock file, with the lock."""
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        locked = _try_lock(descriptor) and _is_the_file(descriptor, path)
        other = _of_another_machine(path) if locked else None
        if locked and other is None:
            return descriptor
        os.close(descriptor)
        if other is not None:
            raise InputError(_in_use(busy, other, path))
        time.sleep(_PAUSE)
    holder = _entry(path)
    raise InputError(_in_use(busy, holder, path) if holder else f"{busy} has just been taken by another process")


def _in_use(busy: str, holder: LockHolder, path: Path) -> str:
    return f"{busy} is in use by {holder}; wait for it, or if it is surely gone, delete {path}"


def _is_the_file(descriptor: int, path: Path) -> bool:
    """Whether an open file still has its name: another holder may have removed it at its end."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _try_lock(descriptor: int, only_look: bool = False) -> bool:
    """Take the lock of the system, unless another has it; True also where the system knows no locks."""
    try:
        if os.name == "nt":
            import msvcrt

            windows: Any = msvcrt
            os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # not the entry, which others read
            windows.locking(descriptor, windows.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, (fcntl.LOCK_SH if only_look else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _UNSUPPORTED
    return True


def _write_entry(descriptor: int) -> None:
    entry = {
        "pid": os.getpid(), "host": socket.gethostname()[:200], "started": time.time(),
        "boot": _boot(), "pid_namespace": _pid_namespace(),
    }  # fmt: skip
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.truncate(descriptor, 0)
    os.write(descriptor, json.dumps(entry).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            entry = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _entry(path: Path) -> LockHolder | None:
    entry = _read(path)
    try:
        return LockHolder(int(entry["pid"]), str(entry["host"])[:200], float(entry["started"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _of_another_machine(path: Path) -> LockHolder | None:
    """The holder that an entry names, if it may be alive though its lock is not seen here."""
    entry = _read(path)
    here = entry.get("boot") == _boot() or entry.get("host") == socket.gethostname()[:200]  # or it has started again
    return None if here else _abandoned_or_live(path)


def _abandoned_or_live(path: Path) -> LockHolder | None:
    """The holder that an entry names, if its heart beats."""
    holder = _entry(path)
    try:
        age = _now(path.parent) - path.stat().st_mtime
    except OSError:
        return None
    return holder if age < STALE_AFTER else None


def _heartbeat(path: Path, stop: threading.Event) -> None:
    while not stop.wait(_HEARTBEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


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


def _boot() -> str:
    """What names this run of this machine's system, in containers as well; the host's name where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _pid_namespace() -> str:
    """In which process numbers mean something: for who looks for the holder."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _let_go_in_child() -> None:
    """A forked process does not keep the lock of its parent."""
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)
