"""Removable poles told by their spelling: never one that algebra would not rewrite."""

import ast
import subprocess
import sys

import pytest

import hhfast as hh
from hhfast.model import poles
from hhfast.model.algebra import denominators, symbol, to_sympy
from hhfast.model.formulas import parse
from hhfast.model.removable_poles import spelt_as_usual

USUAL = [
    "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))",
    "-0.01 * (V + 55) / (exp(-(V + 55) / 10) - 1)",
    "-(V + 55) / 10 * 0.1 / (exp(-(V + 55) / 10) - 1)",
    "a * (V - v_half) / (1 - exp((v_half - V) / k))",
    "1 / (0.32 * (13.1 - V) / (exp((13.1 - V) / 4) - 1) + 2)",
]
OTHERS = [
    "0.1 * (V + 40.001) / (1 - exp(-(V + 40) / 10))",
    "a * (V - v_half) / (1 - exp((v_other - V) / k))",
    "(V + 40) / (2 - exp(-(V + 40) / 10))",
    "(V ** 2 - 1600) / (1 - exp(-(V + 40) / 10))",
    "(V + 40 + exp(V)) / (1 - exp(-(V + 40) / 10))",
    "10 / (1 - exp(-(V + 40) / 10))",
]


def quotients(text):
    nodes = (n for n in ast.walk(parse(text)) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div))
    return [n for n in nodes if isinstance(n.right, ast.BinOp) and "exp" in ast.unparse(n.right)]


def is_usual(text, x="V"):
    return any(spelt_as_usual(n.left, n.right, x) for n in quotients(text))


def left_after_algebra(quotient, x):
    """Denominators that vanish at the zero of the exponent, as SymPy has them."""
    expr = to_sympy(ast.unparse(quotient))
    others = {s: 1.0 + 0.1 * k for k, s in enumerate(sorted(expr.free_symbols - {symbol(x)}, key=str))}
    u = next(n for n in ast.walk(quotient.right) if isinstance(n, ast.Call)).args[0]
    line = to_sympy(ast.unparse(u)).subs(others)
    zero = -line.subs(symbol(x), 0) / line.diff(symbol(x))
    return [d for d in denominators(expr, symbol(x)) if abs(d.subs(others).subs(symbol(x), zero).evalf()) < 1e-9]


@pytest.mark.parametrize("text", USUAL)
def test_the_usual_spellings(text):
    assert is_usual(text)
    assert all(left_after_algebra(q, "V") == [] for q in quotients(text) if spelt_as_usual(q.left, q.right, "V"))


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_left_to_algebra(text):
    assert not is_usual(text)


def test_algebra_rewrites_all_that_are_told_in_the_library():
    told = 0
    for name, model in hh.models.items():
        for section in model.sections:
            rates = [text for c in section.channels for g in c.gates for text in g.formulas.values()]
            for text in {model.written_out(t, section) for t in rates}:
                for q in quotients(text):
                    if spelt_as_usual(q.left, q.right, section.potential):
                        told += 1
                        assert left_after_algebra(q, section.potential) == [], (name, ast.unparse(q))
    assert told > 50


def test_the_squid_axon_is_checked_without_sympy():
    """A model of a user's own is checked for poles when it is read; SymPy takes half a second to load."""
    code = (
        "import sys, hhfast as hh; from hhfast.model import parse_model;"
        "parse_model(hh.models['hodgkin_huxley'].to_toml()); print('sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_denominator_that_is_0_everywhere_is_looked_at_once(monkeypatch):
    """As of a time constant whose temperature factor is 0; at each of 6,001 potentials it took 25 s."""
    seen = []
    monkeypatch.setattr(poles, "_is_pole", lambda text, values, V0, x: seen.append(V0))
    poles.check_poles("1 / (q * exp(V / 10))", {"q": 0.0})
    assert seen == [-150.0]


_M, _N = "0.32 * ((13 - V) / (exp((13 - V) / 4) - 1))", "0.28 * ((V - 40) / (exp((V - 40) / 5) - 1))"
_GUARDED = "(4 if abs(V - 13) < 1e-6 else (13 - V) / ((0 if V > 400 else exp((13 - V) / 4)) - 1))"


def test_sums_of_removable_poles_are_checked_without_algebra(monkeypatch):
    """A steady state a / (a + b) is 0/0 where a is; its denominator has a limit there, and algebra agrees."""
    text = f"{_M} / ({_M} + {_N})"
    assert not any(d.subs(symbol("V"), zero) == 0 for d in denominators(to_sympy(text)) for zero in (13, 40))
    monkeypatch.setattr("hhfast.model.algebra.to_sympy", lambda text: pytest.fail("algebra was asked"))
    poles.check_poles(text, {})
    poles.check_poles(f"1 / (1 / ({_M} + {_N}) / 3)", {})


def test_a_limit_of_0_is_a_zero():
    """The quotient in the denominator tends to 4, so that the denominator tends to 0, as its numerator does."""
    with pytest.raises(hh.InputError, match="is 0/0 at V = 13 mV"):
        poles.check_poles("(13 - V) / ((13 - V) / (exp((13 - V) / 4) - 1) - 4)", {})


def test_a_guard_within_a_denominator_is_refused_as_algebra_refuses_it(monkeypatch):
    left = denominators(to_sympy(_GUARDED))
    assert any(abs(d.subs(symbol("V"), 13).evalf()) < 1e-12 for d in left)
    monkeypatch.setattr("hhfast.model.algebra.to_sympy", lambda text: pytest.fail("algebra was asked"))
    with pytest.raises(hh.InputError, match="is 0/0 at V = 13 mV"):
        poles.check_poles(_GUARDED, {})
