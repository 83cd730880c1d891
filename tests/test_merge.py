"""Merging: all rows as they were written, early or late, and nothing is lost where it fails."""

import os

import numpy as np
import pytest
from made_up_run import attributes_of, limited, made_up, make_run, merged, names, parameters

from hhfast.sweep.merge import Merge
from hhfast.sweep.shards import DamagedShard
from hhfast.sweep.store import ResultFile, check_digests


@pytest.mark.parametrize(("n_rows", "rows_per_batch"), [(25, 8), (24, 8), (5, 8), (1, 1), (3, 1)])
@pytest.mark.parametrize("spikes", [True, False])
def test_merged_shards_are_the_whole(tmp_path, n_rows, rows_per_batch, spikes):
    merged(make_run(tmp_path, n_rows, rows_per_batch, spikes))
    whole = made_up(0, n_rows, spikes)
    with ResultFile(tmp_path / "out.h5") as result:
        assert result.n_rows == n_rows
        assert np.array_equal(result.read("run"), np.arange(n_rows))
        assert np.array_equal(result.read("status"), whole.status)
        for name, values in parameters(0, n_rows).items():
            assert np.array_equal(result.read(name), values)
        for name, variable in whole.variables.items():
            expected = variable.values.astype(np.float32) if name == "V" else variable.values
            assert np.array_equal(result.read(name), expected), name
        assert result.dtype("V") == np.float32
        assert np.array_equal(result.spike_times(n_rows - 1), whole.spike_times[-1])
    assert check_digests(tmp_path / "out.h5") == []


def test_shards_may_be_merged_as_they_come(tmp_path):
    """The same file, whatever of it was there before the last shard."""
    for name in ("early", "late"):
        (tmp_path / name).mkdir()
    early, late = (make_run(tmp_path / name, spikes=None) for name in ("early", "late"))
    with Merge(early) as merge:
        for batch in (1, 0, 2, 2):
            merge.add_finished(batch)
        assert names(early.folder) - names(late.folder)
        merge.complete(attributes_of(early))
    merged(late)
    assert early.out.read_bytes() == late.out.read_bytes()
    assert names(early.folder) == names(late.folder)


def test_a_merge_that_is_given_up_leaves_the_shards(tmp_path):
    """Whether the run ends early, or a shard is damaged after it was written."""
    run = make_run(tmp_path, spikes=None)
    before = names(run.folder)
    with Merge(run) as merge:
        merge.finished.update({0, 1, 2})
        merge.add_finished(3)
        assert names(run.folder) != before
    with Merge(run) as merge:
        merge.add_finished(0)
        os.truncate(run.path(1), 2000)
        with pytest.raises(DamagedShard):
            merge.add_finished(1)
        assert names(run.folder) != before
    assert names(run.folder) == before


def test_spikes_wait_for_their_number(tmp_path):
    run = make_run(tmp_path)
    before = names(run.folder)
    with Merge(run) as merge:
        merge.add_finished(0)
        assert names(run.folder) == before
        merge.complete(attributes_of(run))
    assert check_digests(run.out) == []


def test_without_room_for_the_result_shards_come_first(tmp_path):
    """A disk that fills up with what is merged early stops no run; its end tells."""
    run = make_run(tmp_path, n_rows=4000, rows_per_batch=1000, spikes=None)
    before = names(run.folder)
    body = f"""
        from pathlib import Path
        from hhfast.sweep.run_directory import RunDirectory
        from hhfast.sweep.merge import Merge
        with Merge(RunDirectory.open(Path("out.h5.parts"))) as merge:
            for batch in range(4):
                merge.add_finished(batch)
            print(len(list(Path("out.h5.parts").iterdir())))
            try:
                merge.complete({attributes_of(run)!r})
            except OSError as error:
                print(error.strerror)
    """
    done = limited(60_000, body, tmp_path)
    assert (done.stdout.split("\n"), done.stderr, done.returncode) == ([str(len(before)), "File too large", ""], "", 0)
    assert names(run.folder) == before


def test_a_disk_that_fills_up_while_merging_is_a_clean_error(tmp_path):
    """HDF5 itself would crash the process here; the shards stay, the half-written result does not."""
    run = make_run(tmp_path, n_rows=4000, rows_per_batch=1000)
    before = names(run.folder)
    body = f"""
        from pathlib import Path
        from hhfast.sweep.run_directory import RunDirectory
        from hhfast.sweep.merge import Merge
        try:
            with Merge(RunDirectory.open(Path("out.h5.parts"))) as merge:
                merge.complete({attributes_of(run)!r})
        except OSError as error:
            print(error.strerror)
    """
    done = limited(60_000, body, tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("File too large", "", 0)
    assert names(run.folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5.parts"]
    merged(run)  # with space again
    assert check_digests(run.out) == []
