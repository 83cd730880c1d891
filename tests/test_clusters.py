"""Clusters on this machine: a scheduler with workers, a SLURM that is a shell script, MPI processes."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sweeps import contents

from hhfast.sweep import Sweep

ROOT = Path(__file__).parent.parent
SCAN = """\
model = "hodgkin_huxley"
t_stop = 40.0
integrator = "exp_euler"
rows_per_batch = 4
[stimulus]
kind = "step"
start = 5.0
[axes]
g_Na = { linspace = [80, 160, 6] }
"stimulus.amplitude" = { values = [0, 3, 6, 10, 20] }
[record]
features = ["spike_count", "latency"]
"""
SBATCH = """\
#!/bin/sh
job=$(mktemp -p .)  # a copy, as SLURM keeps one: who submits a script deletes it at once
cp "$1" "$job"
sh "$job" >> slurm.log 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """\
#!/bin/sh
kill "$@" 2> /dev/null
true
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with a sweep file and, in reference.h5, its result from this process."""
    (tmp_path / "scan.toml").write_text(SCAN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Sweep.from_toml("scan.toml").run("reference.h5", progress=False)
    return tmp_path


def python(*words, **options):
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=120, check=False,
                          **options)  # fmt: skip


@contextlib.contextmanager
def running(*words):
    """A process of Dask's command line, ended with the test."""
    command = [sys.executable, "-m", "dask", *map(str, words)]
    with Path("dask.log").open("a") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def wait_for(path, text=""):
    end = time.monotonic() + 60
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end, Path("dask.log").read_text()
        time.sleep(0.05)


@pytest.mark.slow
def test_a_sweep_on_a_dask_scheduler_at_an_address(here):
    """Scheduler and workers are processes of their own; the command line finds them by address."""
    distributed = pytest.importorskip("distributed")
    where = here / "scheduler.json"
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", where)
    worker = ("worker", "--scheduler-file", where, "--host", "127.0.0.1", "--nthreads", 1, "--no-nanny")
    with running(*scheduler):
        wait_for(where, "}")
        with running(*worker, "--no-dashboard"), running(*worker, "--no-dashboard"):
            with distributed.Client(scheduler_file=str(where)) as client:
                client.wait_for_workers(2, timeout=60)
                address = client.scheduler.address
            assert address.startswith("tcp://127.0.0.1:")
            done = python("-m", "hhfast", "run", "scan.toml", "-o", "out.h5", "--dask", address)
    assert done.returncode == 0, done.stderr
    assert "dask: 2 workers on 1 machine, 2 tasks at once, threads per task: 1" in done.stderr
    assert contents("out.h5") == contents("reference.h5")


@pytest.mark.slow
def test_the_slurm_example_with_a_slurm_that_is_a_shell_script(here, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    (here / "bin").mkdir()
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        (here / "bin" / name).write_text(text)
        (here / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "examples")]))
    settings = "jobs=2, cores=1, interface='lo', scheduler_options={'dashboard_address': None}"
    done = python("-c", f"import cluster_slurm as c\nc.main('scan.toml', 'out.h5', {settings})")
    assert done.returncode == 0, done.stderr
    assert "dask: 2 workers on 1 machine, 2 tasks at once, threads per task: 1" in done.stdout
    assert contents("out.h5") == contents("reference.h5")


@pytest.mark.slow
def test_the_mpi_example(here):
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if mpiexec is None:
        pytest.skip("mpi4py is there, but no mpiexec")
    script = [sys.executable, "-m", "mpi4py.futures", str(ROOT / "examples" / "cluster_mpi.py"), "scan.toml", "out.h5"]
    done = subprocess.run([mpiexec, "-n", "3", *script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert contents("out.h5") == contents("reference.h5")
