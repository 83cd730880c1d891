"""Poles of rate formulas between -150 and +150 mV: removable ones must be recognised, others are refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import numpy as np

from hhfast.errors import InputError
from hhfast.model.formula_evaluation import evaluate_tree
from hhfast.model.formulas import evaluate, names_in, parse
from hhfast.model.removable_poles import spelt_as_usual

RANGE = (-150.0, 150.0)  # mV
_GRID = np.linspace(*RANGE, 6001)
_NEAR_ZERO = 1e-7  # of the value a millivolt aside
_NEAR_LIMIT, _ASIDE = 1e-4, 1e-4  # likewise, of a mean of values so far (mV) on either side
_HALVINGS = 42  # of a step of the grid, to 1e-14 mV


def check_poles(text: str, values: Mapping[str, float], x: str = "V") -> None:
    """Raise `InputError` if the formula has a pole in `RANGE` that hhfast cannot evaluate.

    `x` is the potential that is looked over (a dendrite has its own). `values` gives the other names (parameters at
    their defaults).
    """
    tree = parse(text)
    for V0 in zeros_of_denominators(tree, values, x):
        if _is_pole(text, values, V0, x):
            raise InputError(
                f"'{text}' has a pole at {x} = {V0:.6g} mV, inside {RANGE[0]:g}..{RANGE[1]:g} mV; "
                "check the signs and constants of the formula"
            )
        if _is_usual(tree, values, V0, x):
            continue
        if _is_hopeless(tree, values, V0, x) or not _is_recognised(text, values, V0, x):
            raise InputError(
                f"'{text}' is 0/0 at {x} = {V0:.6g} mV; write it as u / (1 - exp(-u)), which hhfast "
                "evaluates exactly there"
            )


def zeros_of_denominators(tree: ast.expr, values: Mapping[str, float], x: str) -> list[float]:
    """Potentials (mV) at which a denominator is 0."""
    zeros = []
    for _, denominator in _quotients(tree, x):
        zeros += _zeros(denominator, values, x)
    return sorted(set(zeros))


def _quotients(tree: ast.expr, x: str) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(numerator, denominator) of all whose denominator depends on x."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.BinOp):
            continue
        if isinstance(node.op, ast.Div):
            quotient = node.left, node.right
        elif isinstance(node.op, ast.Pow) and _is_negative(node.right):
            quotient = ast.Constant(value=1), node.left
        else:
            continue
        if x in names_in(quotient[1]):
            yield quotient


def _is_negative(exponent: ast.expr) -> bool:
    return not names_in(exponent) and float(evaluate_tree(exponent, {})) < 0


def _zeros(tree: ast.expr, values: Mapping[str, float], x: str) -> list[float]:
    """Zeros in x: sign changes on a fine grid, refined by bisection, and touching zeros at minima of |f|."""

    def f(V: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(evaluate_tree(tree, {**values, x: V}), V.shape).astype(float)

    y = f(_GRID)
    at = y == 0
    zeros = list(_GRID[at & np.diff(at, prepend=False)])  # of a stretch of zeros, as where a parameter is 0, the first
    left = np.flatnonzero(np.sign(y[:-1]) * np.sign(y[1:]) < 0)
    lo, hi = _GRID[left], _GRID[left + 1]
    sign = np.sign(y[left])
    for _ in range(_HALVINGS):
        middle = (lo + hi) / 2
        same = np.sign(f(middle)) == sign
        lo, hi = np.where(same, middle, lo), np.where(same, hi, middle)
    # A jump of a conditional changes sign without being small there.
    scale = float(np.median(np.abs(y[np.isfinite(y)]))) if np.isfinite(y).any() else 1.0
    zeros += [place for place, fx in zip(lo, np.abs(f(lo)), strict=True) if fx < 1e-6 * max(scale, 1e-300)]
    dips = np.flatnonzero((np.abs(y[1:-1]) < np.abs(y[:-2])) & (np.abs(y[1:-1]) < np.abs(y[2:]))) + 1
    for k in dips:
        fine = np.linspace(_GRID[k - 1], _GRID[k + 1], 4001)
        best = int(np.argmin(np.abs(f(fine))))
        if abs(f(fine)[best]) < 1e-9 * max(scale, 1e-300):
            zeros.append(float(fine[best]))
    return [round(float(z), 9) for z in zeros]


def _is_pole(text: str, values: Mapping[str, float], V0: float, x: str) -> bool:
    """Whether the whole formula grows without bound as x approaches V0 from either side."""
    distance = np.array([1e-3, 1e-5])
    for side in (-1.0, 1.0):
        far, near = np.abs(evaluate(text, {**values, x: V0 + side * distance}))
        if not np.isfinite(near) or near > 5.0 * max(far, 1e-12):
            return True
    return False


def _is_usual(tree: ast.expr, values: Mapping[str, float], V0: float, x: str) -> bool:
    """Whether every denominator that vanishes at V0 does so in the usual spelling."""
    vanishing = ((n, d) for n, d in _quotients(tree, x) if _vanishes(d, values, V0, x))
    return all(spelt_as_usual(n, d, x) for n, d in vanishing)


def _vanishes(denominator: ast.expr, values: Mapping[str, float], V0: float, x: str) -> bool:
    """Whether a denominator is 0 at V0, or may be."""
    with np.errstate(all="ignore"):
        at, beside, below, above = (
            evaluate_tree(denominator, {**values, x: V0 + d}) for d in (0.0, 1.0, -_ASIDE, _ASIDE)
        )
    if np.isnan(at):  # for it has a quotient itself, which is looked at by itself: what it tends to counts here
        return not abs(below + above) / 2 > _NEAR_LIMIT * abs(beside)
    return not abs(at) > _NEAR_ZERO * abs(beside)


def _is_hopeless(tree: ast.expr, values: Mapping[str, float], V0: float, x: str) -> bool:
    """Whether a denominator is 0 at V0 that is an exponential by cases less a number: no algebra takes that apart."""
    for _, denominator in _quotients(tree, x):
        match denominator:
            case ast.BinOp(left=ast.IfExp(test=test), op=ast.Sub(), right=ast.Constant()) if x in names_in(test):
                with np.errstate(all="ignore"):
                    value = evaluate_tree(denominator, {**values, x: V0})
                if not np.isnan(value) and _vanishes(denominator, values, V0, x):
                    return True
    return False


def _is_recognised(text: str, values: Mapping[str, float], V0: float, x: str) -> bool:
    """Whether the symbolic form has no denominator left that vanishes at V0."""
    from hhfast.model.algebra import denominators, symbol, to_sympy

    for denominator in denominators(to_sympy(text), symbol(x)):
        there = {s: values[s.name] for s in denominator.free_symbols if s.name != x}
        # Evaluated twice, a little apart: near a zero the change over a millivolt outweighs the value.
        value, beside = (abs(complex(denominator.subs({**there, symbol(x): v}).evalf())) for v in (V0, V0 + 1.0))
        if value <= _NEAR_ZERO * beside:
            return False
    return True
