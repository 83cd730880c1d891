"""Shared formulas and functions; open fractions, instantaneous gates, initial values, and what else a file may say."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.errors import InputError
from hhfast.kernel.equations.system import system_of
from hhfast.model import Channel, Formula, Gate, Model, Parameter, Pool, models, parse_model
from hhfast.model.formula_functions import F, R, ghk, nernst
from hhfast.model.formulas import evaluate

HEAD = """
name = "cell"
V_init = -65.0
[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
"""
SHARED = """
[functions]
vtrap = { args = ["x", "y"], is = "x / (exp(x / y) - 1)" }
scaled = { args = ["r"], is = "phi * r" }
[formulas]
u = "V + shift"
phi = "3 ^ ((celsius - 6.3) / 10)"
"""
SQUID = (
    HEAD
    + SHARED
    + """
[parameters.celsius]
value = 6.3
unit = "degC"
[parameters.shift]
value = 65.0
unit = "mV"
[channels.Na]
g = 120.0
E = 50.0
[channels.Na.gates.m]
power = 3
alpha = "scaled(0.1 * vtrap(25 - u, 10))"
beta = "scaled(4 * exp(-u / 18))"
[channels.Na.gates.h]
alpha = "scaled(0.07 * exp(-u / 20))"
beta = "scaled(1 / (1 + exp((30 - u) / 10)))"
[channels.K]
g = 36.0
E = -77.0
[channels.K.gates.n]
power = 4
alpha = "scaled(0.01 * vtrap(10 - u, 10))"
beta = "scaled(0.125 * exp(-u / 80))"
[channels.L]
g = 0.3
E = -54.387
"""
)


def rates(model, X, i_app=0.0, params=None):
    """dx/dt by the compiled rates, at states X (n_states, n)."""
    n = X.shape[1]
    cells = Cells.of(model, {"C_m": np.full(n, model.parameters["C_m"].value), **(params or {})})
    A, B = cells.rates(X, i_app)
    return A - B * X


def near(model, n=20, seed=1):
    """States about where a model runs."""
    rng = np.random.default_rng(seed)
    X = np.empty((len(model.states), n))
    for k, s in enumerate(model.rows):
        X[k] = rng.uniform(-80, 30, n) if s.unit == "mV" else rng.uniform(0.05, 0.6, n)
    return X


def agree(model, X, i_app=1.5):
    """Compiled rates and the plain oracle say the same."""
    np.testing.assert_allclose(rates(model, X, i_app), model.derivatives(X, {}, i_app), rtol=1e-9, atol=1e-10)


def test_shared_formulas_give_the_equations_of_the_formulas_written_out():
    """The squid axon through vtrap, a scale and a shifted voltage: the rates of the library model."""
    model = parse_model(SQUID)
    X = near(model)
    np.testing.assert_allclose(model.derivatives(X), models["hodgkin_huxley"].derivatives(X), rtol=1e-11, atol=1e-12)
    agree(model, X)
    warm = model.derivatives(X, {"celsius": 16.3})[1:]
    np.testing.assert_allclose(warm, 3 * model.derivatives(X)[1:], rtol=1e-12)


def test_removable_poles_inside_functions_are_recognised():
    """At the poles of alpha_m and alpha_n, V = -40 and -55, compiled rates are finite and right."""
    model = parse_model(SQUID)
    X = near(model, 2)
    X[0] = [-40.0, -55.0]
    expected = models["hodgkin_huxley"].derivatives(X)
    np.testing.assert_allclose(rates(model, X), expected, rtol=1e-8)
    np.testing.assert_allclose(model.derivatives(X), expected, rtol=1e-8)


BAD = {
    "cycle": ('u = "V + shift"', 'u = "w + 1"\nw = "2 * u"', ["'w' uses itself", "w -> u -> w"]),
    "function that calls itself": ('is = "phi * r"', 'is = "scaled(r)"', ["scaled", "uses itself"]),
    "unused function that calls itself": (
        "[functions]",
        '[functions]\nidle = { args = ["x"], is = "idle(x)" }',
        ["functions.idle", "uses itself"],
    ),
    "unknown name in a formula": ('u = "V + shift"', 'u = "V + shfit"', ["formulas.u", "'shfit'", "'shift'"]),
    "unknown name in a function": ('is = "phi * r"', 'is = "phi * q"', ["functions.scaled", "'q'"]),
    "wrong number of arguments": ("vtrap(25 - u, 10)", "vtrap(25 - u)", ["alpha", "vtrap takes 2"]),
    "misspelt function": ("vtrap(25 - u, 10)", "vtarp(25 - u, 10)", ["alpha", "'vtarp'", "'vtrap'"]),
    "formula named as a parameter": ('u = "V + shift"', 'u = "V + shift"\nC_m = "1"', ["C_m", "already"]),
    "formula named exp": ('u = "V + shift"', 'u = "V + shift"\nexp = "1"', ["exp", "reserved"]),
    "formula that is a number": ('u = "V + shift"', "u = 3.0", ["formulas.u"]),
    "function without args": ('args = ["r"], ', "", ["functions.scaled", "args", "missing"]),
    "unknown key of a function": ('is = "phi * r"', 'iss = "phi * r"', ["functions.scaled.iss", "'is'"]),
    "the same argument twice": ('["x", "y"]', '["x", "x"]', ["vtrap", "different"]),
    "condition as a value": ("4 * exp(-u / 18)", "V < 1", ["beta", "condition"]),
    "condition as a shared formula": ('u = "V + shift"', 'u = "V < shift"', ["formulas.u", "condition"]),
    "condition as a function": ('is = "phi * r"', 'is = "phi < r"', ["functions.scaled", "condition"]),
    "division by zero": ("4 * exp(-u / 18)", "1 / 0", ["beta", "'1 / 0'", "finite"]),
    "logarithm of a negative number": ("4 * exp(-u / 18)", "log(-1)", ["beta", "finite"]),
    "hidden in a maximum": ("4 * exp(-u / 18)", "max(1, log(0))", ["beta", "finite"]),
    "exponentials in exponentials": ("4 * exp(-u / 18)", "exp(exp(exp(exp(V))))", ["beta", "nested"]),
    "a formula that is not finite": ('u = "V + shift"', 'u = "V + shift"\nx = "1 / (celsius - 6.3)"', ["formulas.x"]),
    "growing without end": (
        'u = "V + shift"',
        "\n".join(['u = "V + shift"', 'f0 = "V + V"', *(f'f{k} = "f{k - 1} + f{k - 1}"' for k in range(1, 40))]),
        ["too long"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_formulas_are_refused(case):
    """One line with the key, the reason and the nearest name."""
    old, new, expected = BAD[case]
    assert old in SQUID
    with pytest.raises(InputError) as error:
        parse_model(SQUID.replace(old, new, 1), "x.toml")
    message = str(error.value)
    assert message.startswith("x.toml: ")
    assert "\n" not in message
    assert len(message) < 500
    for part in expected:
        assert part in message


def test_round_trip_and_hash():
    """A file with formulas and functions is written and read back; changed ones are other models."""
    model = parse_model(SQUID)
    changed = model.with_channel(Channel("x", g=1.0, E=0.0))
    assert parse_model(changed.to_toml()) == changed
    other = parse_model(SQUID.replace("25 - u", "24 - u"))
    assert other != model
    assert repr(other) != repr(model)


# --- conditions, operators, functions ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("1 if V > -50 and V < 0 else 2", "np.where((V > -50) & (V < 0), 1, 2)"),
        ("1 if V < -50 or V > 0 or V == -20 else 2", "np.where((V < -50) | (V > 0) | (V == -20), 1, 2)"),
        ("1 if (V < -50 or V > 0) and Ca > 0.3 else V", "np.where(((V < -50) | (V > 0)) & (Ca > 0.3), 1, V)"),
        ("V^2 + 1", "V**2 + 1"),
        ("ln(Ca) + max(1, Ca, V, 3)", "np.log(Ca) + np.maximum(np.maximum(1, Ca), np.maximum(V, 3))"),
        ("min(V, Ca, -30)", "np.minimum(np.minimum(V, Ca), -30)"),
        ("Ca ** 1.5 + (Ca + 1) ^ (-1 / 4)", "Ca**1.5 + (Ca + 1) ** (-0.25)"),
    ],
)
def test_what_formulas_may_say(text, python):
    """Logic, powers and maxima of several, as current of a channel: oracle and compiled rates against NumPy."""
    model = Model(
        "cell",
        -60.0,
        (Channel("X", current=text),),
        (Parameter("C_m", 2.0, "uF cm-2"),),
        pools=(Pool("Ca", "uM", 0.5, a="0", b="0"),),
    )
    X = np.array([np.linspace(-90, 20, 23), np.linspace(0.1, 2, 23)])
    expected = -eval(python, {"np": np, "V": X[0], "Ca": X[1]}) / 2.0 * np.ones(23)
    np.testing.assert_allclose(model.derivatives(X)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(rates(model, X)[0], expected, rtol=1e-10)


def test_ghk_and_nernst():
    """The Goldman current, right at V = 0 and zero at the Nernst potential; both in the units of the field."""
    model = parse_model(
        HEAD
        + """
        celsius = { value = 20.0, unit = "degC" }
        [channels.Ca]
        current = "P * m ** 2 * ghk(V, Ca_in, Ca_out, 2, celsius)"
        parameters.P = { value = 1e-4, unit = "cm s-1" }
        parameters.Ca_in = { value = 1e-4, unit = "mM" }
        parameters.Ca_out = { value = 2.0, unit = "mM" }
        gates.m = { inf = "1 / (1 + exp(-(V + 20) / 6))", tau = "1" }
        [channels.K]
        g = 1.0
        E = "nernst(K_in, 5, 1, celsius)"
        parameters = { K_in = { value = 140.0, unit = "mM" } }
    """
    )
    T = 293.15
    V = np.array([-70.0, -1e-9, 0.0, 1e-6, 40.0])
    u = 2 * F * V / (1e3 * R * T)
    with np.errstate(invalid="ignore"):
        flux = np.where(u == 0, 2 * F * (1e-4 - 2.0), 2 * F * u * (1e-4 - 2 * np.exp(-u)) / -np.expm1(-u))
    np.testing.assert_allclose(ghk(V, 1e-4, 2.0, 2, 20.0), flux, rtol=1e-8)
    E_Ca, E_K = nernst(1e-4, 2.0, 2, 20.0), 1e3 * R * T / F * np.log(5 / 140)
    np.testing.assert_allclose(ghk(E_Ca, 1e-4, 2.0, 2, 20.0), 0.0, atol=1e-12 * np.abs(flux).max())
    X = np.array([V, np.full(5, 0.3)])
    expected = -(1e-4 * 0.09 * flux + 1.0 * (V - E_K))
    np.testing.assert_allclose(model.derivatives(X)[0], expected, rtol=1e-8)
    np.testing.assert_allclose(rates(model, X)[0], expected, rtol=1e-8)
    assert evaluate("nernst(1, 10, 1, 20)", {}) == pytest.approx(58.17, abs=0.02)  # mV a decade


@pytest.mark.parametrize(
    "text",
    [
        "(exp(x / 5) - 1) / x",
        "(exp(2 * x) - 1) / (3 * x)",
        "(x - 0.5) / (1 - exp(-(x - 0.5) / 0.1))",
        "x / (exp(x) - 1)",
        "(1 - exp(-x)) / x",
    ],
)
def test_removable_poles_in_other_variables(text):
    """In a pool, and upside down: (exp(u) - 1) / u is right where u is 0."""
    model = Model(
        "cell",
        -60.0,
        (Channel("L", g=0.1, E=-60.0),),
        (Parameter("C_m", 1.0, "uF cm-2"),),
        pools=(Pool("x", "1", 0.3, a=text, b="1"),),
    )
    for x in (0.0, 0.5, 1e-9, 0.5 + 1e-10, 1.7):
        X = np.array([[-60.0], [x]])
        aside = [evaluate(text, {"x": x + d}) for d in (1e-5, -1e-5)]
        np.testing.assert_allclose(rates(model, X)[1], np.mean(aside) - x, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(model.derivatives(X)[1], np.mean(aside) - x, rtol=1e-7, atol=1e-7)


def test_rates_that_depend_on_currents_and_gates():
    """A gate driven by a current, another by a gate: compiled, by the oracle, and steady at the start."""
    model = parse_model(
        HEAD
        + """
        [channels.Ca]
        g = 0.5
        E = 120.0
        gates.s = { power = 2, inf = "1 / (1 + exp(-(V + 40) / 6))", tau = "1 + 2 * h" }
        gates.h = { inf = "1 / (1 + exp((V + 60) / 6))", tau = "30" }
        [channels.KCa]
        g = 1.0
        E = -90.0
        gates.q = { alpha = "0.01 * max(-i_Ca, 0)", beta = "0.02 * (1 + s)" }
        gates.w = { inf = "q / (q + 0.1)" }
        [channels.L]
        g = 0.1
        E = -65.0
    """
    )
    X = near(model)
    V, s, h, q = X
    i_Ca = 0.5 * s**2 * h * (V - 120)
    expected = [
        1.5 - i_Ca - q * (q / (q + 0.1)) * (V + 90) - 0.1 * (V + 65),
        (1 / (1 + np.exp(-(V + 40) / 6)) - s) / (1 + 2 * h),
        (1 / (1 + np.exp((V + 60) / 6)) - h) / 30,
        0.01 * np.maximum(-i_Ca, 0) * (1 - q) - 0.02 * (1 + s) * q,
    ]
    np.testing.assert_allclose(model.derivatives(X, {}, 1.5), expected, rtol=1e-11)
    agree(model, X)
    start = initial_states(Cells.of(model, {}), "model")
    np.testing.assert_allclose(model.derivatives(start)[1:], 0.0, atol=1e-14)


def test_open_is_any_formula_of_the_gates():
    """Sums of gates, 1 - n, a leak inside, a power that is no integer; the current is linear in V."""
    text = (
        HEAD
        + """
        [channels.A]
        g = 2.0
        E = -90.0
        open = "0.6 * a ** 4 * b + 0.4 * (1 - a) ^ 0.5 + leak"
        gates.a = { inf = "1 / (1 + exp(-(V + 60) / 8.5))", tau = "1" }
        gates.b = { inf = "1 / (1 + exp((V + 78) / 6))", tau = "20" }
        parameters.leak = { value = 0.01, unit = "1" }
    """
    )
    model = parse_model(text)
    X = near(model)
    V, a, b = X
    conductance = 2.0 * (0.6 * a**4 * b + 0.4 * np.sqrt(1 - a) + 0.01)
    np.testing.assert_allclose(model.derivatives(X, {}, 1.5)[0], 1.5 - conductance * (V + 90), rtol=1e-12)
    agree(model, X)
    _, B = Cells.of(model, {"C_m": np.ones(20)}).rates(X)
    np.testing.assert_allclose(B[0], conductance, rtol=1e-12)
    with pytest.raises(InputError, match="write its power there"):
        parse_model(text.replace("gates.a = { ", "gates.a = { power = 2, "))
    with pytest.raises(InputError, match="open and current"):
        Channel("X", current="V", open="1")


def test_instantaneous_gates_from_alpha_and_beta():
    """alpha / (alpha + beta), and no state of their own."""
    text = (
        HEAD
        + """
        [channels.Na]
        g = 35.0
        E = 55.0
        gates.m = { power = 3, instantaneous = true, alpha = "0.1 * linoid(V + 35)", beta = "4 * exp(-(V + 60) / 18)" }
        [functions]
        linoid = { args = ["x"], is = "x / (1 - exp(-x / 10))" }
    """
    )
    model = parse_model(text)
    assert model.states == ("V",)
    V = np.array([[-70.0, -35.0, 0.0]])
    with np.errstate(invalid="ignore"):
        alpha = np.where(V == -35, 1.0, 0.1 * (V + 35) / (1 - np.exp(-(V + 35) / 10)))
    m = alpha / (alpha + 4 * np.exp(-(V + 60) / 18))
    np.testing.assert_allclose(rates(model, V), -35 * m**3 * (V - 55), rtol=1e-9)
    with pytest.raises(InputError, match="tau has no meaning"):
        Gate("m", inf="1", tau="1", instantaneous=True)


def test_reversal_potentials_that_depend_on_V():
    """E may name V, gates and pools."""
    channel = Channel("X", g=2.0, E="-50 + 0.1 * V + 20 * x", gates=(Gate("x", inf="0.5", tau="3"),))
    model = Model("cell", -60.0, (channel,), (Parameter("C_m", 1.0, "uF cm-2"),))
    X = near(model)
    np.testing.assert_allclose(rates(model, X)[0], -2 * X[1] * (X[0] - (-50 + 0.1 * X[0] + 20 * X[1])), rtol=1e-11)


# --- pools ------------------------------------------------------------------------------------------------------------
def pool(**keys):
    return Model(
        "cell",
        -60.0,
        (Channel("L", g=0.1, E=-60.0),),
        (Parameter("C_m", 1.0, "uF cm-2"), Parameter("x_0", 0.25, "uM")),
        pools=(Pool("x", "1", **keys),),
    )


@pytest.mark.parametrize(
    ("initial", "expected"),
    [
        ("2 * x_0", 0.5),
        ("x_0 * V / -60", 0.25),
        ("steady", 0.75),
        (0.125, 0.125),
    ],
)
def test_initial_values_of_pools(initial, expected):
    """A number, a formula of parameters and V, or the steady state; for each cell by its own parameters."""
    model = pool(initial=initial, a="3 * x_0", b="1")
    assert initial_states(Cells.of(model, {}), "model")[1] == pytest.approx(expected, rel=1e-12)
    swept = initial_states(Cells.of(model, {"x_0": np.array([0.25, 0.5])}), "model")[1]
    factor = 1 if isinstance(initial, float) else 2
    np.testing.assert_allclose(swept, [expected, factor * expected], rtol=1e-12)
    assert parse_model(model.to_toml()) == model


def test_a_steady_pool_that_depends_on_itself():
    """dx/dt = 1 - x ** 2 from a Nernst-like feedback: solved, not iterated once."""
    model = pool(initial="steady", a="1 + x_0 - x ** 2 * exp(x)", b="x_0")
    start = initial_states(Cells.of(model, {}), "model")
    np.testing.assert_allclose(model.derivatives(start)[1], 0.0, atol=1e-12)


@pytest.mark.parametrize("initial", ["y", "1 / (x_0 - 0.25)", "i_L"])
def test_initial_values_that_make_no_sense(initial):
    """Unknown names and values that are not finite."""
    with pytest.raises(InputError, match=r"pools\.x\.initial"):
        pool(initial=initial, a="1", b="1")


def test_the_applied_current_in_a_pool():
    """i_app may be added in a pool, times parameters; a run with it agrees with DOP853."""
    model = pool(initial=0.0, a="0.02 * (x_0 * i_app - i_L)", b="0.01")
    r = hh.simulate(
        model, {}, stimulus=hh.Step(amplitude=4.0), t_stop=40.0, record=[hh.Final()], rtol=1e-9, integrator="tsit5"
    )
    known = solve_ivp(
        lambda t, X: model.derivatives(X, {}, 4.0), (0, 40), [-60.0, 0.0], method="DOP853", rtol=1e-11, atol=1e-12
    ).y[:, -1]
    np.testing.assert_allclose([r["V_final"][0], r["x_final"][0]], known, rtol=1e-8)
    for text in ("i_app * x", "i_app ** 2", "max(i_app, 1.5)"):
        with pytest.raises(InputError, match="i_app may only be added"):
            pool(initial=0.0, a=text, b="0.01")


@pytest.mark.parametrize("unit", ["cm/s", "cm s-1", "mM/s", "K", "mM s-1"])
def test_units_that_are_labels(unit):
    """Permeabilities, fluxes and temperatures in the units of their papers."""
    assert Parameter("P", 1.0, unit).unit == unit


def test_named_quantities_stand_in_order():
    """An instantaneous gate that uses a later one, or a current, comes after it."""
    gates = (Gate("p", inf="1 / (1 + exp(-i_L / 3)) * q"), Gate("q", inf="1 / (1 + exp(-(V + 40) / 5))"))
    model = Model(
        "cell",
        -60.0,
        (Channel("X", g=1.0, E=0.0, gates=gates), Channel("L", g=0.1, E=-60.0)),
        (Parameter("C_m", 1.0, "uF cm-2"),),
        formulas=(Formula("unused", "V"),),
    )
    assert list(system_of(model).named) == ["i_L", "q", "p", "i_X"]
    agree(model, near(model))
