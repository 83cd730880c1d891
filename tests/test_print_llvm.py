"""Straight text means to LLVM what it means to Python; what is not straight is left to Numba; arrays are checked."""

import ast
import inspect
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhfast.kernel.jit import object_code as machine
from hhfast.kernel.jit.object_code import MachineCode, compile_source, linked
from hhfast.kernel.jit.straight import is_straight, is_straight_statement, taken_out
from hhfast.kernel.math import elementary as vmath
from hhfast.kernel.math import phi
from hhfast.kernel.math import random as noise

TABLE = "np.array((0.5, -1.0, 2.0, 0.25), np.float64)"
ARGUMENTS = {"n_": "int64", "x": "{0}[::1]", "y": "{0}[::1]", "j": "int64[::1]", "k": "int64[::1]", "out": "{0}[::1]",
             "whole": "int64[::1]"}


def kernel_of(lines):
    """The source of a kernel with one lane loop of these lines, over a, b (floats) and p, q (whole numbers)."""
    head = ["a = x[i_]", "b = y[i_]", "p = j[i_]", "q = k[i_]"]
    return "\n".join([
        "import numpy as np", f"table_ = {TABLE}", "half_ = np.float32(0.5)", "",
        "def square(x):", '    """x^2."""', "    y = x * x", "    return y", "",
        f"def kernel({', '.join(ARGUMENTS)}):", "    seen_ = False", "    total_ = 0",
        "    for i_ in range(n_):", *(f"        {line}" for line in [*head, *lines]),
        "    if seen_:", "        whole[0] = total_", "",
    ])


def both(lines, dtype="float64", values=(0.0, 1.0, -1.5, 2.0, -0.5, np.nan, np.inf, -np.inf), directory=None):
    """(found, expected): the arrays that a kernel of these lines leaves, compiled and as plain Python."""
    source = kernel_of(lines)
    path = directory / "kernel.py"
    path.write_text(source)
    arguments = {name: kind.format(dtype) for name, kind in ARGUMENTS.items()}
    # All but the functions called in it is lowered: the loop's body is one call.
    tree = ast.parse(source).body[-1]
    outside = {}
    exec(compile(source, str(path), "exec"), outside)
    assert list(taken_out(tree, outside)) == ["lanes_0_"]
    grid = np.array([(a, b, p, q) for a in values for b in values for p, q in ((3, 5), (0, 2), (-7, 1))])
    n = len(grid)
    results = []
    for function in (linked(compile_source(source, "kernel", arguments, str(path)), arguments), outside["kernel"]):
        out, whole = np.zeros(n, dtype), np.zeros(n, np.int64)
        floats = [np.ascontiguousarray(column, dtype) for column in grid.T[:2]]
        integers = [np.ascontiguousarray(column, np.int64) for column in grid.T[2:]]
        with np.errstate(all="ignore"):
            function(n, *floats, *integers, out, whole)
        results.append((out, whole))
    return results


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("lowering")


# --- meaning ----------------------------------------------------------------------------------------------------------
# Products and sums of these numbers are exact, so that nothing depends on where LLVM fuses them.
SIDES = st.sampled_from(["a", "b", "a - b", "0.5", "p", "q"])


def combined(inner, operators):
    return st.tuples(inner, st.sampled_from(operators), inner).map(lambda t: f"({' '.join(t)})")


COMPARED = combined(SIDES, ["<", "<=", ">", ">=", "==", "!="])
CONDITIONS = st.recursive(COMPARED, lambda inner: combined(inner, "&|^"), max_leaves=3)
FLOATS = st.recursive(
    st.sampled_from(["a", "b", "0.25", "-1.5", "table_[q & 3]", "square(b)", "np.float64(p)"]),
    lambda inner: st.one_of(
        combined(inner, "+-*"),
        st.tuples(inner, CONDITIONS, inner).filter(lambda t: "table_" not in t[0] + t[2]).map(
            lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda e: f"({e} / -4.0)"), inner.map(lambda e: f"(-{e})"),
        inner.map(lambda e: f"abs({e})"), inner.map(lambda e: f"np.floor({e})"),
    ), max_leaves=6)
INTEGERS = st.recursive(
    st.sampled_from(["p", "q", "7", "np.int64(3)"]),
    lambda inner: st.one_of(combined(inner, "+-*&|^"), inner.map(lambda e: f"({e} << 2)"),
                            inner.map(lambda e: f"({e} >> 1)"), st.just("q // 3")),
    max_leaves=5)


@settings(max_examples=25, deadline=None)
@given(first=FLOATS, second=FLOATS, number=INTEGERS, condition=CONDITIONS)
def test_any_straight_text_means_what_it_means_to_python(directory, first, second, number, condition):
    """Random text over numbers, infinities and NaN: the same arrays, flags and sums, to the bit."""
    lines = [f"a = {first}", f"c, b = {second}, a", f"p = {number}", f"seen_ = seen_ | {condition}",
             "for r in range(3):", "    p = p ^ (p << r)", "total_ = total_ + p", "out[i_] = c - b", "whole[i_] = p"]
    (out, whole), (expected_out, expected_whole) = both(lines, directory=directory)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(whole, expected_whole)


def test_every_operation(directory):
    """Each operator once, whatever the random text above happens to contain."""
    integers = [f"p {op} q" for op in ("+", "-", "*", "&", "|", "^", "<<", ">>")] + ["-p", "q // 2", "q * 1000003"]
    floats = [f"c {op} d" for op in "+-*/"] + ["-c", "abs(d)", "np.floor(c)", "np.sqrt(abs(c))", "1.0 * p", "p / 2"]
    comparisons = [f"a {op} b" for op in ("<", "<=", ">", ">=", "==", "!=")]
    comparisons += [c.replace("a", "p").replace("b", "q") for c in comparisons]
    lines = [*(f"whole[i_] = whole[i_] * 31 + ({e})" for e in integers), "c = a if abs(a) < 1e9 else 3.0",
             "d = b if (b > 0.0) & (b < 1e9) else 0.5", *(f"out[i_] = 2.0 * out[i_] + ({e})" for e in floats),
             *(f"whole[i_] = 2 * whole[i_] + (1 if {c} else 0)" for c in comparisons)]
    (out, whole), (expected_out, expected_whole) = both(lines, directory=directory)
    np.testing.assert_allclose(out, expected_out, rtol=1e-13)
    np.testing.assert_array_equal(whole, expected_whole)
    assert len(np.unique(whole)) == 12  # three pairs of whole numbers, and less, equal, more or not comparable


def test_single_precision_stays_single(directory):
    """With constants of its own type; a plain number makes it double, as in Numba."""
    lines = ["a = square(a) * half_ - b", "out[i_] = a if a > half_ else -a"]
    (out, _), (expected, _) = both(lines, "float32", directory=directory)
    np.testing.assert_array_equal(out, expected)
    exact = ["out[i_] = np.float32((np.float64(a) + 1e-12) * 1e12 - 1e12 * np.float64(a))"]
    (out, _), (expected, _) = both(exact, "float32", (0.25, 0.5), directory=directory)
    np.testing.assert_allclose(out, 1.0, rtol=1e-3)
    np.testing.assert_allclose(expected, 1.0, rtol=1e-3)


def test_bits_of_numbers(directory):
    """Views, shifts with and without sign, words of 32 bits and conversions."""
    lines = [
        "bits = np.float64(a).view(np.int64)",
        "word = np.int32(bits >> 40)",
        "c = np.int64((bits & -0x10000000000000) | (1 << 51)).view(np.float64)",
        "d = np.uint64(bits) >> np.uint64(60)",
        "out[i_] = c",
        "whole[i_] = np.int64(word) ^ (np.int64(d) << 3)",
    ]
    (out, whole), (expected_out, expected_whole) = both(lines, directory=directory)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(whole, expected_whole)


# --- what is straight -------------------------------------------------------------------------------------------------
def test_the_functions_of_lane_loops_are_straight():
    """All but the rare work between the loops, which has branches and loops of its own."""
    functions = {name: f for module in (vmath, phi, noise) for name, f in vars(module).items() if inspect.isfunction(f)}
    assert len(functions) > 40
    assert {name for name, f in functions.items() if not is_straight(f)} == {
        "waveform", "polynomial_crossing", "crossing", "course"}


@pytest.mark.parametrize(("text", "straight"), [
    ("x = a * b + np.nan", True),
    ("x, y = b, a", True),
    ("s[row + i] = a if a > b else -b", True),
    ("x = exp(a)", True),
    ("x = a.view(np.int64) << 3", True),
    ("x = s[i] if i < n else 0.0", False),  # the element may not exist
    ("x = crossing(a, b, a, b, a, b)", False),
    ("x = s[i, j]", False),
    ("s[i, j] = x", False),
    ("x = s[1:]", False),
    ("x = len(s)", False),
    ("x = a < b < c", False),
    ("x = a and b", False),
    ("x += a", False),
    ("x = unknown(a)", False),
    ("if a:\n    x = b", False),
    ("for k in range(n):\n    x = b", False),
    ("for k in range(3):\n    x = b", True),
])
def test_straight_statements(text, straight):
    (statement,) = ast.parse(text).body
    outside = {"np": np, "exp": vmath.exp, "crossing": vmath.crossing}
    assert is_straight_statement(statement, outside) == straight


def test_loops_that_are_not_straight_stay():
    source = textwrap.dedent("""
        def kernel(n, s):
            for i in range(n):
                if s[i] > 0.0:
                    s[i] = 1.0
            for i in range(n):
                s[i] = 2.0 * s[i]
    """)
    (tree,) = ast.parse(source).body
    lanes = taken_out(tree, {})
    assert [sorted(lane.parameters) for lane in lanes.values()] == [["i", "s"]]
    assert ast.unparse(tree).count("lanes_0_(") == 1
    assert "s[i] = 1.0" in ast.unparse(tree)


# --- running ----------------------------------------------------------------------------------------------------------
DOUBLE = "def double(n, x):\n    for i in range(n):\n        x[i] = 2.0 * x[i]\n"
DOUBLE_ARGUMENTS = {"n": "int64", "x": "float64[::1]"}


@pytest.fixture(scope="module")
def double():
    return compile_source(DOUBLE, "double", DOUBLE_ARGUMENTS)


def test_arrays_that_do_not_fit_are_refused(double):
    """Machine code trusts what it is given, so the call does not."""
    call = linked(double, DOUBLE_ARGUMENTS)
    x = np.arange(6.0)
    call(6, x)
    assert x.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    for wrong in (x[::2], x.astype(np.float32), x.reshape(2, 3), [1.0, 2.0], None):
        with pytest.raises(TypeError, match="x: must be a contiguous array of 1 dimensions of float64"):
            call(2, wrong)
    with pytest.raises(TypeError, match="1 arguments for 2"):
        call(6)


def test_machine_code_in_a_file_is_whole_or_refused(double):
    content = double.packed()
    assert MachineCode.unpacked(content) == double
    for damaged in (b"", b"\n", content[:-1], content[:40], content[:-5] + b"12345", b"{}\n" + double.code):
        with pytest.raises((ValueError, KeyError)):
            MachineCode.unpacked(damaged)


def test_code_that_cannot_do_without_numba_is_refused():
    """Some of its functions are not in the machine code but in Numba itself, which other processes do not load."""
    source = DOUBLE.replace("2.0 * x[i]", "math.ldexp(x[i], n)").replace("def", "import math\n\n\ndef", 1)
    with pytest.raises(NotImplementedError, match="double needs numba_ldexp of Numba"):
        compile_source(source, "double", DOUBLE_ARGUMENTS)


def test_a_name_that_means_nothing_is_told():
    with pytest.raises(NameError, match="'y' is not defined"):
        compile_source(DOUBLE.replace("2.0", "y"), "double", DOUBLE_ARGUMENTS)


def test_another_calling_convention_is_noticed(monkeypatch):
    """A Numba that passes arrays otherwise would have kernels read and write anywhere."""
    monkeypatch.setattr(machine, "_ARRAY", ("data", "shape"))
    with pytest.raises(ImportError, match="passes arrays as"):
        compile_source(DOUBLE, "double", DOUBLE_ARGUMENTS)
