"""Criteria for rows of a result: comparisons between parameters and features, in the checked grammar of formulas.

Beyond that grammar a criterion may name the meanings of codes (`activity == 'bursting'`, `activity in ('tonic',
'bursting')`), chain comparisons (`5 < rate < 20`) and use the names of swept stimuli (`stimulus.amplitude`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.errors import InputError, shown, understood, unknown
from hhfast.inputs import text_of
from hhfast.model.formulas import check_names, evaluate
from hhfast.model.load import toml_table
from hhfast.sweep.constraints import plain_name

_MAX_LENGTH, _MAX_FILE = 5_000, 1_000_000  # characters of a text, bytes of a file


@dataclass(frozen=True)
class Criterion:
    """One comparison as it was given, and as a formula of plain names."""

    text: str
    formula: str

    def holds(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where it is true, for arrays by plain name; a value that is missing (NaN) meets no comparison."""
        n = len(next(iter(values.values())))
        return np.broadcast_to(np.asarray(evaluate(self.formula, values), dtype=bool), n)


@dataclass(frozen=True)
class Vocabulary:
    """What criteria may name: variables, and the meanings of those that are codes (meaning -> code)."""

    names: tuple[str, ...]
    codes: Mapping[str, Mapping[str, int]]


def criteria_of(text: str, known: Vocabulary) -> tuple[Criterion, ...]:
    """The criteria of an expression: its parts joined by `and`."""
    if not isinstance(text, str):
        raise InputError(f'where: is of type {type(text).__name__}; give a text, as "rate > 5"')
    if len(text) > _MAX_LENGTH:
        raise InputError(f"where: has {len(text)} characters; at most {_MAX_LENGTH:,} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        found = tuple(_criterion(part, known) for part in parts)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"where: '{text}' is no condition; write one as in \"rate > 5 and g_Na < 120\"") from None
    return found


def criteria_of_file(path: Path, known: Vocabulary) -> tuple[Criterion, ...]:
    """The criteria of a TOML file: `where`, and a table [ranges] of `name = [low, high]` or of names of codes."""
    text = text_of(path, _MAX_FILE)
    try:
        with understood("criteria"):
            file = toml_table(text, _MAX_FILE)
        where, ranges = _where_and_ranges(file)
        texts = [where] if where else []
        texts += [_range_text(name, given, known) for name, given in _flat(ranges)]
        return tuple(criterion for text in texts for criterion in criteria_of(text, known))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _where_and_ranges(file: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The two keys of a file of criteria, at least one of them given."""
    for key in file:
        if key not in ("where", "ranges"):
            raise unknown("key", key, ("where", "ranges"))
    where, ranges = file.get("where", ""), file.get("ranges", {})
    if not isinstance(where, str) or not isinstance(ranges, dict):
        raise InputError('needs where = "..." as text, and [ranges] as a table of name = [low, high]')
    if not (where.strip() or ranges):
        raise InputError('has no criterion; give where = "..." or a table [ranges]')
    return where.strip(), ranges


def _flat(ranges: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Entries by their whole name: TOML reads `stimulus.amplitude = ...` as a table in a table."""
    for name, given in ranges.items():
        if isinstance(given, dict):
            yield from _flat(given, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", given


def _range_text(name: str, given: Any, known: Vocabulary) -> str:
    if name not in known.names:
        raise unknown("variable", name, known.names, where="ranges")
    given = [given] if isinstance(given, str) else given
    if isinstance(given, list) and given and all(isinstance(value, str) for value in given):
        return f"{name} in {tuple(given)!r}" if len(given) > 1 else f"{name} == {given[0]!r}"
    numbers = isinstance(given, list) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in given
    )
    if not numbers or len(given) != 2 or not given[0] <= given[1]:
        raise InputError(f"ranges.{name}: is {shown(given)}; give [low, high], or names of codes such as ['bursting']")
    with understood(f"ranges.{name}"):
        low, high = (float(value) for value in given)
    sides = [f"{low!r} <= {name}"] if math.isfinite(low) else []
    sides += [f"{name} <= {high!r}"] if math.isfinite(high) else []
    if len(sides) == 2:
        return f"{low!r} <= {name} <= {high!r}"
    return sides[0] if sides else f"{name} == {name}"


# --- into the grammar of formulas ---
def _criterion(node: ast.expr, known: Vocabulary) -> Criterion:
    text = ast.unparse(node)
    if not isinstance(node, (ast.Compare, ast.BoolOp)):
        raise InputError(f"where: '{text}' is no comparison; write one as in \"rate > 5\"")
    formula = ast.unparse(_Plain(known).visit(node))
    check_names(formula, {plain_name(name) for name in known.names})
    return Criterion(text, formula)


class _Plain(ast.NodeTransformer):
    """Chains as pairs, meanings as codes, dotted names as plain ones."""

    def __init__(self, known: Vocabulary) -> None:
        self.known = known

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        name = ast.unparse(node)
        if name not in self.known.names:
            raise unknown("variable", name, self.known.names, where="where")
        return ast.Name(plain_name(name), ast.Load())

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        sides = [node.left, *node.comparators]
        pairs = [self._pair(*pair) for pair in zip(sides, node.ops, sides[1:], strict=False)]
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)

    def _pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.Tuple, ast.List)) and right.elts:
            one, join = (ast.Eq(), ast.Or()) if isinstance(op, ast.In) else (ast.NotEq(), ast.And())
            pairs = [self._pair(left, one, item) for item in right.elts]
            return pairs[0] if len(pairs) == 1 else ast.BoolOp(join, pairs)
        left, right = self._coded(left, right), self._coded(right, left)
        return ast.Compare(self.visit(left), [op], [self.visit(right)])

    def _coded(self, node: ast.expr, other: ast.expr) -> ast.expr:
        """A meaning in quotes as its code, by the variable that it is compared with."""
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return node
        name = ast.unparse(other)
        meanings: Sequence[str] = tuple(self.known.codes.get(name, ()))
        if not meanings:
            raise InputError(
                f"where: '{name}' has no names for its values; compare it with a number, not {shown(node.value)}"
            )
        if node.value not in meanings:
            raise unknown(f"value of {name}", node.value, meanings, where="where")
        return ast.Constant(self.known.codes[name][node.value])
