"""How a sweep is cut: some seconds of work in a batch, not too many files, not too much memory."""

import h5py
import numpy as np
import pytest
from sweeps import EVERYTHING, FEATURES, small

from hhfast.batch.threads import dealt
from hhfast.sweep import Distribution, Grid, Record, Sample
from hhfast.sweep.batch_size import row_bytes, rows_per_batch


def test_batches_are_sized_by_work():
    space = Grid.of({"g_Na": np.linspace(80, 160, 1000), "g_K": np.linspace(20, 40, 1000)})
    big = small(record=Record(), rows_per_batch=None, space=space, stimulus=None)
    assert rows_per_batch(big) == 65536
    assert rows_per_batch(small(rows_per_batch=None)) == 16384
    assert rows_per_batch(small(record=EVERYTHING, rows_per_batch=None, space=space, stimulus=None, t_stop=4e4)) == 128


@pytest.mark.parametrize("n_rows", [1, 10**3, 10**6, 10**8, 10**9, 10**10])
@pytest.mark.parametrize("t_stop", [1.0, 100.0, 10_000.0])
@pytest.mark.parametrize("record", [Record(), Record(spikes=True), Record(trace=("V", "m"), every=0.1)])
def test_huge_sweeps_are_not_millions_of_files_and_fit_in_memory(n_rows, t_stop, record):
    space = Sample("random", n_rows, {"g_Na": Distribution("uniform", (80.0, 160.0))})
    sweep = small(record=record, rows_per_batch=None, space=space, stimulus=None, t_stop=t_stop)
    rows = rows_per_batch(sweep)
    assert rows == 1 or rows * row_bytes(sweep) <= 64e6
    assert n_rows / rows <= 16384 or 2 * rows * row_bytes(sweep) > 64e6  # as large as memory permits


def test_a_row_is_not_larger_than_on_paper(tmp_path):
    """Batches are sized by an estimate, which bounds what a row really takes, before compression."""
    sweep = small(parameters={"celsius": 25.0}, t_stop=100.0, rows_per_batch=30)
    with h5py.File(sweep.run(tmp_path / "out.h5", progress=False)) as file:
        stored = sum(d.nbytes for name, d in file.items() if name not in ("time", "spike"))
    assert 0.5 * 30 * row_bytes(sweep) < stored <= 30 * row_bytes(sweep)


def test_batches_until_settled_are_large():
    """The cap says little of the work; a lane needs many cells for the slowest of all not to leave the others idle."""
    ends = ("t_stop", "settled")
    fixed, settled = (small(FEATURES, t_stop=60_000.0, rows_per_batch=None, until=until) for until in ends)
    assert rows_per_batch(fixed) == 1024
    assert rows_per_batch(settled) == 65536


@pytest.mark.parametrize("n", [1, 7, 1296, 32768])
def test_cells_are_dealt_so_that_each_thread_gets_as_many_of_any_kind(n):
    order = dealt(n)
    assert np.array_equal(np.sort(order), np.arange(n))
    for levels in (2, 6):  # of the last axis of a grid, and of the first
        for kind in (np.arange(n) % levels, np.arange(n) * levels // n):
            mine, theirs = (np.bincount(kind[half], minlength=levels) for half in np.array_split(order, 2))
            assert np.abs(mine - theirs).max() <= 5
