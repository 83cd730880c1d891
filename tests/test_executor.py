"""Distribution: executors, Dask, parts and merging give the bits of a single run, and faults cost only their rows."""

import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import get_context

import h5py
import numpy as np
import pytest
from sweeps import STEP, contents, small

from hhfast.errors import Incomplete, InputError
from hhfast.sweep import Distribution, Record, Rows, Sample, open_results
from hhfast.sweep.batch import Batch, compute_batch
from hhfast.sweep.executor import TASKS_PER_WORKER
from hhfast.sweep.merge import merge_parts
from hhfast.sweep.plan import RunPart
from hhfast.sweep.run import run_sweep
from hhfast.sweep.run_directory import RunDirectory, run_directory
from hhfast.sweep.verify import verify_output


# --- executors -------------------------------------------------------------------------------------------------------
class Watched(ThreadPoolExecutor):
    """An executor that knows how many tasks it was given at once."""

    def __init__(self):
        super().__init__(2)
        self.waiting = self.most = 0
        self.guard = threading.Lock()
        self.jobs = []

    def submit(self, function, *arguments):
        with self.guard:
            self.waiting += 1
            self.jobs += arguments
            self.most = max(self.most, self.waiting)
        future = super().submit(function, *arguments)
        future.add_done_callback(self.count_down)
        return future

    def count_down(self, future):
        with self.guard:
            self.waiting -= 1


def test_only_a_window_of_tasks_is_submitted(tmp_path, undisturbed):
    with Watched() as executor:
        path = run_sweep(small(rows_per_batch=1), tmp_path / "out.h5", executor, progress=False)
        assert contents(path) == undisturbed
        assert executor.most <= TASKS_PER_WORKER * 2


def test_shards_come_back_where_there_is_no_common_file_system(tmp_path, undisturbed, monkeypatch):
    from hhfast.sweep import batch

    monkeypatch.setattr(batch, "visible_run", lambda folder, sha256: None)
    with ThreadPoolExecutor(2) as executor:
        assert contents(run_sweep(small(), tmp_path / "out.h5", executor, progress=False)) == undisturbed


def test_a_worker_does_not_write_into_the_parts_of_another_run(tmp_path):
    """A directory of that name may be there on the worker's own disk."""
    sweep, other = small(), small(t_stop=41.0)
    run_sweep(other, tmp_path / "out.h5", progress=False, part=RunPart(4, 4))
    folder = str(run_directory(tmp_path / "out.h5"))
    done = compute_batch(Batch(sweep, sweep.sha256, 0, 0, 8, 8, 1, folder=folder))
    assert done.shard is not None
    assert RunDirectory.open(run_directory(tmp_path / "out.h5")).finished() == [3]


class Poisoned(ThreadPoolExecutor):
    """An executor whose workers die of some rows."""

    def __init__(self, rows):
        super().__init__(2)
        self.rows = rows

    def submit(self, function, job, *limits):
        first, last = limits or (0, job.stop - job.start)
        touched = {job.start + k for k in range(first, last) if k not in job.failed}
        if touched & self.rows:
            future = Future()
            future.set_exception(MemoryError("died"))
            return future
        return super().submit(function, job, *limits)


def test_rows_that_kill_their_worker_are_found_and_flagged(tmp_path, undisturbed, caplog):
    with Poisoned({9, 14, 29}) as executor:
        path = run_sweep(small(), tmp_path / "out.h5", executor, progress=False)
    assert "row 9, 14 is flagged as failed" in caplog.text
    with h5py.File(path) as file:
        assert np.flatnonzero(file["status"][:] == 5).tolist() == [9, 14, 29]
        latency = np.frombuffer(undisturbed["latency"][2])
        kept = np.setdiff1d(np.arange(30), [9, 14, 29])
        assert np.array_equal(file["latency"][:][kept], latency[kept], equal_nan=True)


def test_a_fault_that_is_not_that_of_rows_stops_the_run(tmp_path):
    with Poisoned(set(range(30))) as executor, pytest.raises(Incomplete, match="more than 16 rows of batch 0 fail"):
        run_sweep(small(rows_per_batch=30), tmp_path / "out.h5", executor, progress=False)


def test_a_broken_executor_is_resumable(tmp_path, undisturbed):
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        executor.submit(os.getpid).result()
        for process in list(executor._processes.values()):
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        with pytest.raises(Incomplete, match=r"lost its workers.*to resume"):
            run_sweep(small(), tmp_path / "out.h5", executor, progress=False)
    assert contents(run_sweep(small(), tmp_path / "out.h5", progress=False)) == undisturbed


# --- Dask ------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_killed_process_of_this_machine_changes_no_bit(tmp_path):
    from hhfast.sweep.executor import dask_executor

    space = Sample("random", 20_000, {"g_Na": Distribution("uniform", (80.0, 160.0))}, seed=1)
    sweep = small(space=space, stimulus=STEP | {"amplitude": 10.0}, rows_per_batch=500, record=Record(), t_stop=400.0)
    with dask_executor("local:2", sweep, 1) as (executor, text):
        assert text == "2 processes of this machine, threads per task: 1"
        pids = list(executor._pool._processes)

        def kill():
            while not list(tmp_path.glob("out.h5.parts/batch-*.h5")):
                time.sleep(0.01)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        path = run_sweep(sweep, tmp_path / "out.h5", executor, progress=False)
        killer.join()
    assert contents(path) == contents(run_sweep(sweep, tmp_path / "here.h5", progress=False))


def test_dask_addresses_are_checked():
    from hhfast.sweep.executor import dask_executor

    with pytest.raises(InputError, match="between 1 and"), dask_executor("local:0", small(), 1):
        pass


# --- parts of a sweep -------------------------------------------------------------------------------------------------
def test_parts_run_apart_and_merged_are_the_whole(tmp_path, undisturbed):
    for k in (1, 2, 3):
        (tmp_path / f"machine{k}").mkdir()
        run_sweep(small(), tmp_path / f"machine{k}" / "out.h5", progress=False, part=RunPart(k, 3))
    folders = [tmp_path / f"machine{k}" / "out.h5.parts" for k in (1, 2, 3)]
    out = tmp_path / "out.h5"
    assert merge_parts(out, folders[:2], progress=False) == 8
    assert not out.exists()
    assert merge_parts(out, folders[2:], progress=False) == 0
    assert contents(out) == undisturbed
    assert not run_directory(out).exists()
    assert all(folder.exists() for folder in folders)


def test_parts_that_share_a_directory_are_finished_by_a_plain_run(tmp_path, undisturbed):
    run_sweep(small(), tmp_path / "out.h5", progress=False, part=RunPart(2, 2))
    assert RunDirectory.open(tmp_path / "out.h5.parts").finished() == [1, 3]
    assert contents(run_sweep(small(), tmp_path / "out.h5", progress=False)) == undisturbed


def test_a_fresh_part_does_not_discard_the_others(tmp_path):
    run_sweep(small(), tmp_path / "out.h5", progress=False, part=RunPart(2, 2))
    with pytest.raises(InputError, match="would discard what the other parts have computed"):
        run_sweep(small(), tmp_path / "out.h5", progress=False, part=RunPart(1, 2), fresh=True)
    assert RunDirectory.open(tmp_path / "out.h5.parts").finished() == [1, 3]


def test_parts_of_other_sweeps_are_not_mixed(tmp_path):
    run_sweep(small(), tmp_path / "a.h5", progress=False, part=RunPart(1, 2))
    run_sweep(small(t_stop=41.0), tmp_path / "b.h5", progress=False, part=RunPart(2, 2))
    with pytest.raises(InputError, match="another sweep"):
        merge_parts(tmp_path / "a.h5", [tmp_path / "b.h5.parts"], progress=False)
    with pytest.raises(InputError, match="not the parts directory"):
        merge_parts(tmp_path / "a.h5", [tmp_path], progress=False)


def test_a_damaged_part_is_not_merged(tmp_path):
    run_sweep(small(), tmp_path / "a.h5", progress=False, part=RunPart(1, 2))
    shard = RunDirectory.open(tmp_path / "a.h5.parts").path(2)
    os.truncate(shard, 2000)
    with pytest.raises(InputError, match="damaged"):
        merge_parts(tmp_path / "b.h5", [tmp_path / "a.h5.parts"], progress=False)
    assert shard.stat().st_size == 2000


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_impossible_parts_are_refused(text):
    with pytest.raises(InputError, match="must be i/n"):
        RunPart.parse(text)


# --- verify -----------------------------------------------------------------------------------------------------------
def test_verify_finds_what_is_wrong(tmp_path):
    out = small().run(tmp_path / "out.h5", progress=False)
    assert verify_output(out).problems == ()
    with h5py.File(out, "r+") as file:
        del file.attrs["hhfast_sealed"]  # as an earlier version wrote it
        file["status"][3] = 1
        file.attrs["hhfast_spec"] = file.attrs["hhfast_spec"].replace("40.0", "41.0")
    assert verify_output(out).problems == (
        "the spec does not match its checksum",
        "variable 'status' does not match its checksum",
    )


def test_verify_checks_an_unfinished_run(tmp_path):
    run_sweep(small(), tmp_path / "out.h5", progress=False, part=RunPart(1, 2))
    os.truncate(RunDirectory.open(tmp_path / "out.h5.parts").path(2), 2000)
    found = verify_output(tmp_path / "out.h5")
    assert "unfinished, 1 of 4 batches are there and sound" in found.summary
    assert "truncated: 2000 of" in found.problems[0]


def test_a_table_travels_with_its_tasks(tmp_path):
    """Workers on other machines do not see the driver's disk."""
    space = Rows({"g_Na": np.linspace(80, 160, 10), "stimulus.amplitude": np.full(10, 10.0)})
    with Watched() as executor:
        path = run_sweep(small(space=space), tmp_path / "out.h5", executor, progress=False)
    with open_results(path) as data:
        assert np.array_equal(data["g_Na"], space.values["g_Na"])
    assert all(job.sweep.space.n_rows == 1 and len(job.columns["g_Na"]) <= 8 for job in executor.jobs)
