"""Merging: the shards of a run become one result file, while others are still computed, or from several machines.

HDF5 is imported when the first shard is added, which is while others are computed.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hhfast.errors import InputError
from hhfast.inputs import exists
from hhfast.interrupts import safe_point, undisturbed
from hhfast.progress import Reporter
from hhfast.sweep.durable_files import make_directory, publish_new, temporary_name
from hhfast.sweep.provenance import DECISIVE
from hhfast.sweep.run_directory import RunDirectory, holds_run, locked, remove_merged_run, remove_run, run_directory
from hhfast.sweep.shards import DamagedShard

if TYPE_CHECKING:
    from hhfast.sweep.store import MergedFile

_SHARDS_AT_ONCE = 16


class Merge:
    """The merge of a run: its shards are added in their order to a temporary file, which becomes the result.

    A context at whose end nothing is left of a file that was not finished. The file is written in the directory of the
    run, where a resumed run removes what a killed one left.

    early : whether shards may be added before all are finished. finished : the batches whose shards are.
    """

    def __init__(self, run: RunDirectory, early: bool = True) -> None:
        self.run = run
        self.finished: set[int] = set()
        self._early = early
        self._file: MergedFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._remove_file()

    def add_finished(self, batch: int) -> None:
        """Note that the shard of this batch is finished, and add the shards that are next, but few: someone waits.

        Shards with spikes are not added before all are there, since the number of spikes must be known first. Merging
        early is optional: without room for the file, all shards are merged after the run. Raises `DamagedShard`.
        """
        self.finished.add(batch)
        try:
            for _ in range(_SHARDS_AT_ONCE):
                if self._early and self._n_added in self.finished:
                    self._add(self._n_added)
        except OSError:
            self._remove_file()
            self._early = False

    def complete(self, attributes: Mapping[str, Any], progress: Callable[[int], None] = lambda batch: None) -> Path:
        """Add the other shards, and give the file its name, durably, once it has been read back.

        Raises `DamagedShard` (nothing is changed), OSError (nothing but the shards is left behind), or
        `VerificationError` (an OSError) if what was written does not read back.
        """
        run, n_bytes, n_spikes = self.run, 0, 0
        for header in map(run.header, range(self._n_added, run.plan.n_batches)):
            n_bytes += header.length
            n_spikes += header.ragged
        _check_free_space(run.out.parent, n_bytes)
        for batch in range(run.plan.n_batches):
            if batch >= self._n_added:
                self._add(batch, n_spikes)
            progress(batch)
        assert self._file is not None  # there is no sweep without rows
        self._file.complete(attributes)
        publish_new(self._file.path, run.out)
        return run.out

    @property
    def _n_added(self) -> int:
        return 0 if self._file is None else self._file.n_shards

    def _add(self, batch: int, n_spikes: int | None = None) -> None:
        from hhfast.sweep.store import MergedFile, holds_spikes

        _, image = self.run.read(batch)
        if n_spikes is None and self._file is None and holds_spikes(image, self.run.path(batch)):
            self._early = False
            return
        if self._file is None:
            self._file = MergedFile(temporary_name(self.run.folder / self.run.out.name))
        self._file.add(image, self.run.path(batch), self.run.plan.n_rows, n_spikes or 0)

    def _remove_file(self) -> None:
        if self._file is not None:
            self._file.remove()
        self._file = None


def _check_free_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"merging needs {needed:,} bytes and {free:,} are free", str(folder))


def complete_merge(merge: Merge, progress: bool) -> None:
    """Finish the merge of a run that has all its shards, with its history.

    To be called within `undisturbed`: an interrupt inside HDF5 may leave it unusable.
    """

    def step(batch: int) -> None:
        safe_point()
        reporter.advance(1)

    run = merge.run
    now = datetime.now(UTC).isoformat(timespec="seconds")
    history = f"{now}: hhfast {run.plan.versions['hhfast']} simulated and merged {run.plan.n_rows} rows"
    reporter = Reporter(f"merging {run.out.name}", run.plan.n_batches, "shards", show=progress)
    with reporter:
        merge.complete({**run.plan.attributes, "history": history}, step)


@undisturbed()
def merge_parts(out: Path, folders: list[Path], progress: bool = True) -> int:
    """Merge what parts of one sweep have computed, in `OUT.h5.parts` or copied from elsewhere, into `out`.

    The directories in `folders` are only read. Returns the number of rows that are still missing; the merge is done
    when there are none. Raises `InputError` if the directories do not belong together.
    """
    if exists(out):
        return _merged_before(out, folders)
    target = run_directory(out)
    sources = [RunDirectory.open(folder) for folder in folders]
    if not holds_run(target):
        if not sources:
            raise InputError(f"{target}: does not exist; name the directories of the parts to merge")
        make_directory(target)
        RunDirectory.create(target, sources[0].plan)
    run = RunDirectory.open(target)
    for source in sources:
        _check_same_run(run, source)
    with locked(target):
        for source in sources:
            _copy_missing(run, source)
        for batch in run.finished():
            _checked_shard(run, batch)
        rows = sum(stop - start for start, stop in map(run.plan.rows, run.missing()))
        if not rows:
            with Merge(run) as merge:
                complete_merge(merge, progress)
            remove_run(target)
    with contextlib.suppress(OSError):  # something is left in it
        target.rmdir()
    return rows


def _merged_before(out: Path, folders: list[Path]) -> int:
    """0, if `out` is a finished result, of the sweep whose parts are given or here; else `InputError`."""
    from hhfast.sweep.store import ResultFile

    with ResultFile(out) as merged:
        sha256 = merged.attributes["hhfast_spec_sha256"]
    for folder in [*folders, *filter(holds_run, [run_directory(out)])]:
        if RunDirectory.open(folder).plan.spec_sha256 != sha256:
            raise InputError(f"{out}: holds another sweep than {folder}; choose another output, or move it away")
    remove_merged_run(out, sha256)
    return 0


def _check_same_run(run: RunDirectory, source: RunDirectory) -> None:
    for key, what in (("spec_sha256", "another sweep"), ("rows_per_batch", "batches of another size")):
        if getattr(source.plan, key) != getattr(run.plan, key):
            raise InputError(f"{source.folder}: holds {what} than {run.folder}; they cannot be merged")
    for key in DECISIVE:
        if source.plan.versions.get(key) != run.plan.versions.get(key):
            raise InputError(f"{source.folder}: was computed with another {key} than {run.folder}; run it again")


def _copy_missing(run: RunDirectory, source: RunDirectory) -> None:
    """Copy the shards that are missing, checked."""
    missing = set(run.missing())
    for batch in source.finished():
        if batch in missing:
            run.copy_in(batch, _checked_shard(source, batch))


def _checked_shard(run: RunDirectory, batch: int) -> bytes:
    """A shard, checked in full."""
    safe_point()
    try:
        return run.read(batch)[1]
    except DamagedShard as damage:
        remedy = "run its part again with --repair"
        raise InputError(f"{run.path(batch)}: is damaged ({damage}); {remedy}") from None
