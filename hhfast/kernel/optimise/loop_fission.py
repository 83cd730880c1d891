"""Straight-line text of a lane: what it reads and writes, what it costs, and where to cut it into several loops.

A step of a neuron is one long chain of dependent operations. The lanes of a block are independent of each other,
but a processor looks only a few hundred instructions ahead: in one long loop body it sees one lane's chain, and
waits; in several short loops over the same lanes it sees many lanes' chains, and does not. So a lane's text is cut
into pieces that are short or whose chains are, where few values cross the cut (they are stored and loaded again).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from hhfast.kernel.jit.straight import names_in

# In units of an operation; best, or nearly, for the models of the library.
_WAIT = 0.03  # cost of a piece, times its operations, times those in its longest chain
_CUT, _CROSSING = 8, 2  # cost of a cut, and of each value that crosses it
_LONGEST = 160  # operations in a piece at most
_CALLS = {  # (operations, those in the longest chain) of each function
    "exp": (20, 16), "log": (26, 18), "sqrt": (10, 5), "exp_small_": (13, 8), "exp_plain_": (18, 13),
    "exprelr_": (30, 20), "exprelr_of_": (14, 9), "exprelr_slope_": (22, 12),
    "phi_0_": (9, 5), "phi_1_": (11, 6), "phi_2_": (14, 6), "phi_3_": (18, 9), "phi_4_": (21, 12),
}
_DIVISION = (9, 4)


@lru_cache(maxsize=10_000)
def _parsed(line: str) -> ast.Assign:
    (statement,) = ast.parse(line).body
    assert isinstance(statement, ast.Assign)
    return statement


@lru_cache(maxsize=10_000)
def _names(line: str) -> tuple[frozenset[str], frozenset[str]]:
    """(names read, names written) of one line."""
    names = [n for n in ast.walk(_parsed(line)) if isinstance(n, ast.Name)]
    reads, writes = (frozenset(n.id for n in names if isinstance(n.ctx, how)) for how in (ast.Load, ast.Store))
    return reads, writes


def _cost(node: ast.AST) -> tuple[int, int]:
    """(operations, those in the longest chain) that a node adds to its operands."""
    match node:
        case ast.BinOp(op=ast.Div()):
            return _DIVISION
        case ast.BinOp() | ast.IfExp() | ast.Compare():
            return 1, 1
        case ast.Call(func=ast.Name(id=name)):
            return _CALLS.get(name, (0, 0))
    return 0, 0


@lru_cache(maxsize=10_000)
def _operations(line: str) -> int:
    return sum(_cost(node)[0] for node in ast.walk(_parsed(line)))


def _chain(node: ast.AST, known: dict[str, int]) -> int:
    """The longest chain of operations that ends in a node, given those that end in names."""
    if isinstance(node, ast.Name):
        return known.get(node.id, 0)
    return max((_chain(child, known) for child in ast.iter_child_nodes(node)), default=0) + _cost(node)[1]


def reads_and_writes(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names read before any straight assignment, and names assigned, each in order of appearance."""
    return names_in(ast.parse("\n".join(lines)).body)


def cut(lines: Sequence[str]) -> list[list[str]]:
    """The lines in pieces, such that pieces and cuts cost least in all."""
    n = len(lines)
    live = _live(lines)
    best = [0.0] + [float("inf")] * n  # least cost of the first k lines ...
    last = [0] * (n + 1)  # ... and where their last piece begins
    for start in range(n):
        before = best[start] + (_CUT + _CROSSING * live[start] if start else 0)
        operations = longest = 0
        known: dict[str, int] = {}
        for end in range(start + 1, n + 1):
            line = lines[end - 1]
            operations += _operations(line)
            if operations > _LONGEST and end > start + 1:
                break
            chain = _chain(_parsed(line).value, known)
            known |= dict.fromkeys(_names(line)[1], chain)
            longest = max(longest, chain)
            cost = before + _WAIT * operations * longest
            if cost < best[end]:
                best[end], last[end] = cost, start
    bounds = [n]
    while bounds[-1]:
        bounds.append(last[bounds[-1]])
    return [list(lines[start:end]) for start, end in pairwise(reversed(bounds))]


def _live(lines: Sequence[str]) -> list[int]:
    """For each place before a line: how many values written above it are read below it."""
    counts = [0] * (len(lines) + 1)
    needed: set[str] = set()
    above: list[set[str]] = [set()]
    for line in lines:
        above.append(above[-1] | _names(line)[1])
    for k in range(len(lines) - 1, -1, -1):
        reads, writes = _names(lines[k])
        needed = (needed - writes) | reads
        counts[k] = len(needed & above[k])
    return counts


def crossing(pieces: Sequence[Sequence[str]]) -> list[str]:
    """The lane values that one piece writes and a later one reads (flags of the whole block are not lane values)."""
    written: set[str] = set()
    found: dict[str, None] = {}
    for piece in pieces:
        reads, writes = reads_and_writes(piece)
        for name in reads:
            if name in written and not name.startswith(("hit_", "wide_")):
                found[name] = None
        written |= set(writes)
    return list(found)


def renamed(text: str, names: dict[str, str]) -> str:
    """The text with whole names replaced."""
    return re.sub(r"\b[a-z]\w*\b", lambda match: names.get(match[0], match[0]), text)
