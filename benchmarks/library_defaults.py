"""Is the default right on every model of the library? Cells beside the published ones, against the truth.

    python benchmarks/library_defaults.py                     # 100 cells of each model
    python benchmarks/library_defaults.py --models plant_1981_r15 --cells 500
    python benchmarks/library_defaults.py --no-run --write docs/integrators.md     # put the last table into the page

Cells are those of a model's own checks, every conductance and permeability within 20 % of the published one (of models
that have none: every parameter), for the duration of the check, half of them under its current and half under one of 0
to 2 times that. A wrong cell is tried again with smaller tolerances, to see which is enough, and one that amplifies
small errors (`amplification.py`: chaos, or the brink of a spike) is named and counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from amplification import SENSITIVE, amplification
from table import insert
from truth import Cells, largest_shift, truth_of

import hhfast as hh

RESULTS = Path(__file__).parent / "results" / "library_defaults.json"
SMALLER = (1e-7, 1e-8, 1e-9, 1e-10)
COUNTED = ("cells", "gave_up", "wrong_count", "sensitive", "late", "undecided")
NEAR = 0.1  # mV, ms: a count that hangs on less is marginal


def cells_of(model: hh.Model, check: Any, n: int, rng: np.random.Generator) -> Cells:
    """n cells beside that of a check: the first half under its current, the others under up to twice that."""
    base = {name: p.value for name, p in model.parameters.items()} | dict(check.parameters)
    conductances = [name for name in base if name.startswith(("g_", "P_")) and base[name]]
    varied = conductances or [name for name in base if base[name]]
    params = {name: np.full(n, base[name]) for name in dict(check.parameters)}
    params |= {name: base[name] * rng.uniform(0.8, 1.2, n) for name in varied}
    stop = np.inf if check.stop is None else check.stop
    amplitude = check.i_app * np.where(np.arange(n) < n // 2, 1.0, rng.uniform(0.0, 2.0, n))
    stimulus = hh.Step(amplitude=amplitude, start=check.start, stop=stop)
    return Cells(model, params, stimulus, check.t_stop, check.threshold, check.rearm)


def measure(model: hh.Model, n: int, seed: int) -> dict[str, Any]:
    """How often the default is wrong on a model, and each cell of which it, or the truth, is not sure."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = dict.fromkeys((*COUNTED, "assured", "seconds"), 0)
    found["noted"] = []
    each = -(-n // len(model.checks))
    for number, check in enumerate(model.checks):
        cells = cells_of(model, check, each, rng)
        true = truth_of(cells)
        certified = cells.run(certify=True)["certified"]
        began = time.process_time()
        run = cells.run()
        found["seconds"] += time.process_time() - began
        count, known = run.spike_count, true.result.spike_count
        ok = true.decided & (run.status == 0)
        late = ok & (largest_shift(run, true.result) > 0.1)
        wrong = ok & (count != known)
        found["cells"] += each
        found["gave_up"] += int((run.status != 0).sum())
        found["late"] += int(late.sum())
        found["assured"] += int(((wrong | late) & (certified == 1)).sum())
        found["undecided"] += int((~true.decided).sum())
        unsure = ~true.decided & (true.result.status == 0)
        for k in np.flatnonzero(wrong | (unsure & (count != known))).tolist():
            alone = cells.take(np.array([k]))
            found["noted"].append({"check": number, "cell": k, "count": int(count[k]), "true": int(known[k])})
            if not true.decided[k]:
                found["noted"][-1]["why"] = "undecided"
                continue
            grows = amplification(alone)
            found["sensitive" if grows > SENSITIVE else "wrong_count"] += 1
            found["noted"][-1] |= {"why": _why(alone, known[k]), "amplification": grows}
    return found


def _why(cell: Cells, true: int) -> str:
    """What the spike count of one cell hangs on, and the tolerance from which on tsit5 counts it right."""
    right = [cell.run(rtol=rtol).spike_count[0] == true for rtol in SMALLER]
    enough = next((rtol for k, rtol in enumerate(SMALLER) if all(right[k:])), None)
    told = "none tried is enough" if enough is None else f"{enough:g} is enough"
    references = {"integrator": "rodas4", "rtol": 1e-10}
    for by in (-NEAR, NEAR):
        other = replace(cell, threshold=cell.threshold + by, rearm=cell.rearm + by).run(**references)
        if other.spike_count[0] != true:
            return f"{told}, a peak within {NEAR} mV of the threshold"
    for t_stop in (cell.t_stop - NEAR, cell.t_stop + NEAR):
        if replace(cell, t_stop=t_stop).run(**references).spike_count[0] != true:
            return f"{told}, a spike within {NEAR} ms of the end"
    return told


def markdown(found: dict[str, Any]) -> str:
    """A line for each model of which something is to be said, and one for all others."""
    models = found["models"]
    total = {key: sum(m[key] for m in models.values()) for key in (*COUNTED, "assured", "seconds")}
    head = (
        f"{total['cells']:,} cells of {len(models)} models by `tsit5` at rtol 1e-6: {total['gave_up']} given up, "
        f"{total['wrong_count']} with a wrong spike count, but for {total['sensitive']} that amplify small errors "
        f"10^{np.log10(SENSITIVE):.0f}-fold and more; {total['late']} others with a spike more than 0.1 ms off; "
        f"`certify` assures {total['assured']} of these. {total['undecided']} cells are undecided: the two references, "
        f"rtol 1e-11 and 1e-12, differ, or one gives up. {total['seconds']:.1f} s of processor time "
        f"({found['cores']} cores)."
    )
    columns = (
        "model",
        "cells",
        "given up",
        "wrong count",
        "wrong, amplifies errors",
        "off by 0.1 ms",
        "undecided",
    )
    lines = [textwrap.fill(head, 120), "", f"| {' | '.join(columns)} |", "|---|" + "---:|" * 6]
    said = {n: m for n, m in models.items() if any(m[k] for k in COUNTED[1:])}
    for name, m in said.items():
        numbers = (m[k] for k in COUNTED)
        lines.append(f"| `{name}` | {' | '.join(map(str, numbers))} |")
    others = [m for n, m in models.items() if n not in said]
    lines.append(f"| the {len(others)} others | {sum(m['cells'] for m in others):,} | 0 | 0 | 0 | 0 | 0 |")
    lines += ["", "The cells with a wrong count, as count (truth): the tolerance that is enough, and why.", ""]
    for name, m in said.items():
        lines += [f"- `{name}`: {_note(note)}" for note in m["noted"]]
    return "\n".join(lines) + "\n"


def _note(note: dict[str, Any]) -> str:
    grows = note.get("amplification", 0.0)
    chaos = f"; amplifies errors {grows:.0e}-fold" if grows > SENSITIVE else ""
    return f"{note['count']} ({note['true']}): {note['why']}{chaos}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=100, help="of each model")
    parser.add_argument("--models", nargs="+", default=list(hh.models), choices=list(hh.models))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--no-run", action="store_true", help="only the table of the last run")
    parser.add_argument("--write", type=Path, help="a page with the two marking lines between which the table goes")
    arguments = parser.parse_args()
    if not arguments.no_run:
        found: dict[str, Any] = {"cores": os.cpu_count(), "models": {}}
        if arguments.results.exists() and len(arguments.models) < len(hh.models):
            found = json.loads(arguments.results.read_text())  # these models anew, the others as they were
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
