"""The n-th call of the file system or of HDF5 fails: a run and a merge end by exit 3 or 2, and resume to the same rows."""

import errno
import io
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import h5py
import pytest
from commands import SCAN, hhfast
from sweeps import contents

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="calls of POSIX")
# Who offers them, and how each is called; those of HDF5 fail as it does, without an errno.
GROUPS = {
    "files": ((io, "open"), (os, "write"), (os, "truncate"), (os, "utime"), (os, "close"), (shutil, "disk_usage")),
    "folders": ((os, "listdir"), (os, "scandir"), (os, "stat"), (os, "lstat"), (os, "access")),
    "hdf5": ((h5py.File, "__init__"), (h5py.File, "close"), (h5py.Group, "create_dataset"), (h5py.Dataset, "resize"),
             (h5py.Dataset, "make_scale"), (h5py.AttributeManager, "__setitem__"), (h5py.AttributeManager, "__getitem__"),
             (h5py.Dataset, "__getitem__")),
}  # fmt: skip


class Faults:
    """Lets the n-th of some calls fail; those of files only inside of a folder."""

    def __init__(self, patch, group, folder, fails):
        self.n, self.fails, self.folder, self.of_hdf5 = 0, fails, str(folder), group == "hdf5"
        for owner, name in GROUPS[group]:
            patch.setattr(owner, name, self._failing(name, getattr(owner, name)))
        if group == "files":
            fcntl = pytest.importorskip("fcntl")
            patch.setattr(fcntl, "flock", self._failing("flock", fcntl.flock))

    def _failing(self, name, call):
        def failing(*arguments, **options):
            result = call(*arguments, **options) if name == "close" else None  # a failing close closes
            if self.of_hdf5 or self._is_meant(arguments):
                self.n += 1
                if self.n == self.fails:
                    raise self._error(arguments)
            return result if name == "close" else call(*arguments, **options)

        return failing

    def _is_meant(self, arguments):
        if not arguments or isinstance(arguments[0], int):
            return bool(arguments) and self._name(arguments[0]).startswith(self.folder)
        return isinstance(arguments[0], str | os.PathLike) and os.fspath(arguments[0]).startswith(self.folder)

    @staticmethod
    def _name(descriptor):
        try:
            return str(Path(f"/proc/self/fd/{descriptor}").readlink())
        except OSError:
            return ""

    def _error(self, arguments):
        if self.of_hdf5:
            return (OSError, RuntimeError)[self.n % 2]("Can't write data (file write failed)")
        code = (errno.EIO, errno.ENOSPC, errno.EROFS)[self.n % 3]
        return OSError(code, os.strerror(code), str(arguments[0]))


def some(n_calls, most):
    """Numbers of calls from the first to the last, evenly."""
    return sorted({round(1 + k * (n_calls - 1) / (most - 1)) for k in range(most)})


@pytest.mark.parametrize("most", [4, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("command", ["run", "merge"])
def test_calls_may_fail(tmp_path, monkeypatch, group, command, most):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.toml").write_text(SCAN)
    assert hhfast("run", "scan.toml", "-o", "good.h5").exit_code == 0
    expected, counts = contents(tmp_path / "good.h5"), Counter()

    def ended(n):
        """How many calls there were, and how the command ended whose n-th fails; its rows, once resumed, are right."""
        folder = tmp_path / str(n)
        folder.mkdir()
        out = folder / "out.h5"
        words = ("run", tmp_path / "scan.toml", "-o", out)
        if command == "merge":
            assert hhfast(*words, "--part", "1/1").exit_code == 0
            words = ("merge", out)
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, group, folder, n)
            end = hhfast(*words)
        assert hhfast(*words).exit_code == 0
        assert contents(out) == expected
        assert [path.name for path in folder.iterdir()] == ["out.h5"]
        return faults.n, end

    n_calls, end = ended(0)
    assert end.exit_code == 0
    for n in some(n_calls, most):
        _, end = ended(n)
        counts[end.exit_code] += 1
        assert end.exit_code in (0, 2, 3), (n, end.output, end.exception)
        assert end.exit_code == 0 or end.stderr.splitlines()[-1].startswith(("incomplete: ", "error: ")), end.output
    print(f"{command}, {group}: of {n_calls} calls, exit codes {dict(counts)}")  # noqa: T201
    assert counts[3] > 0 or most == 4
