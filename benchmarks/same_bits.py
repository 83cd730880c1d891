"""Is the result of a row always the same, bit for bit? Threads, order, batches, neighbours, executors.

    python benchmarks/same_bits.py                  # some 280,000 rows; exit 1 if any differs
    python benchmarks/same_bits.py --rows 400

Random squid axons by an exponential, an explicit, an adaptive and an implicit method in either precision. Each is
computed once, by one thread in one batch; then again in every other way, and everything recorded is compared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import hhfast as hh
from hhfast.sweep import Record, Sample

INTEGRATORS = ("exp_euler", "rk4", "tsit5", "rodas4")
DTYPES = ("float64", "float32")
FEATURES = ("spike_count", "latency", "isi_mean", "V_max", "V_min", "V_mean")
HOSTILE = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e9, 0.0)
T_STOP = 30.0  # ms

Values = Mapping[str, np.ndarray]


def cells(n: int, seed: int) -> dict[str, np.ndarray]:
    """Parameters and the current of n cells."""
    rng = np.random.default_rng(seed)
    ranges = {"g_Na": (90.0, 150.0), "g_K": (26.0, 46.0), "C_m": (0.8, 1.2), "amplitude": (0.0, 30.0)}
    return {name: rng.uniform(low, high, n) for name, (low, high) in ranges.items()}


def run(of: Values, which: Any = slice(None), **options: Any) -> dict[str, np.ndarray]:
    """What is recorded of some of the cells, and their status; spike times as the sum of their bits."""
    params = {name: values[which] for name, values in of.items()}
    stimulus = hh.Step(amplitude=params.pop("amplitude"), start=2.0)
    record = [hh.Spikes(), hh.Features(FEATURES), hh.Final()]
    r = hh.simulate("hodgkin_huxley", params, stimulus=stimulus, t_stop=T_STOP, record=record, **options)
    found = {name: r[name] for name, v in r.variables.items() if v.dims == ("cell",)}
    bits = [int(np.frombuffer(times.tobytes(), np.uint64).sum()) for times in r.spike_times]
    return found | {"status": r.status, "spikes": np.array(bits, np.uint64)}


def ways(of: Values, how: dict[str, Any], rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray, Values]]:
    """Every other way: (name, the numbers of the rows, what they gave)."""
    n = len(of["g_Na"])
    every = np.arange(n)
    for threads in (2, 3):
        yield f"{threads} threads", every, run(of, threads=threads, **how)
    for size, last in ((1, n // 20), (7, n // 2), (64, n)):
        pieces = [run(of, slice(k, min(k + size, last)), **how) for k in range(0, last, size)]
        yield f"batches of {size}", every[:last], {x: np.concatenate([p[x] for p in pieces]) for x in pieces[0]}
    order = rng.permutation(n)
    yield "another order", order, run(of, order, **how)
    twice = np.repeat(every, 2)
    yield "each row twice", twice, run(of, twice, **how)
    spoilt = {name: values.copy() for name, values in of.items()}
    bad = np.flatnonzero(rng.random(n) < 0.5)
    for row in bad:
        spoilt[rng.choice(list(of))][row] = rng.choice(HOSTILE)
    among = {x: np.delete(values, bad) for x, values in run(spoilt, **how).items()}
    yield "beside hostile rows", np.delete(every, bad), among


def executors() -> Iterator[tuple[str, Any]]:
    yield "this process", None
    with ThreadPoolExecutor(3) as pool:
        yield "a pool of threads", pool
    for method in ("spawn", "fork") if sys.platform != "win32" else ("spawn",):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            yield f"processes ({method})", pool


def sweeps(n: int) -> Iterator[tuple[str, int, int]]:
    """(name, rows, rows that differ) of sweeps by several executors, in batches of several sizes."""
    space = Sample("random", n, {"g_Na": hh.Distribution("uniform", (90.0, 150.0))}, seed=1)
    known: dict[str, np.ndarray] = {}
    for number, (name, executor) in enumerate(executors()):
        sweep = hh.Sweep(
            model="hodgkin_huxley", space=space, stimulus={"kind": "step", "amplitude": 10.0, "start": 2.0},
            t_stop=T_STOP, record=Record(features=FEATURES), rows_per_batch=(n, 97, 256, 64)[number],
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            out = sweep.run(Path(folder) / "out.h5", executor=executor, progress=False)
            found = {x: np.asarray(hh.open_results(out)[x]) for x in (*FEATURES, "status")}
        known = known or found
        yield f"sweep by {name}", n, differing(known, found, np.arange(n))


def differing(known: Values, found: Values, rows: np.ndarray) -> int:
    """How many rows have a value of other bits."""
    differ = np.zeros(len(rows), bool)
    for name, values in found.items():
        a, b = (np.ascontiguousarray(x).view(f"u{values.dtype.itemsize}") for x in (known[name][rows], values))
        differ |= a != b
    return int(differ.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000, help="different rows of each method")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    total = differ = 0

    def tell(name: str, rows: int, wrong: int) -> None:
        nonlocal total, differ
        total, differ = total + rows, differ + wrong
        print(f"{name}: {rows:,} rows, {wrong} differ", flush=True)

    for integrator in INTEGRATORS:
        for dtype in DTYPES:
            of, how = cells(arguments.rows, arguments.seed), {"integrator": integrator, "dtype": dtype}
            known = run(of, threads=1, **how)
            for name, rows, found in ways(of, how, np.random.default_rng(arguments.seed)):
                tell(f"{integrator}, {dtype}, {name}", len(rows), differing(known, found, rows))
    for name, rows, wrong in sweeps(arguments.rows):
        tell(name, rows, wrong)
    print(f"{total:,} rows compared bit for bit, {differ} differ")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
