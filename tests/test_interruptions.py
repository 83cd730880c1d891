"""Runs that are stopped from outside, for real: killed, out of disk, locked out; resumed, they give the same bits."""

import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sweeps import contents, small

import hhfast as hh
from hhfast.errors import Incomplete
from hhfast.sweep.merge import merge_parts
from hhfast.sweep.plan import RunPart
from hhfast.sweep.run import run_sweep
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.status import run_status
from hhfast.sweep.store import check_digests

SIMULATION = """\
model = "hodgkin_huxley"
t_stop = 200.0
integrator = "exp_euler"
rows_per_batch = 64
[stimulus]
kind = "step"
start = 5.0
[axes]
g_Na = { linspace = [80, 160, 64] }
"stimulus.amplitude" = { linspace = [0, 20, 48] }
[record]
features = ["spike_count", "latency"]
"""
ANALYSIS = """\
model = "hodgkin_huxley"
rows_per_batch = 4
[axes]
g_Na = { linspace = [100, 140, 8] }
celsius = { linspace = [5, 12, 4] }
[analysis]
kind = "rheobase"
width = 1.0
tol = 1e-3
"""
# Root may write everywhere; without this right (and only this), it is refused like anyone.
ORDINARY = """\
import ctypes, os, sys
if os.geteuid() == 0:
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def start(folder, *words):
    """A Python process in `folder`."""
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start_run(folder, scan=SIMULATION, out="out.h5", before=()):
    (folder / "scan.toml").write_text(scan)
    return start(folder, *before, "-m", "hhfast", "run", "scan.toml", "-o", out, "--threads", 1)


def ended(process):
    """(exit code, what it said) of a process when it is over."""
    _, error = process.communicate(timeout=60)
    return process.returncode, error


def wait_for_shards(folder, process, n):
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if len(list(folder.glob("out.h5.parts/batch-*.h5"))) >= n:
            return
        time.sleep(0.002)
    pytest.fail(f"the run was over before it could be disturbed: {ended(process)}")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The data of the simulation from a run that was not disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert ended(start_run(folder))[0] == 0
    return contents(folder / "out.h5")


# --- killed ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_killed_is_resumed_and_identical(tmp_path, whole, ending):
    process = start_run(tmp_path)
    wait_for_shards(tmp_path, process, 3)
    process.send_signal(ending)
    code, error = ended(process)
    if ending == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 130
        assert "rows are safe; run the same command again to resume" in error
    done = len(RunDirectory.open(tmp_path / "out.h5.parts").finished())
    assert 3 <= done < 48

    code, error = ended(start_run(tmp_path))
    assert code == 0, error
    assert f"resuming out.h5: {64 * done:,} of 3,072 rows are done" in error
    assert contents(tmp_path / "out.h5") == whole
    assert check_digests(tmp_path / "out.h5") == []
    assert names(tmp_path) == ["out.h5", "scan.toml"]


@pytest.mark.slow
def test_the_database_of_the_examples_is_killed_and_resumed_and_identical(tmp_path):
    """Two levels of each conductance, each neuron until it is settled."""
    scan = (Path(__file__).parents[1] / "examples" / "prinz_2003.toml").read_text()
    scan = "rows_per_batch = 8\n" + scan.replace(", 6]", ", 2]").replace("t_stop = 30000.0", "t_stop = 3000.0")
    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    process = start_run(tmp_path / "killed", scan)
    wait_for_shards(tmp_path / "killed", process, 3)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    for folder in ("killed", "whole"):
        code, error = ended(start_run(tmp_path / folder, scan))
        assert code == 0, error
        assert ("of 256 rows are done" in error) == (folder == "killed")
    assert contents(tmp_path / "killed" / "out.h5") == contents(tmp_path / "whole" / "out.h5")


def test_an_analysis_that_is_killed_or_divided_gives_the_same_bits(tmp_path):
    """Killed and resumed; in two parts, merged; and in one batch."""
    process = start_run(tmp_path, ANALYSIS)
    wait_for_shards(tmp_path, process, 2)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    assert 2 <= len(RunDirectory.open(tmp_path / "out.h5.parts").finished()) < 8
    sweep = hh.Sweep.from_toml(tmp_path / "scan.toml")
    resumed = contents(run_sweep(sweep, tmp_path / "out.h5", progress=False))

    for number in (2, 1):
        run_sweep(sweep, tmp_path / "parts.h5", progress=False, part=RunPart(number, 2))
    assert merge_parts(tmp_path / "parts.h5", [], progress=False) == 0
    assert contents(tmp_path / "parts.h5") == resumed

    (tmp_path / "scan.toml").write_text(ANALYSIS.replace("batch = 4", "batch = 32"))
    assert contents(hh.Sweep.from_toml(tmp_path / "scan.toml").run(tmp_path / "one.h5", progress=False)) == resumed
    assert names(tmp_path) == ["one.h5", "out.h5", "parts.h5", "scan.toml"]


MERGE = """\
import signal, sys, time
from pathlib import Path
import hhfast.sweep.store
from hhfast.sweep.merge import merge_parts
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))  # nobody handles this signal: the process dies at once
began = time.perf_counter()
merge_parts(Path("out.h5"), [], progress=False)
print(time.perf_counter() - began)
"""


def test_a_merge_that_is_killed_anywhere_loses_no_shard(tmp_path, whole):
    (tmp_path / "scan.toml").write_text(SIMULATION)
    sweep = hh.Sweep.from_toml(tmp_path / "scan.toml")
    run_sweep(sweep, tmp_path / "out.h5", progress=False, part=RunPart(1, 1))

    def merged_in_a_copy(name, seconds):
        shutil.copytree(tmp_path / "out.h5.parts", tmp_path / name / "out.h5.parts")
        process = start(tmp_path / name, "-c", MERGE, seconds)
        output, error = process.communicate(timeout=60)
        assert process.returncode in (0, -signal.SIGALRM), error
        return output

    duration = float(merged_in_a_copy("undisturbed", 60))
    killed = 0
    for k in range(8):
        output = merged_in_a_copy(f"{k}", duration * (k + 0.5) / 8)
        out = tmp_path / f"{k}" / "out.h5"
        if output:
            duration = min(duration, float(output))  # the machine was busier before
        else:
            killed += 1
            if not out.exists():
                parts = RunDirectory.open(tmp_path / f"{k}" / "out.h5.parts")
                assert [parts.read(batch)[0].batch for batch in range(48)] == list(range(48))
            assert run_sweep(sweep, out, progress=False) == out
        assert contents(out) == whole
        assert names(out.parent) == ["out.h5"]
    assert killed >= 4


@pytest.mark.slow
def test_thirty_kills_at_random_moments_lose_nothing(tmp_path, whole):
    """Each run is killed after a random time and resumed until it is finished; every result is that of a whole run."""
    rng = np.random.default_rng(0)
    began, kills = time.monotonic(), 0
    assert ended(start_run(tmp_path))[0] == 0
    lasting = time.monotonic() - began
    (tmp_path / "out.h5").unlink()
    while kills < 30:
        while not (tmp_path / "out.h5").exists():
            process = start_run(tmp_path)
            time.sleep(rng.uniform(0.2, 1.0) * lasting)
            kills += process.poll() is None
            process.kill()
            process.communicate()
        # After a kill while the shards are being removed, it tidies up.
        assert ended(start_run(tmp_path))[0] == 0
        assert contents(tmp_path / "out.h5") == whole
        assert names(tmp_path) == ["out.h5", "scan.toml"]
        (tmp_path / "out.h5").unlink()


# --- the disk --------------------------------------------------------------------------------------------------------
def test_a_full_disk_leaves_the_finished_batches(tmp_path, monkeypatch, undisturbed):
    """The files of this process may not grow beyond a shard's size for a while: writing really fails."""
    from hhfast.sweep import executor

    original = executor.simulate_batch
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def simulate_batch(batch):
        if batch.number == 2:
            while not (tmp_path / "out.h5.parts" / "batch-00000000.h5").exists():
                time.sleep(0.01)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return original(batch)

    monkeypatch.setattr(executor, "simulate_batch", simulate_batch)
    try:
        with pytest.raises(Incomplete, match="disk is full; what is finished is safe"):
            run_sweep(small(), tmp_path / "out.h5", progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {0} <= set(RunDirectory.open(tmp_path / "out.h5.parts").finished()) <= {0, 1}
    assert not [p for p in (tmp_path / "out.h5.parts").iterdir() if p.name.endswith("tmp")]
    monkeypatch.setattr(executor, "simulate_batch", original)
    assert contents(run_sweep(small(), tmp_path / "out.h5", progress=False)) == undisturbed


@pytest.fixture
def ordinary(tmp_path):
    """What to start Python with, so that a read-only directory is one, also for root."""
    (tmp_path / "fixed").mkdir(mode=0o555)
    if ended(start(tmp_path, "-c", ORDINARY, "-c", "open('fixed/x', 'w')"))[0] == 0:
        pytest.skip("this root cannot give up its right to write everywhere")
    return "-c", ORDINARY


def test_a_read_only_directory_is_refused_in_one_line(tmp_path, ordinary):
    code, error = ended(start_run(tmp_path, out="fixed/out.h5", before=ordinary))
    assert code == 2
    assert error == "error: fixed/out.h5: the directory fixed cannot be written; choose another output\n"


@pytest.mark.parametrize("place", ["out.h5.parts", "."])
def test_a_directory_made_read_only_while_running_costs_nothing_that_is_finished(tmp_path, whole, ordinary, place):
    """That of the shards stops the run at the next batch; that of the result stops it when it has merged."""
    process = start_run(tmp_path, before=ordinary)
    wait_for_shards(tmp_path, process, 3)
    (tmp_path / place).chmod(0o555)
    code, error = ended(process)
    (tmp_path / place).chmod(0o755)
    assert (code, error.count("\n")) == (3, 1)
    assert f"{place} cannot be written any more (Permission denied); what is finished is safe" in error
    done = len(RunDirectory.open(tmp_path / "out.h5.parts").finished())
    assert 3 <= done < 48 or place == "."
    code, error = ended(start_run(tmp_path))
    assert code == 0
    assert f"resuming out.h5: {64 * done:,} of 3,072 rows are done" in error
    assert contents(tmp_path / "out.h5") == whole
    assert names(tmp_path) == ["fixed", "out.h5", "scan.toml"]


# --- others ----------------------------------------------------------------------------------------------------------
def test_two_runs_at_once_do_not_disturb_each_other(tmp_path, whole):
    """The second is refused, names the first, and leaves it alone; its state can be seen meanwhile."""
    first = start_run(tmp_path)
    wait_for_shards(tmp_path, first, 2)
    first.send_signal(signal.SIGSTOP)  # lest it be over before the second has begun
    state = run_status(tmp_path / "out.h5")
    assert [holder.pid for holder in state.holders] == [first.pid]
    assert 128 <= state.rows_done < state.n_rows == 3072
    code, error = ended(start_run(tmp_path))
    assert code == 2
    assert f"out.h5.parts is in use by process {first.pid} on" in error
    first.send_signal(signal.SIGCONT)
    assert ended(first)[0] == 0
    assert contents(tmp_path / "out.h5") == whole


def test_comments_and_code_that_decides_no_row_do_not_forbid_to_resume(tmp_path, whole):
    process = start_run(tmp_path)
    wait_for_shards(tmp_path, process, 2)
    process.kill()
    ended(process)
    shutil.copytree(Path(hh.__file__).parent, tmp_path / "hhfast", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "hhfast" / "batch" / "simulate.py").open("a") as file:
        file.write("# edited\n")
    with (tmp_path / "hhfast" / "progress.py").open("a") as file:
        file.write("EDITED = True\n")
    assert ended(start_run(tmp_path))[0] == 0
    assert contents(tmp_path / "out.h5") == whole


def test_changed_code_does_not_finish_a_run(tmp_path, whole):
    """A developer's edits: hhfast is run from a copy in the working directory, which differs in what decides rows."""
    process = start_run(tmp_path)
    wait_for_shards(tmp_path, process, 2)
    process.kill()
    ended(process)
    shutil.copytree(Path(hh.__file__).parent, tmp_path / "hhfast", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "hhfast" / "batch" / "simulate.py").open("a") as file:
        file.write("EDITED = True\n")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out.h5.parts").iterdir()}
    code, error = ended(start_run(tmp_path))
    assert code == 2
    assert "was begun by other code (code " in error
    assert {path.name: path.read_bytes() for path in (tmp_path / "out.h5.parts").iterdir()} == before
    shutil.rmtree(tmp_path / "hhfast")
    assert ended(start_run(tmp_path))[0] == 0
    assert contents(tmp_path / "out.h5") == whole
