"""How often a certificate is wrong: cells with status 0 and certified 1 whose numbers are wrong all the same.

    python benchmarks/false_assurance.py                      # 10,000 random cells of six models, every integrator
    python benchmarks/false_assurance.py --cells 1200 --integrators tsit5 rk4
    python benchmarks/false_assurance.py --no-run --write docs/integrators.md    # put the last table into the page

A run that was interrupted goes on where it was, method by method, if nothing of the code has changed since.

Each run is compared with the truth (`truth.py`). A cell is *wrong* where its spike count is, or a feature or spike time
is off by more than what `certify_tolerance` allows by default. It is *falsely assured* where it is so by twice that, or
in its count, though its certificate agrees; *falsely alarmed* where the certificate differs and nothing is off by half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import textwrap
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from table import insert
from truth import Cells, Truth, beyond, scipy_differs, truth_of

import hhfast as hh

RESULTS = Path(__file__).parent / "results" / "false_assurance.json"
METHODS: dict[str, dict[str, Any]] = {
    "tsit5": {"integrator": "tsit5"},
    "tsit5, rtol 1e-4": {"integrator": "tsit5", "rtol": 1e-4},
    "tsit5, float32": {"integrator": "tsit5", "dtype": "float32"},
    "rodas4": {"integrator": "rodas4"},
    "bs32": {"integrator": "bs32"},
    "rk4": {"integrator": "rk4", "dt": 0.025},
    "rk4, float32": {"integrator": "rk4", "dt": 0.025, "dtype": "float32"},
    "strang": {"integrator": "strang", "dt": 0.025},
    "exp_midpoint": {"integrator": "exp_midpoint", "dt": 0.025},
    "exp_euler": {"integrator": "exp_euler", "dt": 0.025},
    "euler": {"integrator": "euler", "dt": 0.025},
}


def _scaled(name: str, current: tuple[float, float], t_stop: float) -> Callable[[int, int], Cells]:
    """Cells whose conductances and permeabilities are half to twice those of the model, under random currents."""

    def draw(n: int, seed: int) -> Cells:
        rng, model = np.random.default_rng(seed), hh.models[name]
        varied = [p for p in model.parameters if p.startswith(("g_", "P_"))]
        params = {p: model.parameters[p].value * 2.0 ** rng.uniform(-1, 1, n) for p in varied}
        return Cells(model, params, hh.Step(amplitude=rng.uniform(*current, n), start=5.0), t_stop)

    return draw


def _stomatogastric(n: int, seed: int) -> Cells:
    """Cells anywhere between the points of the grid of Prinz, Billimoria & Marder 2003, without current."""
    rng = np.random.default_rng(seed)
    largest = {"Na": 500, "CaT": 12.5, "CaS": 10, "A": 50, "KCa": 25, "Kd": 125, "H": 0.05, "leak": 0.05}
    params = {f"g_{name}": rng.uniform(0, most, n) for name, most in largest.items()}
    return Cells(hh.models["prinz_stg"], params, hh.Step(amplitude=0.0), 500.0)


MODELS: dict[str, Callable[[int, int], Cells]] = {
    "hodgkin_huxley": _scaled("hodgkin_huxley", (0.0, 30.0), 200.0),
    "connor_stevens": _scaled("connor_stevens", (0.0, 40.0), 200.0),
    "prinz_stg": _stomatogastric,
    "hodgkin_huxley_1952_markov": _scaled("hodgkin_huxley_1952_markov", (0.0, 30.0), 200.0),
    "wang_buzsaki": _scaled("wang_buzsaki", (0.0, 3.0), 200.0),
    "destexhe_1996_thalamic_relay": _scaled("destexhe_1996_thalamic_relay", (-1.0, 2.0), 300.0),
}


def measure(cells: Cells, true: Truth, options: dict[str, Any], threads: int) -> dict[str, float]:
    """Counts of one method on the decided cells of one model, and its processor time with and without certificate."""
    began = time.process_time()
    cells.run(**options, threads=threads)
    plain = time.process_time() - began
    began = time.process_time()
    run = cells.run(**options, threads=threads, certify=True)
    certified = time.process_time() - began
    ok, agrees = true.decided & (run.status == 0), run["certified"] == 1
    wrong = beyond(run, true.result, 1.0)
    return {
        "cells": int(true.decided.sum()),
        "flagged": int((true.decided & (run.status != 0)).sum()),
        "wrong_count": int((ok & (run.spike_count != true.result.spike_count)).sum()),
        "wrong": int((ok & wrong).sum()),
        "assured": int((ok & agrees).sum()),
        "false_assurance": int((ok & agrees & beyond(run, true.result, 2.0)).sum()),
        "false_alarm": int((ok & (run["certified"] == 2) & ~beyond(run, true.result, 0.5)).sum()),
        "unknown_assured": int((true.unknown & (run.status == 0) & agrees).sum()),
        "unchecked": int((ok & (run["certified"] == 3)).sum()),
        "seconds": plain,
        "seconds_certified": certified,
    }


def run(arguments: argparse.Namespace) -> None:
    """Every method on every model that the results do not have yet."""
    each = -(-arguments.cells // len(arguments.models))
    wanted = {"cells": each, "models": arguments.models, "methods": arguments.integrators, "seed": arguments.seed}
    found: dict[str, Any] = {"of": wanted | {"code": _code()}, "cores": os.cpu_count(), "models": {}}
    if arguments.results.exists():
        before = json.loads(arguments.results.read_text())
        found = before if before.get("of") == found["of"] else found
    for number, name in enumerate(arguments.models):
        done = found["models"].get(name, {}).get("methods", {})
        if len(done) == len(arguments.integrators):
            continue
        cells = MODELS[name](each, arguments.seed + number)
        true = truth_of(cells)
        some = np.flatnonzero(true.decided)[: arguments.scipy]
        found["models"][name] = {
            "cells": each, "decided": int(true.decided.sum()), "unknown": int(true.unknown.sum()), "scipy": len(some),
            "differ": scipy_differs(cells, true.result, some), "methods": done,
        }  # fmt: skip
        print(name, found["models"][name], flush=True)
        for label in arguments.integrators:
            if label in done:
                continue
            cells.run(**METHODS[label], certify=np.arange(each) < 1)  # compiles
            done[label] = measure(cells, true, METHODS[label], arguments.threads)
            print(f"  {label}: {done[label]}", flush=True)
            arguments.results.parent.mkdir(exist_ok=True)
            arguments.results.write_text(json.dumps(found, indent=1) + "\n")


def _code() -> str:
    """A hash of all that decides the numbers."""
    here, package = Path(__file__), Path(hh.__file__).parent
    files = [here, here.with_name("truth.py"), *sorted(f for f in package.rglob("*") if f.suffix in (".py", ".toml"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def markdown(found: dict[str, Any]) -> str:
    """The table, and the sentence that says what it is of."""
    models = found["models"]
    n, decided, unknown = (sum(m[key] for m in models.values()) for key in ("cells", "decided", "unknown"))
    scipy, differ = (sum(m[key] for m in models.values()) for key in ("scipy", "differ"))
    head = (
        f"{n:,} random cells of {', '.join(f'`{name}`' for name in models)}. Left out: {n - decided:,} whose two "
        f"references differ by a tenth of the tolerance ({unknown:,} of them by all of it). Of {scipy} that SciPy's "
        f"DOP853 solved, too, {differ} differ. {found['cores']} cores; cost: processor time with the certificate over "
        "that without."
    )
    columns = (
        "", "flagged by status", "wrong, status 0", "of these in count", "assured", "falsely assured",
        "falsely alarmed", "references differ, assured", "cost",
    )  # fmt: skip
    lines = [textwrap.fill(head, 120), "", f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for label in found["of"]["methods"]:
        each = [m["methods"][label] for m in models.values()]
        t = {key: sum(counts[key] for counts in each) for key in each[0]}
        numbers = [t[k] for k in ("flagged", "wrong", "wrong_count", "assured", "false_assurance", "false_alarm",
                                      "unknown_assured")]  # fmt: skip
        cost = t["seconds_certified"] / max(t["seconds"], 1e-9)
        lines.append(f"| {label} | {' | '.join(f'{x:,}' for x in numbers)} | {cost:.1f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--scipy", type=int, default=5, help="cells of each model that SciPy solves, too")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--integrators", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--no-run", action="store_true", help="only the table of the last run")
    parser.add_argument("--write", type=Path, help="a page with the two marking lines between which the table goes")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", hh.errors.StepWarning)
    if not arguments.no_run:
        run(arguments)
    table = markdown(json.loads(arguments.results.read_text()))
    print(table)
    if arguments.write:
        insert(arguments.write, table, "false-assurance")


if __name__ == "__main__":
    main()
