"""Conditions on the rows of a result, as text: rate > 50 and 80 < g_Na <= 120 and certified == 'agrees'.

The text is parsed and checked, never executed: comparisons (also chained) joined by `and`, `or` and `not`; numbers are
those of formulas; a name in quotes is one of the meanings of a code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hhfast.errors import InputError, did_you_mean, unknown
from hhfast.model.formulas import evaluate_tree, names_in, parse
from hhfast.sweep.checks import plain_name, plain_text
from hhfast.sweep.store import ResultFile

_BLOCK = 1_000_000  # rows in memory
_LONGEST = 2000  # characters
_DEEPEST = 20
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


def rows_where(result: ResultFile, text: str, most: int) -> tuple[list[int], int]:
    """(the first rows of a result that meet a condition, at most so many; the number of all of them).

    Raises `InputError` for a text that is no condition, an unknown name, and where no row meets it.
    """
    condition = Condition.of(result, text)
    rows: list[int] = []
    total = 0
    for start in range(0, result.n_rows, _BLOCK):
        met = np.flatnonzero(condition.met(result, start, min(start + _BLOCK, result.n_rows)))
        total += len(met)
        rows += (start + met[: most - len(rows)]).tolist()
    if not total:
        raise InputError(f"no row meets '{text}'")
    return rows, total


@dataclass(frozen=True)
class Condition:
    """A condition that has been checked. variables : name in the text -> variable of the result."""

    tree: ast.expr
    variables: Mapping[str, str]
    meanings: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, result: ResultFile, text: str) -> Condition:
        """Check a text against the parameters and features of a result; raises `InputError`."""
        columns = [*result.parameters, *result.features, "status", "run"]
        known = {plain_name(name): name for name in columns}
        codes = {name: str(result.attributes_of(name).get("flag_meanings", "")) for name in columns}
        meanings = {plain_name(name): tuple(found.split()) for name, found in codes.items() if found}
        if len(text) > _LONGEST:
            raise InputError(f"a condition of {len(text)} characters; at most {_LONGEST} are allowed")
        try:
            tree = ast.parse(plain_text(text.strip(), columns), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(f"'{text[:80]}' is no condition; write one as in \"rate > 50 and g_Na < 100\"") from None
        found = cls(tree, known, meanings)
        found._check(tree, 0)
        return found

    def met(self, result: ResultFile, start: int, stop: int) -> np.ndarray:
        """Which of rows start to stop meet it; a comparison with NaN is not met."""
        used = names_in(self.tree)
        values = {name: result.read(self.variables[name], start, stop).astype(np.float64) for name in used}
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._value(self.tree, values), stop - start)

    def _check(self, node: ast.expr, depth: int) -> None:
        if depth > _DEEPEST:
            raise InputError("the condition is nested too deeply")
        match node:
            case ast.BoolOp(values=parts):
                for part in parts:
                    self._check(part, depth + 1)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._check(operand, depth + 1)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
                sides = [left, *others]
                for k, side in enumerate(sides):
                    self._check_side(side, sides[k - 1] if k else sides[1])
            case _:
                raise InputError(f"'{ast.unparse(node)[:80]}' is no comparison; write one as in rate > 50")

    def _check_side(self, node: ast.expr, other: ast.expr) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._code(node.value, other)
            return
        for name in sorted(names_in(parse(ast.unparse(node)))):
            if name not in self.variables:
                raise unknown("feature or parameter", name, self.variables)

    def _code(self, meaning: str, other: ast.expr) -> int:
        """The code that a name in quotes stands for, of the variable that it is compared with."""
        name = other.id if isinstance(other, ast.Name) else ""
        if name in self.variables and name not in self.meanings:
            raise InputError(f"'{name}' is a number; compare it with one, not with '{meaning}'")
        meanings = self.meanings.get(name, ())
        if meaning not in meanings:
            raise InputError(
                f"'{meaning}' is no value of {name or ast.unparse(other)}; {did_you_mean(meaning, meanings)}"
            )
        return meanings.index(meaning)

    def _value(self, node: ast.expr, values: Mapping[str, np.ndarray]) -> Any:
        match node:
            case ast.BoolOp(op=op, values=parts):
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return join.reduce(np.broadcast_arrays(*(self._value(part, values) for part in parts)))
            case ast.UnaryOp(operand=operand):
                return np.logical_not(self._value(operand, values))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [left, *others]
                at = [self._side(side, sides[k - 1] if k else sides[1], values) for k, side in enumerate(sides)]
                compared = (_COMPARE[type(op)](a, b) for op, a, b in zip(ops, at, at[1:], strict=False))
                return np.logical_and.reduce(np.broadcast_arrays(*compared))
        raise AssertionError(node)

    def _side(self, node: ast.expr, other: ast.expr, values: Mapping[str, np.ndarray]) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._code(node.value, other)
        return evaluate_tree(parse(ast.unparse(node)), values)
