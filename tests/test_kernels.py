"""Kernels compute what the formulas say: the rates against the text of the model and against the papers."""

from dataclasses import replace

import numpy as np
import pytest
import reference_models
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_models import MODELS
from small_kernels import as_python
from standard import random_params, random_states

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.kernel.build.kernel import rates_kernel
from hhfast.model import Channel, Gate, Model, Parameter, Pool
from hhfast.model.formulas import evaluate

N = 400  # random cells


def rates_by_the_text(model, X, i_app, params):
    """(F, A, B, size): what the formulas of the model say, walking their syntax trees in extended precision.

    A and B are NaN for V (its split into a and b is hhfast's choice); size is the sum of the magnitudes of the terms.
    """
    wide = np.longdouble
    values = {name: np.asarray(v, wide) for name, v in params.items()}
    values |= {name: np.asarray(x, wide) for name, x in zip(model.states, X, strict=True)}
    values["i_app"] = np.asarray(i_app, wide)
    V = values["V"]
    F, A, B, size = (dict.fromkeys(model.states, np.nan) for _ in range(4))
    for channel in model.channels:
        for gate in channel.gates:
            scale = evaluate(gate.rate_scale or channel.rate_scale, values)
            if gate.instantaneous:
                values[gate.name] = evaluate(gate.inf, values)
            elif gate.alpha is not None:
                A[gate.name] = scale * evaluate(gate.alpha, values)
                B[gate.name] = A[gate.name] + scale * evaluate(gate.beta, values)
            else:
                B[gate.name] = scale / evaluate(gate.tau, values)
                A[gate.name] = evaluate(gate.inf, values) * B[gate.name]
    terms = [values["i_app"]]
    for channel in model.channels:
        if channel.current is not None:
            current = evaluate(channel.current, values)
            parts = [current]
        else:
            E = evaluate(channel.E, values) if isinstance(channel.E, str) else values[f"E_{channel.name}"]
            g = values[f"g_{channel.name}"]
            for gate in channel.gates:
                g = g * values[gate.name] ** gate.power
            current, parts = g * (V - E), [g * V, g * E]
        values[f"i_{channel.name}"] = current
        terms += [-current]
        size["V"] = np.nan_to_num(size["V"]) + sum(np.abs(p) for p in parts)
    F["V"] = sum(terms) / values["C_m"]
    size["V"] = (size["V"] + np.abs(values["i_app"])) / values["C_m"]
    for pool in model.pools:
        A[pool.name], B[pool.name] = evaluate(pool.a, values), evaluate(pool.b, values)
    for x in model.states[1:]:
        F[x] = A[x] - B[x] * values[x]
        size[x] = np.abs(A[x]) + np.abs(B[x] * values[x])
    shape = np.shape(X[0])
    return tuple(np.array([np.broadcast_to(d[x], shape) for x in model.states], float) for d in (F, A, B, size))


def away_from_poles(X, poles, distance=0.01):
    """Move V off the removable poles, where the text itself is 0/0 and loses digits."""
    for pole in poles:
        near = np.abs(X[0] - pole) < distance
        X[0, near] += 2 * distance
    return X


def check_rates(model, X, i_app, params, A, B, rtol=1e-12):
    """Compare with the text: x' of every state, and a and b of gates and pools."""
    F, A_text, B_text, size = rates_by_the_text(model, X, i_app, params)
    assert np.isfinite(F).all()
    assert (np.abs(A - B * X - F) <= rtol * size).all()
    np.testing.assert_allclose(B[1:], B_text[1:], rtol=rtol)
    gates = slice(1, 1 + len(model.gates))
    np.testing.assert_allclose(A[gates], A_text[gates], rtol=rtol)
    return A_text


POLES = {"hodgkin_huxley": (-40, -55), "connor_stevens": (-29.7, -45.7), "wang_buzsaki": (-35, -34), "prinz_stg": ()}


@pytest.mark.parametrize("name", MODELS)
def test_rates_of_the_library_are_those_of_the_text(name):
    """Compiled a and b equal the formulas in the model file to 1e-12, for random states and parameters."""
    model, rng = hh.models[name], np.random.default_rng(1)
    X = away_from_poles(random_states(model, N, rng), POLES[name])
    X[0, :201] = np.linspace(-120, 80, 201) + 0.123
    params, i_app = random_params(model, N, rng), rng.uniform(-10, 10, N)
    A, B = Cells.of(model, params).rates(X, i_app)
    check_rates(model, X, i_app, params, A, B)


@pytest.mark.parametrize("name", ["hodgkin_huxley", "wang_buzsaki"])
def test_rates_far_above_all_reversal_potentials(name):
    """Exponentials of V are held beyond 150 mV, where they are small; rates that grow with V itself grow on."""
    model, rng = hh.models[name], np.random.default_rng(5)
    X = random_states(model, N, rng)
    X[0] = np.linspace(150, 1000, N)
    params = random_params(model, N, rng)
    A, B = Cells.of(model, params).rates(X, 0.0)
    F, A_text, B_text, _ = rates_by_the_text(model, X, 0.0, params)
    gates = slice(1, 1 + len(model.gates))
    most = A_text[gates] + B_text[gates]
    assert (np.abs(A - B * X - F)[gates] <= 0.005 * most).all()


@pytest.mark.parametrize("name", MODELS)
def test_rates_of_the_library_are_those_of_the_papers(name):
    """And they equal the right-hand sides written out by hand, poles included."""
    model, ours, rng = hh.models[name], MODELS[name], np.random.default_rng(2)
    assert model.states == ours.states
    assert {n: p.value for n, p in model.parameters.items()} == ours.p
    X = random_states(model, N, rng)
    V = [pole + d for pole in POLES[name] for d in (0, 1e-12, -1e-9, 1e-7, -1e-5, 1e-3)]
    X[0, : len(V)] = V
    params, i_app = random_params(model, N, rng), rng.uniform(-10, 10, N)
    A, B = Cells.of(model, params).rates(X, i_app)
    A_paper, B_paper = ours.coefficients(X, i_app, params)
    np.testing.assert_allclose(B, B_paper, rtol=2e-12)
    size = np.abs(A_paper) + np.abs(B_paper * X)
    assert (np.abs(A - A_paper) <= 2e-12 * size).all()
    gates = slice(1, 1 + len(model.gates))
    np.testing.assert_allclose(A[gates], A_paper[gates], rtol=2e-12)


# --- random models of the user's own ----------------------------------------------------------------------------------
def number(lo, hi):
    return st.floats(lo, hi).map(lambda x: round(x, 3))


halves, slopes = number(-90, 40), st.one_of(number(3, 30), number(-30, -3))
ROUND = st.sampled_from([5, 10, 18, 20, 40, 80, -5, -10, -18, -20, -80])  # commensurate, as papers have them


@st.composite
def exponent(draw):
    half, slope = draw(halves), draw(st.one_of(slopes, ROUND))
    spellings = ["(V - ({h})) / {k}", "-(V - ({h})) / ({k})", "{q} * (V - ({h}))", "(V + {m}) / {k}"]
    spelling = draw(st.sampled_from(spellings))
    return spelling.format(h=half, k=slope, q=round(1 / slope, 5) or 0.1, m=round(-half, 3))


@st.composite
def rate(draw):
    """alpha or beta: exponential, sigmoid, or linear over exponential with its removable pole."""
    scale = draw(number(0.01, 5))
    kind = draw(st.sampled_from(["exp", "sigmoid", "linoid", "linoid the other way round"]))
    if kind == "exp":
        return f"{scale} * exp({draw(exponent())})"
    if kind == "sigmoid":
        return f"{scale} / (1 + exp({draw(exponent())}))"
    half, k = draw(halves), draw(st.one_of(number(3, 30), st.sampled_from([5, 10, 20])))
    if kind == "linoid":
        return f"{scale} * (V - ({half})) / (1 - exp(-(V - ({half})) / {k}))"
    return f"{scale} * (({half}) - V) / (exp((({half}) - V) / {k}) - 1)"


@st.composite
def gates(draw, name):
    kind = draw(st.sampled_from(["alpha, beta", "inf, tau", "inf"]))
    power = draw(st.integers(1, 5))
    if kind == "alpha, beta":
        return Gate(name, power, alpha=draw(rate()), beta=draw(rate()))
    inf = f"1 / (1 + exp({draw(exponent())}))"
    if draw(st.booleans()):
        inf += " * x / (x + K_half)"  # depends on the pool
    if kind == "inf":
        return Gate(name, power, inf=inf)
    low, high = draw(number(0.1, 5)), draw(number(5, 200))
    tau = draw(
        st.sampled_from(
            [
                f"{low} + {high} / (exp({draw(exponent())}) + exp({draw(exponent())}))",
                f"{high} - {high - low:.3f} / (1 + exp({draw(exponent())}))",
                f"{low} if V < -40 else {high}",
            ]
        )
    )
    return Gate(name, power, inf=inf, tau=tau)


@st.composite
def models(draw):
    """A model with up to three gated channels, a leak, a current of any form, and a pool."""
    channels = [Channel("L", g=draw(number(0.01, 1)), E=draw(number(-80, -50)))]
    for c in range(draw(st.integers(1, 3))):
        inside = tuple(draw(gates(f"m{c}{k}")) for k in range(draw(st.integers(1, 2))))
        E = draw(st.one_of(number(-90, 60), st.just("12.5 * log(x_out / x)")))
        scale = draw(st.sampled_from(["1", "Q ** ((T - 6.3) / 10)"]))
        channels.append(Channel(f"C{c}", g=draw(number(0.1, 100)), E=E, gates=inside, rate_scale=scale))
    if draw(st.booleans()):
        channels.append(Channel("pump", current="I_max * tanh(x / K_half) + 0.01 * V * abs(V) + 0.02 * V"))
    shared = (
        Parameter("C_m", 1.0, "uF cm-2"),
        Parameter("Q", 3.0, "1"),
        Parameter("T", 18.5, "degC"),
        Parameter("I_max", 0.4, "uA cm-2"),
        Parameter("K_half", 3.0, "uM"),
        Parameter("x_out", 3000.0, "uM"),
    )
    pool = Pool("x", "uM", 0.1, a="(0.05 - 0.3 * i_C0) / 20", b="1 / 20")
    return Model("random", -65.0, tuple(channels), shared, pools=(pool,))


@settings(max_examples=60)
@given(models(), st.integers(0, 2**32 - 1))
def test_rates_of_any_model_are_those_of_the_text(model, seed):
    """The algebra behind a kernel never changes what a user's formulas mean, to 1e-12."""
    rng, n = np.random.default_rng(seed), 12
    X, params, i_app = random_states(model, n, rng), random_params(model, n, rng), rng.uniform(-10, 10, n)
    F, *_ = rates_by_the_text(model, X, i_app, params)
    assume(np.isfinite(F).all())
    A, B = np.empty_like(X), np.empty_like(X)
    P = np.array([params[name] for name in model.parameters])
    # As plain Python: not compiled, so that many models can be tried.
    as_python(rates_kernel(model))(0, n, np.zeros(len(P)), np.arange(len(P)), P, X, i_app, A, B)
    check_rates(model, X, i_app, params, A, B, rtol=3e-12)


@pytest.mark.core
def test_rates_of_a_model_with_everything_compiled():
    """A model with all forms of gates, a custom current and two pools, through the compiler."""
    channels = (
        Channel("L", g=0.1, E=-70.0),
        Channel(
            "A",
            g=5.0,
            E="25 * log(K_out / 140)",
            rate_scale="2 ** (T / 10)",
            gates=(
                Gate("p", 3, alpha="0.2 * (V + 38) / (1 - exp(-(V + 38) / 8))", beta="2 * exp(-V / 30)"),
                Gate("q", 1, inf="1 / (1 + exp((V + 50) / 7))", tau="1 + 20 / cosh((V + 50) / 20)"),
                Gate("r", 2, inf="min(Ca, 1) / (Ca + 0.5)"),
            ),
        ),
        Channel(
            "GHK",
            current="P_Ca * V * (Ca - 2 * exp(-V / 13)) / (1 - exp(-V / 13)) * s ** 2",
            gates=(Gate("s", 1, inf="1 / (1 + exp(-(V + 20) / 6))", tau="5 if V < -20 else 2"),),
            parameters=(Parameter("P_Ca", 0.01, "1"),),
        ),
    )
    pools = (
        Pool("Ca", "uM", 0.1, a="0.01 - 0.001 * i_GHK", b="0.1"),
        Pool("K_out", "mM", 4.0, a="0.4 + 1e-3 * i_A", b="0.1 + 0.001 * max(V, 0)"),
    )
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("T", 10.0, "degC"))
    model, rng = Model("everything", -65.0, channels, shared, pools=pools), np.random.default_rng(3)
    X = away_from_poles(random_states(model, N, rng), (-38.0, 0.0))
    params, i_app = random_params(model, N, rng), rng.uniform(-5, 5, N)
    A, B = Cells.of(model, params).rates(X, i_app)
    check_rates(model, X, i_app, params, A, B)


def test_powers_are_those_of_numbers_at_zero_and_of_negative_bases():
    """Integer powers of any size by products, roots as exp(log / n): 0 at 0, NaN below it, as in Python's floats."""
    x = "(V / 90)"
    powers = {f"{x} ** 66": 66.0, f"{x} ** 99": 99.0, f"{x} ** (1 / 3)": 1 / 3, f"{x} ** 2.5": 2.5}
    V = np.array([-75.0, 0.0, 60.0, 96.0])
    for text, exponent in powers.items():
        model = Model("powers", -65.0, (Channel("x", current=text),), (Parameter("C_m", 1.0, "uF cm-2"),))
        A, B = np.zeros((1, 4)), np.zeros((1, 4))
        as_python(rates_kernel(model))(0, 4, np.ones(1), np.full(1, -1), np.ones((1, 4)), V[None], np.zeros(4), A, B)
        with np.errstate(all="ignore"):
            right = -((V / 90) ** exponent)
        np.testing.assert_allclose((A - B * V)[0], right, rtol=1e-12, atol=1e-100)


def test_reference_models_rest_where_they_should():
    """The hand-written right-hand side itself: the squid axon's published resting potential is near -65 mV."""
    X = reference_models.initial("hodgkin_huxley")
    X, _ = reference_models.solve("hodgkin_huxley", 300.0, lambda t: 0.0, X)
    assert abs(X[0] + 64.9964) < 1e-3


def test_a_model_changed_in_one_number_gets_its_own_kernel():
    """Kernels are told apart by the whole model: the same name with another formula is another kernel."""
    model = hh.models["hodgkin_huxley"]
    na, k, leak = model.channels
    m, h = na.gates
    faster = replace(model, channels=(replace(na, gates=(replace(m, beta="8 * exp(-(V + 65) / 18)"), h)), k, leak))
    X = np.array([[-65.0], [0.1], [0.5], [0.3]])
    (A1, B1), (A2, B2) = (Cells.of(each, {}).rates(X) for each in (model, faster))
    np.testing.assert_allclose((B2 - A2)[1], 2 * (B1 - A1)[1], rtol=1e-12)
