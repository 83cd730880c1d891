"""Straight-line text of a lane: what it reads and writes, what it costs, and where to cut it into several loops.

A step of a neuron is one long chain of dependent operations. The lanes of a block are independent of each other,
but a processor looks only a few hundred instructions ahead: in one long loop body it sees one lane's chain, and
waits; in several short loops over the same lanes it sees many lanes' chains, and does not. So a lane's text is cut
into pieces of limited cost, where few values cross the cut (they are stored and loaded again).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

LIMIT = 50  # operations in a piece: best, or nearly, of 40 to 100 for the models of the library
_CUT = 8  # operations that a cut costs, besides those of the values that cross it
_CALLS = {"exp": 20, "exp_": 20, "phi_0_": 9, "phi_1_": 11, "phi_2_": 14, "phi_3_": 18, "phi_4_": 21,
          "exprelr_": 30, "log": 26, "exp_small_": 14, "exp_plain_": 18,
          "exprelr_of_": 14, "exprelr_slope_": 22, "sqrt": 10}  # operations in each function


@lru_cache(maxsize=10_000)
def _names(line: str) -> tuple[frozenset[str], frozenset[str], int]:
    """(names read, names written, cost) of one line."""
    tree = ast.parse(line)
    nodes = list(ast.walk(tree))
    names = [n for n in nodes if isinstance(n, ast.Name)]
    reads = frozenset(n.id for n in names if isinstance(n.ctx, ast.Load))
    writes = frozenset(n.id for n in names if isinstance(n.ctx, ast.Store))
    cost = sum(isinstance(n, (ast.BinOp, ast.IfExp, ast.Compare)) for n in nodes)
    cost += sum(8 for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div))
    cost += sum(_CALLS.get(n.func.id, 0) for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return reads, writes, cost


def reads_and_writes(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names read before any straight-line assignment, and names assigned, each in order of appearance."""
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for statement in ast.parse("\n".join(lines)).body:
        branches = not isinstance(statement, ast.Assign)
        found = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        # What a branch assigns keeps its old value when the branch is not taken, so it is read as well.
        for n in found:
            if n.id not in writes and (branches or isinstance(n.ctx, ast.Load)):
                reads[n.id] = None
        for n in found:
            if isinstance(n.ctx, ast.Store):
                writes[n.id] = None
    return list(reads), list(writes)


def cut(lines: Sequence[str], limit: int = LIMIT) -> list[list[str]]:
    """The lines in pieces of at most `limit` operations each, such that the cuts cost least in all."""
    n = len(lines)
    live = _live(lines)
    cost = [_names(line)[2] for line in lines]
    best: list[tuple[float, int]] = [(0.0, 0)]  # for the first k lines: least cost, and where their last piece begins
    for end in range(1, n + 1):
        options = []
        weight = 0
        for start in range(end - 1, -1, -1):
            weight += cost[start]
            if weight > limit and start < end - 1:
                break
            options.append((best[start][0] + (_CUT + 2 * live[start] if start else 0), start))
        best.append(min(options))
    pieces: list[list[str]] = []
    end = n
    while end:
        start = best[end][1]
        pieces.insert(0, list(lines[start:end]))
        end = start
    return pieces


def _live(lines: Sequence[str]) -> list[int]:
    """For each place before a line: how many values written above it are read below it."""
    counts = [0] * (len(lines) + 1)
    needed: set[str] = set()
    above: list[set[str]] = [set()]
    for line in lines:
        above.append(above[-1] | _names(line)[1])
    for k in range(len(lines) - 1, -1, -1):
        reads, writes, _ = _names(lines[k])
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
