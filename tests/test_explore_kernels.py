"""The kernels of pages, run in a browser: they give what compiled ones give."""

import math
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.method import Method
from hhfast.kernel.jit import compile as jit
from hhfast.kernel.jit.llvm_compiler import arithmetic
from hhfast.model import parse_model
from hhfast.pages.kernels import calling, scripts
from hhfast.pages.page import part
from hhfast.pages.probe import suited

ENGINE = [part("scripts/bounds.js"), part("scripts/simulation.js")]
FAST = ("hodgkin_huxley", "connor_stevens", "pinsky_rinzel_1994_ca3", "hodgkin_huxley_1952_markov")
FIXED, ADAPTIVE = Method("rk4", dt=0.01), Method("tsit5", rtol=1e-10)
EXPONENTIAL = Method("strang", dt=0.01)
NODES = ("frankenhaeuser_huxley_1964_frog_node", "schwarz_1995_human_node")  # of Ranvier: fast, but not stiff
FINE = Method("rk4", dt=0.001)
STIFF = {  # rk4 diverges
    "beeler_reuter_1977_ventricle",
    "luo_rudy_1991_ventricle",
    "mcintyre_2002_motor_node",
    "ten_tusscher_2006_ventricle",
}
FASTEST = {"khaliq_2003_purkinje"}  # steps that suit its scheme are below 0.0003 ms: own steps alone
SUITED = dict.fromkeys(STIFF, EXPONENTIAL) | dict.fromkeys(NODES, FINE)


def run_in(page, model, method, stimulus, t_stop, every, params=None):
    """V, spike times, status and initial states of one cell, computed in the browser by the page's own functions."""
    values = {
        f"{k}.{name}": float(given[name]) for k, (kind, given) in enumerate(stimulus.parts) for name in kind.parameters
    }
    told = {
        "page": calling(model, method, stimulus, ["V"]),
        "parameters": [(params or {}).get(name, p.value) for name, p in model.parameters.items()],
        "stimulus": values,
    }
    source = "\n".join([*scripts(model, method, stimulus, ["V"]).values(), *ENGINE])
    return page.evaluate(
        f"""(told) => {{ "use strict"; {source}
        const {{ page, parameters, stimulus }} = told;
        const initial = initialStates(page, parameters);
        const run = simulate(page, {{ parameters, stimulus, t_stop: {t_stop}, every: {every}, initial }});
        return {{ V: Array.from(run.traces.V), spikes: Array.from(run.spikes), status: run.status,
          failure: run.failure, initial: Array.from(initial) }}; }}""",
        told,
    )


def stimulated(model):
    """A step as the model's own check has it, and two pulses."""
    check = next((c for c in model.checks if c.spikes), None)
    amplitude, lasts = (10.0, 130.0) if check is None else (check.i_app, (check.stop or math.inf) - check.start)
    stimulus = hh.Step(amplitude, 20.0, 20.0 + min(lasts, 130.0))
    return stimulus + hh.PairedPulse(amplitude, -0.3 * amplitude, 160.0, 2.0, interval=10.0)


def compiled(model, method, initial="model"):
    """200 ms by the compiled kernel."""
    record = [hh.Spikes(), hh.Trace("V", every=0.5)]
    return hh.simulate(
        model, t_stop=200.0, stimulus=stimulated(model), record=record, method=method, initial=initial, threads=1
    )


def distance(V, spikes, result, cell=0):
    """(largest difference of V, mV; of spike times, ms) between a run and a cell of a result."""
    assert len(spikes) == len(result.spike_times[cell])
    return np.max(np.abs(result["V"][cell] - V)), np.max(np.abs(result.spike_times[cell] - spikes), initial=0.0)


@contextmanager
def without_fused_multiply_add():
    """Kernels are compiled for a processor that rounds every product: as JavaScript does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CPU_NAME", "generic")
        jit.forget()
        if arithmetic() != "separate multiply and add":
            pytest.skip("every processor of this kind adds products unrounded")
        yield
    jit.forget()


@pytest.fixture(scope="module")
def blank(chromium):
    return chromium.new_page()


@pytest.mark.parametrize("name", FAST)
def test_a_page_computes_what_the_compiled_kernel_computes(blank, name):
    """The same steps: V to 1e-9 mV, spike times to 1e-6 ms, over 200 ms with a step and pulses."""
    model, method = hh.models[name], SUITED.get(name, FIXED)
    there, here = run_in(blank, model, method, stimulated(model), 200.0, 0.5), compiled(model, method)
    assert there["status"] == here.status[0] == 0
    V, spike = distance(there["V"], there["spikes"], here)
    assert V < 1e-9
    assert spike < 1e-6


@pytest.mark.parametrize("name", FAST[:2])
def test_steps_of_its_own_size_differ_by_rounding_alone(blank, name):
    """As the page of a model computes: to the bit what is compiled without fused multiply-adds.

    With them V differs by 1e-9 mV, or by no more than the compiled kernel's own runs do that begin one unit in the
    last place apart: where formulas have kinks, or spikes begin slowly, an adaptive integrator multiplies it.
    """
    model = hh.models[name]
    method = Method(suited(model), rtol=1e-8)
    there = run_in(blank, model, method, stimulated(model), 200.0, 0.5)
    initial = dict(zip(model.states, there["initial"], strict=True))
    with without_fused_multiply_add():
        here = compiled(model, method, initial)
    np.testing.assert_array_equal(there["V"], here["V"][0])
    np.testing.assert_array_equal(there["spikes"], here.spike_times[0])
    rng = np.random.default_rng(1)
    ulps = {x: np.concatenate([[0], rng.integers(-1, 2, 31)]) for x in model.states}
    fused = compiled(model, method, {x: v + ulps[x] * np.spacing(v) for x, v in initial.items()})
    apart = [distance(fused["V"][0], fused.spike_times[0], fused, cell) for cell in range(1, 32)]
    V, spike = distance(there["V"], there["spikes"], fused)
    assert max(1e-9, 3.0 * max(d for d, _ in apart)) > V
    assert max(1e-9, 3.0 * max(d for _, d in apart)) > spike


def test_a_state_that_begins_by_a_formula_follows_the_parameters(blank):
    """Where the formula's parameter is another, the page begins elsewhere, as `simulate` does."""
    text = hh.models["hodgkin_huxley"].text.replace(
        "[channels.Na.gates.h]", '[channels.Na.gates.h]\ninitial = "0.5 + (E_L + 54.387) / 40 + 0.001 * (V + 65)"'
    )
    model = parse_model(text, "a test")
    for E_L in (-54.387, -50.0):
        shifted = replace(model, channels=tuple(replace(c, E=E_L) if c.name == "L" else c for c in model.channels))
        there = run_in(blank, model, FIXED, hh.Step(0.0), 10.0, 0.5, {"E_L": E_L})
        here = hh.simulate(shifted, t_stop=10.0, record=[hh.Trace("V", every=0.5)], method=FIXED)
        np.testing.assert_allclose(there["V"], here["V"][0], atol=1e-9)


@pytest.mark.filterwarnings("ignore:dt = .* ms:hhfast.errors.StepWarning")  # it is what is tested
def test_a_run_that_is_impossible_says_why(blank):
    """Steps far too long, as `simulate` says; and a conductance that no membrane has."""
    model = hh.models["hodgkin_huxley"]
    for too_long in (0.4, 2.0):
        method = Method("rk4", dt=too_long)
        there = run_in(blank, model, method, hh.Step(10.0), 100.0, 2.0)
        here = hh.simulate(model, t_stop=100.0, stimulus=hh.Step(10.0), method=method)
        reason = here.variables["reason"].flags[here["reason"][0]]
        assert there["failure"] == f"The run diverged: {reason.replace('_', ' ')}."
    assert run_in(blank, model, ADAPTIVE, hh.Step(10.0), 100.0, 0.5)["failure"] == ""
    impossible = run_in(blank, model, ADAPTIVE, hh.Step(10.0), 20.0, 0.5, {"g_K": -1.0})
    assert impossible["failure"] == "The run diverged: impossible parameter."


@pytest.mark.parametrize(
    ("name", "params", "current"),
    [
        ("hodgkin_huxley", {}, 10.0),
        ("hodgkin_huxley", {"E_Na": -30.0, "g_L": 0.01}, -200.0),
        ("hodgkin_huxley", {"g_L": 0.0}, 5.0),
        ("pinsky_rinzel_1994_ca3", {}, 1.0),
        ("frankenhaeuser_huxley_1964_frog_node", {}, 3000.0),
        ("schwarz_1995_human_node", {"P_Na": 1e-5}, -500.0),
    ],
)
def test_a_page_has_the_guards_of_simulate(blank, name, params, current):
    """Between the same potentials a cell stays, and of the same parameters none can be."""
    model, stimulus = hh.models[name], hh.Step(current) + hh.Noise(2.0, 5.0, mean=-1.0)
    cells = Cells.of(model, params, stimulus)
    page = calling(model, ADAPTIVE, stimulus, ["V"])
    values = {
        f"{k}.{name}": float(given[name]) for k, (kind, given) in enumerate(stimulus.parts) for name in kind.parameters
    }
    told = [page, cells.p0[: len(model.parameters)].tolist(), {k: v for k, v in values.items() if math.isfinite(v)}]
    source = "\n".join([*scripts(model, ADAPTIVE, stimulus, ["V"]).values(), *ENGINE])
    found = blank.evaluate(
        f"""([page, parameters, stimulus]) => {{ {source}
        return possibleRange(page, parameters, stimulus, -64.0); }}""",
        told,
    )
    expected = possible_range(cells, stimulus, np.full((len(model.states), 1), -64.0))
    np.testing.assert_allclose(found, expected[0], rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in hh.models if name not in {*FAST, *FASTEST}])
def test_every_model_of_the_library_agrees(blank, name):
    test_a_page_computes_what_the_compiled_kernel_computes(blank, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in hh.models if name not in FAST[:2]])
def test_every_model_differs_by_rounding_alone(blank, name):
    test_steps_of_its_own_size_differ_by_rounding_alone(blank, name)
