"""
On a cluster
============

A sweep takes any ``concurrent.futures.Executor``: Dask, MPI, a pool of processes. All of them give the same numbers, bit
for bit, and a run that was interrupted goes on from the shards that are there, with another executor if need be.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import hhfast as hh

sweep = hh.Sweep(
    model="hodgkin_huxley",
    space=hh.Rows({"g_Na": np.linspace(80, 160, 64)}),
    stimulus=hh.Step(amplitude=8.0),
    t_stop=100.0,
)
folder = Path(tempfile.mkdtemp())
sweep.run(folder / "here.h5", progress=False)

# %%
# The same through an executor. On a cluster it would be ``dask.distributed.Client(address).get_executor()``, or
# ``mpi4py.futures.MPIPoolExecutor()``.

with ThreadPoolExecutor(2) as executor:
    sweep.run(folder / "there.h5", executor, progress=False)
here, there = (hh.open_results(folder / name) for name in ("here.h5", "there.h5"))
print("the same numbers:", np.array_equal(here["rate"], there["rate"]))

# %%
# From the shell
# --------------
#
# Dask, on workers that are running or that hhfast starts::
#
#     hhfast run scan.toml -o scan.h5 --dask tcp://scheduler:8786
#     hhfast run scan.toml -o scan.h5 --dask local:8
#
# A job array: each job computes its share, and one command joins them. No job talks to another::
#
#     #!/bin/bash
#     #SBATCH --array=1-20 --cpus-per-task=16 --time=04:00:00
#     hhfast run scan.toml -o scan.h5 --part $SLURM_ARRAY_TASK_ID/20
#
#     hhfast merge scan.h5        # afterwards; says which parts are missing, if any
#
# What must not exceed the processors of a machine is worker processes x Dask threads per worker x ``--threads``. Kernels are
# compiled once per machine, into ``HHFAST_CACHE_DIR``. Use the same versions, and processors of one kind: ``hhfast merge`` refuses
# to mix what would not give the same bits.
