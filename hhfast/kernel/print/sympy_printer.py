"""From symbolic expressions to Python text that vectorises: no branches, no powers, numbers of the right type."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from hhfast.kernel.optimise.shared_exponentials import Assignment, exp_plain, exp_small, exprelr_of
from hhfast.model.algebra import exprelr, exprelr_slope, if_equal, if_less, if_less_equal, maximum, minimum

_COMPARISONS: dict[type, str] = {if_less: "<", if_less_equal: "<=", if_equal: "=="}
_CALLS: dict[type, str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.Abs: "abs",
    exprelr: "exprelr_",
    exprelr_slope: "exprelr_slope_",
    exp_small: "exp_small_",
    exp_plain: "exp_plain_",
    exprelr_of: "exprelr_of_",
}


class Printer:
    """Prints assignments for one kernel.

    In float32 every number becomes a named constant of the module, because a plain literal would turn the lane
    loop into double arithmetic; `constants` maps the number to that name.
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.constants: dict[float, str] = {}
        self._lines: list[str] = []
        self._temporaries = 0

    def lines(self, assignments: Iterable[Assignment]) -> list[str]:
        """One line `name = formula` for each assignment, and for what a formula must bind first."""
        self._lines = []
        for name, expr in assignments:
            text = self._text(expr)
            self._lines.append(f"{name} = {text}")
        return self._lines

    def number(self, value: float) -> str:
        if self.dtype == "float64":
            return repr(value)
        return self.constants.setdefault(value, f"c{len(self.constants)}_")

    def _bind(self, expr: sp.Expr) -> str:
        """An atom for the expression: its text if it is one, else a new name."""
        text = self._text(expr)
        if expr.is_Symbol or expr.is_number:
            return text
        self._temporaries += 1
        name = f"w{self._temporaries}_"
        self._lines.append(f"{name} = {text}")
        return name

    def _text(self, expr: sp.Expr) -> str:
        if expr.is_Symbol:
            return str(expr.name)
        if expr.is_number:
            return self.number(float(expr.evalf(25)))
        if expr.is_Add:
            return self._sum(expr)
        if expr.is_Mul:
            return self._product(expr)
        if expr.is_Pow:
            return self._power(expr.base, expr.exp)
        if type(expr) in _COMPARISONS:
            left, right, yes, no = map(self._bind, expr.args)
            return f"({yes} if {left} {_COMPARISONS[type(expr)]} {right} else {no})"
        if isinstance(expr, (minimum, maximum)):
            a, b = map(self._bind, expr.args)
            return f"({a} if {a} {'<' if isinstance(expr, minimum) else '>'} {b} else {b})"
        return f"{_CALLS[expr.func]}({', '.join(map(self._text, expr.args))})"

    def _sum(self, expr: sp.Add) -> str:
        # The number last: (x * c + ...) + number contracts to fused multiply-adds.
        terms = sorted(expr.args, key=lambda term: (bool(term.is_number), sp.default_sort_key(term)))
        text = self._text(terms[0])
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                text += f" - {self._factor(-term)}"
            else:
                text += f" + {self._factor(term)}"
        return text

    def _factor(self, expr: sp.Expr) -> str:
        text = self._text(expr)
        return f"({text})" if expr.is_Add else text

    def _product(self, expr: sp.Mul) -> str:
        below = [f for f in expr.args if f.is_Pow and f.exp.is_Integer and f.exp < 0]
        above = [f for f in expr.args if f not in below]
        number = float(sp.Mul(*(f for f in above if f.is_number)).evalf(25))
        factors = [self._factor(f) for f in above if not f.is_number]
        if abs(number) != 1.0 or not factors:
            factors.insert(0, self.number(abs(number)))
        top = ("-" if number < 0 else "") + " * ".join(factors)
        if not below:
            return top
        bottom = " * ".join(self._factor(1 / f) for f in below) if len(below) > 1 else self._text(1 / below[0])
        return f"{top} / ({bottom})" if " " in bottom else f"{top} / {bottom}"

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> str:
        if exponent.is_Integer and abs(exponent) <= 64:
            if exponent < 0:
                below = self._text(base ** -exponent)
                return f"{self.number(1.0)} / {f'({below})' if ' ' in below else below}"
            return self._repeated(self._bind(base), int(exponent))
        if exponent == sp.Rational(1, 2):
            return f"sqrt({self._text(base)})"
        known = base.is_number and base.is_positive
        log = self.number(float(sp.log(base).evalf(25))) if known else f"log({self._text(base)})"
        return f"exp({self._factor(exponent)} * {log})"

    def _repeated(self, x: str, n: int) -> str:
        """x to the n-th by squaring; the compiler sees equal squares."""
        if n == 1:
            return x
        half = self._repeated(x, n // 2)
        half = half if n < 4 else f"({half})"
        return f"{half} * {half}" + (f" * {x}" if n % 2 else "")
