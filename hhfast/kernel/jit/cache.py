"""The kernel cache: object code in files, named by the hash of everything it is made from.

That is the parts of a kernel, the code of this package that turns them into machine code, the compilers, and the
processor: so a kernel seen before is neither built nor compiled again, and a changed one never meets a stale file. A
file begins with the digest of the rest, and one that was damaged or cut short is made again: LLVM would end the
process. Files are written whole or not at all; several processes may do so at once. What another user could have
written is not used.

`HHFAST_CACHE_DIR` names the folder. Where it cannot be written, it is still read, and kernels live in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import platformdirs

from hhfast.errors import one_line
from hhfast.kernel.jit.llvm_compiler import processor

_KERNEL, _TEXT = ".kernel", ".text"  # suffixes: object code, and what is remembered beside it
_MOST_BYTES = 256 * 1024 * 1024  # of all files together; the least recently used ones go first
_COMPILERS = ("numba", "llvmlite", "sympy", "numpy")
_ROOMS, _MODULES = ("model", "parts", "kernel"), ("errors.py", "inputs.py", "registry.py", "tables.py")


@dataclass(frozen=True)
class ObjectCode:
    """Machine code with the name of its function, and the sizes of the scratch arrays that it needs."""

    entry: str
    scratch: tuple[int, ...]
    code: bytes

    def packed(self, name: str) -> bytes:
        """As the content of the file of that name."""
        head = json.dumps({name: value for name, value in asdict(self).items() if name != "code"}).encode()
        body = head + b"\n" + self.code
        return _digest(name, body) + b"\n" + body

    @classmethod
    def unpacked(cls, name: str, content: bytes) -> ObjectCode:
        """Raises ValueError for what is not the whole of such a content, or that of another file."""
        digest, _, body = content.partition(b"\n")
        if _digest(name, body) != digest:
            raise ValueError("not what was written")
        head, _, code = body.partition(b"\n")
        found = json.loads(head)
        return cls(found["entry"], tuple(found["scratch"]), code)


def _digest(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + body).hexdigest().encode()


def key_of(parts: str) -> str:
    """The name of a kernel, from a text that holds everything it is made from."""
    return hashlib.sha256(f"{_code_version()}{_target()}{parts}".encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _code_version() -> str:
    """A hash of the modules that determine a kernel and its meaning."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in sources())).hexdigest()


def sources() -> list[Path]:
    """The modules that determine kernels: whole rooms, and what their modules import (a test looks)."""
    package = Path(__file__).parents[2]
    rooms = [file for room in _ROOMS for file in sorted((package / room).rglob("*.py"))]
    return [*rooms, *(package / name for name in _MODULES)]


@lru_cache(maxsize=1)
def _target() -> str:
    return repr(([metadata.version(name) for name in _COMPILERS], processor()))


# --- files -----------------------------------------------------------------------------------------------------------
def cache_folder() -> Path:
    """The folder of the kernels; it need not be there yet."""
    return Path(os.environ.get("HHFAST_CACHE_DIR") or platformdirs.user_cache_dir("hhfast")).expanduser() / "kernels"


def is_cached(name: str) -> bool:
    """Whether there is a file of that kernel."""
    return _file(name).exists()


def load(name: str, suffix: str = _KERNEL) -> ObjectCode | None:
    """The object code of that name, if there is a sound file of it that nobody else could have written."""
    path = _file(name, suffix)
    try:
        if not _is_ours(path.parent) or not _is_ours(path) or not _is_readable(path):
            return None
        found = ObjectCode.unpacked(name, path.read_bytes())
        with contextlib.suppress(OSError):
            os.utime(path)  # it is in use: others go first
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged
        return None
    return found


def save(name: str, code: ObjectCode, suffix: str = _KERNEL) -> None:
    """Keep object code under a name, if there is a place for it; a warning tells once if not."""
    path = _file(name, suffix)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_ours(path.parent):
            raise PermissionError("others may write there")
        _write(path, code.packed(name))
        _limit(path.parent)
    except OSError as error:
        _warn_once(f"kernels are not kept: {path.parent}: {error.strerror or error}; each process compiles its own")


def remembered(kind: str, of: str, find: Callable[[], str]) -> str:
    """A short text that depends on another, long one alone: found once, and kept beside the kernels as they are."""
    name = f"{kind}_{hashlib.sha256(of.encode()).hexdigest()[:32]}"
    if (kept := load(name, _TEXT)) is not None:
        return kept.entry
    text = find()
    save(name, ObjectCode(text, (), b""), _TEXT)
    return text


def files() -> list[tuple[Path, int]]:
    """The kernels in the cache, with their sizes in bytes."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(cache_folder().glob(f"*{_KERNEL}")):
            with contextlib.suppress(OSError):
                found.append((path, path.stat().st_size))
    return found


def clear() -> int:
    """Remove all kernels from the cache, and what is kept beside them; how many kernels there were."""
    kernels = files()
    for _, _, path in _with_times(cache_folder()):
        path.unlink(missing_ok=True)
    return len(kernels)


def _file(name: str, suffix: str = _KERNEL) -> Path:
    return cache_folder() / f"{name}{suffix}"


def _is_ours(path: Path) -> bool:
    """Whether a file or folder belongs to this user, or to root, and nobody else may write it."""
    if os.name != "posix":
        return True
    found = path.stat()
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_readable(path: Path) -> bool:
    """Whether a file can be read at once, and into memory: no pipe, and no file that is longer than any of ours."""
    found = path.stat()
    return stat.S_ISREG(found.st_mode) and found.st_size <= _MOST_BYTES


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _limit(folder: Path) -> None:
    """Remove the files that were not used for longest, where all together are too large."""
    kept = sorted(_with_times(folder), reverse=True)
    total = 0
    for _, size, path in kept:
        total += size
        if total > _MOST_BYTES:
            with contextlib.suppress(OSError):
                path.unlink()


def _with_times(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in (path for suffix in (_KERNEL, _TEXT) for path in folder.glob(f"*{suffix}")):
        with contextlib.suppress(OSError):
            found = path.stat()
            yield found.st_mtime, found.st_size, path


@lru_cache(maxsize=8)
def _warn_once(message: str) -> None:
    warnings.warn(one_line(message), RuntimeWarning, stacklevel=2)
