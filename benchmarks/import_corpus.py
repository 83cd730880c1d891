"""How many of the .mod files under a folder import, and why others do not: `python import_corpus.py FOLDER [N]`.

Files that differ only in spaces and comments count once. Where an `omnimodel.md` (ICGenealogy) without error flag lies
beside a file, its steady states and time constants at all its temperatures are compared with the imported model's: as
printed, and within what its measurement resolved (`icg_tables`). With --neuron, NEURON says of each file that still
differs which of the two is right, at the same temperatures; what it says is written to results/icg_tables.json.
"""

import hashlib
import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from icg_tables import Column, as_measured, as_printed, columns
from neuron_gates import neuron_gates

import hhfast as hh

RESULTS = Path(__file__).parent / "results" / "icg_tables.json"
_NEURONS_INF, _NEURONS_TAU = 1e-5, 1e-3  # absolute; relative


def main() -> None:
    """Print the shares."""
    neuron = "--neuron" in sys.argv
    words = [w for w in sys.argv[1:] if w != "--neuron"]
    files = distinct(Path(words[0]))
    files = files[:: max(1, len(files) // int(words[1]))] if len(words) > 1 else files
    outcomes, tables, examples, differing = Counter(), Counter(), {}, {}
    start = time.process_time()
    for path in files:
        outcome = imported(path, tables, differing, neuron)
        outcomes[outcome] += 1
        examples.setdefault(outcome, path.name)
    seconds = (time.process_time() - start) / len(files)
    print(f"{len(files)} distinct files, {seconds:.2f} s of CPU each, their verification included")
    for outcome, n in outcomes.most_common():
        print(f"{n / len(files):6.1%} {n:5d}  {outcome}  ({examples[outcome]})")
    if compared := tables["tables"]:
        for words in ("as printed, to 1e-3 and two samples", "within what was resolved"):
            print(f"{tables[words] / compared:6.1%} {tables[words]:5d}  of {compared} tables agree {words}")
        print(json.dumps(differing, indent=1))
    if neuron:
        RESULTS.write_text(json.dumps(differing, indent=1) + "\n")


def distinct(folder: Path) -> list[Path]:
    """The files of different code, in a fixed order that mixes the folders."""
    found = {}
    for path in sorted(folder.rglob("*.mod")):
        if path.is_file() and not path.name.startswith("sm1_"):  # those are fits, made by a program
            text = re.sub(
                r"\bCOMMENT\b.*?\bENDCOMMENT\b|:[^\n]*|\s", "", path.read_text(errors="replace"), flags=re.DOTALL
            )
            found.setdefault(hashlib.sha256(text.encode()).hexdigest(), path)
    return [found[key] for key in sorted(found)]


def imported(path: Path, tables: Counter, differing: dict[str, object], neuron: bool) -> str:
    """The outcome in a few words; counts how its tables agree, and notes how they differ."""
    try:
        found = hh.import_nmodl(path)
    except hh.InputError as error:
        return f"refused: {construct(str(error))}"
    if not found.verification.passed:
        return f"imported, DIFFERS from the file by {found.verification.difference:.0e}"
    measured = table_beside(path, found.model)
    if measured:
        tables["tables"] += 1
        printed = all(as_printed(found.model, c) for c in measured)
        tables["as printed, to 1e-3 and two samples"] += printed
        code = path.read_text(errors="replace")
        apart = {} if printed else {f"{c.state} {c.celsius:g}": as_measured(found.model, c, code) for c in measured}
        apart = {column: words for column, words in apart.items() if words}
        tables["within what was resolved"] += not apart
        if apart:
            differing[path.name] = {"table": apart} | (as_neuron(path, found.model, measured) if neuron else {})
    return "imported and verified"


def table_beside(path: Path, model: hh.Model) -> list[Column]:
    """The columns of the file's table; none where rates depend on a concentration that the table does not tell."""
    table = path.parent / "omnimodel.md"
    if not table.exists() or any(p.unit == "mM" for p in model.parameters.values()):
        return []
    return columns(table.read_text(), list(model.gate_curves([0.0])))


def construct(message: str) -> str:
    """The kind of refusal."""
    parts = message.split(": ")
    for word in ("pole", "0/0"):
        if word in message:
            return f"formula has a {word}"
    return parts[1][:40] if len(parts) > 1 and " " not in parts[1].split("(")[0] else parts[1].split(" '")[0][:40]


def as_neuron(path: Path, model: hh.Model, measured: list[Column]) -> dict[str, object]:
    """How far NEURON's gates are from the import's, at the table's potentials and temperatures."""
    V, gates = measured[0].V, sorted({c.state for c in measured})
    temperatures = sorted({c.celsius for c in measured})
    try:
        answers = neuron_gates(path, gates, V, temperatures)
    except (OSError, subprocess.SubprocessError) as error:
        return {"NEURON": f"gave no answer: {type(error).__name__}"}
    worst, wrong = [0.0, 0.0], set()
    for celsius, known in zip(temperatures, answers, strict=True):
        curves = model.gate_curves(V, {"celsius": celsius} if "celsius" in model.parameters else {})
        for x in gates:
            (inf, tau), (known_inf, known_tau) = curves[x], np.array(known[x])
            apart = np.abs(inf - known_inf), np.abs(tau / known_tau - 1.0)
            off = ~((apart[0] <= _NEURONS_INF) & (apart[1] <= _NEURONS_TAU))
            wrong |= set(V[off].tolist())
            worst = [max(w, float(np.nanmax(a[~off], initial=0.0))) for w, a in zip(worst, apart, strict=True)]
    return {"NEURON - import": {"inf": worst[0], "tau_relative": worst[1], "but_at_mV": sorted(wrong)}}


if __name__ == "__main__":
    main()
