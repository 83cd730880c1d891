"""`hhfast cache`: where kernels are, and removing them."""

import pytest
from commands import hhfast

import hhfast as hh
from hhfast.kernel.jit.cache import cache_folder, is_cached
from hhfast.kernel.spec import kernel_spec


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path))
    return cache_folder()


def test_an_empty_cache(folder):
    assert hhfast("cache").stdout == f"{folder}: 0 files, 0 B\n"


@pytest.mark.core
def test_kernels_are_counted_and_removed(folder, passive):
    """And compiled again by the next process that needs them; anything outside the folder stays."""
    hh.simulate(passive, t_stop=1.0, integrator="euler", record=[hh.Final()])
    spec = kernel_spec(passive, "euler", None, [hh.Final()], "float64")
    assert is_cached(spec)
    outside = folder.parent / "k_mine.py"
    outside.write_text("mine")
    files = list(folder.iterdir())
    count = f"{len(files)} files, {sum(f.stat().st_size for f in files) / 1000:.3g} kB"
    assert hhfast("cache").stdout == f"{folder}: {count}\n"
    assert is_cached(spec)
    assert hhfast("cache", "--clear").stdout == f"{folder}: removed {count}\n"
    assert not is_cached(spec)
    assert list(folder.iterdir()) == []
    assert outside.exists()
