"""Loop fission: where to cut the straight statements of a lane into several loops over the lanes.

A step of a neuron is one long chain of dependent operations. The lanes of a block are independent of each other,
but a processor looks only a few hundred instructions ahead: in one long loop body it sees one lane's chain, and
waits; in several short loops over the same lanes it sees many lanes' chains, and does not. So a lane's statements are
cut into pieces that are short or whose chains are, where few values cross the cut (they are stored and loaded again).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Let, Node, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes, symbols_read
from hhfast.kernel.tree.walk import children, walk

# In units of an operation; best, or nearly, for the models of the library.
_WAIT = 0.03  # cost of a piece, times its operations, times those in its longest chain
_CUT, _CROSSING = 8, 2  # cost of a cut, and of each value that crosses it
_LONGEST = 160  # operations in a piece at most
_CALLS = {  # (operations, those in the longest chain) of each function, in either precision
    "exp": (20, 16), "log": (26, 18), "log_rough": (14, 11), "sqrt": (10, 5), "exp_small": (13, 8),
    "exp_plain": (18, 13), "reciprocal_rough": (6, 4),
    "exprelr": (30, 20), "exprelr_of": (14, 9), "exprelr_slope": (22, 12),
    "phi_0": (9, 5), "phi_1": (11, 6), "phi_2": (14, 6), "phi_3": (18, 9), "phi_4": (21, 12),
}  # fmt: skip
_CALLS |= {f"{name}_f": cost for name, cost in _CALLS.items()}
_DIVISION = (9, 4)


def cut(statements: Sequence[Let]) -> list[list[Let]]:
    """The statements in pieces, such that pieces and cuts cost least in all."""
    n = len(statements)
    operations = [sum(_cost(node)[0] for node in walk(let.value)) for let in statements]
    live = _live(statements)
    best = [0.0] + [float("inf")] * n  # least cost of the first k statements ...
    last = [0] * (n + 1)  # ... and where their last piece begins
    for start in range(n):
        before = best[start] + (_CUT + _CROSSING * live[start] if start else 0)
        total = longest = 0
        known: dict[Symbol, int] = {}
        for end in range(start + 1, n + 1):
            let = statements[end - 1]
            total += operations[end - 1]
            if total > _LONGEST and end > start + 1:
                break
            known[let.target] = _chain(let.value, known)
            longest = max(longest, known[let.target])
            cost = before + _WAIT * total * longest
            if cost < best[end]:
                best[end], last[end] = cost, start
    bounds = [n]
    while bounds[-1]:
        bounds.append(last[bounds[-1]])
    return [list(statements[start:end]) for start, end in pairwise(reversed(bounds))]


def crossing(pieces: Sequence[Sequence[Let]]) -> list[Symbol]:
    """The lane values that one piece writes and a later one reads (flags of the whole block are not lane values)."""
    written: set[Symbol] = set()
    found: dict[Symbol, None] = {}
    for piece in pieces:
        reads, writes = reads_and_writes(piece)
        found |= dict.fromkeys(symbol for symbol in reads if symbol in written and not symbol.is_flag)
        written |= set(writes)
    return list(found)


def _cost(node: Node) -> tuple[int, int]:
    """(operations, those in the longest chain) that a node adds to its operands."""
    match node:
        case nodes.Binary(op="/"):
            return _DIVISION
        case nodes.Binary() | nodes.Select() | nodes.Compare():
            return 1, 1
        case nodes.Call(function=function):
            return _CALLS.get(function if isinstance(function, str) else function.__name__, (0, 0))
    return 0, 0


def _chain(node: Node, known: dict[Symbol, int]) -> int:
    """The longest chain of operations that ends in a node, given those that end in symbols."""
    if isinstance(node, nodes.Name):
        return known.get(node.symbol, 0)
    return max((_chain(child, known) for child in children(node)), default=0) + _cost(node)[1]


def _live(statements: Sequence[Let]) -> list[int]:
    """For each place before a statement: how many values written above it are read below it."""
    counts = [0] * (len(statements) + 1)
    needed: set[Symbol] = set()
    above: list[set[Symbol]] = [set()]
    for let in statements:
        above.append(above[-1] | {let.target})
    for k in range(len(statements) - 1, -1, -1):
        needed = (needed - {statements[k].target}) | set(symbols_read(statements[k].value))
        counts[k] = len(needed & above[k])
    return counts
