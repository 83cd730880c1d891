"""A process that works for long holds no more than after its first calls: open files, threads, memory."""

import json
import sys

import pytest
from processes import run_python

CELLS = 20_000
CALLS = {"simulate": 200, "settled": 40, "sweep": 30, "results": 100}  # an array of float64, one for each cell, in each
# What is freed goes back to the system at once, so that the memory of a process is what it holds.
EXACT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
WORK = """
import ctypes, gc, json, os, sys
from pathlib import Path
import numpy as np
import hhfast as hh
from hhfast.sweep.plan import RunPart
from hhfast.sweep.run import run_sweep
from hhfast.sweep.store import ResultFile

CELLS, CALLS = CELLS_AND_CALLS
os.chdir(sys.argv[1])
g_Na = np.linspace(80, 160, CELLS)
sweep = hh.Sweep(model="hodgkin_huxley", space=hh.Grid.of({"g_Na": g_Na}), t_stop=0.5, integrator="exp_euler",
                 rows_per_batch=CELLS // 4, record=hh.Record(features=("V_max", "V_mean")))

def simulate():
    return hh.simulate("hodgkin_huxley", {"g_Na": g_Na}, stimulus=hh.Step(amplitude=10.0), t_stop=0.5, threads=2,
                       integrator="exp_euler", record=[hh.Features(["V_max"]), hh.Spikes()])["V_max"]

def settled():
    return hh.simulate("hodgkin_huxley", {"g_Na": g_Na}, t_stop=1.0, threads=2, integrator="exp_euler", until="settled",
                       record=[hh.Features(["V_rest", "period"])])["V_rest"]

def resumed(name="out.h5"):
    out = Path(name)
    run_sweep(sweep, out, progress=False, threads=2, part=RunPart(1, 2))
    run_sweep(sweep, out, progress=False, threads=2)
    with ResultFile(out) as result:
        found = result.read("V_max")
    out.unlink()
    return found

def opened():
    with ResultFile(Path("kept.h5")) as result:
        return result.read("V_max")

def held():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return {"files": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task")),
            "memory": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")}

run_sweep(sweep, Path("kept.h5"), progress=False, threads=2)
kinds, kept = {"simulate": simulate, "settled": settled, "sweep": resumed, "results": opened}, []
for call in kinds.values():  # each once before any is measured: imports, kernels, pools of threads
    for _ in range(5):
        call()
for kind, call in kinds.items():
    rounds = [held()]
    for leaks in (False, True):
        for _ in range(CALLS[kind]):
            found = call()
            if leaks:
                kept.append(found.copy())
        del found
        rounds.append(held())
    print(json.dumps([kind, rounds]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")
@pytest.mark.slow
def test_files_threads_and_memory_stay_flat(tmp_path):
    """The allowance for memory is half of what one array of each call would take, which a leak on purpose does take."""
    answer = run_python(WORK.replace("CELLS_AND_CALLS", repr((CELLS, CALLS))), str(tmp_path), **EXACT)
    for line in answer.splitlines():
        kind, (before, after, leaking) = json.loads(line)
        allowance = CALLS[kind] * CELLS * 8 / 2
        grown, leaked = after["memory"] - before["memory"], leaking["memory"] - after["memory"]
        print(f"{kind}: {before}, then {grown / 1e6:.1f} MB, {leaked / 1e6:.1f} MB where an array leaks")  # noqa: T201
        assert (after["files"], after["threads"]) == (before["files"], before["threads"]), kind
        assert grown < allowance < leaked, kind
    assert len(answer.splitlines()) == len(CALLS)
