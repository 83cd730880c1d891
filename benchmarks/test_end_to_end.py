"""A user's whole run: a scan of 1,000 rows, 100 ms each, in a fresh process. Run with `pytest benchmarks`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCAN = """
import sys
import numpy as np, hhfast as hh
g = np.linspace(80.0, 160.0, 1000)
r = hh.simulate("hodgkin_huxley", {"g_Na": g}, stimulus=hh.Step(amplitude=10.0, start=5.0), t_stop=100.0, dt=0.025,
                integrator=sys.argv[1], record=[hh.Spikes(), hh.Features(["spike_count", "latency", "V_max"])])
assert r.spike_count.sum() > 0
"""


def scan(integrator: str, cache: Path) -> None:
    environment = os.environ | {"HHFAST_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", SCAN, integrator], env=environment, check=True, capture_output=True)


@pytest.mark.parametrize("integrator", ["exp_euler", "rk4"])
@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_scan(benchmark, tmp_path, integrator, cache):
    """1,000 neurons, 100 ms, spikes and features, from the shell's prompt and back."""
    benchmark.group = f"end to end: {cache}"
    runs = iter(range(1000))
    if cache == "warm":
        scan(integrator, tmp_path)
    folder = (lambda: tmp_path) if cache == "warm" else (lambda: tmp_path / str(next(runs)))
    benchmark.pedantic(lambda: scan(integrator, folder()), rounds=3)
