"""Every integrator converges at its stated order, in the state and in the spike times."""

import numpy as np
import pytest
import reference_models
from standard import ALWAYS, DRIVES, INTEGRATORS, SLOW, final_state, standard_run

import hhfast as hh

STEPS = {1: 0.004, 2: 0.008, 4: 0.01}  # ms, by order: asymptotic, and far above rounding
REFINEMENT = 4
# Errors are averaged over steps of similar length, as they depend on where in a step the spike falls.
SPREAD = np.linspace(0.8, 1.2, 25)


@pytest.fixture(scope="module")
def exact():
    """model -> (final state, spike times), computed apart from hhfast, once."""
    return {name: reference_models.solve(name, d.t_stop, d.current, level=-20.0) for name, d in DRIVES.items()}


def errors(exact, model, integrator, dt):
    """Root mean square errors of the final state and of the spike time, for steps of about dt."""
    states, (X, spikes) = reference_models.MODELS[model].states, exact[model]
    found = []
    for factor in SPREAD:
        r = standard_run(model, integrator, dt=factor * dt)
        assert r.spike_count.tolist() == [len(spikes)]
        found.append([np.linalg.norm(final_state(r, states)[:, 0] - X), np.linalg.norm(r.spike_time - spikes)])
    return np.sqrt(np.mean(np.square(found), axis=0))


def measured_order(exact, model, integrator):
    """[order of the state, order of the spike time]."""
    dt = STEPS[INTEGRATORS[integrator]]
    coarse, fine = (errors(exact, model, integrator, h) for h in (dt, dt / REFINEMENT))
    return np.log(coarse / fine) / np.log(REFINEMENT)


def check_order(exact, model, integrator):
    of_state, of_spikes = measured_order(exact, model, integrator)
    assert of_state > INTEGRATORS[integrator] - 0.15
    assert of_spikes > INTEGRATORS[integrator] - 0.3


@pytest.mark.parametrize(("model", "integrator"), ALWAYS)
def test_order_is_reached(exact, model, integrator):
    """Refining the step divides the errors of the final state and of the spike times at least by 2**order."""
    check_order(exact, model, integrator)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "integrator"), SLOW)
def test_order_is_reached_by_the_rest(exact, model, integrator):
    """The same for the combinations that take long to compile."""
    check_order(exact, model, integrator)


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_order_is_not_understated(exact, integrator):
    """No integrator is of higher order than it says (in one model the leading error may happen to be small)."""
    orders = [measured_order(exact, model, integrator)[0] for model in ("hodgkin_huxley", "wang_buzsaki")]
    assert min(orders) < INTEGRATORS[integrator] + 0.15


def test_registry_states_the_orders_tested_here():
    """Each entry has the order that is measured above: a new integrator must be added there."""
    assert {name: entry.order for name, entry in hh.integrators.items()} == INTEGRATORS
