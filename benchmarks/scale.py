"""Sweeps at scale: memory against rows, the cost of a batch, the time to the first batch, the share of the kernels.

    python benchmarks/scale.py memory [ROWS ...]           # 2 ms runs; peak memory must not depend on the rows
    python benchmarks/scale.py batches [N ...]             # batches whose kernel does nothing: what remains is ours
    python benchmarks/scale.py kernels [--rows N] [--threads N] [--integrator NAME]  # 100 ms squid axons, to the file

Each measurement is a process of its own. Files go to --folder (default: the system's temporary one) and are removed.
"""

# ruff: noqa: SLF001  (watching is done from outside)
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("memory", "batches", "kernels"))
    parser.add_argument("sizes", nargs="*", type=lambda text: int(float(text)))
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--integrator", default="rk4", help="of the squid axons whose kernels are timed")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    defaults = {"memory": [10**5, 10**6, 10**7], "batches": [10**3, 10**4, 10**5], "kernels": [options.rows]}
    if options.alone:
        print(json.dumps(measure(options.what, options.sizes[0], options.threads, options.folder, options.integrator)))
        return
    for size in options.sizes or defaults[options.what]:
        command = [
            sys.executable,
            __file__,
            options.what,
            str(size),
            "--threads",
            str(options.threads),
            "--integrator",
            options.integrator,
            "--alone",
        ]
        folder = [] if options.folder is None else ["--folder", options.folder]
        done = subprocess.run([*command, *folder], stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        print(", ".join(f"{name}: {value:,.4g}" for name, value in found.items()), flush=True)


def measure(what: str, size: int, threads: int, folder: str | None, integrator: str) -> dict[str, float]:
    """One sweep in this process, watched."""
    began = time.perf_counter()
    from hhfast.sweep import batch, run

    watch = Watch()
    if what == "batches":
        batch.simulate_rows = nothing
        sweep, unit = small_sweep(8 * size, 2.0, rows_per_batch=8), ("batches", size)
    else:
        sweep = small_sweep(size, 2.0) if what == "memory" else small_sweep(size, 100.0, integrator=integrator)
        unit = ("rows", size)
        batch.warm_up(sweep)
        watch.kernels()
    started = time.perf_counter()
    watch.stages(run)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        sweep.run(Path(place) / "out.h5", threads=threads, progress=False)
    ended = time.perf_counter()
    found = {unit[0]: float(unit[1]), "peak MB": peak_memory() / MB, "seconds": ended - started}
    if what == "batches":
        found |= {"run, ms per batch": 1e3 * (watch.merging - started) / size}
        found |= {"merge, ms per batch": 1e3 * (ended - watch.merging) / size}
    else:
        found |= {"imports and kernel, s": started - began, "first batch after, s": watch.first - started}
        found |= {"in kernels, % of run": 100 * watch.inside / (watch.merging - started)}
        found |= {"in kernels, % of run and merge": 100 * watch.inside / (ended - started)}
        found |= {"of the threads' time, %": 100 * watch.busy / threads / (watch.merging - started)}
    return found


def small_sweep(n_rows: int, t_stop: float, rows_per_batch: int | None = None, integrator: str = "exp_euler"):
    from hhfast.sweep import Distribution, Record, Sample, Sweep

    space = Sample("random", n_rows, {"g_Na": Distribution("uniform", (80.0, 160.0))}, seed=1)
    stimulus = {"kind": "step", "start": 1.0, "amplitude": 10.0}
    settings = {"dt": 0.05 if t_stop < 10 else 0.025, "integrator": integrator, "rows_per_batch": rows_per_batch}
    record = Record(features=("spike_count",))
    return Sweep("hodgkin_huxley", space, t_stop, stimulus=stimulus, record=record, **settings)


def nothing(sweep, columns, *others):
    """A simulation that takes no time."""
    import numpy as np

    from hhfast.batch.result import Result
    from hhfast.parts.variable import Variable

    n = len(next(iter(columns.values())))
    return Result(np.zeros(n, np.uint8), {"spike_count": Variable(np.zeros(n, np.int32), ("cell",))})


class Watch:
    """Times taken while a sweep runs: in kernels (by the clock, and summed over threads), first batch, merging."""

    inside = busy = first = merging = 0.0

    def kernels(self) -> None:
        from hhfast.batch import simulation as module

        original = module.run_blocks

        def timed(call, *arguments):
            spent = []

            def watched(*limits):
                began = time.perf_counter()
                call(*limits)
                spent.append(time.perf_counter() - began)

            began = time.perf_counter()
            original(watched, *arguments)
            self.inside += time.perf_counter() - began
            self.busy += sum(spent)

        module.run_blocks = timed

    def stages(self, run) -> None:
        accept, merge = run._accept, run.complete_merge

        def accepted(*arguments):
            accept(*arguments)
            self.first = self.first or time.perf_counter()

        def merging(*arguments):
            self.merging = time.perf_counter()
            merge(*arguments)

        run._accept, run.complete_merge = accepted, merging


def peak_memory() -> int:
    """The largest resident memory of this process, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike ru_maxrss, not inherited from the process that started this one
        return 1024 * next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
