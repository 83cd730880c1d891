"""The laws that states obey, read out of expressions: inf and tau, alpha and beta, a - b x, steps by hand."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from hhfast.model.importers.expressions import (
    Expr,
    add,
    divide,
    factors,
    multiply,
    negative,
    number,
    product,
    subtract,
    terms,
    total,
    value_of,
    variable,
)
from hhfast.model.importers.formula_table import FormulaTable


@dataclass(frozen=True)
class Law:
    """x' of a state: "inf" and "tau", or "alpha" and "beta", or, as any other state, "a" and "b" of a - b x."""

    formulas: dict[str, Expr]

    @property
    def is_gate(self) -> bool:
        return "a" not in self.formulas


def law(slope: Expr, x: str, table: FormulaTable) -> Law | None:
    """The law in an expression for dx/dt, in the terms of its author; None where it is not a - b x."""
    return _gate(slope, x, table) or _affine_law(slope, x, table)


def relaxation(inf: Expr, tau: Expr) -> Law:
    return Law({"inf": inf, "tau": tau})


def _gate(slope: Expr, x: str, table: FormulaTable) -> Law | None:
    sign, above, below = table.factors(slope, x)
    cores = [f for f in above if x in table.bases(f)]
    if len(cores) != 1 or any(x in table.bases(f) for f in below):
        return None
    others = [f for f in above if f is not cores[0]]
    parts = [(sign * s, t) for s, t in _open_terms(cores[0], x, table)]
    free = [(s, t) for s, t in parts if x not in table.bases(t)]
    bound = [(s, t) for s, t in parts if x in table.bases(t)]
    if len(bound) == 1 and bound[0][0] < 0 and _is(bound[0][1], x) and free:
        return relaxation(total(free), product(1, below, others))
    alpha, beta = [], []
    for s, term in bound:
        t_sign, t_above, t_below = table.factors(term, x)
        cofactors = [f for f in t_above if x not in table.bases(f)]
        own = [table.opened(f) for f in t_above if x in table.bases(f)]
        if len(own) != 1 or any(x in table.bases(f) for f in t_below):
            return None
        rate = product(1, [*others, *cofactors], [*t_below, *below])
        if _is_complement(own[0], x):
            alpha.append((s * t_sign, rate))
        elif _is(own[0], x):
            beta.append((-s * t_sign, rate))
        else:
            return None
    if free or not alpha or not beta:
        return None
    return Law({"alpha": total(alpha), "beta": total(beta)})


def _open_terms(e: Expr, x: str, table: FormulaTable) -> list[tuple[int, Expr]]:
    """The terms of a sum; those that depend on x are opened, too."""
    found = []
    for sign, term in terms(table.opened(e)):
        inner = table.opened(term) if x in table.bases(term) else term
        if inner is not term or (isinstance(inner, ast.BinOp) and isinstance(inner.op, (ast.Add, ast.Sub))):
            found += [(sign * s, t) for s, t in _open_terms(inner, x, table)]
        else:
            found.append((sign, term))
    return found


def _is(e: Expr, x: str) -> bool:
    return isinstance(e, ast.Name) and e.id == x


def _is_complement(e: Expr, x: str) -> bool:
    """Whether it is 1 - x."""
    return isinstance(e, ast.BinOp) and isinstance(e.op, ast.Sub) and value_of(e.left) == 1 and _is(e.right, x)


def _affine_law(slope: Expr, x: str, table: FormulaTable) -> Law | None:
    found = affine(slope, x, table)
    if found is None:
        return None
    sign, above, below = factors(found[1])
    return Law({"a": found[0], "b": product(-sign, above, below)})


def affine(e: Expr, x: str, table: FormulaTable) -> tuple[Expr, Expr] | None:
    """(c, k) with e = c + k x; None where there is more to it."""
    if x not in table.bases(e):
        return e, number(0)
    match table.opened(e):
        case ast.Name():
            return number(0), number(1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            found = affine(operand, x, table)
            return None if found is None else (negative(found[0]), negative(found[1]))
        case ast.BinOp(left=left, op=op, right=right):
            return _affine_operation(affine(left, x, table), op, affine(right, x, table))
        case ast.IfExp(test=test, body=body, orelse=orelse) if x not in table.bases(test):
            yes, no = affine(body, x, table), affine(orelse, x, table)
            if yes is not None and no is not None:
                return ast.IfExp(test, yes[0], no[0]), ast.IfExp(test, yes[1], no[1])
    return None


def _affine_operation(
    left: tuple[Expr, Expr] | None, op: ast.operator, right: tuple[Expr, Expr] | None
) -> tuple[Expr, Expr] | None:
    if left is None or right is None:
        return None
    (c1, k1), (c2, k2) = left, right
    match op:
        case ast.Add():
            return add(c1, c2), add(k1, k2)
        case ast.Sub():
            return subtract(c1, c2), subtract(k1, k2)
        case ast.Mult() if value_of(k2) == 0:
            return multiply(c1, c2), multiply(k1, c2)
        case ast.Mult() if value_of(k1) == 0:
            return multiply(c1, c2), multiply(c1, k2)
        case ast.Div() if value_of(k2) == 0:
            return divide(c1, c2), divide(k1, c2)
    return None


# --- steps by hand ----------------------------------------------------------------------------------------------------
def step_law(new: Expr, x: str, table: FormulaTable) -> Law | None:
    """The law behind x = x + (1 - exp(-dt / tau)) * (inf - x), in any of its spellings, or behind an Euler step."""
    parts = _open_terms(new, x, table)
    kept = [k for k, (s, t) in enumerate(parts) if s > 0 and _is(t, x)]
    if kept:
        change = [part for k, part in enumerate(parts) if k != kept[0]]
        return _law_of_change(change, x, table)
    return _law_of_decay(parts, x, table)


def _law_of_change(change: list[tuple[int, Expr]], x: str, table: FormulaTable) -> Law | None:
    """x + F * (inf - x), with F = 1 - exp(-dt / tau); or x + dt * slope."""
    if len(change) != 1:
        slopes = [_without_dt(term, table, sign) for sign, term in change]
        known = [(1, e) for e in slopes if e is not None]
        return law(total(known), x, table) if len(known) == len(slopes) else None
    sign, term = change[0]
    s, above, below = table.factors(term, x)
    for k, factor in enumerate(above):
        tau = _tau_of_fraction(factor, table)
        if tau is not None and len(above) == 2 and not below:
            pseudo = multiply(variable(_UNIT), above[1 - k])
            found = law(pseudo if s * sign > 0 else negative(pseudo), x, table)
            if found is not None and "inf" in found.formulas:
                return relaxation(found.formulas["inf"], tau)
    slope = _without_dt(term, table, sign)
    return None if slope is None else law(slope, x, table)


_UNIT = "1/tau"  # no name of any file


def _law_of_decay(parts: list[tuple[int, Expr]], x: str, table: FormulaTable) -> Law | None:
    """inf + (x - inf) * exp(-dt / tau), or x * exp(-dt / tau) + inf * (1 - exp(-dt / tau))."""
    if len(parts) != 2:
        return None
    (s1, first), (s2, second) = sorted(parts, key=lambda part: x in table.bases(part[1]))
    if x in table.bases(first) or s1 < 0:
        return None
    sign, above, below = table.factors(second, x)
    if below or len(above) != 2:
        return None
    for k, factor in enumerate(above):
        tau = _tau_of_decay(factor, table)
        if tau is None:
            continue
        core = table.opened(above[1 - k])
        if s2 * sign > 0 and _is(core, x):
            _, free_above, free_below = table.factors(first, "dt")
            fractions = [f for f in free_above if _tau_of_fraction(f, table) is not None]
            if len(fractions) == 1:
                return relaxation(product(1, [f for f in free_above if f is not fractions[0]], free_below), tau)
        inner = [(s2 * sign * s, t) for s, t in _open_terms(core, x, table)]
        rest = [t for s, t in inner if not _is(t, x)]
        if len(inner) == 2 and len(rest) == 1 and ast.dump(rest[0]) == ast.dump(first):
            return relaxation(first, tau)
    return None


def _tau_of_fraction(e: Expr, table: FormulaTable) -> Expr | None:
    """tau, where the expression is 1 - exp(-dt / tau)."""
    if "dt" not in table.bases(e):
        return None
    parts = _open_terms(e, "dt", table)
    if len(parts) != 2:
        return None
    one = [s for s, t in parts if value_of(t) == 1]
    decay = [t for s, t in parts if s < 0 and value_of(t) is None]
    return _tau_of_decay(decay[0], table) if one == [1] and len(decay) == 1 else None


def _tau_of_decay(e: Expr, table: FormulaTable) -> Expr | None:
    """tau, where the expression is exp(-dt / tau)."""
    match table.opened(e):
        case ast.IfExp(body=body, orelse=orelse) if value_of(body) == 0 or value_of(orelse) == 0:
            return _tau_of_decay(orelse if value_of(body) == 0 else body, table)  # an exp that is cut off where it is 0
        case ast.Call(func=ast.Name(id="exp"), args=[argument]):
            rate = _without_dt(argument, table, -1)
            if rate is None:
                return None
            sign, above, below = factors(rate)
            return product(sign, below, above)
    return None


def _without_dt(e: Expr, table: FormulaTable, sign: int) -> Expr | None:
    """sign * e / dt, where e is a multiple of dt."""
    s, above, below = table.factors(e, "dt")
    own = [f for f in above if _is(f, "dt")]
    others = [f for f in above if not _is(f, "dt")]
    if len(own) != 1 or any("dt" in table.bases(f) for f in (*others, *below)):
        return None
    return product(s * sign, others, below)
