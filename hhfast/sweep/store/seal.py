"""The seal of a result: one line behind the HDF5 content, with the length and the SHA-256 of all that is before it.

It is checked before HDF5 sees a byte, since one flipped bit can crash or hang that library; and it vouches for what the
checksums of the variables do not: attributes, types, structure. HDF5 ignores what follows its content, so that a sealed
file is opened by all other programs. (With a line in front, xarray would not recognise it.) A program that changes the
file with HDF5 cuts the seal off.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from hhfast.errors import InputError

SEALED = "hhfast_sealed"  # a global attribute: the file was sealed, so that one without a seal has lost it
_LENGTH = 256
_BEGIN = b'{"hhfast_seal": '
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BLOCK = 1 << 20


def add_seal(file: io.FileIO) -> None:
    """Seal a finished file, open for reading and writing."""
    length = file.seek(0, os.SEEK_END)
    seal = memoryview(_seal(length, _digest(file, length)))
    file.seek(0, os.SEEK_END)
    while seal:  # a raw write may be partial
        seal = seal[file.write(seal) :]


def check_seal(path: Path, progress: Callable[[int], None] = lambda n: None) -> bool:
    """Check every byte of a result against its seal; False if it has none, as those of earlier versions.

    Raises `InputError` if the file is no HDF5 file, damaged, or has been changed since it was written.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or not found.st_size:  # a pipe or a device would be waited for
            raise InputError(f"{path}: is {'empty' if stat.S_ISREG(found.st_mode) else 'not a file'}")
        with path.open("rb") as file:
            return _check(file, path, progress)
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _check(file: BinaryIO, path: Path, progress: Callable[[int], None]) -> bool:
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        raise InputError(f"{path}: is not a readable HDF5 file (it has no HDF5 signature)")
    length = file.seek(0, os.SEEK_END) - _LENGTH
    if length < 0:
        return False
    file.seek(length)
    found = file.read()
    if not found.startswith(_BEGIN):
        return False
    if found != _seal(length, _digest(file, length, progress)):
        raise InputError(f"{path}: is damaged: it does not match its checksum; restore it, or run it again")
    return True


def _seal(length: int, digest: str) -> bytes:
    line = _BEGIN + json.dumps({"length": length, "sha256": digest}).encode() + b"}"
    return line.ljust(_LENGTH - 1) + b"\n"


def _digest(file: BinaryIO | io.FileIO, length: int, progress: Callable[[int], None] = lambda n: None) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while length and (block := file.read(min(_BLOCK, length))):
        digest.update(block)
        progress(len(block))
        length -= len(block)
    return digest.hexdigest()
