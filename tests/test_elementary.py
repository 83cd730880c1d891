"""The elementary functions of the kernels, in ulps against mpmath, and at their limits."""

import mpmath
import numpy as np
import pytest
from small_kernels import lifted

from hhfast.kernel.math import functions, phi, random, within_step

mpmath.mp.dps = 40
PHI = [f"phi_{k}" for k in range(len(phi.RANGES))]
EXACT = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    **dict.fromkeys([*PHI, "phi_far"], lambda z: -mpmath.expm1(-z) / z if z else mpmath.mpf(1)),
    "exp_small": mpmath.exp,
    "exprelr": lambda u: u / mpmath.expm1(u) if u else mpmath.mpf(1),
    "sqrt": mpmath.sqrt,
}
RANGES = {  # dtype -> where the results are normal numbers
    "float64": {"exp": (-700, 700), "phi_far": (-700, 1e4), "exprelr": (-700, 600)},
    "float32": {"exp": (-85, 87), "phi_far": (-85, 1e4), "exprelr": (-85, 80)},
}
for dtype in RANGES:
    RANGES[dtype] |= {"exp_small": (-0.25, 0.25), **{p: (0, end) for p, end in zip(PHI, phi.RANGES, strict=True)}}


@pytest.fixture(scope="module")
def function():
    """(name, dtype) -> the function in a loop over an array, compiled as kernels are."""
    made = {}

    def get(name, dtype):
        if (name, dtype) not in made:
            inner = functions(dtype)[name]
            made[name, dtype] = np.sqrt if name == "sqrt" else lifted(inner, dtype)
        return made[name, dtype]

    return get


def ulps(found, x, exact):
    """Errors in units in the last place of the exact value."""
    result = []
    for y, at in zip(found, x, strict=True):
        true = exact(mpmath.mpf(float(at)))
        unit = float(np.spacing(abs(found.dtype.type(float(true)))))
        result.append(abs(float((mpmath.mpf(float(y)) - true) / unit)))
    return np.array(result)


def arguments(name, dtype, rng):
    """All over the range, near zero on every scale, and near every edge of the range reduction."""
    if name in ("log", "sqrt"):
        limit = {"float64": 300, "float32": 37}[dtype]
        x = 10.0 ** rng.uniform(-limit, limit, 600)
        x = np.concatenate(
            [
                x,
                rng.uniform(0.5, 2.0, 400),
                1 + 10.0 ** rng.uniform(-7, -1, 200),
                1 - 10.0 ** rng.uniform(-7, -1, 200),
                np.sqrt([0.5, 2.0]),
                2.0 ** np.arange(-20, 20),
            ]
        )
    else:
        low, high = RANGES[dtype][name]
        x = rng.uniform(low, high, 600)
        near = 10.0 ** rng.uniform(-15, 1, 300)
        edges = (np.arange(-20, 21) + 0.5) * np.log(2)
        x = np.concatenate([x, near, -near, rng.uniform(-3, 3, 300), edges, [0.0, 1.0, -1.0, low, high]])
        x = x[(x >= low) & (x <= high)]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["exp", "log", *PHI, "phi_far", "exprelr", "exp_small", "sqrt"])
def test_accuracy(name, dtype, function):
    """Within 2.5 ulps of the exact value everywhere it is used (3 for the quotients, 6 for phi)."""
    x = arguments(name, dtype, np.random.default_rng(5))
    errors = ulps(function(name, dtype)(x), x, EXACT[name])
    limit = 6.0 if "phi" in name else {"exprelr": 3.0}.get(name, 2.5)
    worst = int(np.argmax(errors))
    assert errors[worst] < limit, f"{errors[worst]:.2f} ulps at {x[worst]!r}"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rough_logarithm(dtype, function):
    """Within 2e-4 (and rounding), which a step can do with."""
    x = arguments("log", dtype, np.random.default_rng(6))
    exact = np.log(x.astype(float))
    np.testing.assert_allclose(function("log_rough", dtype)(x), exact, rtol=1e-6, atol=2e-4)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rough_reciprocal(dtype, function):
    """Within 0.3 % wherever tolerances may be, which an estimated error can do with."""
    x = np.exp(np.random.default_rng(7).uniform(-80, 80, 4000)).astype(dtype)
    np.testing.assert_allclose(function("reciprocal_rough", dtype)(x) * x.astype(float), 1.0, rtol=3e-3)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["exp", "log", *PHI, "phi_far", "exprelr", "sqrt"])
def test_nan_stays_nan(name, dtype, function):
    """A diverged lane must show."""
    assert np.isnan(function(name, dtype)([np.nan, -np.nan])).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exp_is_clamped(dtype, function):
    """No overflow to infinity, no negative or denormal result, and monotonic at the ends."""
    exp = function("exp", dtype)
    found = exp([-np.inf, -1e30, -1000, 1000, 1e30, np.inf])
    tiny, huge = np.finfo(dtype).tiny, np.finfo(dtype).max
    assert (found[:3] >= tiny).all()
    assert (found[:3] < 1e-36).all()
    assert (found[3:] <= huge).all()
    assert (found[3:] > 1e37).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exprelr_far_out(dtype, function):
    """At absurd voltages it stays finite and of the right sign."""
    exprelr = function("exprelr", dtype)
    x = np.array([1e3, 1e6], dtype)
    for found in (exprelr(-x), exprelr(x)):
        assert np.isfinite(found).all()
        assert (found >= 0).all()
    assert (exprelr(x) < 1e-28).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_phi_and_exprelr_are_one_at_zero(dtype, function):
    """The removable poles."""
    for name in (*PHI, "phi_far", "exprelr"):
        assert function(name, dtype)([0.0, -0.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_log_outside_its_domain(dtype, function):
    """NaN below zero (an emptied pool shows), very negative at zero."""
    found = function("log", dtype)([-1.0, -1e-30, 0.0])
    assert np.isnan(found[:2]).all()
    assert -800 < found[2] < -80


def test_sin(function):
    """To 2.5 ulps of 1 for all phases that a run can meet."""
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.uniform(-10, 10, 500), rng.uniform(-1e6, 1e6, 300), np.arange(-20, 21) * np.pi / 2])
    found = function("sin", "float64")(x)
    exact = np.array([float(mpmath.sin(mpmath.mpf(v))) for v in x])
    assert np.abs(found - exact).max() < 2.5 * np.finfo(float).eps
    small = np.abs(x) < 1.5
    np.testing.assert_allclose(found[small], exact[small], rtol=6e-16)
    assert np.isnan(function("sin", "float64")([np.nan])).all()


def overlap(t0, t1, start, stop):
    return max(0.0, min(t1, stop) - max(t0, start)) / (t1 - t0)


def test_window_is_the_share_of_the_step_inside():
    """1 inside, 0 outside, the exact share at an edge; rounding of t is not taken for an edge."""
    rng = np.random.default_rng(7)
    for t0, dt, start, width in rng.uniform([0, 0.01, -1, 0], [5, 1, 6, 3], (500, 4)):
        found = within_step.window(t0, t0 + dt, start, start + width)
        assert abs(found - overlap(t0, t0 + dt, start, start + width)) < 2e-7
    assert within_step.window(5.0, 5.1, 5.0 + 1e-12, 7.0) == 1.0
    assert within_step.window(4.9, 5.0, 5.0 - 1e-12, 7.0) == 0.0
    assert within_step.window(4.9, 5.0, 0.0, np.inf) == 1.0


def test_train_is_the_sum_of_its_windows():
    """For steps shorter than the gap between pulses, from before the first to after the last."""
    rng = np.random.default_rng(8)
    start, width, period, count = 2.0, 0.7, 3.0, 4.0
    for t0 in rng.uniform(0, 20, 500):
        t1 = t0 + 0.4
        pulses = [overlap(t0, t1, start + k * period, start + k * period + width) for k in range(int(count))]
        assert abs(within_step.train(t0, t1, start, width, period, count) - sum(pulses)) < 2e-7


@pytest.mark.core
def test_crossing_solves_the_cubic():
    """A cubic through V and dV/dt at both ends of a step is crossed where NumPy's roots say."""
    rng = np.random.default_rng(9)
    tried = 0
    for _ in range(300):
        c = rng.normal(size=4) * [20, 30, 10, 10]
        V = np.polynomial.Polynomial(c)
        dt, level = 0.05, c.sum() / 2 + c[0] / 2
        if not V(0.0) < level <= V(1.0):
            continue
        found = within_step.crossing(V(0.0), V(1.0), V.deriv()(0.0) / dt, V.deriv()(1.0) / dt, dt, level)
        roots = (V - level).roots()
        roots = roots[np.abs(roots.imag) < 1e-9].real
        assert np.abs(roots - found).min() < 1e-9
        tried += 1
    assert tried > 50


@pytest.mark.core
def test_phi_far_is_right_everywhere(function):
    """What takes over where no polynomial reaches: from growth to rates of any size."""
    z = np.array([-700.0, -3.0, -1e-12, 0.0, 1e-300, 1e-9, 0.5, 4.0, 4.1, 36.0, 1e4, 1e300])
    exact = [float(EXACT["phi_far"](mpmath.mpf(x))) for x in z]
    np.testing.assert_allclose(function("phi_far", "float64")(z), exact, rtol=1e-15)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_exprelr_from_a_given_exponential(dtype, tolerance, function):
    """Right at the pole, near it on every scale, and where series and quotient meet."""
    near = 10.0 ** np.linspace(-12, 1.3, 200)
    u = np.concatenate([[0.0], near, -near, [0.2, -0.2, 0.5, -0.5]]).astype(dtype)
    e = np.array([float(mpmath.exp(mpmath.mpf(float(x)))) for x in u]).astype(dtype)
    exact = np.array([float(EXACT["exprelr"](mpmath.mpf(float(x)))) for x in u])
    np.testing.assert_allclose(function("exprelr_of", dtype)(u, e), exact, rtol=tolerance)


def arguments_of(name, rng, n=200):
    """Arguments for the functions with branches and for random numbers, NaN among them."""
    t = rng.uniform(0, 9, n)
    whole = np.floor(rng.uniform(0, 2.0**40, (3, n)))
    given = {
        "crossing": (
            rng.uniform(-80, -21, n),
            rng.uniform(-20, 40, n),
            *rng.uniform(-3, 30, (2, n)),
            0.1 + 0 * t,
            -20.0,
        ),
        "polynomial_crossing": (rng.uniform(-80, -21, n), *rng.uniform(5, 60, (4, n)), -20.0),
        "upward_crossing": (
            rng.uniform(-26, -21, n),
            rng.uniform(40, 60, n),
            rng.uniform(-60, -38, n),
            *rng.uniform(0, 1, (2, n)),
            -20.0,
        ),
        "window": (t, t + 0.3, *rng.uniform(0, 9, (2, n))),
        "train": (t, t + 0.3, 1.0, 0.4, 2.0, 3.0),
        "normal": tuple(whole),
    }
    return given[name]


@pytest.mark.parametrize("name", ["crossing", "polynomial_crossing", "upward_crossing", "window", "train", "normal"])
def test_compiled_functions_are_those_of_python(name):
    """Control flow, whole numbers and bits mean to LLVM what they mean to Python; NaN shows in both."""
    function = getattr(random if name == "normal" else within_step, name)
    given = arguments_of(name, np.random.default_rng(10))
    arrays = np.broadcast_arrays(*given)
    found = lifted(function, "float64")(*given)
    with np.errstate(all="ignore"):
        expected = np.array([function(*row) for row in zip(*arrays, strict=True)])
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    assert len(np.unique(found)) > 5
