"""The numbers of models: removable poles, currents given by formulas, pools, and rates that do not overflow."""

import numpy as np
import pytest
from model_texts import BASE

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.model import Channel, Gate, Model, Parameter, parse_model


def gated(**formulas):
    gate = Gate("x", **formulas)
    return Model("one gate", -60.0, (Channel("C", g=1.0, E=0.0, gates=(gate,)),), (Parameter("C_m", 1.0, "uF cm-2"),))


def alpha_of(text, V):
    """alpha, as the compiled rates have it."""
    X = np.array([V, np.zeros(len(V))])
    return Cells.of(gated(alpha=text, beta="1"), {"g_C": np.ones(len(V))}).rates(X)[0][1]


OFFSETS = np.array([0.0, 1e-13, -1e-11, 1e-9, -1e-7, 1e-5, -1e-3, 0.1, -5.0, 30.0])


@pytest.mark.parametrize(
    "text",
    [
        "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))",
        "0.1 * (-40 - V) / (exp((-40 - V) / 10) - 1)",
        "(0.1 * V + 4) / (1 - exp(-0.1 * V - 4))",
        "-0.1 * (40 + V) * (exp(-(V + 40) / 10) - 1) ** -1",
    ],
)
def test_removable_poles_have_the_right_value(text):
    """At the pole, next to it and away from it, to 1e-9 relative, however the formula is spelt."""
    u = OFFSETS / 10
    expected = np.ones_like(u)
    expected[1:] = u[1:] / -np.expm1(-u[1:])
    np.testing.assert_allclose(alpha_of(text, OFFSETS - 40.0), expected, rtol=1e-9)


def test_a_removable_pole_moves_with_a_parameter():
    """Where the pole lies may depend on a swept parameter."""
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("V_half", -40.0, "mV"))
    gate = Gate("x", alpha="0.1 * (V - V_half) / (1 - exp(-(V - V_half) / 10))", beta="1")
    model = Model("moving", -60.0, (Channel("C", g=1.0, E=0.0, gates=(gate,)),), shared)
    V_half = np.array([-60.0, -40.0, -20.5])
    A, _ = Cells.of(model, {"V_half": V_half}).rates(np.array([V_half, np.zeros(3)]))
    np.testing.assert_allclose(A[1], 1.0, rtol=1e-9)


def test_poles_outside_the_range_of_voltages_are_allowed():
    """A pole at +200 mV is never met."""
    np.testing.assert_allclose(alpha_of("10 / (200 - V)", np.array([-60.0])), 10 / 260, rtol=1e-12)


def test_a_removable_pole_under_a_square_root_or_in_inf_is_accepted():
    """Poles are recognised inside larger formulas, as in the instantaneous m of Wang & Buzsaki."""
    linoid = "(0.1 * (V + 35) / (1 - exp(-(V + 35) / 10)))"
    model = gated(inf=f"{linoid} / ({linoid} + 4 * exp(-(V + 60) / 18))", tau="1")
    A, B = Cells.of(model, {}).rates(np.array([[-35.0], [0.0]]))
    np.testing.assert_allclose(A[1] / B[1], 1 / (1 + 4 * np.exp(-25 / 18)), rtol=1e-9)


def test_a_ghk_current_is_right_at_its_pole():
    """A channel may give any current; the Goldman-Hodgkin-Katz equation is 0/0 at V = 0 and right there."""
    ghk = "permeability * V * (Ca_in - Ca_out * exp(-V / 12.5)) / (1 - exp(-V / 12.5))"
    parameters = (Parameter("permeability", 0.3, "1"), Parameter("Ca_in", 0.1, "mM"), Parameter("Ca_out", 2.0, "mM"))
    channel = Channel("Ca", current=ghk, parameters=parameters)
    model = Model("ghk", -60.0, (channel,), (Parameter("C_m", 2.0, "uF cm-2"),))
    V = OFFSETS.copy()
    A, B = Cells.of(model, {"permeability": np.full(len(V), 0.3)}).rates(V[None])
    u = V / 12.5
    with np.errstate(invalid="ignore"):
        linoid = np.where(u == 0, 1.0, u / -np.expm1(-u))
    expected = -0.3 * 12.5 * linoid * (0.1 - 2.0 * np.exp(-u)) / 2.0
    np.testing.assert_allclose((A - B * V)[0], expected, rtol=1e-9)


def test_the_part_of_a_current_that_is_linear_in_V_becomes_a_conductance():
    """So exponential integrators lose nothing on a channel given as a current."""
    shared = (Parameter("C_m", 2.0, "uF cm-2"),)
    model = Model("c", -60.0, (Channel("L", current="0.3 * (V + 54) + 0.1 * V ** 2"),), shared)
    V = np.array([[-60.0]])
    A, B = Cells.of(model, {}).rates(V)
    np.testing.assert_allclose(B, 0.3 / 2)
    np.testing.assert_allclose(A - B * V, -(0.3 * -6 + 0.1 * 3600) / 2)


def test_a_channel_with_g_and_a_current_of_its_own():
    """With `current`, g is a parameter that the formula may use."""
    model = Model(
        "c", -60.0, (Channel("X", g=2.0, current="g_X * (V + 70) ** 3 / 1000"),), (Parameter("C_m", 1.0, "uF cm-2"),)
    )
    A, B = Cells.of(model, {"g_X": 3.0}).rates(np.array([[-60.0]]))
    np.testing.assert_allclose(A - B * -60.0, -3.0)


def test_pools_follow_their_equation():
    """dCa/dt = a - b Ca with the current of a channel that depends on Ca itself, through E and a gate."""
    V, _, _, Ca = X = np.array([[-20.0], [0.4], [0.3], [0.7]])
    cell = parse_model(BASE)
    A, B = Cells.of(cell, {}).rates(X)
    s = Ca / (Ca + 1.0) / (1 + np.exp(-(V + 20) / 6))
    current = 0.5 * s * (V - 12.5 * np.log(3000 / Ca))
    np.testing.assert_allclose(A[3] - B[3] * Ca, (0.1 - 5.0 * current) / 100 - Ca / 100, rtol=1e-12)


def test_any_name_may_be_used():
    """No name of a model collides with what a kernel calls its own things, nor with Python's."""
    names = (
        "P",
        "X",
        "A",
        "B",
        "p0",
        "col",
        "first",
        "last",
        "status",
        "stop",
        "current",
        "levels",
        "moving",
        "kernel",
        "action",
        "W",
        "s",
        "q",
        "k1",
        "u1",
        "w1",
        "c0",
        "e1",
        "phi",
        "exprelr",
        "window",
        "train",
        "crossing",
        "V_held",
        "V_was",
        "numpy",
    )
    shared = (Parameter("C_m", 1.0, "uF cm-2"), *(Parameter(name, 1e-8 * 2.0**k, "1") for k, name in enumerate(names)))
    model = Model("names", -60.0, (Channel("L", current=" + ".join(names)),), shared)
    A, B = Cells.of(model, {"P": np.array([1e-8])}).rates(np.array([[-60.0]]))
    np.testing.assert_allclose(A - B * -60.0, -1e-8 * (2.0 ** len(names) - 1), rtol=1e-11)
    r = hh.simulate(model, t_stop=0.5, dt=0.25, integrator="euler", record=[hh.Final()])
    np.testing.assert_allclose(r["V_final"], -60 - 0.5e-8 * (2.0 ** len(names) - 1), rtol=1e-11)


def test_rates_do_not_overflow():
    """Exponentials are clamped: at any voltage a rate is finite."""
    text = "0.01 * exp((V + 60) / 0.5)"
    assert np.isfinite(alpha_of(text, np.array([-1e4, 1e4]))).all()
