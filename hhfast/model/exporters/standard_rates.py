"""Which of NeuroML's standard rates a formula is: exponential, sigmoid, or linear over exponential."""

from __future__ import annotations

import ast
from collections.abc import Callable

import numpy as np

from hhfast.model.formula_evaluation import evaluate_tree
from hhfast.model.formulas import evaluate, names_in, parse

_V = np.array([-113.7, -88.1, -61.3, -47.9, -31.1, -12.7, 8.3, 41.9])  # mV, where no published rate has its pole
_TOLERANCE = 1e-13  # relative: what rounding leaves
_SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"Exp": np.exp, "Sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
           "ExpLinear": lambda x: x / -np.expm1(-x)}  # fmt: skip
Standard = tuple[str, float, float, float]  # kind, rate, midpoint (mV), scale (mV)


def standard(formula: str) -> Standard | None:
    """The standard rate that a formula of V and numbers is; None for any other."""
    tree = parse(formula)
    arguments = {ast.unparse(e): e for e in map(_exponent, ast.walk(tree)) if e is not None}
    if names_in(tree) != {"V"} or not 1 <= len(arguments) <= 2:
        return None
    values = evaluate(formula, {"V": _V})
    for argument in arguments.values():
        line = _line(argument)
        if line is None:
            continue
        for sign in (1.0, -1.0):
            scale, midpoint = _round(sign / line[0]), _round(-line[1] / line[0])
            for kind, shape in _SHAPES.items():
                with np.errstate(all="ignore"):
                    rates = values / shape((_V - midpoint) / scale)
                rate = _round(float(np.median(rates)))
                if np.isfinite(rates).all() and rate and np.all(np.abs(rates / rate - 1.0) <= _TOLERANCE):
                    return kind, rate, midpoint, scale
    return None


def _exponent(node: ast.AST) -> ast.expr | None:
    """The argument of an exponential."""
    match node:
        case ast.Call(func=ast.Name(id="exp"), args=[argument]):
            return argument
    return None


def _line(e: ast.expr) -> tuple[float, float] | None:
    """(k, c) of k V + c."""
    if "V" not in names_in(e):
        return None
    with np.errstate(all="ignore"):
        at = [float(evaluate_tree(e, {"V": v})) for v in (0.0, 64.0, -128.0)]
    k = (at[1] - at[0]) / 64.0
    straight = np.isfinite(at).all() and abs(at[2] - at[0] + 128.0 * k) <= 1e-12 * max(map(abs, at))
    return (k, at[0]) if straight and k else None


def _round(value: float) -> float:
    return float(f"{value:.13g}")
