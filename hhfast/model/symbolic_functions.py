"""Functions of SymPy that formulas become: evaluated exactly at a removable pole, or opaque to simplification."""

from __future__ import annotations

import operator
from typing import Any

import sympy as sp


def exponential(u: sp.Expr) -> sp.Expr:
    """exp(u); where u has no logarithm, SymPy is spared the search for what to simplify, which takes milliseconds."""
    return sp.exp(u) if u.is_number or u.has(sp.log) else sp.exp(u, evaluate=False)


def quotient(above: sp.Expr, below: sp.Expr) -> sp.Expr:
    """above / below; of a sum below, SymPy is spared the question of whether a term is infinite."""
    plain = below.is_Add and not below.is_number
    return above * sp.Pow(below, -1, evaluate=False) if plain else above / below


class exprelr(sp.Function):
    """u / (exp(u) - 1), 1 at u = 0: what a removable pole is rewritten to."""

    nargs = 1

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        if u.is_zero:
            return sp.Integer(1)
        return u / (sp.exp(u) - 1) if u.is_Float else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        (u,) = self.args
        return (u / (sp.exp(u) - 1))._eval_evalf(prec)  # noqa: SLF001  # SymPy's own way to extend evalf

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (u,) = self.args
        return exprelr_slope(u, exprelr(u))


class exprelr_slope(sp.Function):
    """The derivative of exprelr at u, given u and exprelr(u); its textbook form is 0/0 at u = 0."""

    nargs = 2


class _extreme(sp.Function):
    """The smaller or the larger of two values, opaque to simplification."""

    nargs = 2
    of_numbers: Any
    is_larger: bool

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr) -> sp.Expr | None:
        return cls.of_numbers(a, b) if a.is_number and b.is_number else None

    def _eval_derivative(self, x: sp.Symbol) -> sp.Expr:
        a, b = self.args
        compared = (b, a) if self.is_larger else (a, b)
        return if_less(*compared, a.diff(x), b.diff(x))


class minimum(_extreme):
    """The smaller of two values."""

    of_numbers, is_larger = sp.Min, False


class maximum(_extreme):
    """The larger of two values."""

    of_numbers, is_larger = sp.Max, True


class _choice(sp.Function):
    """One of two values, as two others compare; opaque to simplification, so that no branch can appear."""

    nargs = 4
    compares: Any

    @classmethod
    def eval(cls, left: sp.Expr, right: sp.Expr, yes: sp.Expr, no: sp.Expr) -> sp.Expr | None:
        if yes == no:
            return yes
        if left.is_number and right.is_number:
            return yes if cls.compares(float(left), float(right)) else no
        return None

    def _eval_derivative(self, x: sp.Symbol) -> sp.Expr:
        """One of two derivatives: not a sum of both by weights 1 and 0, as that which does not count may be NaN."""
        left, right, yes, no = self.args
        return self.func(left, right, yes.diff(x), no.diff(x))


class if_less(_choice):
    """`yes if left < right else no`."""

    compares = operator.lt


class if_less_equal(_choice):
    """`yes if left <= right else no`."""

    compares = operator.le


class if_equal(_choice):
    """`yes if left == right else no`."""

    compares = operator.eq
