"""What no neuron does is seen in every step, kept, and told with its reason: status 1. Reproducers of an audit."""

from dataclasses import replace

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.batch.result import REASON_MEANINGS
from hhfast.batch.turning_potentials import turning_potentials
from hhfast.errors import PrecisionWarning, StepWarning
from hhfast.model import Pool

SQUID = "hodgkin_huxley"
LONG_STEPS = pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")


def reasons(result):
    return [REASON_MEANINGS[code] for code in result["reason"]]


def test_a_potential_beyond_all_reversal_potentials():
    """An RK4 step that overshoots (112 mV, E_Na is 50) comes back, and is not forgotten; the neighbour is untouched."""
    params = {"g_Na": [196.830763, 120.0], "g_K": [15.09427, 36.0], "g_L": [0.464068, 0.3], "C_m": [0.868457, 1.0]}
    run = {"stimulus": hh.Step(10.0, start=5.0), "t_stop": 60.0, "integrator": "rk4"}
    for record in ([hh.Features(["V_max", "spike_count"])], [hh.SpikeCount()], [hh.Final()]):
        r = hh.simulate(SQUID, params, dt=0.05, record=record, **run)
        assert r.status.tolist() == [1, 0]
        assert reasons(r) == ["potential_out_of_bounds", "none"]
    assert hh.simulate(SQUID, params, dt=0.0125, **run).status.tolist() == [0, 0]


@LONG_STEPS
@pytest.mark.parametrize("integrator", ["rk4", "exp_euler"])
def test_a_node_under_a_strong_pulse(integrator):
    """At 0.025 ms V reaches -2e7 mV by RK4 and -2e4 mV by exponential Euler on the way; tsit5 has its one spike."""
    run = {"stimulus": hh.Step(3000.0, start=1.0, stop=1.1), "t_stop": 20.0, "record": [hh.SpikeCount()]}
    wrong = hh.simulate("schwarz_1995_human_node", integrator=integrator, **run)
    assert (wrong.status.tolist(), reasons(wrong)) == ([1], ["potential_out_of_bounds"])
    right = hh.simulate("schwarz_1995_human_node", **run)
    assert (right.status.tolist(), right.spike_count.tolist()) == ([0], [1])


@pytest.mark.parametrize("integrator", ["rk4", "tsit5", "rodas4"])
@pytest.mark.parametrize(
    ("model", "params"),
    [
        (SQUID, {"C_m": np.inf}),
        (SQUID, {"celsius": np.inf}),
        (SQUID, {"g_K": -1e15}),
        (SQUID, {"g_L": -1e12}),
        ("prinz_stg", {"tau_Ca": -np.inf}),
    ],
)
def test_impossible_parameters(model, params, integrator):
    """Infinite, or a negative conductance: whatever the numbers would be."""
    (name, value), ordinary = *params.items(), hh.models[model].parameters
    r = hh.simulate(model, {name: [ordinary[name].value, value]}, t_stop=5.0, integrator=integrator)
    assert r.status.tolist() == [0, 1]
    assert reasons(r) == ["none", "impossible_parameter"]


def test_impossible_stimuli():
    """A pulse has an end; a step need not have one, nor a train a last pulse."""
    assert reasons(hh.simulate(SQUID, stimulus=hh.Pulse(10.0, width=np.inf), t_stop=1.0)) == ["impossible_parameter"]
    for stimulus in (hh.Step(10.0), hh.Train(10.0, period=5.0), hh.Noise(sigma=1.0, tau=1.0, every=0.1)):
        assert reasons(hh.simulate(SQUID, stimulus=stimulus, t_stop=1.0)) == ["none"]


@LONG_STEPS
@pytest.mark.parametrize(("integrator", "tau"), [("euler", 0.009), ("rk4", 0.0067)])
def test_a_gate_that_is_no_probability(integrator, tau):
    """A gate of a tau that the step is too long for grows without bound; V hardly notices, as g is small."""
    model = hh.models["hodgkin_huxley"].with_channel(
        hh.Channel("X", g=1e-9, E=-60.0, gates=(hh.Gate("x", inf="1 / (1 + exp(-(V + 60) / 5))", tau="tau_x"),),
                   parameters=(hh.Parameter("tau_x", 0.005, "ms"),))
    )  # fmt: skip
    r = hh.simulate(model, {"tau_x": [tau, 5.0]}, stimulus=hh.Step(3.0), t_stop=1.0, dt=0.02, integrator=integrator,
                    record=[hh.Final()])  # fmt: skip
    assert reasons(r) == ["gate_outside_0_to_1", "none"]


def test_a_negative_concentration():
    """A pool that is drained whatever it holds: seen, though it does nothing to V."""
    squid = hh.models[SQUID]
    drained = Pool("Ca", unit="uM", initial=1.0, a="-drain", b="0")
    model = replace(squid, pools=(drained,), shared=(*squid.shared, hh.Parameter("drain", 0.0, "uM ms-1")), text="")
    for integrator in ("rk4", "tsit5"):
        r = hh.simulate(model, {"drain": [0.0, 0.1]}, t_stop=50.0, integrator=integrator)
        assert reasons(r) == ["none", "negative_concentration"]


def test_what_is_possible_stays():
    """A start far from rest, a strong current that the leak alone would follow, a current of inward rectification."""
    r = hh.simulate(SQUID, initial={"V": 120.0}, t_stop=5.0)
    assert r.status.tolist() == [0]
    with pytest.warns(PrecisionWarning, match="beyond -200 to 150 mV"):
        r = hh.simulate(SQUID, {"g_Na": 0.0, "g_K": 0.0}, stimulus=hh.Step(200.0), t_stop=50.0, record=[hh.Final()])
    assert r.status.tolist() == [0]
    np.testing.assert_allclose(r["V_final"], -54.387 + 200 / 0.3, rtol=1e-4)


@LONG_STEPS
@pytest.mark.parametrize("integrator", ["tsit5", "exp_euler"])
def test_potentials_beyond_rates_are_told(integrator):
    """-600 uA/cm2 take the squid axon to -331 mV (SciPy), where its rates are no more those of the formulas."""
    run = {
        "t_stop": 6.0,
        "record": [hh.Features(["V_min"]), hh.Trace("V", every=0.5)],
        "integrator": integrator,
        "dt": 0.005,
    }
    with pytest.warns(PrecisionWarning, match="the potential of 1 of 3 cells goes beyond -200 to 150 mV"):
        r = hh.simulate(SQUID, stimulus=hh.Pulse([5.0, -600.0, -100.0], start=2.0, width=0.5), **run)
    assert (r.status.tolist(), reasons(r)) == ([0, 0, 0], ["none", "potential_beyond_rates", "none"])
    np.testing.assert_allclose(r["V_min"][1], -331.0, atol=3.0)
    for k, amplitude in enumerate((5.0, -100.0)):
        alone = hh.simulate(SQUID, stimulus=hh.Pulse(amplitude, start=2.0, width=0.5), **run)
        assert alone["V"][0].tobytes() == r["V"][2 * k].tobytes()


def test_potentials_beyond_currents_that_are_not_ohmic():
    """A node of Ranvier (Goldman-Hodgkin-Katz currents): beyond where they turn and the current alone leads, V is none.

    From the equations: the sodium current turns at its Nernst potential, and 100 mV are 3000 uA/cm2 through the leak.
    """
    model, pulse = "schwarz_1995_human_node", hh.Step(3000.0, start=1.0, stop=1.1)
    record = [hh.Features(("V_max", "V_min", "spike_count"))]
    with pytest.warns(StepWarning):
        wild = hh.simulate(model, stimulus=pulse, t_stop=20.0, integrator="exp_midpoint", record=record)
    assert wild.status.tolist() == [1]
    with pytest.warns(StepWarning, match="too fast"):  # V jumps from step to step, but where it might be
        coarse = hh.simulate(model, stimulus=pulse, t_stop=20.0, integrator="strang", record=record)
    assert coarse["V_max"][0] < 50.0
    assert coarse["V_min"][0] > -190.0
    right = hh.simulate(model, stimulus=pulse, t_stop=20.0, record=record)
    assert (right.status[0], right["spike_count"][0]) == (0, 1)
    found, cells = hh.models[model], Cells.of(hh.models[model], {})
    low, high = turning_potentials(cells, np.array([3000.0]), 1000.0)
    p = {name: q.value for name, q in found.parameters.items()}
    E_Na = np.log(p["Na_o"] / p["Na_i"]) / p["FRT"]
    np.testing.assert_allclose([low[0], high[0]], [p["E_L"] - 3000.0 / p["g_L"], max(E_Na, p["E_L"] + 3000.0 / p["g_L"])],
                               rtol=0, atol=1.0)  # fmt: skip


def test_a_current_that_is_open_where_gates_are_closed():
    """The library's channel, its conductance 5 (0.75 (1 - h)) ** 4, written as any current: the same spikes."""
    model = hh.models["rubin_terman_2004_thalamic_relay"]
    current = "5.0 * (0.75 * (1 - h)) ** 4 * (V + 90.0)"
    same = model.without_channel("K").with_channel(hh.Channel("K", current=current))
    runs = [hh.simulate(m, stimulus=hh.Step(3.0), t_stop=50.0) for m in (model, same)]
    assert [run.status[0] for run in runs] == [0, 0]
    np.testing.assert_allclose(runs[1].spike_times[0], runs[0].spike_times[0], rtol=1e-6)
