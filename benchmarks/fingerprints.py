"""Fingerprints of what kernels compute, to compare two versions of the code bit for bit: a tool for redesigns.

    git worktree add ../before COMMIT
    PYTHONPATH=../before python benchmarks/fingerprints.py record FOLDER      # with the old code
    python benchmarks/fingerprints.py compare FOLDER                          # with the new code

Every combination of library model, integrator and precision is run with each stimulus and each recorder, and without.
Records are one .npz file per combination; comparing tells what differs, and by how much.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import hhfast as hh

N_CELLS = 70  # more than a block, and not a multiple of one
AMPLITUDE = {"hodgkin_huxley": 10.0, "connor_stevens": 15.0, "wang_buzsaki": 2.0, "prinz_stg": 0.5}
EACH = np.linspace(0.0, 1.0, N_CELLS)


def stimuli(amplitude: float) -> dict[str, hh.Stimulus | None]:
    """Every stimulus, some with edges that differ between cells."""
    return {
        "none": None,
        "step": hh.Step(amplitude=amplitude * (0.5 + EACH), start=5.0),
        "step_each": hh.Step(amplitude=amplitude, start=3.0 + EACH, stop=20.0 + EACH),
        "pulse": hh.Pulse(amplitude=3 * amplitude, start=4.0, width=1.0 + EACH),
        "paired": hh.PairedPulse(
            amplitude=4 * amplitude, second_amplitude=5 * amplitude, start=2.0, width=1.0, interval=8.0
        ),
        "train": hh.Train(amplitude=3 * amplitude, start=1.0, width=0.7, period=6.0, count=3),
        "ramp": hh.Ramp(amplitude=2 * amplitude, start=2.0, stop=20.0),
        "sine": hh.Sine(amplitude=amplitude * (1 + EACH), frequency=80.0, offset=amplitude / 2),
        "chirp": hh.Chirp(amplitude=amplitude, frequency=20.0, frequency_end=200.0, offset=amplitude, stop=25.0),
        "waveform": hh.Waveform([0.0, 5.0, 5.0, 12.0, 20.0], [0.0, 0.0, amplitude, 2 * amplitude, 0.0]),
        "noise": hh.Noise(sigma=amplitude, tau=2.0, mean=amplitude, seed=3),
        "sum": hh.Step(amplitude=amplitude, start=5.0) + hh.Noise(sigma=amplitude / 2, tau=1.0, seed=4),
    }


def recorders() -> dict[str, list[object]]:
    """Every recorder, alone and all together."""
    names = ["spike_count", "rate", "latency", "isi_mean", "isi_cv", "V_max", "V_min", "V_mean"]
    return {
        "nothing": [],
        "final": [hh.Final()],
        "count": [hh.SpikeCount()],
        "spikes": [hh.Spikes()],
        "features": [hh.Features(names, window=(4.0, 28.0))],
        "trace": [hh.Trace("V", "i_app", every=0.5)],
        "all": [hh.Final(), hh.Spikes(window=(4.0, 28.0)), hh.Features(names, window=(4.0, 28.0)),
                hh.Trace("V", "i_app", every=0.5)],
    }  # fmt: skip


def combinations() -> Iterator[tuple[str, str, str, float, str, str]]:
    """(model, integrator, dtype, dt, stimulus, recorder), what matters most first."""
    cases = [(m, i, d) for d in ("float64", "float32") for i in hh.integrators for m in AMPLITUDE]
    for model, integrator, dtype in cases:
        yield model, integrator, dtype, 0.025, "step", "all"
    for integrator in ("exp_euler", "exp_midpoint", "strang"):
        for dt in (0.01, 0.1, 0.3):
            yield "hodgkin_huxley", integrator, "float64", dt, "step", "all"
    for model, integrator, dtype in cases:
        yield model, integrator, dtype, 0.025, "none", "final"
    for stimulus in stimuli(1.0):
        for model, integrator, dtype in cases:
            if stimulus != "step" and (model == "hodgkin_huxley" or stimulus in ("step_each", "waveform", "sum")):
                yield model, integrator, dtype, 0.025, stimulus, "all"
    for recorder in recorders():
        for model, integrator, dtype in cases:
            if recorder != "all" and model in ("hodgkin_huxley", "prinz_stg"):
                yield model, integrator, dtype, 0.025, "step", recorder


def run(combination: tuple[str, str, str, float, str, str]) -> dict[str, np.ndarray]:
    """Everything that a run of a combination gives; one of its rows diverges."""
    model, integrator, dtype, dt, stimulus, recorder = combination
    rng = np.random.default_rng(5)
    params = {}
    for name, parameter in hh.models[model].parameters.items():
        if name.startswith("g_"):
            params[name] = parameter.value * rng.uniform(0.7, 1.3, N_CELLS)
    params["C_m"] = np.where(np.arange(N_CELLS) == 41, -1.0, hh.models[model].parameters["C_m"].value)
    found = hh.simulate(
        model,
        params,
        stimulus=stimuli(AMPLITUDE[model])[stimulus],
        t_stop=30.0,
        dt=dt,
        integrator=integrator,
        dtype=dtype,
        record=recorders()[recorder],
    )
    return {"status": found.status} | {name: variable.values for name, variable in found.variables.items()}


def name_of(combination: tuple[str, str, str, float, str, str]) -> str:
    return "-".join(map(str, combination))


def record(combination: tuple[str, str, str, float, str, str], folder: Path) -> str:
    path = folder / f"{name_of(combination)}.npz"
    if not path.exists():
        temporary = path.with_name(f".{os.getpid()}.npz")
        np.savez(temporary, **run(combination))
        temporary.replace(path)
    return ""


def compare(combination: tuple[str, str, str, float, str, str], folder: Path) -> str:
    """What differs from the record: empty if nothing."""
    path = folder / f"{name_of(combination)}.npz"
    if not path.exists():
        return "not recorded"
    try:
        found = run(combination)
    except Exception as error:  # it is what has to be told
        return f"{type(error).__name__}: {error}"
    told = []
    with np.load(path) as before:
        if set(before) != set(found):
            told.append(f"variables {sorted(set(before) ^ set(found))}")
        for name in set(before) & set(found):
            old, new = before[name], found[name]
            if old.shape != new.shape:
                told.append(f"{name}: shape {old.shape} -> {new.shape}")
            elif not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
                same = (old == new) | (np.isnan(old) & np.isnan(new))
                with np.errstate(all="ignore"):
                    most = np.nanmax(np.abs(np.asarray(new, float) - np.asarray(old, float)))
                told.append(f"{name}: {np.sum(~same)} of {same.size}, by up to {most:.3g}")
    return "; ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="combinations whose name holds all of these")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    wanted = [c for c in dict.fromkeys(combinations()) if all(word in name_of(c) for word in options.only)]
    do = record if options.what == "record" else compare
    began, same = time.perf_counter(), 0
    with ProcessPoolExecutor(options.processes) as pool:
        for combination, told in zip(wanted, pool.map(do, wanted, [options.folder] * len(wanted)), strict=True):
            same += not told
            if told:
                print(f"{name_of(combination)}: {told}", flush=True)
    print(f"{options.what}: {same} of {len(wanted)} without a difference, {time.perf_counter() - began:.0f} s")
    sys.exit(same < len(wanted))


if __name__ == "__main__":
    main()
