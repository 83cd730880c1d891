"""A sweep on the nodes of a SLURM cluster, through dask-jobqueue: `python cluster_slurm.py SPEC.toml OUT.h5`.

Run it where `sbatch` works and the nodes can reach (a login node, or a small job of its own); it needs
`pip install 'hhfast[dask]' dask-jobqueue` and a file system that all nodes share. Each job is a node: `cores` worker
processes of one thread, each with one task of one thread at a time. If it is stopped, or its jobs run out of time,
run it again: it goes on from the finished batches.
"""

from __future__ import annotations

import sys
from typing import Any

from dask_jobqueue import SLURMCluster
from distributed import Client

import hhfast as hh
from hhfast.sweep.executor import dask_executor


def main(spec: str, out: str, jobs: int = 10, cores: int = 32, **settings: Any) -> None:
    """Run the sweep in `spec` on `jobs` nodes. settings : of SLURMCluster, as queue="main", account="me"."""
    settings = {"memory": f"{2 * cores} GB", "walltime": "04:00:00"} | settings
    sweep = hh.Sweep.from_toml(spec)  # first, so that a mistake in it costs no waiting
    with SLURMCluster(cores=cores, processes=cores, **settings) as cluster:
        cluster.scale(jobs=jobs)
        with Client(cluster) as client:
            client.wait_for_workers(jobs * cores)  # tasks are handed out in proportion to the workers found
            with dask_executor(cluster.scheduler_address, sweep, threads=1) as (executor, text):
                print(text)
                sweep.run(out, executor, threads=1)


if __name__ == "__main__":
    main(*sys.argv[1:3])
