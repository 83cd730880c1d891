"""The n-th change of the disk fails, for every n: a run and a merge end resumable, and nothing of a shard is lost."""

import errno
import os

import pytest
from commands import SCAN, hhfast
from sweeps import FEATURES, contents, small

from hhfast.errors import Incomplete, InputError
from hhfast.kernel.jit import llvm_compiler
from hhfast.sweep import batch as batches
from hhfast.sweep.merge import merge_parts
from hhfast.sweep.plan import RunPart
from hhfast.sweep.run import run_sweep
from hhfast.sweep.run_directory import RunDirectory, run_directory

CALLS = ("fsync", "replace", "link", "unlink", "mkdir", "rmdir", "open")


class Faults:
    """Lets the n-th of the calls that change the disk fail."""

    def __init__(self, patch, folder, fails):
        self.n, self.fails, self.folder = 0, fails, str(folder)
        for name in CALLS:
            patch.setattr(os, name, self._failing(name, getattr(os, name)))

    def _failing(self, name, call):
        def failing(*arguments, **options):
            if name == "fsync" or str(arguments[0]).startswith(self.folder):
                self.n += 1
                if self.n == self.fails:
                    code = (errno.EIO, errno.ENOSPC, errno.EROFS)[self.n % 3]
                    raise OSError(code, os.strerror(code), str(arguments[0]))
            return call(*arguments, **options)

        return failing


def ended(action, folder, fails):
    """How an action ends whose n-th change of the disk fails; None if it has fewer."""
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch, folder, fails)
        try:
            action()
        except (Incomplete, InputError) as error:
            return type(error)
        return "done" if faults.n >= fails else None


def test_every_change_of_the_disk_may_fail_in_a_run(tmp_path):
    sweep, counts = small(FEATURES, rows_per_batch=15), {}
    expected = contents(run_sweep(sweep, tmp_path / "good.h5", progress=False))
    for n in range(1, 200):
        folder = tmp_path / str(n)
        folder.mkdir()
        out = folder / "out.h5"
        end = ended(lambda out=out: run_sweep(sweep, out, progress=False, threads=1), folder, n)
        counts[end] = counts.get(end, 0) + 1
        assert contents(run_sweep(sweep, out, progress=False, threads=1)) == expected
        assert [path.name for path in folder.iterdir()] == ["out.h5"]
        if end is None:
            break
    print(f"{n - 1} changes of the disk failed in turn: {counts}")  # noqa: T201
    assert counts[Incomplete] > 8
    assert counts[None] == 1
    assert InputError not in counts  # exit 2: nothing is wrong with what the user gave


def test_every_change_of_the_disk_may_fail_in_a_merge(tmp_path):
    sweep, counts = small(FEATURES, rows_per_batch=15), {}
    expected = contents(run_sweep(sweep, tmp_path / "good.h5", progress=False))
    for n in range(1, 100):
        folder = tmp_path / str(n)
        folder.mkdir()
        out = folder / "out.h5"
        for part in (1, 2):
            run_sweep(sweep, out, progress=False, threads=1, part=RunPart(part, 2))
        from hhfast.sweep.run_failures import explained

        def merge(out=out):
            with explained(out):
                assert merge_parts(out, [], progress=False) == 0

        end = ended(merge, folder, n)
        counts[end] = counts.get(end, 0) + 1
        merge()
        assert contents(out) == expected
        merge()  # what is merged is merged
        if end is None:
            break
    print(f"{n - 1} changes of the disk failed in turn: {counts}")  # noqa: T201
    assert counts[None] == 1
    assert InputError not in counts


def test_a_file_that_appears_during_a_run_is_kept(tmp_path, monkeypatch):
    out, sweep = tmp_path / "out.h5", small(FEATURES)
    real = batches.simulate_rows

    def simulate(*arguments, **options):
        out.write_text("mine")
        return real(*arguments, **options)

    monkeypatch.setattr(batches, "simulate_rows", simulate)
    with pytest.raises(Incomplete, match="has appeared during the run, and is not overwritten"):
        run_sweep(sweep, out, progress=False)
    assert out.read_text() == "mine"
    monkeypatch.undo()
    out.rename(tmp_path / "mine.h5")
    assert contents(run_sweep(sweep, out, progress=False)) == contents(
        run_sweep(sweep, tmp_path / "b.h5", progress=False)
    )


def test_merging_twice_and_names_too_long(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.toml").write_text(SCAN)
    assert hhfast("run", "scan.toml", "--part", "1/1").exit_code == 0
    for _ in range(3):
        assert hhfast("merge", "scan.h5").exit_code == 0
    long = hhfast("run", "scan.toml", "-o", "x" * 240 + ".h5")
    assert (long.exit_code, "too long" in long.stderr) == (2, True)
    assert {path.name for path in tmp_path.iterdir()} == {"scan.toml", "scan.h5"}


def test_processors_of_other_arithmetic_are_not_mixed(tmp_path, monkeypatch):
    """Without fused multiply-add the last digits are others: told at resuming, by workers, and by merge."""
    sweep = small(FEATURES)
    for number, name in ((1, "a"), (2, "b")):
        (tmp_path / name).mkdir()
        if name == "b":
            monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
            monkeypatch.setenv("NUMBA_CPU_FEATURES", "")
        run_sweep(sweep, tmp_path / name / "out.h5", progress=False, part=RunPart(number, 2))
    folders = [run_directory(tmp_path / name / "out.h5") for name in "ab"]
    found = [RunDirectory.open(folder).plan.versions["arithmetic"] for folder in folders]
    if found[0] == found[1]:  # a processor without it
        assert llvm_compiler.arithmetic() == found[0]
        return
    with pytest.raises(InputError, match="another arithmetic"):
        merge_parts(tmp_path / "out.h5", folders, progress=False)
    with pytest.raises(InputError, match="begun by other code"):
        run_sweep(sweep, tmp_path / "a" / "out.h5", progress=False)
    foreign = batches.Batch(sweep, "", 0, 0, 8, 8, 1, arithmetic=found[0])
    with pytest.raises(InputError, match="leave that worker out"):
        batches.compute_batch(foreign)
