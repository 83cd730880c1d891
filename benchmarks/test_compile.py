"""Time to a compiled kernel in a fresh process, with an empty cache and from it. Run with `pytest benchmarks`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KERNELS = [("hodgkin_huxley", "exp_euler"), ("hodgkin_huxley", "rk4"), ("prinz_stg", "exp_euler"), ("prinz_stg", "rk4")]
CHILD = """
import json, sys, time
start = time.perf_counter()
import hhfast as hh
from hhfast.kernel.jit.compile import compiled
from hhfast.kernel.spec import kernel_spec
record = (hh.recorders["spike_count"](),)
spec = kernel_spec(hh.models[sys.argv[1]], sys.argv[2], hh.Step(amplitude=10.0), record, "float64")
imported = time.perf_counter()
compiled(spec)
done = time.perf_counter()
print(json.dumps({"import_s": imported - start, "kernel_s": done - imported}))
"""


def child(model: str, integrator: str, cache: Path) -> dict[str, float]:
    """Seconds that a fresh process spends on importing, and on generating and compiling (or loading) the kernel."""
    environment = os.environ | {"HHFAST_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CHILD, model, integrator]
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(answer.splitlines()[-1])


def report(benchmark: Any, parts: list[dict[str, float]]) -> None:
    for name in ("import_s", "kernel_s"):
        benchmark.extra_info[name] = sorted(round(p[name], 3) for p in parts)


@pytest.mark.parametrize(("model", "integrator"), KERNELS)
def test_cold(benchmark, tmp_path, model, integrator):
    benchmark.group = "compile: cold"
    parts: list[dict[str, float]] = []
    benchmark.pedantic(lambda: parts.append(child(model, integrator, tmp_path / str(len(parts)))), rounds=2)
    report(benchmark, parts)


@pytest.mark.parametrize(("model", "integrator"), KERNELS)
def test_from_cache(benchmark, tmp_path, model, integrator):
    benchmark.group = "compile: from cache"
    parts: list[dict[str, float]] = []
    child(model, integrator, tmp_path)
    benchmark.pedantic(lambda: parts.append(child(model, integrator, tmp_path)), rounds=3)
    report(benchmark, parts)
