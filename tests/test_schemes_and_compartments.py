"""Kinetic schemes and compartments: the same cells as with gates and pools, and what is refused."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.batch.linearisation import jacobian
from hhfast.errors import InputError
from hhfast.model import Channel, Compartment, Coupling, Scheme, models, parse_model

MARKOV = models["hodgkin_huxley_1952_markov"]
PAIR = """
name = "pair"
V_init = -65.0
[formulas]
n_inf = "1 / (1 + exp(-(V + 40) / 8))"
[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
g_c = { value = 0.5, unit = "mS cm-2" }
p = { value = 0.3, unit = "1" }
[channels.L]
g = 0.2
E = -65.0
[channels.K]
g = 2.0
E = -80.0
gates.n = { inf = "n_inf", tau = "3" }
[compartments.dendrite]
C_m = 2.0
V_init = -60.0
i_app = "0.5 * i_app"
coupling = { to = "soma", g = "g_c", fraction = "p" }
[compartments.dendrite.channels.L_d]
g = 0.1
E = -60.0
[compartments.dendrite.channels.K_d]
g = 1.0
E = -80.0
gates.n_d = { inf = "n_inf", tau = "3 + exp(-(V_soma + 65) / 20)" }
[compartments.dendrite.pools.x]
unit = "uM"
initial = "V / -600"
a = "-0.01 * (i_K_d + i_K)"
b = "0.1 + 0 * V"
"""


def states_of(names, gates):
    """Occupancies of the squid axon's chains, from m, h, n."""
    m, h, n = gates
    found = {}
    for k, (ways, m_k) in enumerate(zip((1, 3, 3, 1), (m**k * (1 - m) ** (3 - k) for k in range(4)), strict=True)):
        found |= {f"m{k}h0": ways * m_k * (1 - h), f"m{k}h1": ways * m_k * h}
    for k, ways in enumerate((1, 4, 6, 4, 1)):
        found[f"n{k}"] = ways * n**k * (1 - n) ** (4 - k)
    return np.array([found[name] for name in names])


def test_the_chains_of_the_squid_axon_have_the_rates_of_its_gates():
    """Where the occupancies are products of gates, dV/dt is that of the gate form."""
    rng = np.random.default_rng(2)
    V, gates = rng.uniform(-80, 40, 30), rng.uniform(0, 1, (3, 30))
    X = np.array([V, *states_of(MARKOV.states[1:], gates)])
    squid = models["hodgkin_huxley"].derivatives(np.array([V, *gates]), {}, 5.0)
    np.testing.assert_allclose(MARKOV.derivatives(X, {}, 5.0)[0], squid[0], rtol=1e-12)
    A, B = Cells.of(MARKOV, {"g_Na": np.full(30, 120.0)}).rates(X, 5.0)
    np.testing.assert_allclose(A - B * X, MARKOV.derivatives(X, {}, 5.0), rtol=1e-9, atol=1e-10)


def test_chains_start_steady_and_keep_their_sum():
    """Steady occupancies are binomial; all of them, the eliminated one included, stay in 0..1 and sum to 1."""
    start = initial_states(Cells.of(MARKOV, {}), "model")[:, 0]
    squid = initial_states(Cells.of(models["hodgkin_huxley"], {}), "model")[1:, 0]
    np.testing.assert_allclose(start[1:], states_of(MARKOV.states[1:], squid), rtol=1e-10, atol=1e-13)
    assert "m0h0" in MARKOV.variables
    assert "m0h0" not in MARKOV.states
    slopes = MARKOV.derivatives(dict(zip(MARKOV.states, start, strict=True)))
    assert max(abs(slopes[x]) for x in MARKOV.states[1:]) < 1e-12


def test_the_squid_axon_as_two_schemes_is_the_gate_form():
    """8 + 5 states against m, h, n: every spike of a train to 1e-9 relative, and the occupancies sum to 1."""
    runs = [
        hh.simulate(
            name,
            {},
            stimulus=hh.Step(amplitude=10.0),
            t_stop=150.0,
            integrator="tsit5",
            rtol=1e-11,
            record=[hh.Spikes(), hh.Trace("m0h0", every=1.0)] if name is MARKOV else [hh.Spikes()],
        )
        for name in (MARKOV, "hodgkin_huxley")
    ]
    assert len(runs[0].spike_time) == 11
    np.testing.assert_allclose(runs[0].spike_time, runs[1].spike_time, rtol=1e-9)
    assert ((runs[0]["m0h0"] >= -1e-12) & (runs[0]["m0h0"] <= 1)).all()


@pytest.mark.parametrize("model", [MARKOV, models["pinsky_rinzel_1994_ca3"], parse_model(PAIR)], ids=lambda m: m.name)
def test_jacobians_agree_with_differences(model):
    """Also where gates couple to each other."""
    rng = np.random.default_rng(3)
    X = np.array([rng.uniform(-60, 20) if s.unit == "mV" else rng.uniform(0.1, 0.5) for s in model.rows])
    found = jacobian(Cells.of(model, {}), X[:, None])[0]
    steps = 1e-5 * np.maximum(np.abs(X), 0.1)
    known = np.array([(model.derivatives(X + d) - model.derivatives(X - d)) / (2 * d.max()) for d in np.diag(steps)]).T
    np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-6)


BAD_SCHEMES = {
    "unknown state": ({"transitions": (("C", "D", "1", "1"),)}, "unknown state 'D'"),
    "to itself": ({"transitions": (("C", "C", "1", "1"),)}, "from 'C' to itself"),
    "negative rate": ({"transitions": (("C", "O", "1", "-2"),)}, "transition 1: rate -2 is negative"),
    "occupied twice": ({"initial": (("O", 1.5),)}, "at most 1"),
    "too short": ({"transitions": (("C", "O"),)}, "2 entries"),
    "unconnected": ({"states": ("C", "O", "I")}, "no transitions join state 'I'"),
    "open that names no state": ({"open": "1"}, "names none of its states"),
    "the same state twice": ({"states": ("C", "C")}, "different states"),
    "one state": ({"states": ("C",)}, "2 to 32"),
    "incomplete initial": (
        {"states": ("C", "O", "I"), "transitions": (("C", "O", "1", "1"), ("O", "I", "1")), "initial": (("O", 0.2),)},
        "initial must give each of O, I",
    ),
}


@pytest.mark.parametrize("case", BAD_SCHEMES)
def test_bad_schemes_are_refused(case):
    """Transitions to nowhere, to itself, states out of reach."""
    changes, message = BAD_SCHEMES[case]
    with pytest.raises(InputError, match=message):
        Scheme(**{"states": ("C", "O"), "transitions": (("C", "O", "1", "1"),), "open": "O"} | changes)


SCHEME = """
name = "cell"
V_init = -60.0
parameters.C_m = { value = 1.0, unit = "uF cm-2" }
[channels.X]
g = 1.0
E = -80.0
rate_scale = "3"
[channels.X.scheme]
states = ["C", "O", "I"]
transitions = [["C", "O", "exp(V / 30)", "0.5"], ["O", "I", "0.1"], ["I", "C", "0.05 * C"]]
open = "O + 0.1 * I"
"""


def test_one_way_transitions_initial_occupancies_and_rates_that_depend_on_occupancies():
    """A cycle of three states, against the master equation by hand."""
    model = parse_model(SCHEME)
    V, O, I = X = np.array([[-50.0, 0.0], [0.3, 0.1], [0.2, 0.6]])
    C = 1 - O - I
    expected = [-(O + 0.1 * I) * (V + 80), 3 * (np.exp(V / 30) * C - 0.5 * O - 0.1 * O), 3 * (0.1 * O - 0.05 * C * I)]
    np.testing.assert_allclose(model.derivatives(X), expected, rtol=1e-12)
    A, B = Cells.of(model, {"C_m": np.ones(2)}).rates(X)
    np.testing.assert_allclose(A - B * X, expected, rtol=1e-10)
    start = initial_states(Cells.of(model, {}), "model")
    np.testing.assert_allclose(model.derivatives(start)[1:], 0.0, atol=1e-12)
    given = parse_model(SCHEME + "initial = { O = 0.25, I = 0.5 }")
    assert initial_states(Cells.of(given, {}), "model")[1:, 0].tolist() == [0.25, 0.5]
    for m in (model, given):
        changed = m.with_channel(Channel("extra", g=0.01, E=-70.0))
        assert parse_model(changed.to_toml()) == changed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"0.5"]', '"0.5 * k"]', r"transitions: the rate of number 1: unknown name 'k'"),
        ('"0.1"]', '"1 / (V + 40)"]', "pole at V = -40"),
        ('open = "O', 'opn = "O', "unknown key 'channels.X.scheme.opn'"),
        ('["C", "O", "I"]', '["C", "O", "g_X"]', "unknown state 'I'"),
        ("[channels.X.scheme]", "[channels.X.gates.m]\ninf = '1'\n[channels.X.scheme]", "gates and a scheme"),
    ],
)
def test_bad_scheme_files_are_refused(old, new, message):
    """With the key and the reason, in one line."""
    with pytest.raises(InputError, match=message) as error:
        parse_model(SCHEME.replace(old, new, 1))
    assert "\n" not in str(error.value)


# --- compartments -----------------------------------------------------------------------------------------------------
def pair_by_hand(X, i_app, g_c=0.5, p=0.3):
    V, n, n_d, V_d, x = X
    inf = [1 / (1 + np.exp(-(v + 40) / 8)) for v in (V, V_d)]
    i_K, i_K_d = 2 * n * (V + 80), n_d * (V_d + 80)
    return np.array(
        [
            i_app - 0.2 * (V + 65) - i_K + g_c / p * (V_d - V),
            (inf[0] - n) / 3,
            (inf[1] - n_d) / (3 + np.exp(-(V + 65) / 20)),
            (0.5 * i_app - 0.1 * (V_d + 60) - i_K_d + g_c / (1 - p) * (V - V_d)) / 2,
            -0.01 * (i_K_d + i_K) - 0.1 * x,
        ]
    )


def test_two_compartments_have_the_equations_on_paper():
    """V is each compartment's own potential, formulas are shared, and each has its own capacitance and current."""
    model = parse_model(PAIR)
    assert model.states == ("V", "n", "n_d", "V_dendrite", "x")
    assert model.parameters["C_m_dendrite"].value == 2.0
    assert model.variables["V_dendrite"] == "mV"
    rng = np.random.default_rng(4)
    X = np.array(
        [
            rng.uniform(-90, 20, 20),
            rng.uniform(0, 1, 20),
            rng.uniform(0, 1, 20),
            rng.uniform(-90, 20, 20),
            rng.uniform(0, 2, 20),
        ]
    )
    np.testing.assert_allclose(model.derivatives(X, {}, 3.0), pair_by_hand(X, 3.0), rtol=1e-11, atol=1e-11)
    A, B = Cells.of(model, {"g_c": np.full(20, 0.5)}).rates(X, 3.0)
    np.testing.assert_allclose(A - B * X, pair_by_hand(X, 3.0), rtol=1e-10, atol=1e-10)
    start = initial_states(Cells.of(model, {}), "model")[:, 0]
    assert start[[0, 3, 4]].tolist() == [-65.0, -60.0, 0.1]


def test_a_run_of_two_compartments_agrees_with_dop853():
    """tsit5 and rodas4 against DOP853 of the formulas on paper."""
    model = parse_model(PAIR)
    start = initial_states(Cells.of(model, {}), "model")[:, 0]
    known = solve_ivp(lambda t, X: pair_by_hand(X, 3.0), (0, 30), start, method="DOP853", rtol=1e-12, atol=1e-13)
    for integrator in ("tsit5", "rodas4"):
        r = hh.simulate(
            model,
            {},
            stimulus=hh.Step(amplitude=3.0),
            t_stop=30.0,
            integrator=integrator,
            rtol=1e-9,
            record=[hh.Final()],
        )
        np.testing.assert_allclose([r[f"{x}_final"][0] for x in model.states], known.y[:, -1], rtol=1e-7)


def test_the_current_through_the_coupling_conserves_charge():
    """What leaves one compartment enters the other: areas times densities sum to nothing."""
    model = parse_model(PAIR)
    X = np.array([-70.0, 0.0, 0.0, -50.0, 0.0])
    with_, without = (model.derivatives(X, {"g_c": g}) for g in (0.5, 0.0))
    flow = (with_ - without)[[0, 3]] * [1.0, 2.0] * [0.3, 0.7]  # dV/dt * C_m * share of the area
    assert flow[0] == pytest.approx(-flow[1], rel=1e-12)
    assert flow[0] == pytest.approx(0.5 * 20.0)


def test_pinsky_rinzel_as_two_compartments_is_the_pool_form():
    """The CA3 cell with its dendrite as a compartment against its equations with a pool for the dendrite's V."""
    model = models["pinsky_rinzel_1994_ca3"]
    assert model.states[-2:] == ("V_dendrite", "Ca")
    text = POOL_FORM
    pools = parse_model(text)
    order = [pools.states.index({"V_dendrite": "V_d"}.get(x, x)) for x in model.states]
    rng = np.random.default_rng(5)
    most = {"mV": 100.0, "1": 1.0}
    X = np.array([rng.uniform(0, 1, 50) * (400.0 if s.name == "Ca" else most[s.unit]) for s in model.rows])
    Y = np.empty_like(X)
    Y[order] = X
    for i_app in (0.0, 2.5):
        np.testing.assert_allclose(
            model.derivatives(X, {}, i_app), pools.derivatives(Y, {}, i_app)[order], rtol=1e-10, atol=1e-10
        )
    A, B = Cells.of(model, {"g_c": np.full(50, 2.1)}).rates(X, 2.5)
    np.testing.assert_allclose(A - B * X, model.derivatives(X, {}, 2.5), rtol=1e-9, atol=1e-9)


def test_three_compartments_in_a_chain():
    """A second dendrite hangs on the first; each row of the coupling is what is written on paper."""
    text = (
        PAIR
        + """
    [compartments.tip]
    coupling = { to = "dendrite", g = 0.2 }
    [compartments.tip.channels.L_t]
    g = 0.1
    E = -70.0
    """
    )
    model = parse_model(text)
    X = np.array([-65.0, 0.1, 0.2, -50.0, 0.1, -40.0])
    slopes = model.derivatives(X)
    np.testing.assert_allclose(slopes[5], (-0.1 * 30 + 0.2 * (-50 + 40)) / 1.0, rtol=1e-12)
    np.testing.assert_allclose(slopes[3] - pair_by_hand(X[:5], 0.0)[3], 0.2 * 10 / 2, rtol=1e-12)
    changed = model.with_channel(Channel("extra", g=0.01, E=-70.0))
    assert parse_model(changed.to_toml()) == changed


MAIN_TWICE = "[compartments.soma]\ncoupling = {to='dendrite', g='1'}\n[compartments.dendrite]"
BAD_PAIRS = {
    "coupling to itself": ('to = "soma"', 'to = "dendrite"', ["compartments.dendrite", "coupled to itself"]),
    "no share": ('fraction = "p"', 'fraction = "1.5"', ["compartments.dendrite.coupling", "1.5", "between 0 and 1"]),
    "coupling to nothing": ('to = "soma"', 'to = "sma"', ["compartments.dendrite.coupling.to", "'sma'", "'soma'"]),
    "no coupling": ('coupling = { to = "soma", g = "g_c", fraction = "p" }', "", ["compartments.dendrite", "coupling"]),
    "unknown conductance": ('g = "g_c"', 'g = "g_cc"', ["compartments.dendrite.coupling.g", "'g_cc'", "'g_c'"]),
    "voltage in a coupling": ('g = "g_c"', 'g = "V"', ["coupling.g", "'V"]),
    "negative capacitance": ("C_m = 2.0", "C_m = -2.0", ["compartments.dendrite", "positive"]),
    "two channels of one name": ("channels.L_d", "channels.L", ["'g_L'", "already"]),
    "a pole in the dendrite": (
        'inf = "n_inf", tau = "3 + exp(-(V_soma + 65) / 20)"',
        'inf = "n_inf", tau = "V + 40"',
        ["compartments.dendrite.channels.K_d.gates.n_d.tau", "V_dendrite = -40"],
    ),
    "unknown key": ("C_m = 2.0", "Cm = 2.0", ["compartments.dendrite.Cm", "'C_m'"]),
    "a state in i_app": ('"0.5 * i_app"', '"i_app * n"', ["compartments.dendrite.i_app", "'n'"]),
    "a parameter called V_soma": ("p = {", "V_soma = { value = 1.0, unit = 'mV' }\np = {", ["V_soma", "already"]),
    "the main one's name": ("[compartments.dendrite]", MAIN_TWICE, ["soma"]),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_bad_compartments_are_refused(case):
    """One line with the key, the reason and the nearest name."""
    old, new, expected = BAD_PAIRS[case]
    assert old in PAIR
    with pytest.raises(InputError) as error:
        parse_model(PAIR.replace(old, new, 1), "x.toml")
    message = str(error.value)
    assert message.startswith("x.toml: ")
    assert "\n" not in message
    for part in expected:
        assert part in message


def test_couplings_in_a_circle():
    """Two compartments that hang on each other do not hang on the soma."""
    a, b = Compartment("a", Coupling("b", "1")), Compartment("b", Coupling("a", "1"))
    squid = models["hodgkin_huxley"]
    with pytest.raises(InputError, match="circle"):
        type(squid)(squid.name, squid.V_init, squid.channels, squid.shared, compartments=(a, b))


POOL_FORM = '''
name = "pools"
V_init = -4.6
[parameters]
C_m = { value = 3.0, unit = "uF cm-2" }
g_c = { value = 2.1, unit = "mS cm-2" }
p_s = { value = 0.5, unit = "1" }
[channels.L]
g = 0.1
E = 0.0
[channels.Na]
g = 30.0
E = 120.0
[channels.Na.gates.m]
power = 2
inf = """(0.32 * (13.1 - V) / (exp((13.1 - V) / 4) - 1)) \\
  / (0.32 * (13.1 - V) / (exp((13.1 - V) / 4) - 1) + 0.28 * (V - 40.1) / (exp((V - 40.1) / 5) - 1))"""
[channels.Na.gates.h]
alpha = "0.128 * exp((17 - V) / 18)"
beta = "4 / (1 + exp((40 - V) / 5))"
[channels.KDR]
g = 15.0
E = -15.0
gates.n = { alpha = "0.016 * (35.1 - V) / (exp((35.1 - V) / 5) - 1)", beta = "0.25 * exp(0.5 - 0.025 * V)" }
[channels.couple]
current = "g_c / p_s * (V - V_d)"
[channels.couple.gates.s]
alpha = "1.6 / (1 + exp(-0.072 * (V_d - 65)))"
beta = "0.02 * (V_d - 51.1) / (exp((V_d - 51.1) / 5) - 1)"
[channels.couple.gates.c]
alpha = "exp((V_d - 10) / 11 - (V_d - 6.5) / 27) / 18.975 if V_d <= 50 else 2 * exp((6.5 - V_d) / 27)"
beta = "2 * exp((6.5 - V_d) / 27) - exp((V_d - 10) / 11 - (V_d - 6.5) / 27) / 18.975 if V_d <= 50 else 0"
[channels.couple.gates.q]
alpha = "min(0.00002 * Ca, 0.01)"
beta = "0.001"
[pools.V_d]
unit = "mV"
initial = -4.5
a = "(10 * s ** 2 * 140 + 0.8 * q * -15 + 15 * c * min(Ca / 250, 1) * -15 + g_c / (1 - p_s) * V) / C_m"
b = "(0.1 + 10 * s ** 2 + 0.8 * q + 15 * c * min(Ca / 250, 1) + g_c / (1 - p_s)) / C_m"
[pools.Ca]
unit = "1"
initial = 0.2
a = "-0.13 * 10 * s ** 2 * (V_d - 140)"
b = "0.075"
'''
