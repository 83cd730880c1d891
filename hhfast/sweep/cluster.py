"""Dask clusters as executors. The only place that imports dask."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from hhfast.errors import InputError
from hhfast.sweep.batch import warm_up

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep

_RETRIES = 3  # of a task whose worker has died
_TIMEOUT = "30s"  # for a scheduler to answer


@contextlib.contextmanager
def dask_executor(address: str, sweep: Sweep, threads: int) -> Iterator[tuple[Executor, str]]:
    """An executor on a Dask cluster, and a line that describes it.

    address : of a scheduler, as in "tcp://host:8786", or "local:N" for N processes of this machine.
    threads : of each task. The kernel is compiled on one worker of each machine before the others need it.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError("--dask needs dask.distributed; install it with: pip install 'hhfast[dask]'") from None

    with contextlib.ExitStack() as stack:
        if found := re.fullmatch(r"local:(\d+)", address):
            n = int(found[1])
            if not 1 <= n <= 4096:
                raise InputError(f"--dask {address}: N must be between 1 and 4096")
            # Without a dashboard there is no port to be taken, and without a nanny a killed worker would be missing.
            cluster = LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None)
            address = stack.enter_context(cluster).scheduler_address
        try:
            client = stack.enter_context(Client(address, timeout=_TIMEOUT))
        except (OSError, ValueError) as error:
            raise InputError(f"--dask {address}: no Dask scheduler answers there ({error})") from None
        workers = client.scheduler_info(n_workers=-1)["workers"]
        slots = sum(worker["nthreads"] for worker in workers.values())
        if not slots:
            raise InputError(f"--dask {address}: the cluster has no workers; start some")
        hosts = {worker["host"]: name for name, worker in workers.items()}
        client.run(warm_up, sweep, workers=list(hosts.values()))
        executor = client.get_executor(retries=_RETRIES, pure=False)
        executor.workers = slots
        machines = f"{len(hosts)} machine{'s' if len(hosts) > 1 else ''}"
        text = f"dask: {len(workers)} workers on {machines}, {slots} tasks at once, threads per task: {threads}"
        yield executor, text

