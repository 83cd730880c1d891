"""One contestant in a process of its own: python worker.py KEY WORKLOAD.npz DTYPE THREADS OUT.npy

Answers in lines of JSON. First {"ready": true, ...} or {"skipped": why}. Then, for every line `run` on its input:
{"seconds": s}; the first run also writes the spike counts to OUT.npy. At the end of its input: {"peak_mb": m}.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    key, path, dtype, threads, out = sys.argv[1:]
    answer = _answers()
    _keep_to(int(threads))
    import numpy as np
    from rivals import entries
    from workload import Workload

    entry = entries()[key]
    missing = _missing(entry)
    if missing:
        answer({"skipped": missing})
        return
    start = time.perf_counter()
    run = entry.prepare(Workload.load(path), dtype, int(threads))
    counts, _ = run()  # compiles, where that happens at the first call
    np.save(out, np.asarray(counts))
    answer({"ready": True, "prepare_s": time.perf_counter() - start, "version": _version(entry.library)})
    for line in sys.stdin:
        if line.strip() != "run":
            break
        answer({"seconds": run()[1]})
    answer({"peak_mb": _peak_mb(getattr(run, "peak_kb", 0))})


def _answers() -> Any:
    """Write JSON lines to the real standard output; what libraries print goes to standard error."""
    real = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return lambda message: print(json.dumps(message), file=real)


def _keep_to(threads: int) -> None:
    """Restrict the process to as many processors as it may have threads, whatever its library thinks."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, _cores()[:threads])


def _cores() -> list[int]:
    """Processors this process may use, one of each physical core first."""
    seen, first, rest = set(), [], []
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings")
        core = siblings.read_text() if siblings.exists() else str(cpu)
        (rest if core in seen else first).append(cpu)
        seen.add(core)
    return first + rest


def _missing(entry: Any) -> str:
    if importlib.util.find_spec(entry.library) is None:
        return f"{entry.library} is not installed"
    if entry.program and shutil.which(entry.program) is None:
        return f"{entry.program} is not installed"
    return ""


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _peak_mb(child_kb: int) -> float:
    """The largest resident size of this process (or of the program it ran instead), MB."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike ru_maxrss, not inherited from the process that started this one
        own = next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return max(own, child_kb) / 1024


if __name__ == "__main__":
    main()
