"""Shards and results: merged as they were written, readable everywhere, and no damage goes unnoticed."""

import os
import subprocess
import sys
import textwrap

import h5py
import numpy as np
import pytest
import xarray

from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.parts.variable import Variable
from hhfast.sweep.durable import live_holder, lock, write_durably
from hhfast.sweep.merging import Merging
from hhfast.sweep.parts import DamagedShard, Header, Parts, Plan, remove_parts
from hhfast.sweep.store import ResultFile, batch_columns, check_digests, shard_image

UNITS = {"g_Na": "mS cm-2", "stimulus.amplitude": "uA cm-2"}
ATTRIBUTES = {
    "hhfast_spec_sha256": "s" * 64,
    "hhfast_spec": '{"space": {}}',
    "hhfast_parameters": "g_Na stimulus.amplitude",
    "hhfast_grid_dims": "run",
    "hhfast_grid_shape": [1],
}


def parameters(start, stop):
    rows = np.arange(start, stop)
    return {"g_Na": 90.0 + rows, "stimulus.amplitude": rows / 3.0}


def made_up(start, stop, spikes=True):
    """A result in which every value says which row it belongs to."""
    rows = np.arange(start, stop)
    count = rows % 3 if spikes else 0 * rows
    time = np.arange(5) * 0.5
    variables = {
        "rate": Variable(rows * 0.1, ("cell",), "Hz", "mean firing rate"),
        "time": Variable(time, ("time",), "ms", "time"),
        "V": Variable(rows[:, None] + time, ("cell", "time"), "mV", "membrane potential"),
        "spike_time": Variable(np.repeat(rows, count) + 0.25, ("spike",), "ms", "time of a spike"),
        "spike_count": Variable(count.astype(np.int32), ("cell",), "1", "number of spikes"),
    }
    return Result((rows % 4 == 3).astype(np.uint8), variables)


def make_parts(tmp_path, n_rows=25, rows_per_batch=8, spikes=True):
    """spikes : True: there are some; False: none; None: no variable for them."""
    folder = tmp_path / "out.h5.parts"
    folder.mkdir()
    parts = Parts.create(folder, Plan("{}", "s" * 64, "", n_rows, rows_per_batch, {}))
    for batch in range(parts.plan.n_batches):
        write_shard(parts, batch, spikes)
    return parts


def write_shard(parts, batch, spikes=True):
    start, stop = parts.plan.rows(batch)
    result = made_up(start, stop, bool(spikes))
    if spikes is None:
        result = Result(result.status, {name: v for name, v in result.variables.items() if v.dims != ("spike",)})
    n_spikes = 0 if spikes is None else len(result.spike_time)
    image = shard_image(batch_columns(start, parameters(start, stop), UNITS, result), parts.plan.rows_per_batch)
    parts.write(Header(batch, start, stop, "s" * 64, (stop - start,), n_spikes, "here", 0.1), image)


def names(folder):
    return {path.name for path in folder.iterdir()}


def merge(parts):
    with Merging(parts) as merging:
        return merging.finish(ATTRIBUTES)


@pytest.mark.parametrize(("n_rows", "rows_per_batch"), [(25, 8), (24, 8), (5, 8), (1, 1), (3, 1)])
@pytest.mark.parametrize("spikes", [True, False])
def test_merged_shards_are_the_whole(tmp_path, n_rows, rows_per_batch, spikes):
    merge(make_parts(tmp_path, n_rows, rows_per_batch, spikes))
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


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("spikes", [True, False])
@pytest.mark.core
def test_xarray_opens_a_result(tmp_path, engine, spikes):
    merge(make_parts(tmp_path, spikes=spikes))
    with xarray.open_dataset(tmp_path / "out.h5", engine=engine) as data:
        assert set(data.coords) == {"run", "g_Na", "stimulus.amplitude", "time"}
        assert data.sizes == {"run": 25, "time": 5, "spike": made_up(0, 25, spikes).spike_time.size}
        assert data["g_Na"].attrs["units"] == "mS cm-2"
        assert data["rate"].attrs == data["rate"].attrs | {"units": "Hz", "long_name": "mean firing rate"}
        assert data["V"].dims == ("run", "time")
        assert data["spike_count"].attrs["sample_dimension"] == "spike"
        assert data["spike_count"].dtype == np.int32  # a fill value would have made it a float
        assert data["status"].attrs["flag_meanings"].split()[:2] == ["ok", "diverged"]
        assert data["time"].dtype == np.float64
        assert np.array_equal(data["V"].values, made_up(0, 25)["V"].astype(np.float32))


def test_a_result_is_laid_out_as_promised(tmp_path):
    """gzip-1 and shuffle for integers and traces, nothing for float features, no fill value on integers."""
    merge(make_parts(tmp_path))
    with h5py.File(tmp_path / "out.h5") as file:
        for name in ("V", "spike_count", "status", "run"):
            assert (file[name].compression, file[name].compression_opts, file[name].shuffle) == ("gzip", 1, True)
        assert file["rate"].compression is None
        assert all("_FillValue" not in dataset.attrs for dataset in file.values())
        assert file["rate"].chunks == (8,)


def test_a_shard_opens_as_hdf5_by_itself(tmp_path):
    parts = make_parts(tmp_path)
    with h5py.File(parts.path(1)) as file:
        assert file["run"][:].tolist() == list(range(8, 16))


def test_every_flipped_bit_of_a_shard_is_noticed(tmp_path):
    parts = make_parts(tmp_path, n_rows=4, rows_per_batch=4)
    data = parts.path(0).read_bytes()
    padding = range(data.index(b"\n") + 1, 1024)
    for position in [*range(0, len(data), 97), 5, 30, len(data) - 1]:
        if position in padding:
            continue
        broken = bytearray(data)
        broken[position] ^= 4
        parts.path(0).write_bytes(broken)
        with pytest.raises(DamagedShard):
            parts.read(0)


def test_a_truncated_shard_is_noticed_and_never_merged(tmp_path):
    parts = make_parts(tmp_path)
    os.truncate(parts.path(2), 2000)
    with pytest.raises(DamagedShard, match="truncated: 2000 of"):
        merge(parts)
    assert not parts.out.exists()
    assert len(parts.present()) == 4


def test_a_shard_of_another_place_or_spec_is_noticed(tmp_path):
    parts = make_parts(tmp_path)
    parts.path(1).write_bytes(parts.path(2).read_bytes())
    with pytest.raises(DamagedShard, match="rows 16 to 24"):
        parts.read(1)
    other = Parts(parts.folder, Plan("{}", "t" * 64, "", 25, 8, {}))
    with pytest.raises(DamagedShard, match="another spec"):
        other.read(0)


@pytest.mark.core
def test_a_flipped_bit_of_a_result_is_noticed(tmp_path):
    merge(make_parts(tmp_path))
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file["rate"][3] += 1e-12
    assert check_digests(tmp_path / "out.h5") == ["variable 'rate' does not match its checksum"]


def test_removing_parts_leaves_what_is_not_ours(tmp_path):
    parts = make_parts(tmp_path)
    (parts.folder / "notes.txt").write_text("mine")
    parts.set_aside(0)
    remove_parts(parts.folder)
    assert names(parts.folder) == {"batch-00000000.h5.damaged", "notes.txt"}


def test_a_directory_with_other_files_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes.txt\)"):
        Parts.create(tmp_path, Plan("{}", "s" * 64, "", 1, 1, {}))


@pytest.mark.parametrize("content", [b"", b"no hdf5", b"\x89HDF\r\n\x1a\n cut short"])
def test_what_is_no_result_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(InputError) as caught:
        ResultFile(tmp_path / "x.h5")
    assert "\n" not in str(caught.value)


def limited(size, body, folder):
    """Run Python code in a process whose files may not grow beyond `size` bytes: a disk that is full, for real."""
    prelude = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    code = prelude + textwrap.dedent(body)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_full_disk_leaves_no_half_written_file(tmp_path):
    body = """
        from pathlib import Path
        from hhfast.sweep.durable import write_durably
        try:
            write_durably(Path("x"), bytes(100_000))
        except OSError as error:
            print(error.strerror)
    """
    done = limited(50_000, body, tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("File too large", "", 0)
    assert list(tmp_path.iterdir()) == []


def test_shards_may_be_merged_as_they_come(tmp_path):
    """The same file, whatever of it was there before the last shard."""
    for name in ("early", "late"):
        (tmp_path / name).mkdir()
    early, late = (make_parts(tmp_path / name, spikes=None) for name in ("early", "late"))
    with Merging(early) as merging:
        for batch in (1, 0, 2, 2):
            merging.follow(batch)
        assert names(early.folder) - names(late.folder)
        merging.finish(ATTRIBUTES)
    merge(late)
    assert early.out.read_bytes() == late.out.read_bytes()
    assert names(early.folder) == names(late.folder)


def test_a_merge_that_is_given_up_leaves_the_shards(tmp_path):
    """Whether the run ends early, or a shard is damaged after it was written."""
    parts = make_parts(tmp_path, spikes=None)
    before = names(parts.folder)
    with Merging(parts) as merging:
        merging.there.update({0, 1, 2})
        merging.follow(3)
        assert names(parts.folder) != before
    with Merging(parts) as merging:
        merging.follow(0)
        os.truncate(parts.path(1), 2000)
        with pytest.raises(DamagedShard):
            merging.follow(1)
        assert names(parts.folder) != before
    assert names(parts.folder) == before


def test_spikes_wait_for_their_number(tmp_path):
    parts = make_parts(tmp_path)
    before = names(parts.folder)
    with Merging(parts) as merging:
        merging.follow(0)
        assert names(parts.folder) == before
        merging.finish(ATTRIBUTES)
    assert check_digests(parts.out) == []


def test_without_room_for_the_result_shards_come_first(tmp_path):
    """A disk that fills up with what is merged early stops no run; its end tells."""
    parts = make_parts(tmp_path, n_rows=4000, rows_per_batch=1000, spikes=None)
    before = names(parts.folder)
    body = f"""
        from pathlib import Path
        from hhfast.sweep.parts import Parts
        from hhfast.sweep.merging import Merging
        with Merging(Parts.open(Path("out.h5.parts"))) as merging:
            for batch in range(4):
                merging.follow(batch)
            print(len(list(Path("out.h5.parts").iterdir())))
            try:
                merging.finish({ATTRIBUTES!r})
            except OSError as error:
                print(error.strerror)
    """
    done = limited(60_000, body, tmp_path)
    assert (done.stdout.split("\n"), done.stderr, done.returncode) == ([str(len(before)), "File too large", ""], "", 0)
    assert names(parts.folder) == before


def test_a_disk_that_fills_up_while_merging_is_a_clean_error(tmp_path):
    """HDF5 itself would crash the process here; the shards stay, the half-written result does not."""
    parts = make_parts(tmp_path, n_rows=4000, rows_per_batch=1000)
    before = names(parts.folder)
    body = f"""
        from pathlib import Path
        from hhfast.sweep.parts import Parts
        from hhfast.sweep.merging import Merging
        try:
            with Merging(Parts.open(Path("out.h5.parts"))) as merging:
                merging.finish({ATTRIBUTES!r})
        except OSError as error:
            print(error.strerror)
    """
    done = limited(60_000, body, tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("File too large", "", 0)
    assert names(parts.folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5.parts"]
    merge(parts)  # with space again
    assert check_digests(parts.out) == []


def test_a_durable_write_replaces_as_a_whole(tmp_path):
    write_durably(tmp_path / "x", b"old")
    write_durably(tmp_path / "x", b"new", memoryview(b"er"))
    assert (tmp_path / "x").read_bytes() == b"newer"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_lock_is_held_by_one(tmp_path):
    with lock(tmp_path / "lock", "out.h5"):
        assert live_holder(tmp_path / "lock").pid == os.getpid()
        with pytest.raises(InputError, match=f"x is in use by process {os.getpid()}"), lock(tmp_path / "lock", "x"):
            pass
    assert not (tmp_path / "lock").exists()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    body = "import os\nfrom pathlib import Path\nfrom hhfast.sweep.durable import lock\n"
    body += "with lock(Path('lock'), 'out.h5'): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, timeout=60, check=False)
    assert (tmp_path / "lock").exists()
    with lock(tmp_path / "lock", "out.h5"):
        pass


def test_the_lock_of_another_machine_holds_while_its_heart_beats(tmp_path):
    path = tmp_path / "lock"
    path.write_text('{"pid": 1, "host": "elsewhere", "started": 0, "birth": null}')
    assert str(live_holder(path)) == "process 1 on elsewhere"
    os.utime(path, (0, 0))
    assert live_holder(path) is None
