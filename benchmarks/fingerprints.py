"""Fingerprints of what kernels compute, to compare two versions of the code bit for bit: a tool for redesigns.

    git worktree add ../before COMMIT
    PYTHONPATH=../before python benchmarks/fingerprints.py record FOLDER      # with the old code
    python benchmarks/fingerprints.py compare FOLDER                          # with the new code

Without options, in minutes: every integrator in either precision; every stimulus and every recorder with one integrator
of each kind; channel noise, sensitivities, until settled. With `--all`: all of these with every integrator, and every
model of the library with every integrator in either precision; that is an hour of compiling. With `--crossed` instead:
every model with every integrator in either precision, with each recorder and with each stimulus; tens of thousands, so
`--only` takes some. With `--text` nothing is compiled: what is compared is the LLVM text of each kernel, and
where it is the same, so are all bits. So first

    ... fingerprints.py record FOLDER --all --text;  ... fingerprints.py compare FOLDER --all --text > differing

and then both again without `--text`, with `--from differing`, for the numbers of those that differ. Records are one
.npz file per combination; comparing tells what differs, and by how much, but for what `--ignore` names.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import hhfast as hh

N_CELLS = 70  # more than a block, and not a multiple of one
AMPLITUDE = {"hodgkin_huxley": 10.0, "connor_stevens": 15.0, "wang_buzsaki": 2.0, "prinz_stg": 0.5}
EACH = np.linspace(0.0, 1.0, N_CELLS)
DTYPES = ("float64", "float32")
OF_EACH_KIND = ("exp_euler", "rk4", "tsit5", "rodas4")  # exponential, explicit, with its own steps, implicit


@dataclass(frozen=True)
class Case:
    """One run. `extra` : what else is asked for, one of `EXTRAS`."""

    model: str = "hodgkin_huxley"
    integrator: str = "tsit5"
    dtype: str = "float64"
    dt: float = 0.025
    stimulus: str = "step"
    recorder: str = "all"
    extra: str = "plain"

    @property
    def name(self) -> str:
        return "-".join(map(str, vars(self).values()))


EXTRAS: dict[str, dict[str, Any]] = {
    "plain": {},
    "diffusion": {"channel_noise": {"kind": "diffusion", "seed": 2}},
    "markov": {"channel_noise": {"kind": "markov", "seed": 2}},
    "sensitivity": {"sensitivity": ["g_Na", "E_K"]},
    "settled": {"until": "settled"},
    "rest": {"initial": "rest"},
}


def stimuli(amplitude: float) -> dict[str, Callable[[], Any]]:
    """What makes every stimulus, some with edges that differ between cells; old code need not have all."""
    return {
        "none": lambda: None,
        "step": lambda: hh.Step(amplitude=amplitude * (0.5 + EACH), start=5.0),
        "step_each": lambda: hh.Step(amplitude=amplitude, start=3.0 + EACH, stop=20.0 + EACH),
        "pulse": lambda: hh.Pulse(amplitude=3 * amplitude, start=4.0, width=1.0 + EACH),
        "paired": lambda: hh.PairedPulse(
            amplitude=4 * amplitude, second_amplitude=5 * amplitude, start=2.0, width=1.0, interval=8.0
        ),
        "train": lambda: hh.Train(amplitude=3 * amplitude, start=1.0, width=0.7, period=6.0, count=3),
        "ramp": lambda: hh.Ramp(amplitude=2 * amplitude, start=2.0, stop=20.0),
        "sine": lambda: hh.Sine(amplitude=amplitude * (1 + EACH), frequency=80.0, offset=amplitude / 2),
        "chirp": lambda: hh.Chirp(
            amplitude=amplitude, frequency=20.0, frequency_end=200.0, offset=amplitude, stop=25.0
        ),
        "waveform": lambda: hh.Waveform([0.0, 5.0, 5.0, 12.0, 20.0], [0.0, 0.0, amplitude, 2 * amplitude, 0.0]),
        "noise": lambda: hh.Noise(sigma=amplitude, tau=2.0, mean=amplitude, seed=3),
        "sum": lambda: hh.Step(amplitude=amplitude, start=5.0) + hh.Noise(sigma=amplitude / 2, tau=1.0, seed=4),
        "conductance": lambda: hh.ConductanceStep(g=0.1 + EACH, E=-10.0, start=5.0),
        "alpha": lambda: hh.AlphaSynapse(g=0.5 + EACH, tau=1.0, start=2.0, period=10.0, count=3),
        "double_exponential": lambda: hh.DoubleExponential(g=0.5 + EACH, tau_rise=0.5, tau_decay=3.0, start=2.0),
        "point_conductance": lambda: hh.PointConductance(g_e=0.05, g_i=0.1, sigma_e=0.02, sigma_i=0.03, seed=5),
        "poisson_alpha": lambda: hh.PoissonAlpha(g=0.2, rate=200.0, tau=1.0, seed=6),
        "poisson_double_exponential": lambda: hh.PoissonDoubleExponential(
            g=0.2, rate=200.0, tau_rise=0.5, tau_decay=3.0, seed=7
        ),
        "voltage_clamp": lambda: hh.VoltageClamp(-70.0, [-20.0, (-20.0, 20.0)], [8.0, 10.0], start=4.0),
        "waveform_clamp": lambda: hh.WaveformClamp([0.0, 5.0, 12.0], [-65.0, 10.0, -65.0], start=3.0),
        "electrode": lambda: hh.VoltageClamp(-70.0, 0.0, 10.0, start=4.0, series_resistance=0.1),
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
        "whole": [hh.Spikes(), hh.Features(["rate", "V_max"])],
        "all": [hh.Final(), hh.Spikes(window=(4.0, 28.0)), hh.Features(names, window=(4.0, 28.0)),
                hh.Trace("V", "i_app", every=0.5)],
    }  # fmt: skip


def cases(everything: bool) -> Iterator[Case]:
    """What is run, what matters most first."""
    some = tuple(hh.integrators) if everything else OF_EACH_KIND
    for integrator in hh.integrators:
        for dtype in DTYPES:
            yield Case(integrator=integrator, dtype=dtype)
    for integrator in ("exp_euler", "exp_midpoint", "strang"):
        for dt in (0.01, 0.1, 0.3):
            yield Case(integrator=integrator, dt=dt)
    for integrator in ("tsit5", "exp_euler"):
        for model in AMPLITUDE:
            yield Case(model, integrator)
    for stimulus in stimuli(1.0):
        for integrator in some if everything else ("tsit5", "strang"):
            yield Case(integrator=integrator, stimulus=stimulus)
    for recorder in recorders():
        for integrator in some:
            yield Case(integrator=integrator, recorder=recorder)
    for integrator in some:
        yield Case(integrator=integrator, extra="settled", recorder="whole")
        yield Case(integrator=integrator, extra="rest", recorder="final")
        if hh.integrators[integrator].adaptive:
            continue
        for dtype in DTYPES if everything else DTYPES[:1]:
            yield Case(integrator=integrator, dtype=dtype, extra="diffusion", dt=0.01)
            yield Case(integrator=integrator, dtype=dtype, extra="markov", dt=0.01)
    for integrator in ("euler", "rk4", "bs32", "tsit5") if everything else ("rk4", "tsit5"):
        yield Case(integrator=integrator, extra="sensitivity")
    if everything:
        for model in hh.models:
            for integrator in hh.integrators:
                for dtype in DTYPES:
                    yield Case(model, integrator, dtype)


def crossed() -> Iterator[Case]:
    """Every model, integrator and precision, with each recorder (under a step) and with each stimulus."""
    pairs = [("step", recorder) for recorder in recorders()] + [("none", "nothing")]
    pairs += [(stimulus, "all") for stimulus in stimuli(1.0) if stimulus != "step"]
    for model in hh.models:
        for stimulus, recorder in pairs:
            for integrator in hh.integrators:
                for dtype in DTYPES:
                    yield Case(model, integrator, dtype, stimulus=stimulus, recorder=recorder)


def question(case: Case) -> dict[str, Any]:
    """The arguments of `simulate` of a case; one of its rows diverges."""
    rng = np.random.default_rng(5)
    model = hh.models[case.model]
    params = {
        name: parameter.value * rng.uniform(0.7, 1.3, N_CELLS)
        for name, parameter in model.parameters.items()
        if name.startswith("g_")
    }
    params["C_m"] = np.where(np.arange(N_CELLS) == 41, -1.0, model.parameters["C_m"].value)
    if case.extra in ("diffusion", "markov"):
        params |= {"count_Na": np.full(N_CELLS, 600.0), "count_K": np.full(N_CELLS, 180.0)}
    return {
        "params": params,
        "stimulus": stimuli(AMPLITUDE.get(case.model, 1.0))[case.stimulus](),
        "t_stop": 300.0 if case.extra == "settled" else 30.0,
        "dt": case.dt,
        "integrator": case.integrator,
        "dtype": case.dtype,
        "record": recorders()[case.recorder],
        **EXTRAS[case.extra],
    }


def run(case: Case) -> dict[str, np.ndarray]:
    """Everything that a run of a case gives."""
    found = hh.simulate(case.model, **question(case))
    return {"status": found.status} | {name: variable.values for name, variable in found.variables.items()}


class Asked(Exception):
    """The specification of a kernel that is asked for."""


def text_of(case: Case) -> dict[str, np.ndarray]:
    """The hash of the LLVM text of a case's kernel; the run ends where it asks for the compiled one."""
    import hhfast.batch.simulate  # noqa: F401  and with it whatever module has `compiled`
    from hhfast.kernel.build.kernel import kernel_of
    from hhfast.kernel.jit.compile import compiled
    from hhfast.kernel.print.llvm import printed

    def ask(spec: Any) -> Any:
        raise Asked(spec)

    for module in [m for name, m in sys.modules.items() if name.startswith("hhfast.batch.")]:
        if getattr(module, "compiled", None) is compiled:
            module.compiled = ask
    try:
        run(case)
    except Asked as asked:
        text = printed(kernel_of(asked.args[0]))
        return {"text": np.array(hashlib.sha256(text.encode()).hexdigest())}
    raise AssertionError("no kernel was asked for")


def record(case: Case, folder: Path, find: Any) -> str:
    """Keep what is found of a case; why there is nothing, if so."""
    path = folder / f"{case.name}.npz"
    if not path.exists():
        try:
            found = _quietly(find, case)
        except Exception as error:  # it is what has to be told
            return f"{type(error).__name__}: {error}"
        temporary = path.with_name(f".{os.getpid()}.npz")
        np.savez(temporary, **found)
        temporary.replace(path)
    return ""


def compare(case: Case, folder: Path, find: Any, ignored: frozenset[str] = frozenset()) -> str:
    """What differs from the record, but for variables of these names: empty if nothing."""
    path = folder / f"{case.name}.npz"
    if not path.exists():
        return "not recorded"
    try:
        found = _quietly(find, case)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    told = []
    with np.load(path) as before:
        if others := (set(before) ^ set(found)) - ignored:
            told.append(f"variables {sorted(others)}")
        told += [difference for name in sorted(set(before) & set(found) - ignored)
                 if (difference := _difference(name, before[name], found[name]))]  # fmt: skip
    return "; ".join(told)


def _difference(name: str, old: np.ndarray, new: np.ndarray) -> str:
    if old.shape != new.shape:
        return f"{name}: shape {old.shape} -> {new.shape}"
    if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        return ""
    if old.dtype.kind == "U":
        return f"{name}: another"
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    with np.errstate(all="ignore"):
        most = np.nanmax(np.abs(np.asarray(new, float) - np.asarray(old, float)))
    return f"{name}: {np.sum(~same)} of {same.size}, by up to {most:.3g}"


def _quietly(find: Any, case: Case) -> dict[str, np.ndarray]:
    """With no warnings of steps that are too long, or of a model that is not for single precision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(find(case))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "compare"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every model of the library, and all with every integrator")
    parser.add_argument("--crossed", action="store_true", help="every model with each recorder and each stimulus")
    parser.add_argument("--ignore", nargs="*", default=[], help="variables that are not compared, as new ones")
    parser.add_argument("--text", action="store_true", help="the text of kernels instead of what they compute")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="cases whose name holds all of these")
    parser.add_argument("--from", dest="told", type=Path, help="cases that a comparison, kept in this file, told")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    known = crossed() if options.crossed else cases(options.all)
    wanted = [c for c in dict.fromkeys(known) if all(word in c.name for word in options.only)]
    if options.told:
        names = {line.split(": ")[0] for line in options.told.read_text(encoding="utf-8").splitlines()}
        wanted = [c for c in wanted if c.name in names]
    do = partial(
        record if options.what == "record" else compare,
        folder=options.folder / ("text" if options.text else "."),
        find=text_of if options.text else run,
    )
    do.keywords["folder"].mkdir(exist_ok=True)
    if options.what == "compare":
        do.keywords["ignored"] = frozenset(options.ignore)
    began, same = time.perf_counter(), 0
    with ProcessPoolExecutor(options.processes) as pool:
        for case, told in zip(wanted, pool.map(do, wanted), strict=True):
            same += not told
            if told:
                print(f"{case.name}: {told}", flush=True)
    print(f"{options.what}: {same} of {len(wanted)} without a difference, {time.perf_counter() - began:.0f} s")
    sys.exit(same < len(wanted))


if __name__ == "__main__":
    main()
