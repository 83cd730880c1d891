"""How many of the .mod files under a folder import, and why others do not: `python import_corpus.py FOLDER [N]`.

Files that differ only in spaces and comments count once. Where an `omnimodel.md` (ICGenealogy) without error flag lies
beside a file, its tables of steady states and time constants are compared with the imported model to 1e-3, within
what was measured there: rates as NEURON interpolates them in the file's own TABLE, and time
constants in steps of 0.01 ms, to two of them. Tables that differ are counted by what tells them apart; with --neuron,
NEURON says which of the two is right, at three temperatures: to 1e-5 in steady states, 1e-3 in time constants, but at
single potentials (a guard around another value than its pole, a jump).
"""

import hashlib
import itertools
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from neuron_gates import neuron_gates

import hhfast as hh

SHARE = 0.9  # of the values of a table that have to agree: some are interpolated by TABLE, or taken at a pole
FAST, SLOW = 0.1, 100.0  # ms; what is faster was not resolved there, of what is slower the end was not waited for


def main() -> None:
    """Print the shares."""
    neuron = "--neuron" in sys.argv
    words = [w for w in sys.argv[1:] if w != "--neuron"]
    files = distinct(Path(words[0]))
    files = files[:: max(1, len(files) // int(words[1]))] if len(words) > 1 else files
    outcomes, tables, examples = Counter(), Counter(), {}
    start = time.process_time()
    for path in files:
        outcome = imported(path, tables, neuron)
        outcomes[outcome] += 1
        examples.setdefault(outcome, path.name)
    seconds = (time.process_time() - start) / len(files)
    print(f"{len(files)} distinct files, {seconds:.2f} s of CPU each, their verification included")
    for outcome, n in outcomes.most_common():
        print(f"{n / len(files):6.1%} {n:5d}  {outcome}  ({examples[outcome]})")
    if compared := sum(n for verdict, n in tables.items() if not verdict.startswith(";")):
        print(f"tables beside {compared} imported files:")
        for verdict, n in tables.most_common():
            print(f"{n / compared:6.1%} {n:5d}  {verdict}")


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


def imported(path: Path, tables: Counter, neuron: bool) -> str:
    """The outcome in a few words."""
    try:
        found = hh.import_nmodl(path)
    except hh.InputError as error:
        return f"refused: {construct(str(error))}"
    if not found.verification.passed:
        return f"imported, DIFFERS from the file by {found.verification.difference:.0e}"
    verdict = as_tabulated(path, found.model)
    if verdict is not None:
        tables[verdict] += 1
        if verdict != "agree":
            said = as_neuron(path, found.model) if neuron else ""
            tables[said] += bool(said)
            print(f"table differs: {path}: {verdict}{said}", flush=True)
    return "imported and verified"


def construct(message: str) -> str:
    """The kind of refusal."""
    parts = message.split(": ")
    for word in ("pole", "0/0"):
        if word in message:
            return f"formula has a {word}"
    return parts[1][:40] if len(parts) > 1 and " " not in parts[1].split("(")[0] else parts[1].split(" '")[0][:40]


def as_tabulated(path: Path, model: hh.Model) -> str | None:
    """Whether the gates are those of the table beside a file, at a temperature at which it may have been made."""
    table = path.parent / "omnimodel.md"
    text = table.read_text() if table.exists() else ""
    if "## ERROR FLAGS\n\n[]" not in text:
        return None
    V, inf, tau = (section(text, name) for name in ("RATE VALS V", "RATE VALS SS", "RATE VALS TAU"))
    known = [x for x in model.gate_curves([0.0]) if len(V.get(x, ())) == len(inf.get(x, ())) == len(tau.get(x, ())) > 0]
    if not known or any(p.unit == "mM" for p in model.parameters.values()):
        return None  # no table, or rates that depend on a concentration, of which the table does not say which
    grid = interpolated_at(path.read_text(errors="replace"))
    temperatures = ({}, {"celsius": 6.3}, {"celsius": 37.0}) if "celsius" in model.parameters else ({},)
    verdicts = []
    for at, nodes in itertools.product(temperatures, (None,) if grid is None else (grid, None)):
        found = [verdict(model, x, np.array((V[x], inf[x], tau[x]), float), at, nodes) for x in known]
        verdicts.append(next((v for v in found if v != "agree"), "agree"))
    return "agree" if "agree" in verdicts else verdicts[0]


def as_neuron(path: Path, model: hh.Model) -> str:
    """Whether the gates are NEURON's, at the table's potentials."""
    V = np.array(next(iter(section((path.parent / "omnimodel.md").read_text(), "RATE VALS V").values())), float)
    gates, wrong = list(model.gate_curves([0.0])), 0
    temperatures = (6.3, 23.0, 37.0) if "celsius" in model.parameters else (6.3,)
    for celsius, known in zip(temperatures, neuron_gates(path, gates, V, temperatures), strict=True):
        at = {"celsius": celsius} if "celsius" in model.parameters else {}
        for x, (inf, tau) in model.gate_curves(V, at).items():
            known_inf, known_tau = np.array(known[x])
            off = (np.abs(inf - known_inf) > 1e-5) | (np.abs(tau - known_tau) > 1e-3 * tau + 1e-5)
            wrong = max(wrong, int(off.sum()))
    return "; NEURON has another" if wrong > 1 else "; NEURON has the import's"


def section(text: str, name: str) -> dict[str, list[float]]:
    """A table of the file, by state."""
    found = re.search(rf"^## {name}\n\n```json\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    return json.loads(found[1]) if found else {}


def interpolated_at(code: str) -> np.ndarray | None:
    """The potentials of a file's TABLE, between which NEURON interpolates its rates; None where there is none."""
    found = re.search(r"\bTABLE\b[^:]*?\bFROM\s+(\S+)\s+TO\s+(\S+)\s+WITH\s+(\d+)", code)
    if found is None:
        return None
    ends = []
    for word in found.groups()[:2]:
        given = re.search(rf"\b{re.escape(word)}\s*=\s*(-?[\d.]+)", code)
        number = given[1] if given else word
        if not re.fullmatch(r"-?[\d.]+", number):
            return None
        ends.append(float(number))
    return np.linspace(*ends, int(found[3]) + 1)


def verdict(model: hh.Model, x: str, table: np.ndarray, at: dict[str, float], grid: np.ndarray | None) -> str:
    """What tells a gate from its table."""
    V, known_inf, known_tau = table
    inf, tau = model.gate_curves(V, at)[x]
    if grid is not None:
        inf, tau = (np.interp(V, grid, curve) for curve in model.gate_curves(grid, at)[x])
    wrong_inf = np.abs(inf - known_inf) > 1e-3
    wrong_tau = np.abs(tau - known_tau) > 0.021 + 1e-3 * np.abs(known_tau)
    if max(wrong_inf.mean(), wrong_tau.mean()) <= 1.0 - SHARE:
        return "agree"
    if (known_inf > 1.01).any() or (known_inf < -0.01).any():
        return "the table's steady state is no number from 0 to 1"
    if (wrong_tau & (tau > FAST) & (known_tau > 0)).mean() > 1.0 - SHARE:
        return "another time constant"
    if (wrong_inf & (tau < SLOW)).mean() > 1.0 - SHARE:
        return "another steady state"
    slow = wrong_inf.mean() > 1.0 - SHARE
    return f"{'slower' if slow else 'faster'} than was resolved there"


if __name__ == "__main__":
    main()
