"""The outputs of a run: whether they may be written, whether they are finished, and their parts directory, locked."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError
from hhfast.sweep.batch_size import rows_per_batch
from hhfast.sweep.durable import live_holder, lock, make_directory, sync_directory
from hhfast.sweep.parts import Parts, Plan, is_planned, parts_directory, remove_parts
from hhfast.sweep.provenance import check_versions, global_attributes, versions
from hhfast.sweep.sweep import Sweep


@dataclass(frozen=True)
class Part:
    """Part `number` (from 1) of `count` of a sweep, for machines that know nothing of each other."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """From "2/8"."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"--part {text}: must be i/n with i from 1 to n, as in 2/8")
        return cls(int(found[1]), int(found[2]))

    def __contains__(self, batch: int) -> bool:
        return batch % self.count == self.number - 1

    @property
    def lock_name(self) -> str:
        return f"lock-{self.number}-of-{self.count}"


def is_finished(sweep: Sweep, out: Path, fresh: bool = False) -> bool:
    """Whether `out` already holds this sweep; with `fresh` it does not count, and a result that is ours may make way.

    Raises `InputError` if `out` is anything else: it is never overwritten.
    """
    if not out.exists():
        return False
    from hhfast.sweep.store import ResultFile

    if out.is_dir():
        raise InputError(f"{out}: is a directory; give a file name with -o")
    try:
        with ResultFile(out) as result:
            sha256 = result.attributes["hhfast_spec_sha256"]
    except InputError as error:
        raise InputError(f"{error}, and is not overwritten; choose another output with -o") from None
    if fresh:
        return False
    if sha256 != sweep.sha256:
        remedy = "choose another output with -o, or replace it with --fresh"
        raise InputError(f"{out}: holds the result of another sweep; {remedy}")
    tidy(out, sha256)
    return True


def tidy(out: Path, spec_sha256: str) -> bool:
    """Remove the parts of a finished result that a run, ended at its very end, has left; whether there were any."""
    folder = parts_directory(out)
    if not folder.is_dir():
        return False
    with locked(folder):
        if is_planned(folder) and Parts.open(folder).plan.spec_sha256 == spec_sha256:
            remove_parts(folder)
    with contextlib.suppress(OSError):  # something else is in it
        folder.rmdir()
    return not folder.exists()


@contextlib.contextmanager
def opened(sweep: Sweep, out: Path, fresh: bool, part: Part | None = None) -> Iterator[Parts]:
    """The parts directory of a run, found or made, and locked; if it ends up empty, it goes."""
    folder = parts_directory(out)
    if is_planned(folder) and not fresh:
        _check_same(Parts.open(folder), sweep)
    try:
        make_directory(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another output with -o") from None
    try:
        with locked(folder, part):
            if fresh:
                _discard(out)
            parts = Parts.open(folder) if is_planned(folder) else Parts.create(folder, _plan(sweep))
            if part is None:  # with parts, they may be those of another machine
                parts.remove_temporaries()
            try:
                yield parts
            except InputError:
                if not parts.present():  # a mistake that only the first simulation could find
                    remove_parts(folder)
                raise
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _discard(out: Path) -> None:
    """Remove a result and its unfinished run; for the one who holds the lock."""
    folder = parts_directory(out)
    if is_planned(folder):
        Parts.open(folder)  # refuses a directory that is not recognisably ours
        remove_parts(folder)
    out.unlink(missing_ok=True)
    sync_directory(out.parent)  # else it might be back after power loss, and be taken for the new one


@contextlib.contextmanager
def locked(folder: Path, part: Part | None = None) -> Iterator[None]:
    """Hold a parts directory: alone, or together with the runs of other parts."""
    own = folder / (part.lock_name if part is not None else "lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock(own, str(folder)))
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another output with -o") from None
        for other in folder.glob("lock*"):
            excludes = part is None or other.name == "lock"
            if other != own and excludes and (holder := live_holder(other)) is not None:
                remedy = f"wait for it, or if it is surely gone, delete {other}"
                raise InputError(f"{folder} is in use by {holder}; {remedy}")
        yield


def _check_same(parts: Parts, sweep: Sweep) -> None:
    if parts.plan.spec_sha256 != sweep.sha256:
        raise InputError(
            f"{parts.folder}: holds an unfinished run of another sweep ({_difference(parts.plan.spec, sweep.text)}); "
            "finish that one, choose another output with -o, or start again with --fresh"
        )
    check_versions(parts.plan.versions, str(parts.folder))


def _difference(old: str, new: str) -> str:
    """The keys in which two canonical specs differ."""
    a, b = json.loads(old), json.loads(new)
    return ", ".join(sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))) + " differ"


def _plan(sweep: Sweep) -> Plan:
    model, now = sweep.model.to_toml(), versions()
    attributes = global_attributes(sweep, now)
    return Plan(sweep.text, sweep.sha256, model, sweep.space.n_rows, rows_per_batch(sweep), now, attributes)
