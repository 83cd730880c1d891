"""The coefficients of the adaptive methods: SciPy's where it has them, and the orders that each part must have."""

import numpy as np
import pytest
from plain_methods import trial_step
from scipy.integrate import RK23, solve_ivp

from hhfast.parts.tableaux import BOGACKI_SHAMPINE, RODAS, TSITOURAS

START = np.array([[0.7], [-0.4]])
# name -> (tableau, order of the step, of the error that is estimated, of the solution inside the step)
METHODS = {"bs32": (BOGACKI_SHAMPINE, 3, 3, 3), "tsit5": (TSITOURAS, 5, 5, 4), "rodas4": (RODAS, 4, 4, 3)}


def slope(t, y):
    """Nonlinear, coupled, and driven: no order condition is met by accident."""
    a, b = y
    return np.array([-a * b + np.sin(3 * t) - a**3, a - b**2 + np.exp(0.5 * t)])


def jacobian(y):
    a, b = y[:, 0]
    return np.array([[[-b - 3 * a**2, -a], [1.0, -2 * b]]])


def push(t):
    return np.array([[3 * np.cos(3 * t)], [0.5 * np.exp(0.5 * t)]])


def exact(t):
    run = solve_ivp(slope, (0.0, t), START[:, 0], method="DOP853", rtol=3e-14, atol=1e-16)
    return run.y[:, -1:]


def step(tableau, h):
    linear = (jacobian(START), push(0.0)) if tableau.gamma else ()
    return trial_step(tableau, lambda y, at: slope(at * h, y), START, h, *linear)


def local_order(size):
    """The power of h that size(h) goes with: one step is off by a power more than many."""
    h = 0.04
    return np.log2(size(h) / size(h / 2))


def test_bogacki_shampine_is_that_of_scipy():
    """Stages, weights, error and dense output of scipy.integrate.RK23."""
    ours = BOGACKI_SHAMPINE
    stages = len(RK23.C)
    np.testing.assert_allclose(ours.c[:stages], RK23.C, rtol=1e-15)
    for j, row in enumerate(ours.A[: stages - 1]):
        np.testing.assert_allclose(row, RK23.A[j + 1, : j + 1], rtol=1e-15)
    np.testing.assert_allclose(ours.A[-1], RK23.B, rtol=1e-15)
    np.testing.assert_allclose(ours.b, [*RK23.B, 0.0], rtol=1e-15)
    np.testing.assert_allclose(ours.e, RK23.E, rtol=1e-14)
    np.testing.assert_allclose(ours.dense, RK23.P, rtol=3e-14, atol=1e-16)


@pytest.mark.parametrize("name", METHODS)
def test_order_of_a_step(name):
    """One step of order p is off by h**(p + 1)."""
    tableau, order, _, _ = METHODS[name]
    assert abs(local_order(lambda h: np.abs(step(tableau, h).end - exact(h)).max()) - (order + 1)) < 0.4


@pytest.mark.parametrize("name", METHODS)
def test_order_of_the_estimated_error(name):
    """It goes with the power of h that the step control assumes, and exceeds the true error of small steps."""
    tableau, _, estimate, _ = METHODS[name]
    assert tableau.error_order == estimate
    assert abs(local_order(lambda h: np.abs(step(tableau, h).error).max()) - estimate) < 0.4
    taken = step(tableau, 0.02)
    assert (np.abs(taken.end - exact(0.02)) < np.abs(taken.error)).all()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("s", [0.2, 0.5, 0.85])
def test_order_inside_a_step(name, s):
    """The dense output is off by h**(q + 1)."""
    tableau, _, _, inside = METHODS[name]
    assert abs(local_order(lambda h: np.abs(step(tableau, h).inside(s) - exact(s * h)).max()) - (inside + 1)) < 0.4


@pytest.mark.parametrize("name", METHODS)
def test_dense_output_joins_the_steps(name):
    """It passes through the ends of the step, and leaves the start with the slope there."""
    tableau = METHODS[name][0]
    taken = step(tableau, 0.05)
    np.testing.assert_allclose(taken.inside(0.0), START, rtol=1e-15)
    np.testing.assert_allclose(taken.inside(1.0), taken.end, rtol=1e-13)
    if tableau.first_same_as_last:
        np.testing.assert_allclose((taken.inside(1e-7) - START) / (1e-7 * 0.05), slope(0.0, START), rtol=1e-5)
