"""A sweep on the processes of an MPI job: `mpiexec -n 65 python -m mpi4py.futures cluster_mpi.py SPEC.toml OUT.h5`.

Needs `pip install mpi4py` and a file system that all nodes share. The first process hands out the batches, each of
the others computes one at a time with one thread. If the job is stopped, run it again: it goes on from the finished
batches.
"""

from __future__ import annotations

import sys

from mpi4py.futures import MPIPoolExecutor

import hhfast as hh


def main(spec: str, out: str) -> None:
    with MPIPoolExecutor() as executor:
        hh.Sweep.from_toml(spec).run(out, executor, threads=1)


if __name__ == "__main__":
    main(*sys.argv[1:3])
