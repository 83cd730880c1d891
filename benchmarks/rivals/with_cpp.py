"""Hand-written C++ (squid.cpp), straightforward and by a specialist, called through ctypes."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from workload import V_INIT, Workload, steady_gates

from rivals import Entry, Run, timed

SOURCE = Path(__file__).with_name("squid.cpp")
FLAGS = ["-std=c++17", "-O3", "-march=native", "-ffast-math", "-fopenmp"]  # -fopenmp includes -fopenmp-simd


def flags() -> list[str]:
    """The flags, with full-width vectors where the machine has AVX-512 (gcc 12 stops at 256 bits by itself)."""
    cpuinfo = Path("/proc/cpuinfo")
    wide = cpuinfo.exists() and " avx512f" in cpuinfo.read_text()
    return [*FLAGS, *(["-mprefer-vector-width=512"] if wide else [])]


def _function(name: str):
    """Compile and load; the library stays loaded after its file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "squid.so"
        subprocess.run(["g++", *flags(), "-shared", "-fPIC", str(SOURCE), "-o", str(library)], check=True)
        return getattr(ctypes.CDLL(str(library)), name)


def _prepare(kind: str):
    def prepare(work: Workload, dtype: str, threads: int) -> Run:
        function = _function(f"{kind}_{dtype}")
        columns = work.columns(dtype)
        start = np.array([V_INIT, *steady_gates()])
        counts = np.zeros(work.n, np.int64)
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (*columns, start)]

        def call() -> np.ndarray:
            function(
                ctypes.c_int(work.n),
                *pointers,
                ctypes.c_int(work.n_steps),
                ctypes.c_double(work.dt),
                ctypes.c_void_p(counts.ctypes.data),
                ctypes.c_int(threads),
            )
            return counts.copy()

        call.keep = (columns, start)  # the arrays behind the pointers
        return timed(call)

    return prepare


_HOW = "g++ `-O3 -march=native -ffast-math -fopenmp`, full vector width, `omp simd` over blocks of 128 neurons"
ENTRIES = (
    Entry(
        "cpp",
        "C++ by hand, as in the paper",
        "exponential Euler, V first",
        f"{_HOW}; each exponential of the paper is one call of libmvec.",
        _prepare("plain"),
        order=11,
        program="g++",
        dtypes=("float64", "float32"),
    ),
    Entry(
        "cpp-expert",
        "C++ by a specialist",
        "exponential Euler, V first",
        f"{_HOW}; all rate exponentials from powers of one, `phi` as a polynomial that "
        "holds for this workload only, a step in four short loops.",
        _prepare("expert"),
        order=10,
        program="g++",
        dtypes=("float64", "float32"),
    ),
)
