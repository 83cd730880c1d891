"""Every public function and class is given values of wrong kinds: each is one line of an `InputError`, or is fine.

Classes of results are left out: analyses make them, and nothing else is to.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import hhfast as hh
from hhfast.errors import did_you_mean, shown, unknown

HH = "hodgkin_huxley"
WRONG = [
    None, True, 3, -1, 0, 1.5, float("nan"), float("inf"), 10**400, 10**5000, 1j, "x", "", b"x", "\0", "\x1b[31m\n" * 300, [], [None], [10**5000], ["V"],
    [1, "a"], [[[1]]], (), (None, None), {}, {"x": 1}, {1: 2}, {"g_Na": [1, 2]}, set(), iter([]), range(3), slice(3), object(), len, int,
    np.zeros((2, 2, 2)), np.array(["a"]), np.array([1, 2, 3]), np.array([object()]), np.datetime64("2020-01-01"),
]  # fmt: skip
RESULTS = {
    "Benchmark", "Bifurcations", "Equilibria", "EquilibriumCurve", "FICurve", "Fit", "Imported", "PhaseResponse", "RecoveryCurve",
    "RefractoryPeriod", "RestingState", "Result", "Rheobase", "Selection", "StrengthDuration", "StrengthDurationFit", "Table",
    "TrialStatistics", "VoltageClampFamily",
}  # fmt: skip
OTHERS = {
    "Analysis",  # of functions of one's own
    "benchmark_integrators",  # takes seconds where all is well: see below
    "AnalysisStatus", "Incomplete", "InputError", "UnknownName",  # codes and errors
    "import_neuroml", "import_nmodl",  # of *files: see test_files
}  # fmt: skip
STEP = hh.Step(amplitude=10.0)
GRID = hh.Grid.of({"g_Na": [100.0, 120.0]})
TIME, V = np.arange(50) * 0.1, np.array([-70, -60, 20, -60, -70.0] * 10)
MODEL = hh.models[HH]
SEARCH = {"tol": 0.1, "watch": 10.0, "threshold": -20.0, "method": None}
LEVELS = {"threshold": -20.0, "rearm": -30.0}
CONTROL = {"rtol": None, "atol": None, "dt_min": None, "dt_max": None, "max_steps": None}


def of_kernels():
    """What simulates: each with arguments that are right, and quick."""
    found = hh.simulate(HH, t_stop=5.0, stimulus=STEP, record=hh.Trace("V", every=0.5))
    count = {"count_Na": 1000.0, "count_K": 300.0}
    return {
        "simulate": {"model": HH, "params": {"g_Na": [100.0, 120.0]}, "t_stop": 5.0, "stimulus": STEP, "record": [hh.Final()],
                     "until": "t_stop", "initial": "model", "sensitivity": (), "channel_noise": None, "certify": False,
                     "certify_tolerance": 0.01, "progress": False, "method": None, "integrator": "tsit5", "dt": 0.025, **CONTROL,
                     "dtype": "float64", "threads": 1},
        "resting_state": {"model": HH, "params": None, "i_app": 0.0},
        "equilibrium_curve": {"model": HH, "params": None, "V": None},
        "bifurcations": {"model": HH, "params": None, "i_app": (0.0, 20.0)},
        "find_rheobase": {"model": HH, "params": None, "width": 1.0, "max_amplitude": 50.0, "hyperpolarising": False, **SEARCH},
        "displacement_threshold": {"model": HH, "params": None, "max_displacement": 50.0, **SEARCH},
        "fi_curve": {"model": HH, "currents": [10.0], "params": None, "t_stop": 60.0, "transient": 10.0, "direction": "rest",
                     "tol": 0.1, "until": "t_stop", "method": None, "threshold": -20.0, "rearm": None},
        "strength_duration": {"model": HH, "widths": [1.0], "params": None, "max_amplitude": 50.0, **SEARCH},
        "refractory_period": {"model": HH, "params": None, "width": 1.0, "first": 2.0, "second": (2.0,), "cap": 3.0, "within": 0.5,
                              "max_interval": 30.0, **SEARCH},
        "recovery_curve": {"model": HH, "intervals": [15.0], "params": None, "width": 1.0, "first": 2.0, "cap": 3.0, **SEARCH},
        "phase_response": {"model": HH, "params": None, "i_app": 10.0, "phases": 8, "t_stop": 200.0, "initial": "model",
                           "threshold": -20.0, "rearm": None, "method": None},
        "voltage_clamp": {"model": HH, "levels": [0.0], "params": None, "holding": -70.0, "duration": 2.0, "prepulse": None,
                          "tail": None, "channel": None, "conditioning": 5.0, "recording": None, "method": None},
        "repeated_trials": {"model": HH, "params": count, "trials": 2, "amplitude": 10.0, "start": 0.0, "width": 1.0, "t_stop": 5.0,
                            "initial": "model", "channel_noise": "diffusion", "sigma": 2.0, "threshold": -20.0, "method": None},
        "fit": {"model": HH, "target": hh.TraceTarget(found["V"][0], every=0.5), "free": {"g_Na": (100.0, 140.0)}, "params": None,
                "stimulus": STEP, "starts": 2, "seed": 0, "max_iterations": 2, "tol": 1e-3, "method": None},
    }  # fmt: skip


def of_files():
    """What reads and writes files, in this folder."""
    Path("model.toml").write_text(MODEL.to_toml())
    record = [hh.Features(["spike_count", "V_max"]), hh.Trace("V", every=0.5)]
    hh.Sweep(HH, GRID, 5.0, stimulus=STEP, record=record).run("out.h5", progress=False, threads=1)
    return {
        "load_model": {"path": "model.toml"},
        "open_results": {"path": "out.h5", "chunks": None},
        "select": {"path": "out.h5", "where": "spike_count >= 0", "ranges": None},
        "to_csv": {"path": "out.h5", "out": "x.csv", "rows": None},
        "to_parquet": {"path": "out.h5", "out": "x.parquet", "rows": None},
        "to_nwb": {"path": "out.h5", "out": "x.nwb", "rows": [0], "every": 0.5},
        "to_pandas": {"path": "out.h5", "start": 0, "stop": None},
        "explore": {"what": "out.h5", "output": "x.html", "method": None},
    }


def of_pictures():
    """What draws: each with what it is to draw."""
    every = hh.Trace(["V", "i_Na", "i_K", "i_L"], every=0.5)
    traces = hh.simulate(HH, t_stop=5.0, stimulus=STEP, record=[every, hh.Spikes()])
    analyses = ("repeated_trials", "fi_curve", "strength_duration", "recovery_curve", "phase_response", "voltage_clamp",
                "fit")  # fmt: skip
    found = {name: call(name, arguments) for name, arguments in of_kernels().items() if name in analyses}
    of_cell = {"cells": None, "params": None, "labels": None, "units": None}
    path = of_files()["select"]["path"]
    benchmark = hh.benchmark_integrators(HH, integrators=["rk4"], t_stop=20.0, repeats=1, rheobase=False, cells=8)
    return {
        "plot_traces": {"result": traces, "cells": None, "labels": None, "title": ""},
        "plot_currentscape": {"result": traces, "cell": 0, "title": ""},
        "plot_gate_curves": {"model": HH, "params": None, "V": None},
        "plot_phase_plane": {"model": HH, "y": None, "params": None, "i_app": 0.0, "t_stop": 5.0, "held": None, "axes": None},
        "plot_spike": {"model": HH, "params": None, "amplitude": 20.0, "width": 1.0, "before": 1.0, "after": 2.0},
        "plot_stacking": {"values": np.zeros((2, 2)), "parameters": {"a": [1, 2], "b": [1, 2]}, "label": "", "codes": (),
                          "order": None, "units": None},
        "plot_map": {"x": ("a", [0.0, 1.0]), "y": ("b", [0.0, 0.0]), "values": ("c", [1.0, 2.0]), "axes": None},
        "plot_bifurcation_diagram": {"model": HH, "params": None, "i_app": (0.0, 20.0), "t_stop": 30.0, "axes": None},
        "plot_trials": {"result": found["repeated_trials"], **of_cell},
        "plot_fi": {"curves": found["fi_curve"], **of_cell, "axes": None},
        "plot_strength_duration": {"result": found["strength_duration"], **of_cell, "axes": None},
        "plot_recovery": {"result": found["recovery_curve"], **of_cell, "axes": None},
        "plot_phase_response": {"result": found["phase_response"], **of_cell},
        "plot_voltage_clamp": {"result": found["voltage_clamp"], **of_cell},
        "plot_fit": {"fit": found["fit"], "target": 0},
        "plot_benchmark": {"found": benchmark},
        "plot_population": {"selection": hh.select(path, "spike_count >= 0")},
        "plot_result": {"result": path, "x": None, "y": None, "value": None, "log": False, "over": None, "spread": False},
    }  # fmt: skip


def of_values():
    """What only holds what it is given."""
    m = MODEL.channels[0].gates[0]
    found = {
        "Record": {"features": ("rate",), "window": (0.0, 5.0), "spikes": False, "max_spikes": None, "trace": ("V",), "every": 0.5,
                   **LEVELS},
        "Method": {"integrator": "tsit5", "dt": 0.025, "dtype": "float64", "threads": None, **CONTROL},
        "StepControl": {"rtol": 1e-6, "atol": None, "dt_min": 1e-9, "dt_max": 5.0, "max_steps": None},
        "Sweep": {"model": HH, "space": GRID, "t_stop": 5.0, "dt": 0.025, "integrator": "tsit5", "stimulus": None, "parameters": {},
                  "record": hh.Record(), "initial": "model", "until": "t_stop", "sensitivity": (), "dtype": "float64",
                  "constraints": (), "analysis": None, "channel_noise": None, "replicates": None, "certify": False,
                  "certify_tolerance": 0.01, "rows_per_batch": None, **CONTROL},
        "Features": {"names": ("spike_count",), "window": None, **LEVELS},
        "SpikeCount": {"window": None, **LEVELS},
        "Spikes": {"max_per_cell": 4096, "window": None, **LEVELS},
        "Final": {},
        "Trace": {"variables": "V", "every": 0.1},
        "Values": {"kind": "values", "arguments": (1.0, 2.0)},
        "Axis": {"name": "g_Na", "members": (("g_Na", hh.Values("values", (1.0,))),)},
        "Grid": {"axes": GRID.axes},
        "Distribution": {"kind": "uniform", "arguments": (0.0, 1.0)},
        "Sample": {"method": "sobol", "n": 4, "parameters": {"g_Na": hh.Distribution("uniform", (100.0, 120.0))}, "seed": 0},
        "Rows": {"values": {"g_Na": [1.0, 2.0]}},
        "SpikeTarget": {"times": [1.0, 2.0], "t_stop": 5.0, **LEVELS},
        "TraceTarget": {"V": V, "every": 0.1},
        "FeatureTarget": {"values": {"rate": 10.0}, "errors": {"rate": 1.0}, "t_stop": 50.0, "until": "settled", **LEVELS},
        "ChannelNoise": {"kind": "diffusion", "seed": 0, "cell": float("nan")},
        "Settled": {"settle_tol": 1e-4, "burst_ratio": 3.0, "plateau_level": -20.0, "plateau_min": 50.0, "looseness": 0.08},
        "Conditioning": {"duration": 200.0, "levels": None, "test": None},
        "ClampRecording": {"every": None, "series_resistance": 0.0, "leak_subtraction": 0},
        "BatchedSimulator": {"sweep": hh.Sweep(HH, GRID, 5.0), "threads": None},
        "Channel": {"name": "X", "g": 1.0, "E": 0.0, "current": None, "rate_scale": "1", "gates": (m,), "parameters": (),
                    "open": None, "scheme": None, "count": None},
        "Gate": {"name": "m", "power": 1, "alpha": None, "beta": None, "inf": "0.5", "tau": "1", "rate_scale": None,
                 "initial": None, "instantaneous": False},
        "Pool": {"name": "Ca", "unit": "uM", "initial": 0.05, "a": "0.1", "b": "1", "parameters": ()},
        "Parameter": {"name": "x", "value": 1.0, "unit": "mV"},
        "Formula": {"name": "f", "text": "V"},
        "Function": {"name": "f", "args": ("x",), "text": "x"},
        "Scheme": {"states": ("C", "O"), "transitions": (("C", "O", "1", "1"),), "open": "O", "initial": ()},
        "Compartment": {"name": "d", "coupling": hh.Coupling("soma", "g_c"), "channels": (), "pools": (), "parameters": (),
                        "C_m": 1.0, "V_init": None, "i_app": "0"},
        "Coupling": {"to": "soma", "g": "g_c", "fraction": None},
        "Check": {"t_stop": 1.0, "spikes": (), "i_app": 0.0, "start": 0.0, "stop": None, "rtol": 1e-6, "parameters": (), **LEVELS},
        "Model": {"name": "x", "V_init": -65.0, "channels": MODEL.channels, "shared": MODEL.shared, "title": "", "citation": "",
                  "units": "density", "pools": (), "text": "", "formulas": (), "functions": (), "compartments": (),
                  "main": "soma", "species": "", "cell": "", "currents": (), "notes": "", "checks": (), "float32": ""},
        "Feature": {"unit": "ms", "long_name": "x", "needs": ("extremes",), "value": lambda a: a["high"], "kind": "", "efel": "",
                    "aliases": (), "of_cycle": "", "jumps": False, "whole_run": False, "name": "x"},
        "Integrator": {name: getattr(hh.integrators["rk4"], name)
                       for name in ("name", "order", "stages", "stability", "citation", "tableau", "longest")},
        "Stimulus": {"parts": STEP.parts},
        "Waveform": {"times": [0.0, 1.0], "values": [0.0, 1.0], "start": 0.0, "scale": 1.0},
        "WaveformClamp": {"times": [0.0, 1.0], "values": [0.0, 1.0], "start": 0.0, "on": 0.0, "stop": 5.0, "series_resistance": 0.0},
        "VoltageClamp": {"holding": -70.0, "levels": (0.0,), "durations": (1.0,), "start": 0.0, "on": 0.0, "stop": 5.0,
                         "series_resistance": 0.0},
        "spike_times": {"time": TIME, "V": V, **LEVELS},
        "ap_features": {"time": TIME, "V": V, "stim_start": 0.0, "derivative_threshold": 10.0, **LEVELS},
        "train_features": {"spikes": [np.array([1.0, 2.0])], "start": 0.0},
        "trial_statistics": {"result": [np.array([1.0, 2.0])], "trials": 1, "window": (0.0, 10.0), "sigma": 2.0},
    }  # fmt: skip
    for kind in hh.stimuli.values():
        name = "".join(word.capitalize() for word in kind.name.split("_"))
        if name in hh.__all__ and name not in found:
            found[name] = {
                n: 4.0 if n in ("stop", "frequency_end", "tau_decay", "period") else 2.0
                for n in kind.parameters
                if n != "cell"
            }
    return found


GROUPS = {"values": of_values, "kernels": of_kernels, "files": of_files, "pictures": of_pictures}

SLOW = pytest.mark.slow  # pictures are drawn where a wrong value is fine


def call(name, arguments):
    if name == "Trace":
        return hh.Trace(arguments["variables"], every=arguments["every"])
    return getattr(hh, name)(**arguments)


def told(name, argument, wrong, arguments):
    """None, or what came of a wrong value that is not one line of an `InputError`."""
    try:
        call(name, arguments | {argument: wrong})
    except ImportError:
        return None
    except hh.InputError as error:
        line = str(error)
        fine = len(line) <= 300 and line.isprintable() and "cannot be understood" not in line
        return None if fine else f"{name}: {argument} = {shown(wrong)}: {line}"
    except Exception as error:  # noqa: BLE001
        return f"{name}: {argument} = {shown(wrong)}: {type(error).__name__}: {error!s:.100}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", [pytest.param(name, marks=SLOW if name == "pictures" else ()) for name in GROUPS])
def test_wrong_values_are_input_errors(group, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, counts = [], Counter()
    for name, arguments in GROUPS[group]().items():
        call(name, arguments)
        for argument in arguments:
            problems = [told(name, argument, wrong, arguments) for wrong in WRONG]
            counts.update(cases=len(problems))
            found += filter(None, problems)
    print(f"{group}: {counts['cases']} wrong values, {len(found)} that are not told in a line")  # noqa: T201
    assert found == []


def test_every_public_name_is_attacked():
    """What is new in `hhfast.__all__` needs an entry above."""
    attacked = {*of_values(), *(name for of in (of_kernels, of_files, of_pictures) for name in _names_in(of))}
    public = {name for name in hh.__all__ if callable(getattr(hh, name))}
    assert public - attacked - RESULTS - OTHERS == set()


def _names_in(function):
    """The names of the entries of a table, without making it."""
    return {
        constant for constant in function.__code__.co_consts if isinstance(constant, str) and constant in hh.__all__
    } | {name for constant in function.__code__.co_consts if isinstance(constant, tuple) for name in constant}


@pytest.mark.parametrize(("initial", "told"), [
    (["rest", "rest"], "initial: rest is given twice"),
    ([{"V": -60}, "rest", {"V": -60.0}], "initial: V = -60 is given twice"),
    ([{"V": -60}, {"V": "x"}], "initial.1.V = 'x' is not a number"),
])  # fmt: skip
def test_initial_states_of_a_sweep(initial, told):
    with pytest.raises(hh.InputError, match=re.escape(told)):
        hh.Sweep(HH, GRID, 5.0, initial=initial)


@pytest.mark.parametrize(("name", "known", "hint"), [
    (3, ["a", "b"], "known: a, b"), (None, ["V", None, 1], "did you mean 'None'?"), ([10**5000], ["V"], "known: V"), ([1], [], "none are defined"),
])  # fmt: skip
def test_names_that_are_no_text(name, known, hint):
    assert did_you_mean(name, known) == hint
    assert str(unknown("thing", name, known)).endswith(f"; {hint}")


@pytest.mark.parametrize("wrong", [{"stimulus": True}, {"initial": None}, {"integrators": True}, {"integrators": 3}, {"repeats": 1.5},
                                   {"rheobase": np.zeros(3)}, {"progress": "x"}, {"t_stop": None}, {"dt": "x"}])  # fmt: skip
def test_wrong_values_of_a_benchmark(wrong):
    with pytest.raises(hh.InputError, match=next(iter(wrong))):
        hh.benchmark_integrators(HH, **({"t_stop": 5.0, "repeats": 1} | wrong))
