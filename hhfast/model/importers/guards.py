"""Guards around removable poles, as `if (fabs(x) < 1e-6) ... else ...`: found, and left out where hhfast needs none."""

from __future__ import annotations

import ast
from typing import Any

from hhfast.model.importers.expressions import Expr, mapped, value_of
from hhfast.model.importers.formula_table import FormulaTable

_SMALL = 0.05  # what is compared with less than this is compared with 0


def without_guards(table: FormulaTable) -> FormulaTable:
    """A table whose formulas keep the branch that holds away from the pole; hhfast is right at the pole itself."""
    return FormulaTable(
        {name: _open(e, table) for name, e in table.formulas.items()},
        table.variables,
        {name: (arguments, _open(body, table)) for name, (arguments, body) in table.functions.items()},
    )


def _open(e: Expr, table: FormulaTable) -> Expr:
    e = mapped(e, lambda part: _open(part, table))
    if isinstance(e, ast.IfExp):
        if (cut := _cut_off_exp(e)) is not None:
            return cut
        side = _guarded(e.test)
        if side is not None:
            return e.orelse if side else e.body
    return e


def _cut_off_exp(e: ast.IfExp) -> Expr | None:
    """exp(x), where the expression is that but for 0 at large negative x."""
    for zero, other in ((e.body, e.orelse), (e.orelse, e.body)):
        if value_of(zero) == 0 and isinstance(other, ast.Call) and isinstance(other.func, ast.Name):
            bounds = [value_of(x) for x in (e.test.comparators if isinstance(e.test, ast.Compare) else [])]
            if other.func.id == "exp" and bounds and bounds[0] is not None and bounds[0] <= -20:
                return other
    return None


def _guarded(test: Expr) -> bool | None:
    """True: the condition holds at the pole alone. False: everywhere else. None: it is no guard."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _comparison(left, op, right)
        case ast.BoolOp(op=ast.And(), values=[one, other]):
            small = [_one_sided(part) for part in (one, other)]
            return True if None not in small and small[0] != small[1] else None
        case ast.BoolOp(op=ast.Or(), values=[one, other]):
            small = [_one_sided(part) for part in (one, other)]
            return False if None not in small and small[0] != small[1] else None
    return None


def _comparison(left: Expr, op: ast.cmpop, right: Expr) -> bool | None:
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return isinstance(op, ast.Eq)
    is_abs = isinstance(left, ast.Call) and isinstance(left.func, ast.Name) and left.func.id == "abs"
    bound = value_of(right)
    if not is_abs or bound is None or not 0 < bound < _SMALL:
        return None
    return isinstance(op, (ast.Lt, ast.LtE))


def _one_sided(e: Any) -> str | None:
    """Which side of a small number a comparison asks for: "above" or "below"."""
    match e:
        case ast.Compare(ops=[op], comparators=[right]):
            bound = value_of(right)
            if bound is not None and abs(bound) < _SMALL:
                return {ast.Lt: "below", ast.LtE: "below", ast.Gt: "above", ast.GtE: "above"}.get(type(op))
    return None
