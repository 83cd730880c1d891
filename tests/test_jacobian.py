"""The Jacobian of a model: its entries are slopes of the formulas, and its factors solve linear systems."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_models import MODELS
from small_kernels import as_python
from standard import one_gate, random_params, random_states
from test_kernels import POLES, models, rates_by_the_text

import hhfast as hh
from hhfast.batch.linearisation import numeric_function
from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.kernel import jacobian_kernel
from hhfast.kernel.build.rosenbrock import LinearSystem
from hhfast.kernel.equations.jacobian import Jacobian
from hhfast.kernel.equations.system import system_of
from hhfast.kernel.spec import kernel_spec
from hhfast.kernel.tree.nodes import Symbol

FAR = 1e-3  # distance of the points of a difference, relative to the scale of a state
WEIGHTS = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}  # of fourth order


def entries(model, X, params):
    """(n_states, n_states, n): the entries as a kernel computes them, in plain Python."""
    (m, n), P = X.shape, np.array([params[name] for name in model.parameters])
    J = np.zeros((m * m, n))
    columns = np.arange(len(P))
    as_python(jacobian_kernel(model))(0, n, np.full(len(P), np.nan), columns, P, X, np.zeros(n), J, np.empty((0, n)))
    return J.reshape(m, m, n)


def by_algebra(model, X, params):
    """(n_states, n_states, n): the entries as SymPy differentiates them, for Rosenbrock methods and sensitivities."""
    system, J = system_of(model), np.zeros((len(X), len(X), X.shape[1]))
    found = Jacobian(system).entries
    function = numeric_function((*system.states, *system.parameters), list(found.values()))
    with np.errstate(all="ignore"):
        values = function(*X, *(params[name] for name in system.parameters))
    for (x, y), value in zip(found, values, strict=True):
        J[system.states.index(x), system.states.index(y)] = value
    return J


def by_the_text(model, params):
    def slope(X):
        F, *_, size = rates_by_the_text(model, X, 0.0, params)
        return F, size

    return slope


def by_the_papers(name, params):
    def slope(X):
        A, B = MODELS[name].coefficients(X, 0.0, params)
        return A - B * X, np.abs(A) + np.abs(B * X)

    return slope


def differences(model, X, slope):
    """(slopes by differences, what they may be off by), each (n_states, n_states, n); slope(X): dX/dt and its terms."""
    J, noise = np.zeros((2, len(X), len(X), X.shape[1]))
    for k, x in enumerate(model.states):
        step = FAR * (np.abs(X[k]) if any(p.name == x for p in model.pools) else 10.0 if x == "V" else 0.1)
        for places, weight in WEIGHTS.items():
            moved = X.copy()
            moved[k] += places * step
            F, size = slope(moved)
            J[:, k] += weight * F / step
            noise[:, k] += 1e-15 * size / step
    return J, noise


def check_entries(model, X, params, slope):
    J, (expected, noise) = entries(model, X, params), differences(model, X, slope)
    assert np.isfinite(expected).all()
    scale = np.abs(expected).max(axis=2, keepdims=True)
    assert (np.abs(J - expected) <= 1e-8 * np.abs(expected) + 1e-9 * scale + noise).all()
    np.testing.assert_array_less(np.abs(by_algebra(model, X, params) - J), 1e-9 * np.abs(J) + 1e-10 * scale + 1e-300)
    return J


@pytest.mark.parametrize("name", MODELS)
def test_entries_of_the_library(name):
    """Each entry is the difference quotient of the equations of the papers; at and around the removable poles, too."""
    model, rng = hh.models[name], np.random.default_rng(5)
    V = [*np.linspace(-100, 60, 20), *(pole + d for pole in POLES[name] for d in (0, 1e-9, -1e-4, 0.3, -2))]
    X = random_states(model, len(V), rng)
    X[0] = V
    params = random_params(model, len(V), rng)
    J = check_entries(model, X, params, by_the_papers(name, params))
    assert (np.abs(J).max(axis=2) > 0).sum() >= 3 * len(X) - 2  # the arrow: diagonal, row and column of V


@settings(max_examples=25)
@given(models(), st.integers(0, 2**32 - 1))
def test_entries_of_any_model(model, seed):
    """The same for random models of a user: pools, conditions, abs, currents of any form."""
    rng, n = np.random.default_rng(seed), 3
    X, params = random_states(model, n, rng), random_params(model, n, rng)
    assume(np.isfinite(differences(model, X, by_the_text(model, params))).all())
    check_entries(model, X, params, by_the_text(model, params))


@pytest.mark.parametrize(
    ("formula", "slope"),
    [
        ("5 if V < -20 else 2 + V * V / 100", lambda V: np.where(V < -20, 0, V / 50)),
        ("max(k, abs(V) / 10)", lambda V: np.where(abs(V) > 20, np.sign(V) / 10, 0)),
        ("min(max(V + 30, k), 50)", lambda V: ((V > -28) & (V < 20)) * 1.0),
        ("1 + abs(abs(V) - 20)", lambda V: np.sign(V) * np.sign(abs(V) - 20)),
        ("1 + abs(sqrt(V + 100) - 5)", lambda V: np.sign(np.sqrt(V + 100) - 5) / 2 / np.sqrt(V + 100)),
        ("1 + abs(log(V + 100) - 4)", lambda V: np.sign(np.log(V + 100) - 4) / (V + 100)),
        # What a branch or a limit shuts out may have no slope, or an infinite one.
        ("1 + (sqrt(V) if V > 0 else 0)", lambda V: np.where(V > 0, 0.5 / np.sqrt(abs(V)), 0)),
        ("1 + sqrt(max(V + 60, 0))", lambda V: np.where(V > -60, 0.5 / np.sqrt(abs(V + 60)), 0)),
        ("1 + 2 ** (V / 50)", lambda V: np.log(2) / 50 * 2 ** (V / 50)),
    ],
)
def test_entries_with_conditions(formula, slope):
    """min, max, abs and a if c else b have the slope of the branch that counts: here of x' = (0.5 - x) / tau(V)."""
    model = one_gate("slopes", inf="0.5", tau=formula)
    V = np.array([-90.0, -65.0, -41.0, -25.0, -10.0, 7.0, 33.0])
    params = {name: np.full(len(V), p.value) for name, p in model.parameters.items()}
    for way in (entries, by_algebra):
        J = way(model, np.array([V, np.full(len(V), 0.3)]), params)
        tau = -1.0 / J[1, 1]
        np.testing.assert_allclose(J[1, 0], -0.2 * slope(V) / tau**2, rtol=1e-12, atol=1e-300)


def test_slopes_that_would_overflow():
    """A steep sigmoid far from its middle is flat: the slope of its exponential, of 1e307 times 50, is no infinity."""
    model = one_gate("steep", inf="1 / (1 + exp(-50 * (V + 20)))", tau="2")
    V = np.array([-90.0, -34.0, -20.0, 10.0])
    params = {name: np.full(len(V), p.value) for name, p in model.parameters.items()}
    J = entries(model, np.array([V, np.full(len(V), 0.3)]), params)
    np.testing.assert_allclose(J[1, 0], [0.0, 0.0, 50 / 4 / 2, 0.0], rtol=1e-12, atol=1e-250)


@pytest.mark.parametrize("name", [*MODELS, "hodgkin_huxley_1952_markov", "pinsky_rinzel_1994_ca3"])
def test_factors_solve(name):
    """The statements that factorise diagonal - J and solve with it, against numpy.linalg.solve."""
    spec = kernel_spec(hh.models[name], "rodas4", None, [], "float64")
    builder, rng = Builder(spec), np.random.default_rng(6)
    linear, states = LinearSystem(builder, 0.25), builder.system.states
    diagonal = Symbol("diagonal")
    entry = {at: linear.entry[at] for at in linear.jacobian.entries}
    builder.scratch.add("lane", diagonal, *entry.values())
    kernel = builder.kernel([*builder.scratch.loops(linear._factors(diagonal)), *linear.solve()])
    lanes = kernel.lanes
    arrays = {kind: np.zeros(size, spec.scratch_types[kind]) for kind, (_, size) in kernel.scratch.items()}
    rows = arrays["lane"].reshape(-1, lanes)

    def row(symbol):
        return rows[kernel.rows[symbol][1]]

    J, y = np.zeros((lanes, len(states), len(states))), rng.uniform(-1, 1, (len(states), lanes))
    for (x, of), symbol in entry.items():
        row(symbol)[:] = J[:, states.index(x), states.index(of)] = rng.uniform(-1, 1, lanes)
    row(diagonal)[:] = 30.0
    for x, right in zip(states, y, strict=True):
        row(linear.unknowns[x])[:] = right
    as_python(kernel)(*arrays.values(), *[None] * (len(kernel.arguments) - len(arrays)))
    expected = np.linalg.solve(30.0 * np.eye(len(states)) - J, y.T[:, :, None])[:, :, 0].T
    np.testing.assert_allclose([row(linear.unknowns[x]) for x in states], expected, rtol=1e-11)
