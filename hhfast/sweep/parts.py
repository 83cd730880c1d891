"""The parts directory of a running sweep: its spec, and one checked shard file per finished batch.

A shard is an HDF5 file with a user block in front, one line of JSON that says what it holds and the SHA-256 of
itself and of everything behind it. So a shard can be checked, and a run's progress read, without HDF5.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hhfast.errors import InputError
from hhfast.sweep.durable import TEMPORARY_SUFFIX, sync_directory, write_durably

DAMAGED = ".damaged"  # suffix of a shard that was set aside
HEADER_BYTES = 1024  # HDF5 wants a power of two, at least 512
_SHARD = re.compile(r"batch-(\d{8})\.h5")
_LOCK = re.compile(r"lock(-\d+-of-\d+)?")


@dataclass(frozen=True)
class Plan:
    """How a sweep is cut into batches, what computes it, and the global attributes of its result."""

    spec: str
    spec_sha256: str
    model: str
    n_rows: int
    rows_per_batch: int
    versions: dict[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def n_batches(self) -> int:
        return -(-self.n_rows // self.rows_per_batch)

    def rows(self, batch: int) -> tuple[int, int]:
        """(start, stop) of a batch."""
        start = batch * self.rows_per_batch
        return start, min(start + self.rows_per_batch, self.n_rows)


@dataclass(frozen=True)
class Header:
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
    """A shard that does not check out; the message says how."""


def parts_directory(out: Path) -> Path:
    return out.with_name(out.name + ".parts")


def is_planned(folder: Path) -> bool:
    """Whether a directory is the parts directory of some sweep."""
    return _plan_path(folder).exists()


def _plan_path(folder: Path) -> Path:
    return folder / "spec.json"


@dataclass(frozen=True)
class Parts:
    """A parts directory that exists, and its plan."""

    folder: Path
    plan: Plan

    @classmethod
    def open(cls, folder: Path) -> Parts:
        """An existing parts directory; `InputError` if it is not one."""
        path = _plan_path(folder)
        try:
            entry = json.loads(path.read_bytes())
            return cls(folder, Plan(**entry["hhfast_parts"]))
        except OSError as error:
            raise InputError(f"{folder}: is not the parts directory of a sweep (spec.json: {error.strerror})") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is not readable as a sweep's plan; move {folder} away to start again") from None

    @classmethod
    def create(cls, folder: Path, plan: Plan) -> Parts:
        """Make an existing directory, in which nothing foreign may be, the parts directory of a plan."""
        foreign = sorted(p.name for p in folder.iterdir() if not _is_ours(p) and p.suffix != DAMAGED)
        if foreign:
            raise InputError(f"{folder}: exists and holds other files ({foreign[0]}); move them away")
        write_durably(_plan_path(folder), json.dumps({"hhfast_parts": asdict(plan)}, indent=1).encode())
        return cls(folder, plan)

    @property
    def out(self) -> Path:
        return self.folder.with_name(self.folder.name.removesuffix(".parts"))

    def path(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:08d}.h5"

    def lock_path(self, part: str = "") -> Path:
        return self.folder / f"lock{part}"

    def locks(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if _LOCK.fullmatch(p.name))

    def present(self) -> list[int]:
        """Batches with a shard, unchecked, in order."""
        names = (_SHARD.fullmatch(p.name) for p in self.folder.iterdir())
        return sorted(int(m[1]) for m in names if m and int(m[1]) < self.plan.n_batches)

    def missing(self) -> list[int]:
        """Batches without a shard."""
        there = set(self.present())
        return [b for b in range(self.plan.n_batches) if b not in there]

    def header(self, batch: int) -> Header:
        """What a shard says about itself (its contents are not checked)."""
        with self.path(batch).open("rb") as file:
            return _read_header(file.read(HEADER_BYTES))

    def read(self, batch: int) -> tuple[Header, bytes]:
        """A shard, checked in full: its header and its HDF5 image.

        Raises `DamagedShard` if a single bit of it is not as it was written.
        """
        data = self.path(batch).read_bytes()
        header = _read_header(data[:HEADER_BYTES])
        if len(data) != header.length:
            raise DamagedShard(f"truncated: {len(data)} of {header.length} bytes")
        if _digest(header, memoryview(data)[HEADER_BYTES:]) != header.sha256:
            raise DamagedShard("its checksum does not match its contents")
        if header.spec_sha256 != self.plan.spec_sha256:
            raise DamagedShard("it belongs to another spec")
        if (header.batch, header.start, header.stop) != (batch, *self.plan.rows(batch)):
            raise DamagedShard(f"it holds rows {header.start} to {header.stop}, not those of this batch")
        return header, data

    def write(self, header: Header, image: bytes) -> None:
        """Store a shard durably. `image` is an HDF5 file that begins with an empty user block."""
        write_durably(self.path(header.batch), *sealed(header, image))

    def adopt(self, batch: int, shard: bytes) -> None:
        """Store a shard that was made elsewhere."""
        write_durably(self.path(batch), shard)

    def set_aside(self, batch: int) -> Path:
        """Rename a damaged shard, so that nothing is lost and its batch counts as missing."""
        path = self.path(batch)
        kept = path.with_name(path.name + DAMAGED)
        path.replace(kept)
        return kept

    def remove_temporaries(self) -> None:
        """Remove what killed writers left; only for the one who holds the lock."""
        for path in list(self.folder.iterdir()):
            if path.name.endswith(TEMPORARY_SUFFIX):
                path.unlink(missing_ok=True)


def sealed(header: Header, image: bytes) -> tuple[bytes, memoryview]:
    """The user block that makes an image a shard, and the rest of the image."""
    body = memoryview(image)[HEADER_BYTES:]
    complete = Header(**{**asdict(header), "length": len(image), "sha256": ""})
    complete = Header(**{**asdict(complete), "sha256": _digest(complete, body)})
    line = json.dumps({"hhfast_shard": asdict(complete)}).encode() + b"\n"
    if len(line) > HEADER_BYTES:
        raise ValueError(f"the header of a shard is limited to {HEADER_BYTES} bytes")
    return line.ljust(HEADER_BYTES, b"\0"), body


def _digest(header: Header, body: memoryview) -> str:
    fields = {k: v for k, v in asdict(header).items() if k != "sha256"}
    digest = hashlib.sha256(json.dumps(fields).encode())
    digest.update(body)
    return digest.hexdigest()


def _read_header(block: bytes) -> Header:
    try:
        entry: dict[str, Any] = json.loads(block.split(b"\n", 1)[0])["hhfast_shard"]
        return Header(**{**entry, "status": tuple(entry["status"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DamagedShard("its header is not readable") from None


def remove_parts(folder: Path) -> None:
    """Remove the shards, our temporary files and the plan; for the one who holds the lock.

    Whatever hhfast did not write stays, and so does a shard that was set aside as damaged.
    """
    plan = _plan_path(folder)
    for path in list(folder.iterdir()):
        if path != plan and _is_ours(path) and not _LOCK.fullmatch(path.name):
            path.unlink(missing_ok=True)
    # The plan goes last, surely: shards without it would be nobody's, and a later sweep might take them for its own.
    sync_directory(folder)
    plan.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    """Whether a file in a parts directory is one that hhfast writes there."""
    name = path.name
    plain = name == "spec.json" or name.endswith(TEMPORARY_SUFFIX)
    return plain or bool(_SHARD.fullmatch(name) or _LOCK.fullmatch(name))
