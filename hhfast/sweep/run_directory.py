"""The directory of a running sweep, `OUT.h5.parts`: its plan, one shard per finished batch, and its locks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import BROKEN, InputError, one_line
from hhfast.inputs import exists
from hhfast.sweep.durable_files import DISK_FAULTS, TEMPORARY_SUFFIX, sync_directory, write_durably
from hhfast.sweep.lock import live_holder, lock
from hhfast.sweep.plan import Plan, RunPart, read_plan, write_plan
from hhfast.sweep.shards import DamagedShard, ShardHeader, read_header, read_shard, shard_bytes

DAMAGED = ".damaged"  # suffix of a shard that was set aside
_SHARD = re.compile(r"batch-(\d{8})\.h5")
_LOCK = re.compile(r"lock(-\d+-of-\d+)?")


@dataclass(frozen=True)
class RunDirectory:
    """The directory of a run, which exists, and the run's plan."""

    folder: Path
    plan: Plan

    @classmethod
    def open(cls, folder: Path) -> RunDirectory:
        """The directory of an existing run; `InputError` if it is not one."""
        path = _plan_path(folder)
        try:
            return cls(folder, read_plan(path))
        except OSError as error:
            raise InputError(f"{folder}: is not the parts directory of a sweep (spec.json: {error.strerror})") from None
        except BROKEN as error:
            why = one_line(str(error), 80)
            raise InputError(
                f"{path}: is not readable as a sweep's plan ({why}); move {folder} away to start again"
            ) from None

    @classmethod
    def create(cls, folder: Path, plan: Plan) -> RunDirectory:
        """Begin a run in an existing directory, in which nothing foreign may be."""
        foreign = sorted(p.name for p in folder.iterdir() if not _is_ours(p) and p.suffix != DAMAGED)
        if foreign:
            raise InputError(f"{folder}: exists and holds other files ({foreign[0]}); move them away")
        write_plan(_plan_path(folder), plan)
        return cls(folder, plan)

    @property
    def out(self) -> Path:
        return self.folder.with_name(self.folder.name.removesuffix(".parts"))

    def path(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:08d}.h5"

    def locks(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if _LOCK.fullmatch(p.name))

    def finished(self) -> list[int]:
        """Batches with a shard, unchecked, in order."""
        names = (_SHARD.fullmatch(p.name) for p in self.folder.iterdir())
        return sorted(int(m[1]) for m in names if m and int(m[1]) < self.plan.n_batches)

    def missing(self) -> list[int]:
        """Batches without a shard."""
        finished = set(self.finished())
        return [b for b in range(self.plan.n_batches) if b not in finished]

    def header(self, batch: int) -> ShardHeader:
        """What a shard says about itself (its contents are not checked)."""
        return read_header(self.path(batch))

    def read(self, batch: int) -> tuple[ShardHeader, bytes]:
        """A shard, checked in full: its header and its HDF5 file.

        Raises `DamagedShard` if it is not as it was written, or not that of this batch of this run.
        """
        header, data = read_shard(self.path(batch))
        if header.spec_sha256 != self.plan.spec_sha256:
            raise DamagedShard("it belongs to another spec")
        if (header.batch, header.start, header.stop) != (batch, *self.plan.rows(batch)):
            raise DamagedShard(f"it holds rows {header.start} to {header.stop}, not those of this batch")
        return header, data

    def write(self, header: ShardHeader, image: bytes) -> None:
        """Store a shard durably. `image` is an HDF5 file that begins with an empty user block."""
        write_durably(self.path(header.batch), *shard_bytes(header, image))

    def copy_in(self, batch: int, shard: bytes) -> None:
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


def run_directory(out: Path) -> Path:
    """Where the run of a result is kept until it is finished."""
    if not out.name:
        raise InputError(f"{out}: is a directory; give the name of a file")
    return out.with_name(out.name + ".parts")


def holds_run(folder: Path) -> bool:
    """Whether a directory is that of some run."""
    return exists(_plan_path(folder))


def _plan_path(folder: Path) -> Path:
    return folder / "spec.json"


@contextlib.contextmanager
def locked(folder: Path, part: RunPart | None = None) -> Iterator[None]:
    """Hold the directory of a run: alone, or together with the runs of other parts."""
    own = folder / (part.lock_name if part is not None else "lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock(own, str(folder)))
        except OSError as error:
            if error.errno in DISK_FAULTS:
                raise
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another output with -o") from None
        for other in folder.glob("lock*"):
            excludes = part is None or other.name == "lock"
            if other != own and excludes and (holder := live_holder(other)) is not None:
                remedy = f"wait for it, or if it is surely gone, delete {other}"
                raise InputError(f"{folder} is in use by {holder}; {remedy}")
        yield


def remove_run(folder: Path) -> None:
    """Remove the shards, our temporary files and the plan; for the one who holds the lock.

    Whatever hhfast did not write stays, and so does a shard that was set aside as damaged.
    """
    plan = _plan_path(folder)
    for path in list(folder.iterdir()):
        if path != plan and _is_ours(path) and not _LOCK.fullmatch(path.name):
            path.unlink(missing_ok=True)
    # The plan is removed last, and only once the others are gone durably: a later sweep might take shards that are left
    # without a plan for its own.
    sync_directory(folder)
    plan.unlink(missing_ok=True)


def remove_merged_run(out: Path, spec_sha256: str) -> bool:
    """Remove the run of a finished result, which a process killed between merge and clean-up left; whether it did."""
    folder = run_directory(out)
    if not folder.is_dir():
        return False
    with locked(folder):
        if holds_run(folder) and RunDirectory.open(folder).plan.spec_sha256 == spec_sha256:
            remove_run(folder)
    with contextlib.suppress(OSError):  # something else is in it
        folder.rmdir()
    return not folder.exists()


def _is_ours(path: Path) -> bool:
    """Whether a file in the directory of a run is one that hhfast writes there."""
    name = path.name
    plain = name == "spec.json" or name.endswith(TEMPORARY_SUFFIX)
    return plain or bool(_SHARD.fullmatch(name) or _LOCK.fullmatch(name))
