"""Which polynomial for phi a kernel takes: by the model and the step alone, and right on either side of its reach."""

import numpy as np
import pytest
from reference_models import MODELS

import hhfast as hh
from hhfast.kernel.math.phi import RANGES
from hhfast.kernel.optimise.phi_degree import degrees_of_phi
from hhfast.kernel.print.source import kernel_source
from hhfast.model import Channel, Gate, Model, Parameter

EXPONENTIAL = ("exp_euler", "exp_midpoint", "strang")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dt", [0.004, 0.01, 0.02])
def test_the_gates_of_a_run_are_in_reach(name, dt):
    """b dt of every gate from -100 to 60 mV, by the papers' formulas; no polynomial is longer than it must be."""
    model, V = hh.models[name], np.linspace(-100, 59, 300)
    X = np.full((len(model.states), len(V)), 0.5)
    X[0] = V
    _, B = MODELS[name].coefficients(X, 0.0, MODELS[name].p)
    found = dict(zip(model.states, degrees_of_phi(model, hh.integrators["exp_euler"], dt), strict=True))
    for gate in model.gates:
        z = B[model.states.index(gate.name)].max() * dt
        k = found[gate.name]
        assert z <= RANGES[k] or k == len(RANGES) - 1
        assert k == 0 or 4 * z > RANGES[k - 1]  # steps are told apart by a few lengths only


def test_longer_steps_need_more():
    """No state gets a shorter reach from a longer step; where nothing is exponential there is nothing to choose."""
    model = hh.models["hodgkin_huxley"]
    found = [degrees_of_phi(model, hh.integrators["strang"], dt) for dt in (0.001, 0.01, 0.025, 0.1, 1.0)]
    assert found == sorted(found)
    assert found[0] < found[-1] == (len(RANGES) - 1,) * 4
    assert degrees_of_phi(model, hh.integrators["rk4"], 0.01) == ()


def test_steps_of_about_the_same_length_share_a_kernel():
    """The text depends on the step only as far as the reach does, and for exponential methods only."""
    model = hh.models["hodgkin_huxley"]

    def texts(integrator, *steps):
        return {kernel_source(model, integrator, None, [hh.SpikeCount()], dt=dt) for dt in steps}

    assert len(texts("exp_euler", 0.001, 0.005, 0.01)) == 1
    assert len(texts("exp_euler", 0.01, 0.05)) == 2
    assert len(texts("rk4", 0.001, 0.01, 0.05)) == 1


def test_a_current_of_any_form_has_a_rate():
    """The slope of a current given as a formula counts as its conductance; the fastest rates have the last reach."""
    gate = Gate("x", inf="0.5", tau="1e-3")
    shared = (Parameter("C_m", 0.5, "uF cm-2"),)
    slow, fast = (Model("m", -65.0, (Channel("C", current=f"{g} * (V + 60)", gates=(gate,)),), shared) for g in (1, 40))
    (V_slow, x), (V_fast, _) = (degrees_of_phi(m, hh.integrators["exp_euler"], 0.01) for m in (slow, fast))
    assert (V_slow, V_fast) == (0, 2)  # z = 0.02, 0.8
    assert x == len(RANGES) - 1


def phi(z):
    return -np.expm1(-z) / z


@pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning", "ignore::hhfast.errors.PrecisionWarning")
@pytest.mark.parametrize("integrator", EXPONENTIAL)
@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 4e-15), ("float32", 2e-6)])
def test_a_step_of_any_length_is_right(integrator, dtype, rtol):
    """A passive membrane relaxes exactly, in and out of reach, growth included; its neighbours' bits are their own."""
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("k", 0.3, "mS cm-2"))
    model = Model("passive", -65.0, (Channel("L", current="k * V"),), shared)
    V = 0.01  # mV: what grows stays below 1 V
    edges = np.outer(RANGES, [1.0, 1.0001]).ravel()
    z = np.concatenate([np.geomspace(1e-6, 500, 190), -np.geomspace(1e-6, 10, 60), edges])
    np.random.default_rng(1).shuffle(z)
    dt = 0.01

    def run(g):
        return hh.simulate(
            model,
            {"k": g},
            t_stop=dt,
            dt=dt,
            integrator=integrator,
            dtype=dtype,
            initial={"V": V},
            record=[hh.Final()],
        )["V_final"] / V  # fmt: skip

    together = run(z / dt)
    # V - z phi(z) V cancels where V nearly vanishes: rounding is of 1, not of exp(-z).
    np.testing.assert_allclose(together, np.exp(-z), rtol=3 * rtol, atol=rtol)
    near = np.abs(z) < 0.08
    np.testing.assert_array_equal(together[near], run(z[near] / dt))
    np.testing.assert_array_equal(together[~near], run(z[~near] / dt))
