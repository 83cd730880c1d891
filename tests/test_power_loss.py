"""Power loss at every moment of a run and of a merge: whatever the disk still holds, nothing reported done is lost.

A real run is recorded: around every call that changes the disk, what it surely holds and what it may hold. Data are
sure once their file is synced, names once their directory is; anything else may be there, or not, or in part. For each
moment, directories that a machine could find when it starts again are built, and the run is resumed in them.
"""

import hashlib
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sweeps import FEATURES, contents, small

from hhfast.errors import Incomplete, InputError
from hhfast.sweep import Grid, durable_files, lock, run
from hhfast.sweep import run_directory as directories
from hhfast.sweep.merge import merge_parts
from hhfast.sweep.plan import RunPart
from hhfast.sweep.run import run_sweep
from hhfast.sweep.run_directory import RunDirectory, run_directory
from hhfast.sweep.shards import DamagedShard

CHANGES = ("replace", "link", "unlink", "mkdir", "rmdir")
FATES = ("old", "new", "empty", "torn", *["mixed"] * 4)  # of what was not synced


@dataclass(frozen=True)
class Moment:
    """The disk at one moment: what it surely holds, and what a running system sees.

    names : by directory, {name: inode}. data : by file. reported : the batches that the user was told are done.
    """

    root: int
    sure_names: dict
    names: dict
    sure_data: dict
    data: dict
    reported: frozenset
    finished: bool

    def build(self, target, fate, rng, folder=None):
        """Make `target` a directory as it may be after power loss at this moment."""
        target.mkdir()
        sure, seen = (names.get(folder or self.root, {}) for names in (self.sure_names, self.names))
        for name in sorted(sure.keys() | seen.keys()):
            unsynced_is_lost = fate == "old" or (fate == "mixed" and rng.random() < 0.5)
            inode = (sure if unsynced_is_lost else seen).get(name)
            if inode in self.sure_names:
                self.build(target / name, fate, rng, inode)
            elif inode is not None:
                (target / name).write_bytes(self._content(inode, fate, rng))

    def _content(self, inode, fate, rng):
        sure, seen = self.sure_data.get(inode, b""), self.data[inode]
        if sure == seen:
            return seen
        contents = {"old": sure, "empty": sure, "torn": seen[: len(seen) // 2], "new": seen}
        return contents[fate if fate in contents else rng.choice(list(contents))]


class Disk:
    """Watches a directory: each call that changes it or makes it durable is surrounded by moments.

    forgotten : a pattern; what has such a name is never synced, as if the program had forgotten to.
    """

    def __init__(self, root, forgotten="nothing"):
        self.root, self.forgotten = root, re.compile(forgotten)
        self.moments, self.reported, self.guard = [], set(), threading.RLock()
        self.handles = {}  # kept open, so that the number of a removed file is not given away again
        self.sure_names, self.sure_data = self._look()  # what was there before

    @contextmanager
    def watching(self):
        with pytest.MonkeyPatch.context() as patch:
            for name in CHANGES:
                patch.setattr(os, name, self._surrounded(getattr(os, name)))
            patch.setattr(os, "fsync", self._surrounded(self._fsync))
            yield
        self.record(finished=True)
        for handle, _ in self.handles.values():
            os.close(handle)

    def _surrounded(self, call):
        def watched(*arguments, **options):
            with self.guard:
                self.record()  # what was created or written since the last call
                call(*arguments, **options)
                self.record()

        return watched

    def _fsync(self, descriptor):
        names, data = self._look()
        inode = os.fstat(descriptor).st_ino
        known = {i: name for entries in names.values() for name, i in entries.items()}
        if not self.forgotten.match(known.get(inode, "root")):
            sure, now = (self.sure_names, names) if inode in names else (self.sure_data, data)
            sure[inode] = now[inode]

    def report(self, batch):
        with self.guard:
            self.reported.add(batch)
            self.record()

    def record(self, *, finished=False):
        with self.guard:
            names, data = self._look()
            for folder in names:
                self.sure_names.setdefault(folder, {})
            sure = dict(self.sure_names), names, dict(self.sure_data), data
            self.moments.append(Moment(self.root.stat().st_ino, *sure, frozenset(self.reported), finished))

    def _look(self):
        names = {}
        for folder, _, files in os.walk(self.root):
            with os.scandir(folder) as entries:
                names[Path(folder).stat().st_ino] = {entry.name: entry.inode() for entry in entries}
            for path in (Path(folder), *(Path(folder, name) for name in files)):
                if path.stat().st_ino not in self.handles:
                    self.handles[path.stat().st_ino] = os.open(path, os.O_RDONLY), path.is_dir()
        return names, {i: os.pread(handle, 1 << 24, 0) for i, (handle, folder) in self.handles.items() if not folder}


def tiny():
    """Six rows in three batches, merged as they come."""
    space = Grid.of({"stimulus.amplitude": np.linspace(0, 20, 6), "g_Na": [120.0]})
    return small(FEATURES, space=space, t_stop=8.0, rows_per_batch=2)


def running(folder):
    run_sweep(tiny(), folder / "out.h5", progress=False)


def merging(folder):
    """Merging the parts of two machines."""
    sources = [folder / f"part{k}.h5.parts" for k in (1, 2)]
    assert merge_parts(folder / "out.h5", sources, progress=False) == 0


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    running(folder)
    return contents(folder / "out.h5")


def recorded(folder, action, forgotten="nothing"):
    """The moments of an action."""
    folder.mkdir()
    if action is merging:
        for k in (1, 2):
            run_sweep(tiny(), folder / f"part{k}.h5", progress=False, part=RunPart(k, 2))
    disk = Disk(folder, forgotten)
    original = run._accept

    def accept(batch, run, reporter):
        original(batch, run, reporter)
        disk.report(batch.header.batch)

    with pytest.MonkeyPatch.context() as patch, disk.watching():
        patch.setattr(run, "_accept", accept)
        action(folder)
    return disk.moments


def problems(moments, action, folder, expected):
    """What someone finds who resumes what power loss has left, one line for each moment and fate that ends badly."""
    rng, seen = np.random.default_rng(0), set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # it has been seen to
        patch.setattr(lock.time, "sleep", lambda seconds: None)
        for number, moment in enumerate(moments):
            for attempt, fate in enumerate(FATES):
                found = folder / f"{number}-{attempt}"
                moment.build(found, fate, rng)
                if (state := fingerprint(found, moment)) not in seen:
                    seen.add(state)
                    if problem := resumed(found, moment, action, expected):
                        yield f"moment {number} of {len(moments)}, what was not synced is {fate}: {problem}"


def fingerprint(folder, moment):
    files = [(str(p.relative_to(folder)), p.read_bytes() if p.is_file() else None) for p in sorted(folder.rglob("*"))]
    return hashlib.sha256(repr((files, moment.reported, moment.finished)).encode()).digest()


def resumed(folder, moment, action, expected):
    """What is wrong with a directory as power loss left it, or with resuming in it; None if nothing is."""
    out, before = folder / "out.h5", {path.name for path in folder.iterdir()}
    try:
        if not out.exists():
            if moment.finished:
                return "the finished result is gone"
            for batch in moment.reported:
                RunDirectory.open(run_directory(out)).read(batch)
        if action is running or not out.exists() or run_directory(out).exists():  # else there is nothing to merge
            action(folder)
    except (InputError, DamagedShard, Incomplete) as error:
        return f"{type(error).__name__}: {error}"
    left = {path.name for path in folder.iterdir()}
    if left != before - {"out.h5.parts"} | {"out.h5"}:
        return f"{left} are left"
    return None if contents(out) == expected else "the result is another"


@pytest.mark.parametrize("action", [running, merging])
def test_power_loss_at_any_moment_costs_nothing_that_was_reported(tmp_path, expected, action):
    moments = recorded(tmp_path / "run", action)
    assert len(moments) > 40
    assert list(problems(moments, action, tmp_path, expected)) == []


@pytest.mark.parametrize("action", [running, merging])
@pytest.mark.parametrize("forgotten", [r"\.batch-", r"\.out\.h5\.", r"\.spec\.json", r"out\.h5\.parts", "root"])
def test_each_sync_is_needed(tmp_path, expected, action, forgotten):
    """The test above notices if shards, result, plan, their directory, or that of the output are not synced."""
    moments = recorded(tmp_path / "run", action, forgotten)
    assert next(problems(moments, action, tmp_path, expected), None)


def test_syncing_after_renaming_would_be_noticed(tmp_path, expected, monkeypatch):
    def hasty(path, *pieces):
        with durable_files.temporary_name(path).open("wb") as file:
            file.writelines(pieces)
            file.flush()
            durable_files.publish(Path(file.name), path)
            os.fsync(file.fileno())

    with monkeypatch.context() as patch:
        patch.setattr(directories, "write_durably", hasty)
        moments = recorded(tmp_path / "run", running)
    assert any("damaged shard" in line for line in problems(moments, running, tmp_path, expected))
