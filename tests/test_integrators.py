"""Every integrator is the method it says, step by step, and converges at its stated order, spike times included."""

import numpy as np
import pytest
import reference_models
from plain_methods import difference_jacobian, trial_step
from reference_models import MODELS
from standard import (
    ADAPTIVE,
    ALWAYS,
    DRIVES,
    INTEGRATORS,
    SLOW,
    final_state,
    random_params,
    random_states,
    standard_run,
    steps_of,
)

import hhfast as hh

STEPS = {1: 0.004, 2: 0.008, 3: 0.01, 4: 0.01, 5: 0.04}  # ms, by order: asymptotic, and far above rounding
REFINEMENT = 4
# Errors are averaged over steps of similar length, as they depend on where in a step the spike falls.
SPREAD = np.linspace(0.8, 1.2, 25)


@pytest.fixture(scope="module")
def exact():
    """model -> (final state, spike times), computed apart from hhfast, once."""
    return {name: reference_models.solve(name, d.t_stop, d.current, level=-20.0) for name, d in DRIVES.items()}


def errors(exact, model, integrator, dt):
    """Root mean square errors of the final state and of the spike time, for steps of about dt."""
    states, (X, spikes) = MODELS[model].states, exact[model]
    found = []
    for factor in SPREAD:
        r = standard_run(model, integrator, **steps_of(factor * dt, integrator))
        assert r.spike_count.tolist() == [len(spikes)]
        found.append([np.linalg.norm(final_state(r, states)[:, 0] - X), np.linalg.norm(r.spike_time - spikes)])
    return np.sqrt(np.mean(np.square(found), axis=0))


def measured_order(exact, model, integrator):
    """[order of the state, order of the spike time]."""
    dt = STEPS[INTEGRATORS[integrator]]
    coarse, fine = (errors(exact, model, integrator, h) for h in (dt, dt / REFINEMENT))
    return np.log(coarse / fine) / np.log(REFINEMENT)


# --- the methods, written plainly ------------------------------------------------------------------------------------
def phi(z):
    """(1 - exp(-z)) / z."""
    safe = np.where(np.abs(z) < 1e-12, 1.0, z)
    return np.where(np.abs(z) < 1e-12, 1.0, -np.expm1(-safe) / safe)


def towards(X, A, B, h):
    """The exact solution of x' = a - b x after h, with a and b fixed."""
    return X + h * phi(B * h) * (A - B * X)


class Plain:
    """The integrators, as their papers have them, on the right-hand sides written by hand."""

    def __init__(self, name, params, current, dt):
        self.model, self.params, self.current, self.dt = MODELS[name], params, current, dt
        n = len(self.model.states)
        pools = 1 if self.model.states[-1] == "Ca" else 0
        self.groups = {"V": slice(0, 1), "gates": slice(1, n - pools), "pools": slice(n - pools, n)}

    def coefficients(self, X, at):
        return self.model.coefficients(X, self.current(at * self.dt), self.params)

    def slope(self, X, at=0.0):
        A, B = self.coefficients(X, at)
        return A - B * X

    def adaptive(self, X, tableau):
        if tableau.gamma == 0.0:
            return trial_step(tableau, self.slope, X, self.dt).end
        d = 1e-4  # ms
        push = np.zeros_like(X)
        push[0] = (self.current(d) - self.current(-d)) / (2 * d) / self.params["C_m"]
        return trial_step(tableau, self.slope, X, self.dt, difference_jacobian(self.slope, X), push).end

    def euler(self, X):
        return X + self.dt * self.slope(X)

    def exp_euler(self, X):
        for rows in self.groups.values():  # V first, the gates at the new V
            X = self._flow(X, rows, 1.0, 0.5)
        return X

    def exp_midpoint(self, X):
        middle = towards(X, *self.coefficients(X, 0.0), 0.5 * self.dt)
        return towards(X, *self.coefficients(middle, 0.5), self.dt)

    def strang(self, X):
        for group, fraction, at in (
            ("V", 0.5, 0.25),
            ("pools", 0.5, 0.5),
            ("gates", 1.0, 0.5),
            ("pools", 0.5, 0.5),
            ("V", 0.5, 0.75),
        ):
            rows, start = self.groups[group], X
            if group in self.model.curved:  # coefficients from half way
                X = self._flow(X, rows, fraction / 2, at)
            A, B = self.coefficients(X, at)
            X = start.copy()
            X[rows] = towards(start[rows], A[rows], B[rows], fraction * self.dt)
        return X

    def rk4(self, X):
        f = self.slope
        k1 = f(X)
        k2 = f(X + 0.5 * self.dt * k1, 0.5)
        k3 = f(X + 0.5 * self.dt * k2, 0.5)
        k4 = f(X + self.dt * k3, 1.0)
        return X + self.dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def _flow(self, X, rows, fraction, at):
        A, B = self.coefficients(X, at)
        X = X.copy()
        X[rows] = towards(X[rows], A[rows], B[rows], fraction * self.dt)
        return X


# --- tests ----------------------------------------------------------------------------------------------------------
def check_order(exact, model, integrator):
    of_state, of_spikes = measured_order(exact, model, integrator)
    assert of_state > INTEGRATORS[integrator] - 0.15
    assert of_spikes > INTEGRATORS[integrator] - 0.3


def check_step(name, integrator):
    model, rng, n, dt = hh.models[name], np.random.default_rng(4), 70, 0.002
    params = random_params(model, n, rng)
    X = random_states(model, n, rng)
    X[0] = np.linspace(-100, 60, n)
    start = dict(zip(model.states, X, strict=True))
    r = standard_run(name, integrator, params, t_stop=dt, initial=start, **steps_of(dt, integrator))
    plain = Plain(name, params, DRIVES[name].current, dt)
    tableau = hh.integrators[integrator].tableau
    expected = plain.adaptive(X, tableau) if tableau else getattr(plain, integrator)(X)
    assert np.abs(expected - X).max() > 0.1
    rtol = 1e-11 if integrator != "rodas4" else 1e-9  # the plain method's Jacobian is by differences
    np.testing.assert_allclose(final_state(r, model.states), expected, rtol=rtol, atol=1e-13)


@pytest.fixture(scope="module", params=ALWAYS, ids="-".join)
def combination(request):
    """(model, integrator); of module scope, so that the tests of one kernel run one after the other."""
    return request.param


def test_one_step(combination):
    """One compiled step from random states equals the method written plainly, stage times of the current included."""
    check_step(*combination)


def test_order_is_reached(exact, combination):
    """Refining the step divides the errors of the final state and of the spike times at least by 2**order."""
    check_order(exact, *combination)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "integrator"), SLOW)
def test_the_rest(exact, model, integrator):
    """The same for the combinations that take long to compile."""
    check_step(model, integrator)
    check_order(exact, model, integrator)


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_order_is_not_understated(exact, integrator):
    """No integrator is of higher order than it says (in one model the leading error may happen to be small)."""
    models = [m for m in ("hodgkin_huxley", "wang_buzsaki") if (m, integrator) in ALWAYS]
    orders = [measured_order(exact, model, integrator) for model in models]
    assert np.min(orders) < INTEGRATORS[integrator] + 0.15


def test_registry_states_the_orders_tested_here():
    """Each entry has the order that is measured above: a new integrator must be added there."""
    assert {name: entry.order for name, entry in hh.integrators.items()} == INTEGRATORS
    assert {name for name, entry in hh.integrators.items() if entry.adaptive} == set(ADAPTIVE)
    assert {name for name, entry in hh.integrators.items() if entry.stiff} == {"rodas4"}
