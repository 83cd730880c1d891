"""How many of the .mod files under a folder import, and why the others do not: `python import_corpus.py FOLDER [N]`.

Files that differ only in spaces and comments count once. Where an `omnimodel.md` (ICGenealogy) without error flag lies
beside a file, its tables of steady states and time constants are compared with the imported model, to their own
precision: six decimals of a steady state, two of a time constant, and 1 in 200 (NEURON
interpolated the rates of files with TABLE).
"""

import hashlib
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

import hhfast as hh

SHARE = 0.9  # of the values of a table that have to agree: some are interpolated by TABLE, or taken at a pole


def main() -> None:
    """Print the shares."""
    files = distinct(Path(sys.argv[1]))
    files = files[:: max(1, len(files) // int(sys.argv[2]))] if len(sys.argv) > 2 else files
    outcomes, tables, examples = Counter(), Counter(), {}
    start = time.process_time()
    for path in files:
        outcome = imported(path, tables)
        outcomes[outcome] += 1
        examples.setdefault(outcome, path.name)
    seconds = (time.process_time() - start) / len(files)
    print(f"{len(files)} distinct files, {seconds:.2f} s of CPU each, their verification included")
    for outcome, n in outcomes.most_common():
        print(f"{n / len(files):6.1%} {n:5d}  {outcome}  ({examples[outcome]})")
    if compared := tables["agree"] + tables["differ"]:
        print(f"tables beside {compared} imported files: {tables['agree'] / compared:.1%} agree")


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


def imported(path: Path, tables: Counter) -> str:
    """The outcome in a few words."""
    try:
        found = hh.import_nmodl(path)
    except hh.InputError as error:
        return f"refused: {construct(str(error))}"
    if not found.verification.passed:
        return f"imported, DIFFERS from the file by {found.verification.difference:.0e}"
    agrees = as_tabulated(path.parent / "omnimodel.md", found.model)
    if agrees is not None:
        tables["agree" if agrees else "differ"] += 1
        if not agrees:
            print(f"table differs: {path}")
    return "imported and verified"


def construct(message: str) -> str:
    """The kind of refusal."""
    parts = message.split(": ")
    for word in ("pole", "0/0"):
        if word in message:
            return f"formula has a {word}"
    return parts[1][:40] if len(parts) > 1 and " " not in parts[1].split("(")[0] else parts[1].split(" '")[0][:40]


def as_tabulated(path: Path, model: hh.Model) -> bool | None:
    """Whether the model's gates are those of the table, at one of the temperatures that it may have been made at."""
    text = path.read_text() if path.exists() else ""
    if "## ERROR FLAGS\n\n[]" not in text:
        return None
    V, inf, tau = (section(text, name) for name in ("RATE VALS V", "RATE VALS SS", "RATE VALS TAU"))
    known = [x for x in model.gate_curves([0.0]) if len(V.get(x, ())) == len(inf.get(x, ())) == len(tau.get(x, ())) > 0]
    if not known or any(p.unit == "mM" for p in model.parameters.values()):
        return None  # no table, or rates that depend on a concentration, of which the table does not say which
    temperatures = ({}, {"celsius": 6.3}, {"celsius": 37.0}) if "celsius" in model.parameters else ({},)
    return any(all(close(model, x, V[x], inf[x], tau[x], at) for x in known) for at in temperatures)


def section(text: str, name: str) -> dict[str, list[float]]:
    """A table of the file, by state."""
    found = re.search(rf"^## {name}\n\n```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return json.loads(found[1]) if found else {}


def close(model: hh.Model, x: str, V: list[float], inf: list[float], tau: list[float], at: dict[str, float]) -> bool:
    """Whether a gate's curves are those of the table."""
    mine = model.gate_curves(np.array(V, float), at)[x]
    known = np.array(inf, float), np.array(tau, float)
    rounding = 1e-3, 0.02
    right = [np.abs(a - b) <= r + 5e-3 * np.abs(b) for a, b, r in zip(mine, known, rounding, strict=True)]
    return all(r.mean() >= SHARE for r in right)


if __name__ == "__main__":
    main()
