"""`hhfast cache`: where kernels are, and removing them."""

import subprocess
import sys

import pytest
from commands import hhfast

from hhfast.kernel.jit.cache import cache_folder, files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path))
    return cache_folder()


def test_an_empty_cache(folder):
    """Also one that nobody has made yet."""
    assert hhfast("cache").stdout == f"{folder}: 0 kernels, 0 B\n"
    assert hhfast("cache", "--clear").stdout == f"{folder}: removed 0 kernels, 0 B\n"


@pytest.mark.core
def test_kernels_are_counted_and_removed(folder):
    """Whatever else is in the folder stays."""
    script = "import hhfast as hh; hh.simulate('wang_buzsaki', t_stop=1.0, integrator='euler', record=[hh.Final()])"
    subprocess.run([sys.executable, "-c", script], check=True)
    n_files, n_bytes = len(files()), sum(n for _, n in files())
    assert n_files > 0
    (folder / "mine.txt").write_text("mine")
    count = f"{n_files} kernel{'' if n_files == 1 else 's'}, {n_bytes / 1000:.3g} kB"
    assert hhfast("cache").stdout == f"{folder}: {count}\n"
    assert len(files()) == n_files
    assert hhfast("cache", "--clear").stdout == f"{folder}: removed {count}\n"
    assert files() == []
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
