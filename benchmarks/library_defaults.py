"""Is the default right on every model of the library? Cells beside the published ones, against the truth.

    python benchmarks/library_defaults.py                     # 50 cells of each model
    python benchmarks/library_defaults.py --models plant_1981_r15 --cells 500
    python benchmarks/library_defaults.py --no-run --write docs/integrators.md     # put the last table into the page

Cells are those of a model's own checks, every conductance and permeability within 20 % of the published one (of models
that have none: every parameter), each under the current and for the duration of the check. A wrong cell is tried again
with smaller tolerances, to see which is enough.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
from table import insert
from truth import Cells, largest_shift, truth_of

import hhfast as hh

RESULTS = Path(__file__).parent / "results" / "library_defaults.json"
SMALLER = (1e-7, 1e-8, 1e-9, 1e-10)


def cells_of(model: hh.Model, check: Any, n: int, rng: np.random.Generator) -> Cells:
    """n cells beside that of a check."""
    base = {name: p.value for name, p in model.parameters.items()} | dict(check.parameters)
    conductances = [name for name in base if name.startswith(("g_", "P_")) and base[name]]
    varied = conductances or [name for name in base if base[name]]
    params = {name: np.full(n, base[name]) for name in dict(check.parameters)}
    params |= {name: base[name] * rng.uniform(0.8, 1.2, n) for name in varied}
    stop = np.inf if check.stop is None else check.stop
    stimulus = hh.Step(amplitude=check.i_app, start=check.start, stop=stop)
    return Cells(model, params, stimulus, check.t_stop, check.threshold, check.rearm)


def measure(model: hh.Model, n: int, seed: int) -> dict[str, Any]:
    """How often the default is wrong on a model, and each cell of which it, or the truth, is not sure."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"cells": 0, "gave_up": 0, "wrong_count": 0, "late": 0, "undecided": 0, "seconds": 0.0}
    found["noted"] = []
    each = -(-n // len(model.checks))
    for number, check in enumerate(model.checks):
        cells = cells_of(model, check, each, rng)
        true = truth_of(cells)
        cells.run()
        began = time.process_time()
        run = cells.run()
        found["seconds"] += time.process_time() - began
        count, known = run.spike_count, true.result.spike_count
        ok = true.decided & (run.status == 0)
        late = ok & (largest_shift(run, true.result) > 0.1)
        wrong = ok & (count != known)
        found["cells"] += each
        found["gave_up"] += int((run.status != 0).sum())
        found["wrong_count"] += int(wrong.sum())
        found["late"] += int(late.sum())
        found["undecided"] += int((~true.decided).sum())
        for k in np.flatnonzero(wrong | (~true.decided & (count != known))).tolist():
            note = {
                "check": number,
                "cell": k,
                "count": int(count[k]),
                "true": int(known[k]),
                "decided": bool(true.decided[k]),
            }
            found["noted"].append(note | {"enough": _enough(cells, k, int(known[k]))})
    return found


def _enough(cells: Cells, k: int, true: int) -> float | None:
    """The largest tolerance from which on tsit5 counts the spikes of a cell right; None: none that was tried."""
    alone = Cells(cells.model, {name: v[k : k + 1] for name, v in cells.params.items()}, cells.stimulus, cells.t_stop,
                  cells.threshold, cells.rearm)  # fmt: skip
    right = [int(alone.run(rtol=rtol).spike_count[0]) == true for rtol in SMALLER]
    return next((rtol for k, rtol in enumerate(SMALLER) if all(right[k:])), None)


def markdown(found: dict[str, Any]) -> str:
    """A line for each model of which something is to be said, and one for all others."""
    models = found["models"]
    total = {
        key: sum(m[key] for m in models.values()) for key in ("cells", "gave_up", "wrong_count", "late", "undecided")
    }
    head = (
        f"{total['cells']:,} cells of {len(models)} models by `tsit5` at rtol 1e-6: {total['gave_up']} given up, "
        f"{total['wrong_count']} with a wrong spike count, {total['late']} more with a spike more than 0.1 ms off. "
        f"{total['undecided']} cells are undecided: the two references, rtol 1e-11 and 1e-12, differ. "
        f"{sum(m['seconds'] for m in models.values()):.0f} s of processor time ({found['cores']} cores)."
    )
    columns = (
        "model",
        "cells",
        "given up",
        "wrong count",
        "off by 0.1 ms",
        "undecided",
        "wrong cells: count (truth), enough",
    )
    lines = [textwrap.fill(head, 120), "", f"| {' | '.join(columns)} |", "|---|" + "---:|" * 5 + "---|"]
    said = {n: m for n, m in models.items() if any(m[k] for k in ("gave_up", "wrong_count", "late", "undecided"))}
    for name, m in said.items():
        numbers = (m[k] for k in ("cells", "gave_up", "wrong_count", "late", "undecided"))
        lines.append(f"| `{name}` | {' | '.join(map(str, numbers))} | {', '.join(map(_note, m['noted']))} |")
    others = [m for n, m in models.items() if n not in said]
    lines.append(f"| the {len(others)} others | {sum(m['cells'] for m in others):,} | 0 | 0 | 0 | 0 | |")
    return "\n".join(lines) + "\n"


def _note(note: dict[str, Any]) -> str:
    if not note["decided"]:
        return f"{note['count']} (undecided)"
    enough = "none tried" if note["enough"] is None else f"rtol {note['enough']:g}"
    return f"{note['count']} ({note['true']}), {enough}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=50, help="of each model")
    parser.add_argument("--models", nargs="+", default=list(hh.models), choices=list(hh.models))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--no-run", action="store_true", help="only the table of the last run")
    parser.add_argument("--write", type=Path, help="a page with the two marking lines between which the table goes")
    arguments = parser.parse_args()
    if not arguments.no_run:
        found: dict[str, Any] = {"cores": os.cpu_count(), "models": {}}
        for name in arguments.models:
            if not hh.models[name].checks:
                continue
            found["models"][name] = measure(hh.models[name], arguments.cells, arguments.seed)
            print(name, found["models"][name], flush=True)
            arguments.results.parent.mkdir(exist_ok=True)
            arguments.results.write_text(json.dumps(found, indent=1) + "\n")
    table = markdown(json.loads(arguments.results.read_text()))
    print(table)
    if arguments.write:
        insert(arguments.write, table, "library-defaults")


if __name__ == "__main__":
    main()
