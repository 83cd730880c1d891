"""Joining finished batches: merging a complete run, and collecting the parts of several machines."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from hhfast.errors import InputError
from hhfast.interrupts import safe_point, undisturbed
from hhfast.progress import Reporter
from hhfast.sweep.durable import make_directory
from hhfast.sweep.merging import Merging
from hhfast.sweep.outputs import locked, tidy
from hhfast.sweep.parts import DamagedShard, Parts, is_planned, parts_directory, remove_parts
from hhfast.sweep.provenance import DECISIVE


def merge_parts(merging: Merging, progress: bool) -> None:
    """Merge a complete parts directory; to be called undisturbed, so that no interrupt hits HDF5 in mid-call."""

    def step(batch: int) -> None:
        safe_point()
        reporter.advance(1)

    parts = merging.parts
    now = datetime.now(UTC).isoformat(timespec="seconds")
    history = f"{now}: hhfast {parts.plan.versions['hhfast']} simulated and merged {parts.plan.n_rows} rows"
    reporter = Reporter(f"merging {parts.out.name}", parts.plan.n_batches, "shards", show=progress)
    with reporter:
        merging.finish({**parts.plan.attributes, "history": history}, step)


@undisturbed()
def collect(out: Path, folders: list[Path], progress: bool = True) -> int:
    """Merge what parts of one sweep have computed, in `OUT.h5.parts` or copied from elsewhere, into `out`.

    The directories in `folders` are only read. Returns the number of rows that are still missing; the merge is done
    when there are none. Raises `InputError` if the directories do not belong together.
    """
    if out.exists():
        return _merged_before(out)
    target = parts_directory(out)
    sources = [Parts.open(folder) for folder in folders]
    if not is_planned(target):
        if not sources:
            raise InputError(f"{target}: does not exist; name the directories of the parts to merge")
        make_directory(target)
        Parts.create(target, sources[0].plan)
    parts = Parts.open(target)
    for source in sources:
        _check_together(parts, source)
    with locked(target):
        for source in sources:
            _adopt(parts, source)
        _check_all(parts)
        rows = sum(stop - start for start, stop in map(parts.plan.rows, parts.missing()))
        if not rows:
            with Merging(parts) as merging:
                merge_parts(merging, progress)
            remove_parts(target)
    with contextlib.suppress(OSError):  # something is left in it
        target.rmdir()
    return rows


def _merged_before(out: Path) -> int:
    """No rows are missing where a merge was ended after its result had its name; other results are not overwritten."""
    from hhfast.sweep.store import ResultFile

    with ResultFile(out) as merged:
        sha256 = merged.attributes["hhfast_spec_sha256"]
    if not tidy(out, sha256):
        raise InputError(f"{out}: exists already; choose another output, or move it away")
    return 0


def _check_together(parts: Parts, source: Parts) -> None:
    for key, what in (("spec_sha256", "another sweep"), ("rows_per_batch", "batches of another size")):
        if getattr(source.plan, key) != getattr(parts.plan, key):
            raise InputError(f"{source.folder}: holds {what} than {parts.folder}; they cannot be merged")
    for key in DECISIVE:
        if source.plan.versions.get(key) != parts.plan.versions.get(key):
            raise InputError(f"{source.folder}: was computed with another {key} than {parts.folder}; run it again")


def _adopt(parts: Parts, source: Parts) -> None:
    """Copy the shards that are missing, checked."""
    missing = set(parts.missing())
    for batch in source.present():
        if batch in missing:
            parts.adopt(batch, _sound(source, batch))


def _check_all(parts: Parts) -> None:
    for batch in parts.present():
        _sound(parts, batch)


def _sound(parts: Parts, batch: int) -> bytes:
    """A shard, checked in full."""
    safe_point()
    try:
        return parts.read(batch)[1]
    except DamagedShard as damage:
        remedy = "run its part again with --repair"
        raise InputError(f"{parts.path(batch)}: is damaged ({damage}); {remedy}") from None
