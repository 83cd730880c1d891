"""The library's models as NeuroML, run by others: `python exports.py [MODEL ...] [--jnml JAR] [--eden PROGRAM]`.

PyLEMS runs all by Euler's method, and its potential is compared with that of hhfast by the same method and steps. With
--jnml (the jar of jNeuroML, which needs Java) jNeuroML translates each to NEURON, which runs it; where the cell is one
ComponentType, jNeuroML's NEURON takes explicit steps of first order, so spike times are extrapolated from two of them.
With --eden (the program in the package eden-simulator) EDEN runs each, in single precision and to first order likewise.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

import hhfast as hh

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from lems_runs import potential

STEPS = ((0.01, 12.0), (0.002, 6.0), (0.0004, 2.5))  # ms: steps and length of PyLEMS' runs, a pulse from 1 ms on
_INCLUDED = ("Cells.xml", "Networks.xml", "Simulation.xml", "cell.nml")
_INCLUDES = "".join(f'<Include file="{name}"/>' for name in _INCLUDED)
_RUN = f"""<Lems><Target component="run"/>{_INCLUDES}
<Simulation id="run" length="{{t_stop}}ms" step="{{step}}ms" target="net" seed="1">
<OutputFile id="o" fileName="v.dat"><OutputColumn id="v" quantity="cells[0]/v"/></OutputFile></Simulation></Lems>"""
_NEURON = """
import sys, numpy as np
from neuron import h
import run_nrn
t_stop, threshold, rearm, V_init, *steps = map(float, sys.argv[1:])
run_nrn.NeuronSimulation(tstop=t_stop, dt=steps[0])
section = h.cells[0] if hasattr(h, "cells") else next(iter(h.allsec()))
for dt in steps:
    h.dt, h.steps_per_ms, h.tstop, h.v_init = dt, 1 / dt, t_stop, V_init
    t, V = h.Vector().record(h._ref_t), h.Vector().record(section(0.5)._ref_v)
    h.run()
    t, V = np.array(t), np.array(V)
    k = np.flatnonzero((V[:-1] < threshold) & (V[1:] >= threshold))
    k = k[[j == 0 or V[k[j - 1] : b].min() < rearm for j, b in enumerate(k)]]
    print("SPIKES", *(t[k] + (t[k + 1] - t[k]) * (threshold - V[k]) / (V[k + 1] - V[k])))
"""


def by_pylems(model: hh.Model) -> str:
    """The largest difference of potentials, both by Euler's method; in smaller steps where those are not stable."""
    amplitude = model.checks[0].i_app
    for step, length in STEPS:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            try:
                t, V = potential(model.to_neuroml((amplitude, 1.0, 1.0 + length)), Path(folder), length, step)
            except (OverflowError, ValueError, ZeroDivisionError):
                continue
        stimulus, trace = hh.Step(amplitude=amplitude, start=1.0), hh.Trace("V", every=step)
        mine = hh.simulate(model, stimulus=stimulus, t_stop=length, integrator="euler", dt=step, record=[trace])
        off = np.abs(V[:-1] - np.interp(t[:-1], mine.time, mine["V"][0])).max()
        if not np.isfinite(off):
            continue
        return f"{off:.1e} mV in {length:g} ms, steps of {step:g} ms, V from {V.min():.1f} to {V.max():.1f} mV"
    return "not stable"


def by_neuron(model: hh.Model, jar: Path, steps: list[float]) -> str:
    """How far spike times of its first check are apart (ms), from jNeuroML's NEURON extrapolated to a step of 0."""
    check, t_stop, stop = _case(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cell.nml").write_text(model.to_neuroml((check.i_app, check.start, stop)))
        (folder / "run.xml").write_text(_RUN.format(t_stop=t_stop, step=0.01))
        (folder / "judge.py").write_text(_NEURON)
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        judge = [sys.executable, "judge.py", *map(str, (t_stop, check.threshold, check.rearm, model.V_init, *steps))]
        for words in (["java", "-jar", str(jar), "run.xml", "-neuron"], ["nrnivmodl"], judge):
            done = _run(words, folder, environment)
            if done.returncode:
                return _failure(done)
    return _apart(
        model, [np.array(line.split()[1:], float) for line in done.stdout.splitlines() if line[:6] == "SPIKES"]
    )


def by_eden(model: hh.Model, eden: Path, steps: list[float]) -> str:
    """As by NEURON; EDEN's steps are Euler's, backward for cells of channels and forward for one ComponentType."""
    check, t_stop, stop = _case(model)
    runs = []
    for step in steps:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "cell.nml").write_text(model.to_neuroml((check.i_app, check.start, stop), eden=True))
            (folder / "run.xml").write_text(_RUN.format(t_stop=t_stop, step=step))
            done = _run([str(eden), "nml", "run.xml", "gcc"], folder, _compiler_without_libm(folder))
            if done.returncode:
                return _failure(done)
            t, V = 1e3 * np.loadtxt(folder / "v.dat").T
        k = np.flatnonzero((V[:-1] < check.threshold) & (V[1:] >= check.threshold))
        k = k[[j == 0 or V[k[j - 1] : b].min() < check.rearm for j, b in enumerate(k)]]
        runs.append(t[k] + (t[k + 1] - t[k]) * (check.threshold - V[k]) / (V[k + 1] - V[k]))
    return f"steps of {steps} ms: {_apart(model, runs)}"


def _compiler_without_libm(folder: Path) -> dict[str, str]:
    """An environment in which gcc links `libm_for_eden.c` instead of libm, for the reason that stands there."""
    gcc, source = shutil.which("gcc") or "gcc", Path(__file__).with_name("libm_for_eden.c")
    libm = folder / "libm.o"
    subprocess.run([gcc, "-O2", "-fPIC", "-fno-builtin", "-c", str(source), "-o", str(libm)], check=True)
    linked = f'case "$*" in *-shared*) exec {gcc} -nostdlib -Wl,--as-needed {libm} "$@";; esac'
    (folder / "gcc").write_text(f'#!/bin/sh\n{linked}\nexec {gcc} "$@"\n')
    (folder / "gcc").chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "OMP_SCHEDULE": "static"}


def _case(model: hh.Model) -> tuple[hh.Check, float, float]:
    """The first check, how long it is run (up to 20 ms after its fourth spike), and where its current ends."""
    check = model.checks[0]
    t_stop = min(check.t_stop, check.spikes[min(3, len(check.spikes) - 1)] + 20.0)
    return check, t_stop, check.stop or t_stop + 1.0


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["nothing said"]
    return f"{Path(done.args[0]).name} fails ({done.returncode}): {said[-1][:120]}"


def _apart(model: hh.Model, runs: list[np.ndarray]) -> str:
    """How far the first spikes of runs with steps h and h / 2, extrapolated to 0, are from tsit5's at rtol 1e-9."""
    check, t_stop, stop = _case(model)
    record = [hh.Spikes(threshold=check.threshold, rearm=check.rearm)]
    step = hh.Step(amplitude=check.i_app, start=check.start, stop=stop)
    known = hh.simulate(model, stimulus=step, t_stop=t_stop, record=record, rtol=1e-9).spike_times[0]
    n = min(4, len(known))
    if min(len(runs[0]), len(runs[1])) < n:
        return f"{[len(r) for r in runs]} spikes of {len(known)}"
    known, runs = known[:n], [r[:n] for r in runs]
    return f"{n} spikes, {np.abs(2 * runs[1] - runs[0] - known).max(initial=0.0):.1e} ms apart"


def main() -> None:
    """Print one line per model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--jnml", type=Path)
    parser.add_argument("--eden", type=Path)
    parser.add_argument("--step", type=float, help="ms; the other one is its half")
    words = parser.parse_args()
    for name in words.models or hh.models:
        start = time.process_time()
        model = hh.models[name]
        step = words.step or (0.004 if _case(model)[1] < 400 else 0.01)
        if words.eden:
            told = by_eden(model, words.eden, [step, step / 2])
        else:
            told = by_neuron(model, words.jnml, [step, step / 2]) if words.jnml else by_pylems(model)
        print(f"{name:38s} {told}  ({time.process_time() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
