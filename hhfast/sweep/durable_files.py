"""Durable files: after a crash or power loss a file is either complete or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from hhfast.inputs import check_writable, path_of

_NO_LINKS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV)
DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)  # what may pass: a run can be resumed
TEMPORARY_SUFFIX = ".hhfast-tmp"


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


class AlreadyThereError(FileExistsError):
    """A file has a name that was to be given to a new one."""


def publish_new(temporary: Path, path: Path) -> None:
    """Give a finished, synced file its final name, durably, unless there is such a file: that is kept.

    Raises `AlreadyThereError`.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise AlreadyThereError(errno.EEXIST, "File exists", str(path)) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():  # no better way on a file system without links
            raise AlreadyThereError(errno.EEXIST, "File exists", str(path)) from None
        publish(temporary, path)
        return
    temporary.unlink()
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


@contextlib.contextmanager
def atomic_file(out: str | Path, suffix: str = "") -> Iterator[Path]:
    """A temporary file (ending in `suffix`) that takes the name `out` when it is complete and synced, or vanishes."""
    out = path_of("out", out)
    check_writable(out)
    temporary = temporary_name(out)
    temporary = temporary.with_name(temporary.name + suffix)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        publish(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
