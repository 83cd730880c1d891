"""Shards: the file of one finished batch, which can be checked, and a run's progress read, without HDF5.

A shard is an HDF5 file with a user block in front: one line of JSON that says what the shard holds, and the SHA-256 of
that line and of everything behind it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hhfast.errors import BROKEN

HEADER_BYTES = 1024  # HDF5 wants a power of two, at least 512


@dataclass(frozen=True)
class ShardHeader:
    """What a shard says about itself; `status` counts its rows by status code, `ragged` its spikes."""

    batch: int
    start: int
    stop: int
    spec_sha256: str
    status: tuple[int, ...]
    ragged: int
    host: str
    seconds: float
    length: int = 0
    sha256: str = ""


class DamagedShard(Exception):
    """A shard that does not match its checksum or its place; the message says how."""


def shard_bytes(header: ShardHeader, image: bytes) -> tuple[bytes, memoryview]:
    """A shard as two pieces: the user block with its header, and the rest of the HDF5 file `image`.

    `image` begins with an empty user block. The length and the checksum of `header` are filled in here.
    """
    body = memoryview(image)[HEADER_BYTES:]
    complete = replace(header, length=len(image), sha256="")
    complete = replace(complete, sha256=_checksum(complete, body))
    line = json.dumps({"hhfast_shard": asdict(complete)}).encode() + b"\n"
    if len(line) > HEADER_BYTES:
        raise ValueError(f"the header of a shard is limited to {HEADER_BYTES} bytes")
    return line.ljust(HEADER_BYTES, b"\0"), body


def read_header(path: Path) -> ShardHeader:
    """What a shard says about itself (its contents are not checked)."""
    with path.open("rb") as file:
        return _parse_header(file.read(HEADER_BYTES))


def read_shard(path: Path) -> tuple[ShardHeader, bytes]:
    """The header and the HDF5 file of a shard; `DamagedShard` if a single bit of it is not as it was written."""
    data = path.read_bytes()
    header = _parse_header(data[:HEADER_BYTES])
    if len(data) != header.length:
        raise DamagedShard(f"truncated: {len(data)} of {header.length} bytes")
    if _checksum(header, memoryview(data)[HEADER_BYTES:]) != header.sha256:
        raise DamagedShard("its checksum does not match its contents")
    return header, data


def _checksum(header: ShardHeader, body: memoryview) -> str:
    fields = {k: v for k, v in asdict(header).items() if k != "sha256"}
    digest = hashlib.sha256(json.dumps(fields).encode())
    digest.update(body)
    return digest.hexdigest()


def _parse_header(block: bytes) -> ShardHeader:
    try:
        entry: dict[str, Any] = json.loads(block.split(b"\n", 1)[0])["hhfast_shard"]
        header = ShardHeader(**{**entry, "status": tuple(entry["status"])})
        counts = (header.batch, header.start, header.stop, header.ragged, header.length, *header.status)
        if not all(type(n) is int and n >= 0 for n in counts):
            raise ValueError("counts are whole numbers")
    except BROKEN:
        raise DamagedShard("its header is not readable") from None
    return header
