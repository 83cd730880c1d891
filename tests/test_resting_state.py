"""Resting states, stability, Hopf and saddle-node points."""

import numpy as np
import pytest
from reference_models import MODELS

import hhfast as hh
from hhfast import AnalysisStatus as Status
from hhfast.analysis.population import Population
from hhfast.batch.initial_states import initial_states
from hhfast.batch.linearisation import jacobian


@pytest.mark.parametrize("model", MODELS)
def test_jacobian_is_the_derivative(model):
    """Symbolic derivatives agree with central differences of the compiled equations, near a removable pole too."""
    rng = np.random.default_rng(0)
    population = Population.of(model, {"C_m": np.full(4, hh.models[model].parameters["C_m"].value)})
    X = initial_states(population.cells, {"V": np.array([-62.3, -39.999, -33.0, -54.999])})
    X[1:] *= rng.uniform(0.9, 1.1, X[1:].shape)
    J = jacobian(population.cells, X)
    for k in range(len(X)):
        h = 1e-5 * max(1.0, np.abs(X[k]).max())
        up, down = X.copy(), X.copy()
        up[k] += h
        down[k] -= h
        (A1, B1), (A0, B0) = population.cells.rates(up), population.cells.rates(down)
        numeric = ((A1 - B1 * up) - (A0 - B0 * down)) / (2.0 * h)
        scale = np.abs(J[:, :, k]).max() + 1e-6
        np.testing.assert_allclose(J[:, :, k].T, numeric, rtol=2e-5, atol=1e-6 * scale)


@pytest.mark.core
def test_squid_axon_rest(reference):
    """The resting state to 1e-11, and stable."""
    r = hh.resting_state("hodgkin_huxley")
    for name, value in reference["hodgkin_huxley"]["rest"].items():
        np.testing.assert_allclose(r.states[name], value, rtol=0, atol=1e-11)
    assert r.stable.tolist() == [True]
    assert (r.eigenvalues.real < 0).all()


@pytest.mark.core
def test_squid_axon_hopf_points(analysis_reference):
    """Both Hopf points: current to 1e-10, frequency to 1e-9; there is no saddle-node."""
    r = hh.bifurcations("hodgkin_huxley")
    expected = analysis_reference["hopf"]
    np.testing.assert_allclose(r.hopf[0], [h["I"] for h in expected], rtol=1e-10)
    np.testing.assert_allclose(r.hopf_V[0], [h["V"] for h in expected], rtol=1e-10)
    np.testing.assert_allclose(r.hopf_frequency[0], [h["f_Hz"] for h in expected], rtol=1e-9)
    assert len(r.saddle_node[0]) == 0


@pytest.mark.parametrize("model", ["wang_buzsaki", "connor_stevens"])
def test_class_one_models_have_a_saddle_node(analysis_reference, model):
    """The saddle-node on which the rhythm begins."""
    expected = analysis_reference["saddle_node"][model]
    r = hh.bifurcations(model, i_app=(-5.0, 20.0))
    k = np.abs(r.saddle_node[0] - expected["I"]).argmin()
    np.testing.assert_allclose(r.saddle_node[0][k], expected["I"], rtol=1e-10)
    np.testing.assert_allclose(r.saddle_node_V[0][k], expected["V"], rtol=1e-6)


def test_stability_changes_at_the_hopf_points():
    """Stable outside the two Hopf currents, unstable between them."""
    r = hh.resting_state("hodgkin_huxley", i_app=np.array([9.775, 9.776, 154.52, 154.53]))
    assert r.stable.tolist() == [True, False, False, True]
    assert r.status.tolist() == [Status.OK, Status.UNSTABLE, Status.UNSTABLE, Status.OK]


def test_all_equilibria():
    """Below its saddle-node the Wang-Buzsaki cell has three equilibria, of which the lowest is stable; above, one."""
    r = hh.resting_state("wang_buzsaki", i_app=np.array([0.1, 0.2]))
    assert r.equilibria.cell.tolist() == [0, 0, 0, 1]
    assert r.equilibria.stable.tolist() == [True, False, False, False]
    assert (np.diff(r.equilibria.V[:3]) > 0).all()
    assert r.V[0] == r.equilibria.V[0]
    assert r.status.tolist() == [Status.OK, Status.UNSTABLE]


def test_equilibria_are_equilibria():
    """Every state has derivative zero there, pools included."""
    for model in ("connor_stevens", "prinz_stg"):
        r = hh.resting_state(model)
        X = np.array([r.equilibria.states[x] for x in hh.models[model].states])
        A, B = Population.of(model, None).take(r.equilibria.cell).cells.rates(X)
        np.testing.assert_allclose(A / B, X, rtol=1e-8)


def test_nan_is_flagged_alone():
    """A NaN parameter gives status DIVERGED; the neighbour keeps its bits."""
    both = hh.resting_state("hodgkin_huxley", {"g_Na": np.array([np.nan, 120.0])})
    assert both.status.tolist() == [Status.DIVERGED, Status.OK]
    assert np.isnan(both.V[0])
    assert both.V[1] == hh.resting_state("hodgkin_huxley").V[0]
    points = hh.bifurcations("hodgkin_huxley", {"g_Na": np.array([np.nan, 120.0])})
    assert [len(h) for h in points.hopf] == [0, 2]
    assert points.status.tolist() == [1, 0]


def test_batch_composition_does_not_matter():
    """Rest and Hopf currents of a cell are the same bits alone and in a batch."""
    params = {"g_Na": np.linspace(90.0, 150.0, 37), "g_K": np.linspace(30.0, 42.0, 37)}
    rest, points = hh.resting_state("hodgkin_huxley", params), hh.bifurcations("hodgkin_huxley", params)
    for i in (0, 17, 36):
        own = {k: v[i] for k, v in params.items()}
        assert hh.resting_state("hodgkin_huxley", own).V.tobytes() == rest.V[i : i + 1].tobytes()
        assert hh.bifurcations("hodgkin_huxley", own).hopf[0].tobytes() == points.hopf[i].tobytes()
