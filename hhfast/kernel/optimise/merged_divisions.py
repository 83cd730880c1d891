"""Merged divisions: a and b of a gate over one common denominator.

A gate given as inf and tau, each a sigmoid, takes three or four divisions as written:
b = 1 / (c - d / (1 + e1)), a = b / (1 + e2). Over their common denominator it takes one:
r = 1 / ((c (1 + e1) - d) (1 + e2)), a = (1 + e1) r, b = (1 + e1) (1 + e2) r.
"""

from __future__ import annotations

import cmath
import contextlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from hhfast.kernel.optimise.held_range import CENTRE, RANGE
from hhfast.model.algebra import V, symbol
from hhfast.model.symbolic_functions import exprelr

_LARGEST = {"float64": 1e200, "float32": 1e30}  # products may become so large within the range of V


@dataclass(frozen=True)
class RatePair:
    """The names under which a and b of one state are computed, and that of the reciprocal they may share."""

    a: str
    b: str
    reciprocal: str


def merge_divisions(
    targets: Mapping[str, sp.Expr], pairs: Iterable[RatePair], dtype: str
) -> tuple[dict[str, sp.Expr], dict[RatePair, sp.Expr]]:
    """The targets with the divisions of each pair merged where that gains something, and their reciprocals."""
    result = dict(targets)
    reciprocals: dict[RatePair, sp.Expr] = {}
    for pair in pairs:
        merged = _merge(targets[pair.a], targets[pair.b], symbol(pair.reciprocal), dtype)
        if merged is not None:
            result[pair.a], result[pair.b], reciprocals[pair] = merged
    return result, reciprocals


def is_nonnegative(b: sp.Expr) -> bool:
    """Whether a rate is seen to be so, whatever the values of states and parameters."""
    return all(part.is_nonnegative for part in _fraction(b))


def _fraction(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Numerator and denominator, every exponential a positive symbol."""
    positive = {f: sp.Dummy(positive=True) for f in expr.atoms(sp.exp, exprelr)}
    numerator, denominator = sp.fraction(sp.together(expr.xreplace(positive)))
    return numerator, denominator


def _merge(a: sp.Expr, b: sp.Expr, r: sp.Symbol, dtype: str) -> tuple[sp.Expr, sp.Expr, sp.Expr] | None:
    """(a, b, reciprocal) in terms of the reciprocal r; None where nothing is gained or a product could overflow."""
    divisions = {p for e in (a, b) for p in e.atoms(sp.Pow) if p.exp == -1 and p.base.has(V)}
    if len(divisions) < 2:
        return None
    # Exponentials are opaque here, or exp(-x) would be taken for a denominator.
    atoms = sorted({f for e in (a, b) for f in e.atoms(sp.Function)}, key=sp.default_sort_key)
    hidden = {f: sp.Symbol(f"x{k}", positive=True) for k, f in enumerate(atoms)}
    shown = {s: f for f, s in hidden.items()}
    parts = [sp.fraction(sp.together(e.xreplace(hidden))) for e in (a, b)]
    numerators = [numerator / _number(below) for numerator, below in parts]
    factors = [_factors(below) for _, below in parts]
    common = {base: max(f.get(base, 0) for f in factors) for f in factors for base in f}
    denominator = sp.Mul(*(base**n for base, n in common.items()))
    over = [
        numerator * sp.Mul(*(base ** (n - f.get(base, 0)) for base, n in common.items()))
        for numerator, f in zip(numerators, factors, strict=True)
    ]
    merged = [e.xreplace(shown) for e in (*over, denominator)]
    if not all(_fits(e, dtype) for e in merged):
        return None
    return merged[0] * r, merged[1] * r, 1 / merged[2]


def _factors(product: sp.Expr) -> dict[sp.Expr, int]:
    """The factors of a denominator with their integer powers: sums are freed of their common number."""
    found: dict[sp.Expr, int] = {}
    for factor in sp.Mul.make_args(product):
        base, n = factor.as_base_exp()
        if not n.is_Integer:
            base, n = factor, sp.Integer(1)
        base = base.as_content_primitive()[1]
        if base != 1:
            found[base] = found.get(base, 0) + int(n)
    return found


def _number(product: sp.Expr) -> sp.Expr:
    """The number by which a denominator exceeds the product of its factors without common number."""
    return sp.Mul(*(f.as_content_primitive()[0] for f in sp.Mul.make_args(product)))


def _fits(expr: sp.Expr, dtype: str) -> bool:
    """Whether the expression stays within the floating-point range at both ends of the range of V."""
    ends = [CENTRE + side * RANGE[dtype] for side in (-1, 1)]
    return all(_size(expr, v) < _LARGEST[dtype] for v in ends)


def _size(expr: sp.Expr, at: int) -> float:
    """The absolute value of an expression at a potential, all else being 1."""
    with contextlib.suppress(OverflowError, ZeroDivisionError):  # of a part: the whole may be finite
        return abs(_value(expr, at))
    others = {s: sp.Integer(1) for s in expr.free_symbols if s != V}
    return abs(complex(expr.xreplace(others | {V: sp.Integer(at)}).evalf()))


def _value(expr: sp.Expr, at: int) -> complex:
    """In floating point, as SymPy takes a hundred times as long."""
    if expr.is_Symbol:
        return at if expr == V else 1.0
    if expr.is_Rational:
        return float(expr)
    parts = [_value(part, at) for part in expr.args]
    if expr.is_Add:
        return sum(parts)
    if expr.is_Mul:
        return math.prod(parts)
    if expr.is_Pow:
        return complex(parts[0] ** parts[1])
    if isinstance(expr, sp.exp):
        return cmath.exp(parts[0])
    return complex(expr.func(*map(sp.sympify, parts)).evalf())
