"""hhfast and rivals in turn on the same work: squid axons, constant current, spike counts only.

    python benchmarks/compare.py                                    what is installed here (NumPy, Numba, C++, hhfast)
    python benchmarks/compare.py --install-rivals DIR               make an environment with the other simulators
    python benchmarks/compare.py --rivals DIR/bin/python            with those
    python benchmarks/compare.py --no-run --readme docs/performance.md   put the last table into a page

Each contestant (benchmarks/rivals/, one entry each) is a process of its own that prepares, and then runs when told
to. They run one at a time, in turn, several times over, so that a slow minute of the machine hits all alike. Results:
benchmarks/results/compare.json and compare.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path
from typing import Any

import numpy as np
import table
from machine import machine
from rivals import Entry, entries
from workload import Workload

HERE = Path(__file__).parent
PACKAGES = ["numpy<2.4", "psutil", "setuptools", "brian2", "neuron", "arbor", "jax", "jaxley"]  # NumPy: for Brian2
PATIENCE = 900.0  # seconds for one preparation or run


class Worker:
    """A contestant in its process; see worker.py for what is said between them."""

    def __init__(self, entry: Entry, dtype: str, threads: int, python: str, folder: Path) -> None:
        self.entry, self.dtype, self.threads = entry, dtype, threads
        self.counts = folder / f"{entry.key}-{dtype}-{threads}.npy"
        self.log = (folder / f"{entry.key}-{dtype}-{threads}.log").open("w+", encoding="utf-8")
        self.seconds: list[float] = []
        paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        environment = (
            os.environ
            | {"PYTHONPATH": os.pathsep.join(p for p in paths if p)}
            | {name: str(threads) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        )
        arguments = [entry.key, str(folder / "work.npz"), dtype, str(threads), str(self.counts)]
        self.process = subprocess.Popen(
            [python, str(HERE / "worker.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment,
        )
        self.ready = self._answer()

    def run(self) -> str:
        """Run once; why that failed, or nothing."""
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return "ended before its turn"
        answer = self._answer()
        self.seconds += [answer["seconds"]] if "seconds" in answer else []
        return answer.get("skipped", "")

    def finish(self) -> float:
        """End the process; its peak memory in MB."""
        self.process.stdin.close()
        peak = self._answer().get("peak_mb", float("nan"))
        self.process.wait()
        self.log.close()
        return peak

    def _answer(self) -> dict[str, Any]:
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if line:
            return json.loads(line)
        self.log.seek(0)
        return {"skipped": "failed: " + " ".join(self.log.read().strip().splitlines()[-1:])[-200:]}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that was measured, as written to compare.json."""
    from reference import reference_counts

    about = machine()
    work = Workload.make(options.neurons, options.duration, options.dt, options.seed)
    print("reference counts", flush=True)
    expected = reference_counts(work)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work.save(folder / "work.npz")
        workers, skipped = _start(options, folder)
        workers = _measure(workers, options.repetitions, skipped)
        rows = [_row(w, work, expected) for w in workers]
    table.with_ratios(rows)
    _add_roofline(rows, options)
    return {
        "machine": about,
        "workload": {
            "neurons": work.n,
            "duration": work.duration,
            "dt": work.dt,
            "seed": options.seed,
            "spikes": int(expected.sum()),
        },
        "repetitions": options.repetitions,
        "rows": rows,
        "notes": {w.entry.key: _note(w) for w in workers},
        "skipped": skipped,
    }


def _start(options: argparse.Namespace, folder: Path) -> tuple[list[Worker], dict[str, str]]:
    """Prepare one contestant after the other; those that cannot run, with the reason."""
    workers: list[Worker] = []
    skipped: dict[str, str] = {}
    for entry in entries().values():
        if options.only and entry.key not in options.only:
            continue
        for dtype in (d for d in entry.dtypes if d in options.dtypes):
            for threads in options.threads if entry.threaded else [1]:
                if entry.title in skipped:
                    continue
                print(f"preparing {entry.key}, {dtype}, {threads} thread(s)", flush=True)
                python = options.rivals if entry.rival else sys.executable
                worker = Worker(entry, dtype, threads, python, folder)
                if "skipped" in worker.ready:
                    skipped[entry.title] = worker.ready["skipped"]
                    print(f"  skipped: {worker.ready['skipped']}", flush=True)
                else:
                    workers.append(worker)
    return workers, skipped


def _measure(workers: list[Worker], repetitions: int, skipped: dict[str, str]) -> list[Worker]:
    """Let all take turns; those that lasted."""
    shuffle = random.Random(1).shuffle
    for repetition in range(repetitions):
        print(f"repetition {repetition + 1} of {repetitions}", flush=True)
        order = list(workers)
        shuffle(order)
        for worker in order:
            failure = worker.run()
            if failure:
                skipped[f"{worker.entry.title}, {worker.dtype}, {worker.threads} threads"] = failure
                workers.remove(worker)
    return workers


def _row(worker: Worker, work: Workload, expected: np.ndarray) -> dict[str, Any]:
    counts = np.load(worker.counts)
    entry = worker.entry
    return {
        "key": entry.key,
        "title": entry.title,
        "integrator": entry.integrator,
        "dtype": worker.dtype,
        "threads": worker.threads,
        "ns": [s / work.neuron_steps * 1e9 for s in worker.seconds],
        "agreement": float(np.mean(counts == expected)),
        "spikes": int(counts.sum()),
        "prepare_s": worker.ready["prepare_s"],
        "peak_mb": worker.finish(),
        "of_peak": None,
    }


def _add_roofline(rows: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """The share of the measured peak that hhfast's and the specialist's code reach."""
    if options.no_roofline:
        return
    import roofline

    print("counting operations, measuring the peak", flush=True)
    counters = {
        "hhfast": lambda d: roofline.count_hhfast("hodgkin_huxley", "exp_euler", d),
        "hhfast-rk4": lambda d: roofline.count_hhfast("hodgkin_huxley", "rk4", d),
        "cpp-expert": lambda d: roofline.count_cpp("expert", d),
    }
    for r in rows:
        count = counters[r["key"]](r["dtype"]) if r["key"] in counters else None
        if count is not None:
            r["flops"], r["limit_ns"] = count.flops, roofline.limit_ns(count, r["dtype"]) / r["threads"]
            r["of_peak"] = r["limit_ns"] / r["median_ns"]


def _note(worker: Worker) -> str:
    version = f" {worker.ready['version']}" if worker.ready["version"] else ""
    library = f"{worker.entry.library}{version}; " if not worker.entry.program or worker.entry.rival else ""
    return f"{library}{worker.entry.integrator}. {worker.entry.settings}"


def install(folder: Path) -> None:
    """Make an environment with the rivals that PyPI has."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    failed = []
    for package in PACKAGES:
        command = [str(python), "-m", "pip", "install", "--quiet", package, PACKAGES[0]]
        if subprocess.run(command, check=False).returncode:
            failed.append(package)
    print(f"not installed: {', '.join(failed)}" if failed else "all installed")
    print(f"now: python benchmarks/compare.py --rivals {python}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=8192)
    parser.add_argument("--duration", type=float, default=100.0, help="ms")
    parser.add_argument("--dt", type=float, default=0.01, help="ms")
    parser.add_argument("--seed", type=int, default=1, help="of the parameter sets")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument("--only", nargs="+", metavar="KEY", help=f"some of: {' '.join(entries())}")
    parser.add_argument("--rivals", default=sys.executable, metavar="PYTHON", help="the rivals' interpreter")
    parser.add_argument("--install-rivals", type=Path, metavar="DIR", help="make that environment, and stop")
    parser.add_argument("--results", type=Path, default=HERE / "results", metavar="DIR")
    parser.add_argument("--readme", type=Path, help="insert the table between the markers of this file")
    parser.add_argument("--no-run", action="store_true", help="use the results that are there")
    parser.add_argument("--no-roofline", action="store_true", help="do not count operations")
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.install_rivals:
        install(options.install_rivals)
        return
    if options.readme:
        table.check(options.readme)  # before minutes of work
    path = options.results / "compare.json"
    if options.no_run:
        if not path.exists():
            raise SystemExit(f"{path} does not exist: run without --no-run first")
        result = json.loads(path.read_text(encoding="utf-8"))
    else:
        result = run(options)
        options.results.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text = table.markdown(result)
    (options.results / "compare.md").write_text(text, encoding="utf-8")
    print(text)
    if options.readme:
        table.insert(options.readme, text)


if __name__ == "__main__":
    main()
