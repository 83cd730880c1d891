"""Rest and bifurcations of the library's models with several pools, to 1e-6, against SciPy on their plain equations."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar, root

import hhfast as hh
from hhfast import AnalysisStatus as Status

FAST = ("wang_1998_pyramidal", "hindmarsh_rose_1984_burster")
SEVERAL_POOLS = [name for name, m in hh.models.items() if sum(s.group != "gates" for s in m.rows) > 2]

MODELS = [
    name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
    for name in sorted({*SEVERAL_POOLS, "hodgkin_huxley_1952_markov"})
]


class Plain:
    """The equations of a model as written, its states in units of their size at an equilibrium."""

    def __init__(self, model, equilibrium):
        self.model, self.size, self.start = model, np.maximum(np.abs(equilibrium), 1e-9), np.sign(equilibrium)

    def slopes(self, u, i_app):
        size = self.size if u.ndim == 1 else self.size[:, None]
        return np.asarray(self.model.derivatives(u * size, {}, i_app), float) / size

    def jacobian(self, u, i_app, h=1e-6):
        ahead, back = (self.slopes(u[:, None] + by * np.eye(len(u)), i_app) for by in (h, -h))
        return (ahead - back) / (2.0 * h)

    def equilibrium(self, i_app, start=None):
        """That beside the one given."""
        start = self.start if start is None else start
        found = root(self.slopes, start, args=(i_app,), jac=self.jacobian, method="lm", options={"xtol": 1e-14}).x
        assert np.abs(self.slopes(found, i_app)).max() < 1e-8
        return found

    def current_at(self, V, i_app):
        """The current near i_app at which V is an equilibrium: unknown is it, and all states but V."""

        def missing(y):
            return self.slopes(np.array([V / self.size[0], *y[1:]]), y[0])

        return root(missing, np.array([i_app, *self.start[1:]]), method="lm", options={"xtol": 1e-14}).x[0]


def _at(model, i_app, V):
    """The plain equations about our equilibrium that is nearest to V."""
    found = hh.resting_state(model, i_app=i_app).equilibria
    k = np.abs(found.V - V).argmin()
    return Plain(model, np.array([found.states[s][k] for s in model.states]))


def _growth(plain, i_app):
    """The real part of the pair of eigenvalues that is nearest to the imaginary axis."""
    values = np.linalg.eigvals(plain.jacobian(plain.equilibrium(i_app), i_app))
    pairs = values[values.imag > 1e-6]
    return pairs.real[np.abs(pairs.real).argmin()]


@pytest.mark.parametrize("name", MODELS)
def test_equilibria_are_those_of_the_plain_equations(name):
    """Rest is their root; at Hopf points a pair of eigenvalues crosses the axis; saddle-nodes are turns of I(V)."""
    model = hh.models[name]
    r = hh.resting_state(model)
    if r.status[0] == Status.OK:
        x = np.array([r.states[s][0] for s in model.states])
        plain = Plain(model, x)
        beside = plain.start + (np.arange(len(x)) == 0) * 1e-4
        np.testing.assert_allclose(plain.equilibrium(0.0, beside) * plain.size, x, rtol=1e-6, atol=1e-9)
    points = hh.bifurcations(model)
    for current, V in zip(points.hopf[0], points.hopf_V[0], strict=True):
        plain, by = _at(model, current, V), 1e-6 * max(abs(current), 0.1)
        assert _growth(plain, current - by) * _growth(plain, current + by) < 0
    for current, V in zip(points.saddle_node[0], points.saddle_node_V[0], strict=True):
        plain = _at(model, current, V)
        sign = np.sign(plain.current_at(V + 0.02, current) + plain.current_at(V - 0.02, current) - 2.0 * current)
        turn = minimize_scalar(
            lambda V, plain=plain, near=current, sign=sign: sign * plain.current_at(V, near),
            bounds=(V - 0.02, V + 0.02), method="bounded", options={"xatol": 1e-4},
        )  # fmt: skip
        np.testing.assert_allclose(sign * turn.fun, current, rtol=1e-6, atol=1e-7)
