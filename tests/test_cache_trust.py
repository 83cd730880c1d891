"""The kernel cache: whose files are believed, and that no state of the disk keeps a simulation from running."""

import errno
import os
import stat
import sys
import warnings
from pathlib import Path

import pytest
from processes import run_python

from hhfast.kernel.jit import cache
from hhfast.kernel.jit.cache import ObjectCode

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners of POSIX")
CODE = ObjectCode("kernel", (100, 200), bytes(range(256)) * 8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path / "made"))
    cache._warn_once.cache_clear()
    return cache.cache_folder()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
def test_what_is_made_is_its_users_alone(folder, mask):
    """Whatever the umask is."""
    before = os.umask(mask)
    try:
        cache.save("k", CODE)
    finally:
        os.umask(before)
    assert cache.load("k") == CODE
    (path,) = folder.iterdir()
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, path)] == [0o700, 0o600]


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_where_others_may_write_nothing_is_believed_or_kept(folder, mode):
    """Neither in such a folder, nor in one that a link stands for, nor a single such file."""
    cache.save("k", CODE)
    folder.chmod(mode)
    assert cache.load("k") is None
    with pytest.warns(RuntimeWarning, match="others may write there"):
        cache.save("other", CODE)
    folder.chmod(0o700)
    assert cache.load("other") is None
    assert cache.load("k") == CODE
    (folder / "k.kernel").chmod(mode & 0o666)
    assert cache.load("k") is None


def test_what_is_no_file_of_ours_is_not_read(folder):
    """A pipe would be waited for, a huge file take all memory, a folder be an error."""
    for kind in ("pipe", "folder", "long", "device"):
        cache.save("k", CODE)
        path = folder / "k.kernel"
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path, 0o600)
        elif kind == "folder":
            path.mkdir(0o700)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            path.touch(0o600)
            os.truncate(path, 1 << 40)
        assert cache.load("k") is None
        path.rmdir() if kind == "folder" else path.unlink()


def test_of_another_user_nothing_is_believed(folder, monkeypatch):
    cache.save("k", CODE)
    assert cache.load("k") == CODE
    real = Path.stat

    def foreign(path, **options):
        found = list(real(path, **options))
        found[4] = 1234 + os.geteuid()  # the owner
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", foreign)
    assert cache.load("k") is None


def test_a_folder_that_cannot_be_written_is_read(folder, monkeypatch):
    """As in a container, or an installation that many share; what is missing is told once."""
    cache.save("k", CODE)

    def refused(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(cache.tempfile, "mkstemp", refused)
    monkeypatch.setattr(cache.os, "utime", refused)
    assert cache.load("k") == CODE
    with pytest.warns(RuntimeWarning, match="Read-only file system; each process compiles its own"):
        cache.save("other", CODE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.save("other", CODE)


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    cache.save("k", CODE)

    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache.os, "fsync", full)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        cache.save("other", CODE)
    assert [path.name for path in folder.iterdir()] == ["k.kernel"]


def test_many_threads_use_a_kernel_for_the_first_time(tmp_path):
    """One compiles, the others wait; with nothing in the cache, and nothing imported before."""
    code = """
import sys, threading, warnings
warnings.simplefilter("error")
written = []
sys.addaudithook(lambda event, given: written.append(given[1]) if event == "os.rename" else None)
import hhfast as hh
found = []
def simulate():
    try:
        result = hh.simulate("wang_buzsaki", t_stop=1.0, integrator="euler", threads=1, record=[hh.Final()])
        found.append(result["V_final"].tobytes())
    except BaseException as error:
        found.append(repr(error))
threads = [threading.Thread(target=simulate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(found), len(set(found)), type(found[0]).__name__, len(written))
"""
    told = run_python(code, HHFAST_CACHE_DIR=str(tmp_path))
    kernels = [path.suffix for path in (tmp_path / "kernels").iterdir()]
    assert set(kernels) == {".kernel"}
    assert told == f"12 1 bytes {len(kernels)}\n"
