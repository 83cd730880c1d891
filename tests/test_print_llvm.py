"""The LLVM printer: text of the grammar means to LLVM, to Numba and to Python the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_kernels import COMPILERS, as_python, by_llvm, kernel_of_text, over_lanes

from hhfast.errors import InputError
from hhfast.kernel.math import functions
from hhfast.kernel.print import llvm
from hhfast.kernel.tree import nodes, parse
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import LaneLoop, Name, Symbol

TABLE = (0.5, -1.0, 2.0, 0.25)
ARGUMENTS = {"n": "int64", "x": "{0}[::1]", "y": "{0}[::1]", "j": "int64[::1]", "k": "int64[::1]", "out": "{0}[::1]",
             "whole": "int64[::1]"}  # fmt: skip


def square(x):
    """x^2: a function that is called in text."""
    y = x * x
    return y


def straight_kernel(lines, dtype="float64"):
    """A kernel with one lane loop of these lines, over a, b (floats) and p, q (whole numbers)."""
    symbols = {name: Symbol(name) for name in (*ARGUMENTS, "table")}
    symbols |= {"seen": Symbol("seen", is_flag=True), "total": Symbol("total"), "i": Symbol("i")}
    known = symbols | {"square": square, "half": nodes.Number(0.5, "float32")}
    local = {}
    before = parse.statements("seen = False\ntotal = 0", known, local)
    inside = parse.statements("\n".join(["a = x[i]", "b = y[i]", "p = j[i]", "q = k[i]", *lines]), known, local)
    after = parse.statements("if seen:\n    whole[0] = total", known, local)
    loop = LaneLoop(symbols["i"], Name(symbols["n"]), inside)
    arguments = {symbols[name]: kind.format(dtype) for name, kind in ARGUMENTS.items()}
    return Kernel("of a test", "kernel", arguments, (*before, loop, *after), tables={symbols["table"]: (dtype, TABLE)})


def both(lines, dtype="float64", values=(0.0, 1.0, -1.5, 2.0, -0.5, np.nan, np.inf, -np.inf)):
    """(found, expected): the arrays that a kernel of these lines leaves, compiled and as plain Python."""
    kernel = straight_kernel(lines, dtype)
    grid = np.array([(a, b, p, q) for a in values for b in values for p, q in ((3, 5), (0, 2), (-7, 1))])
    n = len(grid)
    results = []
    for make in (by_llvm, as_python):
        out, whole = np.zeros(n, dtype), np.zeros(n, np.int64)
        floats = [np.ascontiguousarray(column, dtype) for column in grid.T[:2]]
        integers = [np.ascontiguousarray(column, np.int64) for column in grid.T[2:]]
        make(kernel)(n, *floats, *integers, out, whole)
        results.append((out, whole))
    return results


# --- straight text ----------------------------------------------------------------------------------------------------
# Products and sums of these numbers are exact, so that nothing depends on where LLVM fuses them.
SIDES = st.sampled_from(["a", "b", "a - b", "0.5", "p", "q"])


def combined(inner, operators):
    return st.tuples(inner, st.sampled_from(operators), inner).map(lambda t: f"({' '.join(t)})")


COMPARED = combined(SIDES, ["<", "<=", ">", ">=", "==", "!="])
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(combined(inner, ["&", "|", "^", "and", "or"]), inner.map(lambda e: f"(not {e})")),
    max_leaves=3)  # fmt: skip
FLOATS = st.recursive(
    st.sampled_from(["a", "b", "0.25", "-1.5", "table[q & 3]", "square(b)", "np.float64(p)", "float(q)"]),
    lambda inner: st.one_of(
        combined(inner, "+-*"), combined(st.one_of(inner, SIDES), "+-*"),
        st.tuples(inner, CONDITIONS, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda e: f"({e} / -4.0)"), inner.map(lambda e: f"(-{e})"),
        inner.map(lambda e: f"abs({e})"), inner.map(lambda e: f"np.floor({e})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
    ), max_leaves=6)  # fmt: skip
INTEGERS = st.recursive(
    st.sampled_from(["p", "q", "7", "np.int64(3)"]),
    lambda inner: st.one_of(combined(inner, "+-*&|^"), inner.map(lambda e: f"({e} << 2)"),
                            inner.map(lambda e: f"({e} >> 1)"), st.just("q // 3"),
                            inner.map(lambda e: f"abs({e})")),
    max_leaves=5)  # fmt: skip


@settings(max_examples=60)
@given(first=FLOATS, second=FLOATS, number=INTEGERS, condition=CONDITIONS)
def test_any_straight_text_means_what_it_means_to_python(first, second, number, condition):
    """Random text over numbers, infinities and NaN: the same arrays, flags and sums, to the bit."""
    lines = [f"a = {first}", f"c, b = {second}, a", f"p = {number}", f"seen = seen | {condition}",
             "for r in range(3):", "    p = p ^ (p << r)", "total = total + p", "out[i] = c - b", "whole[i] = p"]  # fmt: skip
    (out, whole), (expected_out, expected_whole) = both(lines)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(whole, expected_whole)


def test_every_operation():
    """Each operator once, whatever the random text above happens to contain."""
    integers = [f"p {op} q" for op in ("+", "-", "*", "&", "|", "^", "<<", ">>")] + ["-p", "q // 2", "q * 1000003"]
    floats = [f"c {op} d" for op in "+-*/"] + ["-c", "abs(d)", "np.floor(c)", "np.sqrt(abs(c))", "1.0 * p", "p / 2"]
    comparisons = [f"a {op} b" for op in ("<", "<=", ">", ">=", "==", "!=")]
    comparisons += [c.replace("a", "p").replace("b", "q") for c in comparisons] + ["np.isnan(a)", "not a < b"]
    lines = [*(f"whole[i] = whole[i] * 31 + ({e})" for e in integers), "c = a if abs(a) < 1e9 else 3.0",
             "d = b if (b > 0.0) & (b < 1e9) else 0.5", *(f"out[i] = 2.0 * out[i] + ({e})" for e in floats),
             *(f"whole[i] = 2 * whole[i] + (1 if {c} else 0)" for c in comparisons)]  # fmt: skip
    (out, whole), (expected_out, expected_whole) = both(lines)
    np.testing.assert_allclose(out, expected_out, rtol=1e-13)
    np.testing.assert_array_equal(whole, expected_whole)
    # Three pairs of whole numbers; and less, equal, more or not comparable, where the first is NaN or is not.
    assert len(np.unique(whole)) == 3 * 5


def test_a_condition_is_a_number_among_numbers():
    """One that holds is 1."""
    lines = ["whole[i] = p * (a > 0.0) + 2 * (q > 1)", "out[i] = (a > 0.0) * 2.5 - (p < 0)"]
    (out, whole), (expected_out, expected_whole) = both(lines)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(whole, expected_whole)


def test_single_precision_stays_single():
    """With constants of its own type; a plain number makes it double, as in Numba."""
    lines = ["a = square(a) * half - b", "out[i] = a if a > half else -a"]
    (out, _), (expected, _) = both(lines, "float32")
    np.testing.assert_array_equal(out, expected)
    exact = ["out[i] = np.float32((np.float64(a) + 1e-12) * 1e12 - 1e12 * np.float64(a))"]
    (out, _), (expected, _) = both(exact, "float32", (0.25, 0.5))
    np.testing.assert_allclose(out, 1.0, rtol=1e-3)
    np.testing.assert_allclose(expected, 1.0, rtol=1e-3)


def test_bits_of_numbers():
    """Views, shifts with and without sign, words of 32 bits and conversions."""
    lines = [
        "bits = np.float64(a).view(np.int64)",
        "word = np.int32(bits >> 40)",
        "c = np.int64((bits & -0x10000000000000) | (1 << 51)).view(np.float64)",
        "d = np.uint64(bits) >> np.uint64(60)",
        "out[i] = c",
        "whole[i] = np.int64(word) ^ (np.int64(d) << 3)",
    ]
    (out, whole), (expected_out, expected_whole) = both(lines)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(whole, expected_whole)


# --- control flow -----------------------------------------------------------------------------------------------------
PROGRAMS = {  # name -> text over x (floats in) and y (floats out); some break off, some count
    "while": "k = 0\nwhile k < len(x) and x[k] < 3.0:\n    y[k] = x[k] + 1.0\n    k = k + 1",
    "break": "for k in range(len(x)):\n    if x[k] > 2.0:\n        break\n    y[k] = 1.0",
    "while true": "k = 0\nwhile True:\n    if k >= len(x):\n        break\n    y[k] = k * 0.5\n    k += 2",
    "if, elif, else": (
        "for k in range(len(x)):\n    if x[k] < 0.0:\n        y[k] = -1.0\n    elif x[k] == 0.0:\n        y[k] = 0.5\n"
        "    else:\n        y[k] = 1.0"
    ),
    "steps": "for k in range(1, len(x), 3):\n    y[k] = 1.0\nfor k in range(5, 2):\n    y[k] = 7.0",
    "loops in loops": "for k in range(3):\n    for m in range(k, 4):\n        if m == 3:\n            break\n"
                      "        y[3 * k + m] = y[3 * k + m] + k + 10.0 * m",
    "return": "for k in range(len(x)):\n    if x[k] != x[k]:\n        return\n    y[k] = x[k]",
    "no work": "for k in range(0):\n    y[k] = 1.0\nwhile False:\n    y[0] = 1.0",
    "not looked at": (
        "for k in range(len(x)):\n    if k > 0 and x[k - 1] < x[k]:\n        y[k] = 1.0\n"
        "    if k == 0 or x[k - 1] > x[k]:\n        y[k] = y[k] + 2.0"
    ),
    "whole numbers become floats": "total = 0\nfor k in range(len(x)):\n    if x[k] == x[k]:\n"
                                   "        total = total + 0.5 * k\n    y[k] = total",
    "a flag": "some = False\nfor k in range(len(x)):\n    some = some | (x[k] > 1.5)\n    y[k] = some",
    "after the last": "for k in range(len(x)):\n    y[k] = x[k]\n    if x[k] > 2.0:\n        break\n        y[k] = 9.0\n"
                      "return\ny[0] = 5.0",
    "parts of both": "for k in range(len(x)):\n    y[k] = (x[k] if 0.0 < x[k] <= 2.0 else 0.0) + (not x[k] < 1.0)",
    "elements only if": "for k in range(len(x)):\n    y[k] = x[k + 1] if k + 1 < len(x) else -5.0",
    "a name twice": "k = 7\nfor k in range(2):\n    y[k] = k\nk = 5.5\ny[2] = k",
}  # fmt: skip
X = np.array([1.0, 0.0, 0.5, -2.0, 2.0, 3.5, 1.0, np.nan, 2.5])


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("compiler", ["llvm", "numba"])
def test_control_flow_is_that_of_python(name, compiler):
    """Text run by Python itself, by the printed Python, and compiled: the same numbers."""
    text, arguments = PROGRAMS[name], {"x": "float64[::1]", "y": "float64[::1]"}
    kernel = kernel_of_text(text, arguments)
    outside = {}
    exec("def run(x, y):\n    " + text.replace("\n", "\n    "), outside)
    expected, printed, found = np.zeros((3, len(X)))
    outside["run"](X, expected)
    as_python(kernel)(X, printed)
    COMPILERS[compiler](kernel)(X, found)
    np.testing.assert_array_equal(printed, expected)
    np.testing.assert_array_equal(found, expected)


def first_above(x, level):
    """The number of the first element above a level; a function with early returns."""
    for k in range(len(x)):
        if x[k] > level:
            return k, x[k]
    return -1, np.nan


@pytest.mark.parametrize("level", [0.2, 2.2, 9.0])
def test_functions_may_return_early(level):
    """Several values from several places, called with an array."""
    kernel = kernel_of_text(
        "k, value = first_above(x, level)\ny[0] = k\ny[1] = value",
        {"x": "float64[::1]", "level": "float64", "y": "float64[::1]"},
        first_above=first_above,
    )
    found, expected = np.zeros((2, 2))
    by_llvm(kernel)(X, level, found)
    as_python(kernel)(X, level, expected)
    np.testing.assert_array_equal(found, first_above(X, level))
    np.testing.assert_array_equal(found, expected)


def test_lanes_do_not_depend_on_the_form_of_a_loop():
    """A lane loop with a branch is a scalar loop, with the same numbers."""
    straight = over_lanes("y[i] = x[i] if x[i] > 0.0 else 2.0", {"x": "float64[::1]", "y": "float64[::1]"})
    branched = over_lanes(
        "if x[i] > 0.0:\n    y[i] = x[i]\nelse:\n    y[i] = 2.0", {"x": "float64[::1]", "y": "float64[::1]"}
    )
    one, other = np.zeros((2, len(X)))
    by_llvm(straight)(X, one)
    by_llvm(branched)(X, other)
    np.testing.assert_array_equal(one, other)


# --- names and mistakes -----------------------------------------------------------------------------------------------
def test_any_name_can_be_printed():
    """Names that LLVM, Python or the printers use themselves, and letters beyond ASCII."""
    names = ["v1", "k1", "loop1", "entry", "then2", "x.0", "np_", "float64", "range_", "c0", "kernel", "tau_µ", "λ"]
    names = [name for name in names if name.isidentifier()]
    text = "\n".join([*(f"{name} = x[0] + {k}.0" for k, name in enumerate(names)),
                      *(f"y[{k}] = {name}" for k, name in enumerate(names))])  # fmt: skip
    for make in COMPILERS.values():
        y = np.zeros(len(names))
        make(kernel_of_text(text, {"x": "float64[::1]", "y": "float64[::1]"}))(np.ones(1), y)
        np.testing.assert_array_equal(y, 1.0 + np.arange(len(names)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y[0] = z", "unknown name 'z'"),
        ("if y[0] > 0.0:\n    y[0] = later\nlater = 1.0", "unknown name 'later'"),
        ("y[0] = y[0] & 1.0", "'&' is for whole numbers"),
        ("y[0] = y[0] << 2", "'<<' is for whole numbers"),
        ("y[0] = y + 1.0", "'y' is an array"),
        ("y[0] = n[0]", "'n' is no array"),
        ("y[0] = y[0, 1]", "'y' has 1 axes; 2 are given"),
        ("y[0] = (n > 0) + (n < 1)", r"'\+' is for numbers, not for two conditions"),
        ("y[0] = -(n > 0)", "'-' is for numbers, not for conditions"),
        ("for k in range(3):\n    k = k + 1", "'k' cannot be assigned"),
        ("for k in range(3):\n    y[k] = 1.0\ny[0] = k", "'k' has no value yet"),
    ],
)
def test_what_has_no_meaning_is_told(text, message):
    """In one line, before anything runs."""
    with pytest.raises(InputError, match=message):
        llvm.printed(kernel_of_text(text, {"n": "int64", "y": "float64[::1]"}))


def test_functions_of_the_kernel_are_known_by_name():
    """The library's own functions can be called in text."""
    kernel = kernel_of_text("y[0] = log(exp(x[0])) + exprelr(x[0])", {"x": "float64[::1]", "y": "float64[::1]"})
    assert "exp" in functions("float64")
    y = np.zeros(1)
    by_llvm(kernel)(np.ones(1), y)
    assert y[0] == pytest.approx(1.0 + 1.0 / np.expm1(1.0), rel=1e-15)
