"""Sensitivities: derivatives of potentials and spike times are those of finite differences, here and by SciPy."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import hhfast as hh

CASES = {  # model -> current, duration (ms), parameters of every kind: conductances, reversals, capacitance, rates
    "hodgkin_huxley": (10.0, 40.0, ("g_Na", "E_L", "C_m", "celsius")),
    "connor_stevens": (20.0, 30.0, ("g_A", "E_K")),
    "prinz_stg": (1.0, 60.0, ("g_CaS", "g_KCa")),
    "pinsky_rinzel_1994_ca3": (1.0, 40.0, ("g_Na",)),
    "hodgkin_huxley_1952_markov": (10.0, 20.0, ("g_Na", "g_K")),
}
TIGHT = {"integrator": "tsit5", "rtol": 1e-11}


def differences(run, value, relative=1e-4):
    """The derivative of what `run(value)` gives, by central differences of fourth order."""
    h = relative * max(abs(value), 1e-3)
    e = {k: run(value + k * h) for k in (-2, -1, 1, 2)}
    return (e[-2] - 8 * e[-1] + 8 * e[1] - e[2]) / (12 * h)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_are_those_of_finite_differences(name):
    """Of V and of the first states, at all times, and of every spike time, to 1e-5 of the largest."""
    current, t_stop, parameters = CASES[name]
    model, second = hh.models[name], hh.models[name].states[1]
    traced = ("V", second)
    run = {"stimulus": hh.Step(amplitude=current, start=1.0), "t_stop": t_stop, **TIGHT}
    names = [f"d{x}_d{p}" for p in parameters for x in traced]
    spikes = hh.Spikes(20.0, 10.0) if model.V_init > -20 else hh.Spikes()
    found = hh.simulate(model, record=[spikes, hh.Trace(*names, every=0.5)], sensitivity=parameters, **run)
    assert found.spike_count[0] >= 1
    for p in parameters:

        def both(value, p=p):
            r = hh.simulate(model, {p: value}, record=[spikes, hh.Trace(*traced, every=0.5)], **run)
            return np.concatenate([r["V"][0], r[second][0], r.spike_time])

        expected = np.split(differences(both, model.parameters[p].value), [len(found.time), 2 * len(found.time)])
        computed = [found[f"dV_d{p}"][0], found[f"d{second}_d{p}"][0], found[f"spike_time_d{p}"]]
        for one, other in zip(computed, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


def test_derivatives_are_those_of_scipy():
    """DOP853 on the plain equations, differenced."""
    model = hh.models["hodgkin_huxley"]
    start = {x: np.float64(v) for x, v in zip(model.states, (-60.0, 0.1, 0.5, 0.4), strict=True)}

    def final(g_K):
        def slopes(_, X):
            state = dict(zip(model.states, X, strict=True))
            return [float(v) for v in model.derivatives(state, {"g_K": g_K}, 8.0).values()]

        solved = solve_ivp(slopes, (0, 15), list(start.values()), method="DOP853", rtol=1e-12, atol=1e-13)
        return solved.y[:, -1]

    found = hh.simulate(
        model,
        stimulus=hh.Step(amplitude=8.0),
        t_stop=15.0,
        initial=start,
        record=[hh.Final()],
        sensitivity=["g_K"],
        **TIGHT,
    )
    expected = differences(final, 36.0)
    computed = [found[f"d{x}_dg_K_final"][0] for x in model.states]
    np.testing.assert_allclose(computed, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


BENT = """
name = "bent"
V_init = -65.0
[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
[channels.leak]
g = 0.1
E = -65.0
[channels.K]
current = "k * max(V + 50, 0)"
[channels.K.parameters]
k = { value = 0.2, unit = "mS cm-2" }
"""


def test_a_formula_that_bends(tmp_path):
    """At the default tolerance, as in the solution by hand: steps are short where the derivative's slope jumps."""
    (tmp_path / "bent.toml").write_text(BENT)
    current, rate, V_bend = 4.0, 0.1 + 0.2, -50.0
    found = hh.simulate(
        tmp_path / "bent.toml", stimulus=hh.Step(amplitude=current), t_stop=12.0, sensitivity=["k"],
        record=[hh.Trace("V", "dV_dk", every=0.5)],
    )  # fmt: skip
    since = found.time - 10.0 * np.log(40.0 / 25.0)  # V bends on its way from -65 towards -25
    above, decay = since > 0, np.exp(-rate * np.maximum(since, 0.0))
    level = (current - 1.5) / rate
    expected = np.where(above, -level / rate * (1 - decay) + level * since * decay, 0.0)
    np.testing.assert_allclose(found["V"][0][above], V_bend + level * (1 - decay[above]), atol=1e-3)
    np.testing.assert_allclose(found["dV_dk"][0], expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(("integrator", "dt"), [("rk4", 0.025), ("euler", 0.01)])
def test_fixed_steps_have_the_derivative_of_the_scheme(integrator, dt):
    """Not of the exact solution: differences of runs with the same steps, of V, of a gate, and of spike times."""
    run = {"stimulus": hh.Step(amplitude=10.0, start=1.0), "t_stop": 30.0, "integrator": integrator, "dt": dt}
    found = hh.simulate("hodgkin_huxley", sensitivity=["g_K", "celsius"], **run,
                        record=[hh.Spikes(), hh.Trace("dV_dg_K", "dh_dcelsius", every=0.5)])  # fmt: skip
    for name, state in (("g_K", "V"), ("celsius", "h")):

        def both(value, name=name, state=state):
            r = hh.simulate("hodgkin_huxley", {name: value}, record=[hh.Spikes(), hh.Trace(state, every=0.5)], **run)
            return np.concatenate([r[state][0], r.spike_time])

        expected = differences(both, hh.models["hodgkin_huxley"].parameters[name].value)
        computed = np.concatenate([found[f"d{state}_d{name}"][0], found[f"spike_time_d{name}"]])
        np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6 * np.abs(expected[:-3]).max())
    alone = hh.simulate("hodgkin_huxley", **run)
    np.testing.assert_allclose(found.spike_time, alone.spike_time, rtol=0, atol=1e-9)


def test_from_rest_the_start_moves_with_the_parameters():
    run = {"t_stop": 5.0, "initial": "rest", "record": [hh.Final()], **TIGHT}
    found = hh.simulate("hodgkin_huxley", sensitivity=["E_L"], **run)

    def rest(value):
        return hh.simulate("hodgkin_huxley", {"E_L": value}, **run)["V_final"]

    assert found["dV_dE_L_final"][0] == pytest.approx(
        differences(rest, hh.models["hodgkin_huxley"].parameters["E_L"].value)[0], rel=1e-4
    )


def test_the_run_itself_stays_as_it_is():
    """The same steps, values that differ by rounding, units of a quotient, and each row as if alone."""
    run = {"stimulus": hh.Step(amplitude=10.0), "t_stop": 30.0, "integrator": "tsit5"}
    params = {"g_Na": np.linspace(100, 140, 37)}
    alone = hh.simulate("hodgkin_huxley", params, **run)
    beside = hh.simulate("hodgkin_huxley", params, sensitivity=["g_K"], **run)
    np.testing.assert_array_equal(alone["n_steps"], beside["n_steps"])
    np.testing.assert_allclose(alone.spike_time, beside.spike_time, rtol=0, atol=1e-9)
    assert beside.variables["spike_time_dg_K"].unit == "ms/(mS cm-2)"
    one = hh.simulate("hodgkin_huxley", {"g_Na": params["g_Na"][20]}, sensitivity=["g_K"], **run)
    first = beside.spike_count[:20].sum()
    np.testing.assert_array_equal(
        one["spike_time_dg_K"], beside["spike_time_dg_K"][first : first + len(one.spike_time)]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensitivity": ["g_Nab"]}, "did you mean 'g_Na'"),
        ({"sensitivity": "g_Na"}, "give a list"),
        ({"sensitivity": ["g_Na", "g_Na"]}, "twice"),
        ({"integrator": "rodas4"}, "choose tsit5 or bs32"),
        ({"integrator": "exp_euler"}, "choose tsit5 or bs32"),
        ({"record": [hh.Trace("dV_dg_K")]}, "unknown trace variable"),
        ({"stimulus": hh.VoltageClamp(holding=-70.0)}, "voltage clamp"),
        ({"record": [hh.SpikeCount()]}, "nothing that is recorded here has derivatives"),
        ({"record": [hh.Features(["rate", "mean_frequency"]), hh.Trace("V")]}, "nothing that is recorded here"),
        ({"record": [hh.Features(["V_max"])], "integrator": "rk4"}, "nothing that is recorded here"),
        ({"sensitivity": 3}, "sensitivity: is 3; give a list of names"),
        ({"sensitivity": None}, "sensitivity: is None; give a list of names"),
        ({"sensitivity": ["g_Na", 5]}, "give a list of names"),
    ],
)
def test_what_has_no_derivative_is_refused(change, message):
    given = {"sensitivity": ["g_Na"], "integrator": "tsit5", "t_stop": 1.0} | change
    with pytest.raises(hh.InputError, match=message):
        hh.simulate("hodgkin_huxley", **given)


def with_dependent_gates(first, second, third):
    """A channel whose first gate depends on its second, and its third on its first."""
    gates = (
        hh.Gate(first, inf=f"(0.2 + {second}) / (1 + exp(-(V + 50) / 8))", tau="2"),
        hh.Gate(second, inf="1 / (1 + exp((V + 60) / 9))", tau="5"),
        hh.Gate(third, inf=f"(0.3 + 0.5 * {first}**2) / (1 + exp(-(V + 40) / 7))", tau="3"),
    )
    return hh.models["hodgkin_huxley"].with_channel(hh.Channel("X", gates=gates, g=0.5, E=-70.0))


def test_names_do_not_change_derivatives():
    """The entries (p, q_p) and (p_q, p) of a Jacobian are two, though one may write p_q_p for both."""
    found = [
        hh.simulate(
            with_dependent_gates(*names), stimulus=hh.Step(10.0), t_stop=30.0, record=[hh.Spikes(), hh.Final()],
            sensitivity=["g_X"], rtol=1e-9,
        )
        for names in (("p", "q_p", "p_q"), ("u", "v", "w"))
    ]  # fmt: skip
    for one, other in zip(*(r["spike_time_dg_X"] for r in found), strict=True):
        assert one == pytest.approx(other, rel=1e-9)
