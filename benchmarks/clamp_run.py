"""A table of ICGenealogy measured again: `python clamp_run.py FILE.mod STATE` beside its `omnimodel.md`.

NEURON's default section with the channel is held at -100 mV, and stepped to each potential through 1 ohm, at 6.3 degC
and in steps of 0.01 ms, until the state changes by less than 1e-6 of itself in a ms. Prints the table's numbers beside
those. Needs `neuron` and a C compiler.
"""

import math
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
from icg_tables import CLOCK, PACE, columns
from neuron_gates import suffix

CELSIUS, HOLDING, LONGEST = 6.3, -100.0, 1e5  # degC, mV, ms


def main() -> None:
    """Print the potentials, the table, the run."""
    path, state = Path(sys.argv[1]).resolve(), sys.argv[2]
    table = next(c for c in columns((path.parent / "omnimodel.md").read_text(), [state]) if c.celsius == CELSIUS)
    mechanism = suffix(path)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        compiler = Path(sysconfig.get_path("scripts")) / "nrnivmodl"
        subprocess.run([compiler], cwd=folder, check=True, capture_output=True)
        os.chdir(folder)
        print("   V      table inf  here        table tau  here (ms)")
        for V, inf, tau in list(zip(table.V, table.inf, table.tau, strict=True))[::3]:
            found = measured(mechanism, state, V)
            print(f"{V:6.0f}  {inf:.6f}   {found[0]:.6f}   {tau:9.2f}  {found[1]:9.2f}")


def measured(mechanism: str, state: str, V: float) -> tuple[float, float]:
    """The end of a step, and the first sample after 1 - 1/e of it."""
    from neuron import h

    section = h.Section(name="cell")
    section.insert(mechanism)
    clamp = h.SEClamp(section(0.5))
    clamp.rs, clamp.dur1, clamp.amp1 = 1e-6, 1e9, HOLDING  # MOhm, ms, mV
    h.celsius, h.dt = CELSIUS, CLOCK
    h.finitialize(HOLDING)
    clamp.amp1 = V
    steps = round(1.0 / CLOCK)
    run = [getattr(section(0.5), f"{state}_{mechanism}")]
    while len(run) < 2 or (abs(run[-1] - run[-1 - steps]) > PACE * abs(run[-1]) and len(run) * CLOCK < LONGEST):
        for _ in range(steps):
            h.fadvance()
            run.append(getattr(section(0.5), f"{state}_{mechanism}"))
    if run[-1] == run[0]:
        return run[-1], math.nan
    done = (np.array(run) - run[0]) / (run[-1] - run[0])
    return run[-1], float(np.argmax(done >= 1 - math.exp(-1))) * CLOCK


if __name__ == "__main__":
    main()
