"""Steady states and time constants of a .mod file's gates as NEURON itself has them; needs `neuron` and a C compiler.

From two starts a gate takes one short step at a clamped potential: x1 = inf + (x0 - inf) q gives inf, and q the time
constant. The file's TABLE is switched off.
"""

import json
import math
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

Curves = dict[str, tuple[list[float], list[float]]]  # gate -> inf, tau (ms)
Words = tuple[str, list[str], list[float]]  # mechanism, gates, potentials
_DT = 1e-5  # ms
_SECONDS = 900


def neuron_gates(path: Path, gates: list[str], V: Iterable[float], temperatures: Iterable[float]) -> list[Curves]:
    """inf and tau of each gate over V (mV), at each temperature (degC), by NEURON in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / f"{re.sub(r'[^A-Za-z0-9]', '_', path.stem)}.mod")
        compiler = Path(sysconfig.get_path("scripts")) / "nrnivmodl"
        subprocess.run([compiler], cwd=folder, check=True, capture_output=True, timeout=_SECONDS)
        query = json.dumps([[suffix(path), gates, list(V)], list(temperatures)])
        command = [sys.executable, str(Path(__file__).resolve()), query]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS)
    return json.loads(done.stdout.splitlines()[-1])


def suffix(path: Path) -> str:
    """The mechanism's name."""
    found = re.search(r"^\s*SUFFIX\s+(\w+)", path.read_text(errors="replace"), re.MULTILINE)
    return found[1] if found else ""


def evaluated(words: Words, celsius: float) -> Curves:
    """The same, in the process that has loaded the mechanism."""
    from neuron import h

    mechanism, gates, V = words
    section = h.Section(name="cell")
    section.cm = 1e12  # uF/cm2: no current moves this potential
    section.insert(mechanism)
    if hasattr(h, f"usetable_{mechanism}"):
        setattr(h, f"usetable_{mechanism}", 0)
    h.dt, h.celsius = _DT, celsius
    found: Curves = {x: ([], []) for x in gates}
    for v in V:
        ends = []
        for start in (0.0, 1.0):
            h.finitialize(v)
            for x in gates:
                setattr(section(0.5), f"{x}_{mechanism}", start)
            h.fadvance()
            ends.append([getattr(section(0.5), f"{x}_{mechanism}") for x in gates])
        for x, low, high in zip(gates, *ends, strict=True):
            q = high - low
            found[x][0].append(low / (1.0 - q) if q < 1.0 else math.nan)
            found[x][1].append(-_DT / math.log(q) if 0.0 < q < 1.0 else math.nan)
    return found


if __name__ == "__main__":
    words, temperatures = json.loads(sys.argv[1])
    print("\n" + json.dumps([evaluated(words, celsius) for celsius in temperatures]))
