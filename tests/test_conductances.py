"""Conductance stimuli g(t) (E - V): against SciPy, by every integrator; their noise; and what is refused."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.errors import InputError

HH = hh.models["hodgkin_huxley"]
T_STOP = 30.0
ONSETS = (5.0, 9.0, 13.0)
RISE, DECAY = 0.4, 3.0
PEAK = np.log(DECAY / RISE) * RISE * DECAY / (DECAY - RISE)  # ms, of a difference of exponentials
HEIGHT = np.exp(-PEAK / DECAY) - np.exp(-PEAK / RISE)


def alpha(t):
    s = np.array([t - onset for onset in ONSETS if t >= onset])
    return float(np.sum(0.3 * s / 2.0 * np.exp(1.0 - s / 2.0)))


def double_exponential(t):
    s = np.array([t - onset for onset in ONSETS if t >= onset])
    return float(np.sum(0.2 * (np.exp(-s / DECAY) - np.exp(-s / RISE)) / HEIGHT))


# The stimulus, the conductance on paper (mS/cm2), its reversal potential, and a current beside it.
CASES = {
    "step": (hh.ConductanceStep(g=0.2, E=-10.0, start=5.0, stop=20.0), lambda t: 0.2 * (5.0 <= t < 20.0), -10.0, 0.0),
    "alpha": (hh.AlphaSynapse(g=0.3, tau=2.0, start=5.0, period=4.0, count=3), alpha, 0.0, 0.0),
    "inhibition and current": (
        hh.DoubleExponential(g=0.2, tau_rise=RISE, tau_decay=DECAY, E=-80.0, start=5.0, period=4.0, count=3)
        + hh.Step(amplitude=9.0),
        double_exponential,
        -80.0,
        9.0,
    ),
}


@cache
def on_paper(case, every, t_stop=T_STOP):
    """V(t) of the squid axon by SciPy, each `every` ms, the membrane written out with g (E - V)."""
    _, conductance, E, current = CASES[case]
    times = every * np.arange(round(t_stop / every) + 1)
    start = hh.simulate(HH, t_stop=0.01, record=[hh.Trace(*HH.states, every=0.01)])
    x = np.array([start[name][0, 0] for name in HH.states])
    found, edges = np.empty_like(times), [0.0, *(t for t in (*ONSETS, 20.0) if t < t_stop), t_stop]
    for begin, end in pairwise(edges):

        def slope(t, x, begin=begin, end=end):
            g = conductance(min(max(t, begin), np.nextafter(end, 0.0)))
            return HH.derivatives(x, None, current + g * (E - x[0]))

        run = solve_ivp(slope, (begin, end), x, method="DOP853", rtol=1e-10, atol=1e-11, dense_output=True)
        inside = (times >= begin) & (times <= end)
        found[inside], x = run.sol(times[inside])[0], run.y[:, -1]
    return found


@pytest.mark.parametrize("case", CASES)
def test_potential_is_that_of_scipy(case):
    """The explicit and the Rosenbrock method with own steps, and the classical one."""
    stimulus, g, E, current = CASES[case]
    for options in ({"integrator": "tsit5", "rtol": 1e-8}, {"integrator": "rodas4", "rtol": 1e-9}):
        r = hh.simulate(HH, stimulus=stimulus, t_stop=T_STOP, record=[hh.Trace("V", "i_app", every=0.5)], **options)
        np.testing.assert_allclose(r["V"][0], on_paper(case, 0.5), atol=2e-5)
        at = np.array([g(t) for t in r.time[:-1]])
        np.testing.assert_allclose(r["i_app"][0, :-1], current + at * (E - r["V"][0, :-1]), atol=1e-9)


@pytest.mark.parametrize(
    ("integrator", "order"), [("exp_euler", 1), ("exp_midpoint", 2), ("strang", 2), ("rk4", 4), ("euler", 1)]
)
def test_fixed_steps_keep_their_order(integrator, order):
    """A smooth conductance costs no integrator its order: halving the step divides the error by 2**order at least."""
    stimulus, errors = CASES["alpha"][0], []
    for dt in (0.02, 0.01):
        r = hh.simulate(HH, stimulus=stimulus, t_stop=12.0, dt=dt, integrator=integrator,
                        record=[hh.Trace("V", every=0.5)])  # fmt: skip
        errors.append(np.sqrt(np.mean((r["V"][0] - on_paper("alpha", 0.5, 12.0)) ** 2)))
    assert errors[0] / errors[1] > 0.8 * 2**order


def test_exponential_methods_solve_a_passive_membrane_exactly(passive):
    """With a constant conductance the membrane is still a - b V, so one exponential step is exact, however long."""
    E_L, g_L, C = (passive.parameters[name].value for name in ("E_L", "g_L", "C_m"))
    g, E = 0.3, 0.0
    r = hh.simulate(passive, stimulus=hh.ConductanceStep(g=g, E=E), t_stop=8.0, dt=4.0, integrator="exp_euler",
                    record=[hh.Trace("V", every=4.0)])  # fmt: skip
    V_inf = (g_L * E_L + g * E) / (g_L + g)
    np.testing.assert_allclose(r["V"][0], V_inf + (r["V"][0, 0] - V_inf) * np.exp(-(g_L + g) / C * r.time), rtol=1e-12)


def test_a_long_train_is_the_sum_of_its_events(passive):
    """The closed form of a train, against the sum over 200 events."""
    r = hh.simulate(passive, stimulus=hh.AlphaSynapse(g=0.1, tau=3.0, E=10.0, period=0.5, count=200), t_stop=150.0,
                    record=[hh.Trace("V", "i_app", every=0.37)])  # fmt: skip
    s = r.time[:, None] - 0.5 * np.arange(200)
    g = np.sum(np.where(s >= 0.0, 0.1 * s / 3.0 * np.exp(1.0 - np.maximum(s, 0.0) / 3.0), 0.0), axis=1)
    np.testing.assert_allclose(r["i_app"][0], g * (10.0 - r["V"][0]), rtol=1e-10, atol=1e-10)


def test_cells_have_their_own_conductances_in_either_precision():
    """Arrays of parameters are one value per cell, the same to the bit as alone; float32 agrees to its precision."""
    g, start = np.linspace(0.1, 0.4, 5), np.linspace(2.0, 6.0, 5)
    record = [hh.Trace("V", every=1.0)]
    stimulus = hh.AlphaSynapse(g=g, tau=1.5, start=start)
    together = hh.simulate(HH, stimulus=stimulus, t_stop=T_STOP, record=record, integrator="tsit5")
    single = hh.simulate(HH, stimulus=stimulus, t_stop=T_STOP, record=record, integrator="tsit5", dtype="float32")
    np.testing.assert_allclose(single["V"], together["V"], atol=0.05)
    for k in range(5):
        alone = hh.AlphaSynapse(g=g[k : k + 1], tau=1.5, start=start[k : k + 1])
        r = hh.simulate(HH, stimulus=alone, t_stop=T_STOP, record=record, integrator="tsit5")
        np.testing.assert_array_equal(r["V"][0], together["V"][k])


@pytest.mark.filterwarnings("ignore:dt = 0.1 ms:hhfast.errors.StepWarning")  # a leak of 1e9: V follows at once
def test_point_conductance_has_the_statistics_of_its_processes(passive):
    """Mean, variance and correlation of both conductances, recovered from the currents at two reversal potentials."""
    n = 400
    common = {"g_e": 0.5, "g_i": 0.8, "sigma_e": 0.1, "sigma_i": 0.15, "tau_e": 2.7, "tau_i": 10.5, "seed": 7}
    both = {}
    for name, E_e, E_i in (("e", 1.0, 0.0), ("i", 0.0, 1.0)):  # V is held at 0 below: the current is the conductance
        r = hh.simulate(
            passive, {"E_L": np.zeros(n), "g_L": np.full(n, 1e9)}, integrator="exp_euler", dt=0.1, t_stop=200.0,
            initial={"V": 0.0}, stimulus=hh.PointConductance(E_e=E_e, E_i=E_i, **common),
            record=[hh.Trace("i_app", every=0.1)],
        )  # fmt: skip
        both[name] = r["i_app"]
    for name, mean, sigma, tau in (("e", 0.5, 0.1, 2.7), ("i", 0.8, 0.15, 10.5)):
        g = both[name]
        independent = n * 200.0 / (2.0 * tau)
        assert abs(g.mean() - mean) < 5 * sigma / np.sqrt(independent)
        assert abs(g.std() / sigma - 1.0) < 5 / np.sqrt(independent)
        lagged = np.mean((g[:, :-27] - mean) * (g[:, 27:] - mean)) / sigma**2
        assert abs(lagged - np.exp(-2.7 / tau)) < 5 / np.sqrt(independent)
        assert g.min() >= 0.0
    across = np.mean((both["e"] - 0.5) * (both["i"] - 0.8)) / (0.1 * 0.15)
    assert abs(across) < 5 / np.sqrt(n * 200.0 / 27.0)


@pytest.mark.filterwarnings("ignore:dt = 0.1 ms:hhfast.errors.StepWarning")
def test_where_a_process_is_negative_the_conductance_is_zero(passive):
    r = hh.simulate(passive, {"g_L": np.full(50, 1e9), "E_L": np.zeros(50)}, integrator="exp_euler", dt=0.1,
                    t_stop=50.0, initial={"V": 0.0}, record=[hh.Trace("i_app", every=0.1)],
                    stimulus=hh.PointConductance(g_e=0.0, g_i=0.0, sigma_e=0.1, sigma_i=0.0, E_e=1.0))  # fmt: skip
    assert r["i_app"].min() >= -1e-9
    assert 0.4 < np.mean(r["i_app"] > 1e-6) < 0.6


def test_conductance_of_a_channel_is_what_its_current_says():
    """`g_Na` of a trace is the open conductance; the parameter of that name is its maximum."""
    names = ("V", "m", "h", "i_Na", "g_Na", "g_L")
    r = hh.simulate(HH, {"g_Na": np.array([90.0, 120.0])}, stimulus=hh.Step(amplitude=10.0), t_stop=20.0,
                    record=[hh.Trace(*names, every=0.5)])  # fmt: skip
    np.testing.assert_allclose(r["g_Na"], np.array([[90.0], [120.0]]) * r["m"] ** 3 * r["h"], rtol=1e-12)
    np.testing.assert_allclose(r["g_Na"] * (r["V"] - 50.0), r["i_Na"], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(r["g_L"], 0.3)
    assert r.variables["g_Na"].unit == "mS cm-2"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.AlphaSynapse(g=0.1, tau=0.0), "tau = 0 ms must be positive"),
        (lambda: hh.DoubleExponential(g=0.1, tau_rise=3.0, tau_decay=2.0), "must be shorter than tau_decay"),
        (lambda: hh.PointConductance(0.1, 0.1, -0.1, 0.1), "sigma_e = -0.1: a standard deviation must not be negative"),
        (lambda: hh.PointConductance(0.1, 0.1, 0.1, 0.1, tau_i=0.0), "tau_i = 0 ms must be positive"),
        (lambda: hh.AlphaSynapse(g=0.1, tau=1.0, count=-1.0), "count = -1: a number of events cannot be negative"),
        (lambda: hh.ConductanceStep(g=float("nan")), "must be a number, not NaN"),
        (lambda: hh.PointConductance(1, 1, 1, 1, seed=3) + hh.Noise(sigma=1.0, tau=1.0, seed=3), "the same seed"),
    ],
)
def test_bad_input_gives_one_line(make, message):
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_conductance_belongs_to_one_membrane():
    """Where a model divides i_app among compartments, a conductance has no place."""
    two = hh.models["wang_1998_pyramidal"]
    model = replace(two, compartments=(replace(two.compartments[0], i_app="0.5 * i_app"),))
    with pytest.raises(InputError, match="several compartments"):
        hh.simulate(model, stimulus=hh.ConductanceStep(g=0.1), t_stop=1.0)


def test_the_benchmark_of_integrators_refuses_what_its_references_lack():
    """Its independent reference takes currents alone."""
    for stimulus in (hh.ConductanceStep(g=0.1), hh.VoltageClamp(-70.0)):
        with pytest.raises(InputError, match="the reference runs take currents alone"):
            hh.benchmark_integrators("hodgkin_huxley", stimulus=stimulus, t_stop=5.0)


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_a_row_is_the_same_in_any_company(integrator):
    """Bit for bit, whatever cell had the lane before: the Jacobian, too, has the conductance of its own cell and step."""
    n = 100
    g, cell = np.linspace(0.05, 0.4, n), np.arange(n, dtype=np.float64)

    def run(rows):
        stimulus = hh.PointConductance(0.05, 0.1, 0.02, 0.03, cell=cell[rows]) + hh.DoubleExponential(
            g=g[rows], tau_rise=0.3, tau_decay=2.0, start=4.0
        )
        return hh.simulate(HH, stimulus=stimulus, t_stop=8.0, integrator=integrator, record=[hh.Trace("V", every=0.5)])

    order = np.random.default_rng(5).permutation(n)
    np.testing.assert_array_equal(run(order)["V"], run(np.arange(n))["V"][order])
