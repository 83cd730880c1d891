"""Equilibria of models whose pools, compartments or chains depend on each other, against SciPy on the plain equations."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, root

import hhfast as hh
from hhfast import AnalysisStatus as Status

CHAIN = """
name = "squid_axon_chain"
title = "Squid axon, its potassium channel a chain of pools"
citation = "Hodgkin & Huxley 1952, J Physiol 117:500-544"
V_init = -65.0

[formulas]
a_n = "0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))"
b_n = "0.125 * exp(-(V + 65) / 80)"

[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }

[channels.Na]
g = 120.0
E = 50.0

[channels.Na.gates.m]
power = 3
alpha = "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))"
beta = "4 * exp(-(V + 65) / 18)"

[channels.Na.gates.h]
alpha = "0.07 * exp(-(V + 65) / 20)"
beta = "1 / (1 + exp(-(V + 35) / 10))"

[channels.K]
current = "36 * n4 * (V + 77)"

[channels.L]
g = 0.3
E = -54.387

[pools]
n0 = { unit = "1", initial = 0.5, a = "b_n * n1", b = "4 * a_n" }
n1 = { unit = "1", initial = 0.5, a = "4 * a_n * n0 + 2 * b_n * n2", b = "b_n + 3 * a_n" }
n2 = { unit = "1", initial = 0.0, a = "3 * a_n * n1 + 3 * b_n * n3", b = "2 * b_n + 2 * a_n" }
n3 = { unit = "1", initial = 0.0, a = "2 * a_n * n2 + 4 * b_n * n4", b = "3 * b_n + a_n" }
n4 = { unit = "1", initial = 0.0, a = "a_n * n3", b = "4 * b_n" }
"""


@pytest.fixture
def chain(tmp_path):
    path = tmp_path / "squid_axon_chain.toml"
    path.write_text(CHAIN)
    return hh.load_model(path)


def _independent_rest(model, V: float) -> np.ndarray:
    """States to which SciPy follows the equations as written, polished by its root finder."""

    def slopes(x):
        return np.asarray(model.derivatives(x, {}, 0.0), float)

    start = [V if s.name == s.potential else s.initial if isinstance(s.initial, float) else 0.1 for s in model.rows]
    end = solve_ivp(lambda _, x: slopes(x), (0.0, 30.0), start, method="LSODA", rtol=1e-6, atol=1e-9).y[:, -1]
    scale = np.maximum(np.abs(end), 1e-9)
    found = root(lambda u: slopes(u * scale) / scale, end / scale, tol=1e-13)
    return found.x * scale


_SLOW = pytest.mark.slow  # the plain equations are


@pytest.mark.parametrize(
    "name",
    [
        "wang_1998_pyramidal",
        pytest.param("destexhe_1996_thalamic_relay", marks=_SLOW),
        pytest.param("hodgkin_huxley_1952_markov", marks=_SLOW),
    ],
)
def test_rest_is_where_the_plain_equations_come_to(name):
    """All states to 1e-6, by the analysis and by `initial="rest"` alike."""
    model = hh.models[name]
    expected = _independent_rest(model, -62.0)
    r = hh.resting_state(name)
    assert r.status.tolist() == [Status.OK]
    np.testing.assert_allclose([r.states[x][0] for x in model.states], expected, rtol=1e-6, atol=1e-12)
    run = hh.simulate(name, t_stop=1.0, initial="rest", record=[hh.Final()])
    np.testing.assert_allclose(run["V_final"], expected[0], rtol=1e-6)


@pytest.mark.parametrize("name", ["pinsky_rinzel_1994_ca3", "destexhe_1996_thalamic_relay", "liu_1998_stg_homeostat"])
def test_what_is_given_is_an_equilibrium(name):
    """No equilibrium where the curve only jumps: the plain equations are at rest at all that are found."""
    model = hh.models[name]
    r = hh.resting_state(name, i_app=np.array([-1.0, 0.0]))
    X = np.array([r.equilibria.states[x] for x in model.states])
    current = np.array([-1.0, 0.0])[r.equilibria.cell]
    assert X.shape[1] >= 1
    for k in range(X.shape[1]):
        slopes = np.asarray(model.derivatives(X[:, k], {}, current[k]), float)
        assert (np.abs(slopes) <= 1e-8 * np.maximum(np.abs(X[:, k]), 1e-3)).all()


def test_fitzhugh_rest():
    """At (-1.1994, -0.6243), below zero in both."""
    r = hh.resting_state("fitzhugh_1961_oscillator")
    np.testing.assert_allclose([r.V[0], r.states["w"][0]], [-1.199408, -0.624260], atol=1e-6)


def test_rest_of_equations_that_balance_as_a_whole():
    """Hindmarsh and Rose: one formula is all of dV/dt; y = 1 - 5 x**2, z = 4 (x + 1.6), x**3 + 2 x**2 + 4 x + 5.4 = 0."""
    (x,) = (u.real for u in np.roots([1.0, 2.0, 4.0, 5.4]) if abs(u.imag) < 1e-12)
    r = hh.resting_state("hindmarsh_rose_1984_burster")
    np.testing.assert_allclose(
        [r.V[0], r.states["y"][0], r.states["z"][0]], [x, 1 - 5 * x * x, 4 * (x + 1.6)], rtol=1e-9
    )
    assert r.stable.tolist() == [True]
    run = hh.simulate("hindmarsh_rose_1984_burster", t_stop=1.0, initial="rest", record=[hh.Final()])
    np.testing.assert_allclose(run["V_final"], x, rtol=1e-9)


def test_chain_of_pools_conserves_its_sum(chain, analysis_reference):
    """Rest and Hopf points are those of the squid axon, and the occupancies still sum to what they start with."""
    r, squid = hh.resting_state(chain), hh.resting_state("hodgkin_huxley")
    assert r.status.tolist() == [Status.OK]
    np.testing.assert_allclose(r.V, squid.V, rtol=1e-9)
    np.testing.assert_allclose(sum(r.states[f"n{k}"] for k in range(5)), 1.0, rtol=1e-12)
    assert np.isnan(r.eigenvalues[0]).sum() == 1
    points = hh.bifurcations(chain)
    np.testing.assert_allclose(points.hopf[0], [h["I"] for h in analysis_reference["hopf"]], rtol=1e-8)
    assert len(points.saddle_node[0]) == 0
    assert points.status.tolist() == [Status.OK]


def test_equilibria_of_conductances_that_grow():
    """Held at many potentials the homeostat's conductances grow without end; it rests without them, where the leak and
    the H current balance, unstable by the growth of its calcium conductances. The calcium sensor cannot reach 0.2 at
    rest, so that no other equilibrium exists; the current rises with V all along this one: no saddle-node, no Hopf point.
    """
    model = hh.models["liu_1998_stg_homeostat"]
    r = hh.resting_state(model)
    V = brentq(lambda V: 0.03 * (V + 50) + 0.02 / (1 + np.exp((V + 75) / 5.5)) * (V + 20), -60, -30, xtol=1e-13)
    growth = (0.2 - 3 / (1 + np.exp(7.2)) ** 2 / (1 + np.exp(-2.8))) / 5000
    assert r.status.tolist() == [Status.UNSTABLE]
    np.testing.assert_allclose([r.V[0], r.eigenvalues[0, 0]], [V, growth], rtol=1e-9)
    points = hh.bifurcations(model)
    assert points.status.tolist() == [Status.OK]
    assert len(points.hopf[0]) + len(points.saddle_node[0]) == 0


def test_curve_that_cannot_be_followed_is_flagged(tmp_path):
    """x' = x**2 - x + c has no equilibrium for c > 1/4, here near -30 mV: what bifurcates there is not known."""
    path = tmp_path / "gap.toml"
    pool = 'x = { unit = "1", initial = 0.1, a = "x * x + 0.5 * exp(-(((V + 30) / 10) ** 2))", b = "1" }\n'
    path.write_text(CHAIN + pool)
    assert hh.bifurcations(path).status.tolist() == [Status.UNSOLVED]


def test_pool_that_rests_nowhere_is_flagged(tmp_path):
    """x' = 1 at every potential: that there is no equilibrium would be a claim about a curve that was not found."""
    path = tmp_path / "grows.toml"
    path.write_text(CHAIN + 'x = { unit = "1", initial = 0.1, a = "1", b = "0" }\n')
    assert hh.resting_state(path).status.tolist() == [Status.UNSOLVED]
    assert hh.bifurcations(path).status.tolist() == [Status.UNSOLVED]


def test_cell_does_not_depend_on_its_neighbours():
    """The same bits alone and in a batch."""
    g = np.array([0.004, 0.005, 0.006])
    together = hh.resting_state("destexhe_1996_thalamic_relay", {"g_KL": g})
    alone = hh.resting_state("destexhe_1996_thalamic_relay", {"g_KL": g[1]})
    assert together.V[1:2].tobytes() == alone.V.tobytes()
