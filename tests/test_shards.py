"""Shards: no damage goes unnoticed."""

import os

import h5py
import pytest
from made_up_run import make_run, merged

from hhfast.sweep.plan import Plan
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.shards import DamagedShard


def test_a_shard_opens_as_hdf5_by_itself(tmp_path):
    run = make_run(tmp_path)
    with h5py.File(run.path(1)) as file:
        assert file["run"][:].tolist() == list(range(8, 16))


def test_every_flipped_bit_of_a_shard_is_noticed(tmp_path):
    run = make_run(tmp_path, n_rows=4, rows_per_batch=4)
    data = run.path(0).read_bytes()
    padding = range(data.index(b"\n") + 1, 1024)
    for position in [*range(0, len(data), 97), 5, 30, len(data) - 1]:
        if position in padding:
            continue
        broken = bytearray(data)
        broken[position] ^= 4
        run.path(0).write_bytes(broken)
        with pytest.raises(DamagedShard):
            run.read(0)


def test_a_truncated_shard_is_noticed_and_never_merged(tmp_path):
    run = make_run(tmp_path)
    os.truncate(run.path(2), 2000)
    with pytest.raises(DamagedShard, match="truncated: 2000 of"):
        merged(run)
    assert not run.out.exists()
    assert len(run.finished()) == 4


def test_a_shard_of_another_place_or_spec_is_noticed(tmp_path):
    run = make_run(tmp_path)
    run.path(1).write_bytes(run.path(2).read_bytes())
    with pytest.raises(DamagedShard, match="rows 16 to 24"):
        run.read(1)
    other = RunDirectory(run.folder, Plan("{}", "t" * 64, "", 25, 8, {}))
    with pytest.raises(DamagedShard, match="another spec"):
        other.read(0)
