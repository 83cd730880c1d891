"""The first Lyapunov coefficient of Hopf points: against a formula for the plane, and SciPy's limit cycles."""

import numpy as np
import pytest
from commands import hhfast, refused
from reference_models import MODELS
from scipy.integrate import solve_ivp

import hhfast as hh


@pytest.mark.core
def test_squid_axon():
    """Subcritical at the lower point, supercritical at the upper: Rinzel & Miller 1980, Math Biosci 49:27."""
    found = hh.bifurcations("hodgkin_huxley")
    assert found.hopf_criticality[0].tolist() == ["subcritical", "supercritical"]


def test_formula_for_the_plane():
    """FitzHugh's equations: Guckenheimer & Holmes 1983, eq. 3.4.11, for x' = -w y + f(x, y), y' = w x + g(x, y).

    There f is quadratic and cubic in V alone, and dr/dt = a r**3 with
    16 a = f_xxx + f_xyy + g_xxy + g_yyy + (f_xy (f_xx + f_yy) - g_xy (g_xx + g_yy) - f_xx g_xx + f_yy g_yy) / w.
    """
    V = np.sqrt(1.0 - 0.064)  # V' = V - V**3 / 3 - w + I, w' = 0.08 (V + 0.7 - 0.8 w): no trace
    J = np.array([[0.064, -1.0], [0.08, -0.064]])
    w = np.sqrt(np.linalg.det(J))
    # In x = V - V0, y = -(0.064 x - u) / w: x' = -w y + f with f = -V0 x**2 - x**3 / 3, and y' = w x - 0.064 f / w.
    f_xx, f_xxx = -2.0 * V, -2.0
    g_xx = -0.064 / w * f_xx
    expected = (f_xxx - f_xx * g_xx / w) / 16.0
    found = hh.bifurcations("fitzhugh_1961_oscillator", i_app=(-3.0, 3.0))
    np.testing.assert_allclose(found.hopf_V[0], [-V, V], rtol=1e-9)
    np.testing.assert_allclose(found.hopf_lyapunov[0], expected, rtol=1e-8)
    assert found.hopf_criticality[0].tolist() == ["subcritical"] * 2


def test_chain_with_conserved_sums():
    """The potassium channel as a Markov chain of five states: the coefficients of the squid axon."""
    chain, squid = hh.bifurcations("hodgkin_huxley_1952_markov"), hh.bifurcations("hodgkin_huxley")
    np.testing.assert_allclose(chain.hopf_lyapunov[0], squid.hopf_lyapunov[0], rtol=1e-6)


def test_small_oscillation_has_the_amplitude_foretold():
    """Just below a supercritical point the limit cycle of SciPy, on equations by hand, has amplitude sqrt(-g / c)."""
    found = hh.bifurcations("hodgkin_huxley")
    current = found.hopf[0][-1] - 0.3
    rest = hh.resting_state("hodgkin_huxley", i_app=current)
    g = rest.eigenvalues[0].real.max()
    expected = np.sqrt(-g / found.hopf_lyapunov[0][-1])
    reference = MODELS["hodgkin_huxley"]
    start = np.array([rest.V[0] + expected, *(rest.states[x][0] for x in reference.states[1:])])
    duration = 3.0 / g  # what is wrong at first has shrunk by exp(-6)
    run = solve_ivp(lambda _, X: reference.slope(X, current, reference.p), (0.0, duration + 20.0), start, method="LSODA",
                    rtol=1e-7, atol=1e-8, t_eval=np.linspace(duration, duration + 20.0, 4001))  # fmt: skip
    V = run.y[0]
    np.testing.assert_allclose((V.max() - V.min()) / 2.0, expected, rtol=0.04)


def test_command(here, pictures):
    """A line per cell; the picture tells the two kinds of Hopf points apart."""
    result = hhfast("bifurcations", "hodgkin_huxley", "-p", "g_K=36,30")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[:3] for row in rows] == [["36", "9.77544,", "154.522"], ["30", "4.99189,", "149.658"]]
    assert all(row[5:7] == ["subcritical,", "supercritical"] for row in rows)
    assert hhfast("bifurcations", "hodgkin_huxley", "--currents", "0,180", "-o", "diagram.png").exit_code == 0
    (axes,) = pictures[0].axes
    faces = {line.get_label().split(":")[0]: line.get_markerfacecolor() for line in axes.lines}
    assert (faces["subcritical Hopf"], faces["supercritical Hopf"]) == ("w", "k")
    assert "one cell" in refused("bifurcations", "hodgkin_huxley", "-p", "g_K=36,30", "-o", "diagram.png")
