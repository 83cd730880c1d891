"""Formulas: only arithmetic gets in, nothing is ever executed, and the value is the one that NumPy and SymPy give."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from hhfast.errors import InputError
from hhfast.model.algebra import to_sympy
from hhfast.model.formulas import check_names, evaluate, names, parse
from hhfast.model.symbolic_functions import exprelr

MALICIOUS = [
    "__import__('os').system('touch PWNED')",
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: 0)()",
    "[x for x in (1, 2)]",
    "{1: 2}",
    "'a' * 3",
    "f'{V}'",
    "V.real",
    "V[0]",
    "V := 3",
    "open('PWNED', 'w')",
    "eval('1')",
    "exec('1')",
    "exp.__globals__",
    "exp(V, out=V)",
    "exp(*V)",
    "print(V)",
    "V and V",
    "not V",
    "V if V else 1",
    "1 < V < 2",
    "V is V",
    "V in V",
    "V // 2",
    "V % 2",
    "V @ V",
    "V << 2",
    "~V",
    "1j",
    "True",
    "None",
    "...",
    "b'1'",
    "yield",
    "await V",
    "import os",
    "V = 1",
    "V; V",
    "V\nV",
    "",
    " ",
    "V +",
    "(V",
    "\x00",
]


@pytest.mark.parametrize("text", MALICIOUS)
def test_everything_but_arithmetic_is_refused(text, tmp_path, monkeypatch):
    """One clear line, and nothing of the text is executed."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        parse(text)
    assert str(error.value)
    if "\n" not in text:
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "9 ** 9 ** 9",
        "V * 9 ** 9 ** 9",
        "2 ** 10000",
        "(-1) ** 0.5",
        "0 ** -1",
        "1e999",
        "-1e999 * V",
        "exp(9 ** 9 ** 9 * V)",
        "2 ** (-9 ** 12)",
        "(1.0000001 ** 999999999) * V",
        "V ** 999999999",
        "((1.0000001 ** 999) ** 999) ** 99",
    ],
)
def test_huge_and_undefined_powers_are_refused(text):
    """Exact algebra on them would never end, or they are no number."""
    with pytest.raises(InputError):
        parse(text)


@pytest.mark.parametrize("text", ["(" * 3000 + "V" + ")" * 3000, "-" * 4000 + "V", "V" + " + V" * 100_000, "1" * 6000])
def test_deep_and_long_formulas_are_refused(text):
    """They end in an error of one line, not in a crash of the interpreter."""
    with pytest.raises(InputError) as error:
        parse(text)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("expp(V)", "'exp'"),
        ("sqr(V)", "'sqrt'"),
        ("exp(1, 2)", "1 argument"),
        ("min(1)", "2 to 8 argument"),
        ("sin(V)", "have no sin"),
        ("pow(V, 2)", "write x "),
    ],
)
def test_errors_help(text, hint):
    """A misspelt function is named with the nearest one; a wrong number of arguments with the right one."""
    with pytest.raises(InputError, match=hint):
        parse(text)


def test_names_are_the_variables_only():
    """Function names are not variables."""
    assert names("exp(V / k) + max(m, 1) * g_Na") == {"V", "k", "m", "g_Na"}


def test_unknown_names_are_named_with_the_nearest_known_one():
    """A typo in a formula gives a suggestion."""
    with pytest.raises(InputError, match=r"unknown name 'g_na'.*'g_Na'"):
        check_names("g_na * V", ["V", "g_Na", "E_Na"])


# --- value ------------------------------------------------------------------------------------------------------------
NUMPY = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
}
number = st.one_of(
    st.integers(0, 20).map(str),
    st.floats(0.001, 1000).map(lambda x: repr(round(x, 4))),
    st.sampled_from(["1e-3", ".5", "2.", "1E2"]),
)
leaf = st.one_of(number, st.sampled_from(["V", "x", "y"]))


def combine(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(pair, st.sampled_from("+-*/")).map(lambda t: f"({t[0][0]} {t[1]} {t[0][1]})"),
        st.tuples(pair, st.sampled_from("+-*/")).map(lambda t: f"{t[0][0]} {t[1]} {t[0][1]}"),
        inner.map(lambda a: f"-({a})"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1", "0.5"])).map(lambda t: f"({t[0]}) ** {t[1]}"),
        st.tuples(st.sampled_from(["exp", "log", "sqrt", "tanh", "sinh", "cosh", "abs"]), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), pair).map(lambda t: f"{t[0]}({t[1][0]}, {t[1][1]})"),
        st.tuples(st.tuples(inner, inner, inner, inner), st.sampled_from(["<", "<=", ">", ">=", "==", "!="])).map(
            lambda t: f"({t[0][0]} if {t[0][1]} {t[1]} {t[0][2]} else {t[0][3]})"
        ),
    )


formulas = st.recursive(leaf, combine, max_leaves=8)
# Not next to 0, where tanh(y) as its exponentials loses all of the 30 digits asked for below.
small = st.floats(-5, 5).filter(lambda y: y == 0 or abs(y) > 1e-6)
values = st.fixed_dictionaries({"V": st.floats(-120, 80), "x": st.floats(0.01, 10), "y": small})


def by_python(text, at):
    """What Python itself makes of the text, with numbers as NumPy floats."""
    with np.errstate(all="ignore"):
        wide = {name: np.float64(v) for name, v in at.items()}
        try:
            return float(eval(text, {"__builtins__": {}, **NUMPY}, wide))
        except (ZeroDivisionError, OverflowError, TypeError):  # of constants: Python's own floats
            return np.nan


@given(formulas, values)
def test_any_formula_has_the_value_that_python_gives_it(text, at):
    """evaluate() agrees with Python's grammar and NumPy's functions: precedence, associativity, conditions."""
    expected = by_python(text, at)
    assume(np.isfinite(expected) and abs(expected) < 1e100)
    found = evaluate(text, {n: np.float64(v) for n, v in at.items()})
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


@given(formulas, values)
def test_any_formula_keeps_its_value_in_symbolic_form(text, at):
    """The exact algebraic form that kernels are made from means the same."""
    expected = by_python(text, at)
    assume(np.isfinite(expected) and 1e-6 < abs(expected) < 1e6)
    moved = [by_python(text, {n: v * (1 + d) for n, v in at.items()}) for d in (1e-10, -1e-10)]
    assume(np.allclose(moved, expected, rtol=1e-8))  # well conditioned, and not at a jump
    exact = {sp.Symbol(n, real=True): sp.Float(v, 40) for n, v in at.items()}
    shown = to_sympy(text).subs(exact)
    for f in shown.atoms(sp.Function):
        if f.func.__name__ in ("minimum", "maximum"):
            a, b = (arg.evalf(30) for arg in f.args)
            shown = shown.subs(f, min(a, b) if f.func.__name__ == "minimum" else max(a, b))
    found = complex(shown.evalf(30))
    assert abs(found - expected) <= 1e-7 * abs(expected)


def test_evaluate_broadcasts():
    """Scalars, rows and columns go together as in NumPy."""
    found = evaluate("V + (1 if x > 0 else 2)", {"V": np.arange(3.0), "x": np.array([[1.0], [-1.0]])})
    np.testing.assert_array_equal(found, [[1, 2, 3], [2, 3, 4]])


@pytest.mark.parametrize(
    "text",
    [
        "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))",
        "0.1 * (V + 40) / (1 - exp((-40 - V) / 10))",
        "-0.1 * (V + 40) / (exp(-(V + 40) / 10) - 1)",
        "0.1 * (-40 - V) / (exp((-40 - V) / 10) - 1)",
        "(4 + 0.1 * V) / (1 - exp(-4 - 0.1 * V))",
        "0.1 * (V + 40) * (1 - exp(-0.1 * (V + 40))) ** -1",
        "1 / (1 - exp(-(V + 40) / 10)) * 0.1 * (V + 40)",
        "0.2 * (V + 40) / (2 - 2 * exp(-(V + 40) / 10))",
    ],
)
def test_removable_poles_are_recognised_in_any_spelling(text):
    """u / (1 - exp(-u)), however written, becomes one function that is right at the pole; checked against expm1."""
    expr, V = to_sympy(text), sp.Symbol("V", real=True)
    assert expr.has(exprelr)
    assert expr.subs(V, -40) == 1
    for d in (1e-9, -1e-6, 1e-3, -3.0, 25.0):
        u = d / 10
        found = float(expr.subs(V, sp.Rational(-40) + sp.Rational(str(d))).evalf(30))
        np.testing.assert_allclose(found, u / -np.expm1(-u), rtol=1e-12)
