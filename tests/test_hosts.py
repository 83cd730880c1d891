"""Programs that use hhfast from other threads: they end when they should, and fork when they like."""

import signal
import subprocess
import sys
import time

import pytest
from processes import ROOT, run_python

LONG = """
import hhfast as hh, numpy as np
def simulate():
    hh.simulate("hodgkin_huxley", {"g_Na": np.linspace(80, 160, 4096)}, stimulus=hh.Step(amplitude=10.0), t_stop=1e6,
                integrator="exp_euler", threads=2)
hh.simulate("hodgkin_huxley", {"g_Na": np.linspace(80, 160, 8)}, stimulus=hh.Step(amplitude=10.0), t_stop=1.0,
            integrator="exp_euler", threads=2)
"""


def test_a_process_ends_while_a_daemon_thread_simulates():
    code = (
        LONG
        + """
import threading, time
threading.Thread(target=simulate, daemon=True).start()
time.sleep(1)
print("end")
"""
    )
    began = time.monotonic()
    assert run_python(code) == "end\n"
    assert time.monotonic() - began < 60  # the simulation would take many minutes


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a single process")
def test_an_interrupt_ends_a_simulation_in_a_thread_of_asyncio():
    code = (
        LONG
        + """
import asyncio
async def main():
    print("begin", flush=True)
    await asyncio.to_thread(simulate)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=ROOT) as process:  # fmt: skip
        assert process.stdout.readline() == "begin\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert out == "interrupted\n", error


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
def test_a_process_may_fork_while_another_thread_reads_results(tmp_path):
    code = f"""
import os, signal, sys, threading
sys.path.insert(0, {str(ROOT / "tests")!r})
from pathlib import Path
from made_up_run import make_run, merged
from hhfast.sweep.store import ResultFile
path = merged(make_run(Path({str(tmp_path)!r}), n_rows=20_000, rows_per_batch=500))
stop = threading.Event()
def read():
    while not stop.is_set():
        with ResultFile(path) as result:
            result.read("V")
thread = threading.Thread(target=read)
thread.start()
ended = []
for _ in range(20):
    if (child := os.fork()) == 0:
        signal.alarm(20)
        with ResultFile(path) as result:
            os._exit(int(result.read("V").shape != (20_000, 5)))
    ended.append(os.waitpid(child, 0)[1])
stop.set()
thread.join()
print(ended.count(0))
"""
    assert run_python(code) == "20\n"


def test_a_sweep_leaves_pythons_random_numbers_alone(tmp_path):
    code = f"""
import random, sys
sys.path.insert(0, {str(ROOT / "tests")!r})
from sweeps import FEATURES, small
before = random.getstate()
small(FEATURES).run({str(tmp_path / "out.h5")!r}, progress=False)
print(random.getstate() == before)
"""
    assert run_python(code) == "True\n"
