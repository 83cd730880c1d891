"""Straight-line text in kernels: what it is, and where a kernel has it.

What is straight: assignments to names, tuples of names and elements of one-dimensional arrays, and a last `return`;
arithmetic, comparisons, bit operations, conditional expressions without array elements in them; conversions such as
`np.float64(x)` and `x.view(np.int64)`; abs, sqrt, floor; calls of functions that are straight; `for` over the literal
`range(n)`, which is unrolled.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

CALLS: dict[Any, str] = {abs: "fabs", np.sqrt: "sqrt", np.floor: "floor"}
OPERATORS: dict[type, tuple[Callable[[Any, Any], Any], dict[str, str]]] = {  # Python's; LLVM's, for numbers of a kind
    ast.Add: (operator.add, {"float": "fadd", "signed": "add", "unsigned": "add"}),
    ast.Sub: (operator.sub, {"float": "fsub", "signed": "sub", "unsigned": "sub"}),
    ast.Mult: (operator.mul, {"float": "fmul", "signed": "mul", "unsigned": "mul"}),
    ast.Div: (operator.truediv, {"float": "fdiv"}),
    ast.FloorDiv: (operator.floordiv, {"signed": "sdiv", "unsigned": "udiv"}),  # of integers that are not negative
    ast.LShift: (operator.lshift, {"signed": "shl", "unsigned": "shl"}),
    ast.RShift: (operator.rshift, {"signed": "ashr", "unsigned": "lshr"}),
    ast.BitAnd: (operator.and_, {"signed": "and_", "unsigned": "and_"}),
    ast.BitOr: (operator.or_, {"signed": "or_", "unsigned": "or_"}),
    ast.BitXor: (operator.xor, {"signed": "xor", "unsigned": "xor"}),
}
COMPARISONS: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_EXPRESSIONS = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Call,
                ast.Subscript, ast.Tuple, ast.expr_context, ast.USub, *OPERATORS, *COMPARISONS)
Environment = Mapping[str, Any]  # the globals of a function


@lru_cache(maxsize=64)
def _functions_of(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def definition(function: FunctionType) -> ast.FunctionDef:
    """The syntax tree of a function at the top of a module."""
    return _functions_of(function.__code__.co_filename)[function.__name__]


@lru_cache(maxsize=1024)
def is_straight(function: FunctionType) -> bool:
    """Whether a function can be lowered."""
    return all(is_straight_statement(s, function.__globals__) for s in body_of(definition(function)))


def body_of(tree: ast.FunctionDef) -> list[ast.stmt]:
    """The statements without the docstring."""
    return tree.body[1:] if ast.get_docstring(tree) is not None else tree.body


def is_straight_statement(statement: ast.stmt, outside: Environment) -> bool:
    """Whether a statement can be lowered, given what the names mean that are not local."""
    match statement:
        case ast.Assign(targets=[target], value=value):
            return _is_target(target) and _is_straight_expression(value, outside)
        case ast.Return(value=ast.expr() as value):
            return _is_straight_expression(value, outside)
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int())]), body=body):
            return all(is_straight_statement(s, outside) for s in body)
    return False


def _is_target(node: ast.expr) -> bool:
    match node:
        case ast.Tuple(elts=elements):
            return all(isinstance(e, ast.Name) for e in elements)
        case ast.Subscript(value=ast.Name(), slice=index):
            return not isinstance(index, ast.Tuple | ast.Slice)
    return isinstance(node, ast.Name)


def _is_straight_expression(value: ast.expr, outside: Environment) -> bool:
    for node in ast.walk(value):
        match node:
            case ast.Call(func=ast.Attribute(attr="view")):
                pass
            case ast.Call(func=function):
                if not _is_known(static(function, outside)):
                    return False
            case ast.Compare(ops=[_, _, *_]) | ast.Subscript(slice=ast.Tuple() | ast.Slice()):
                return False
            case ast.IfExp(body=yes, orelse=no):
                # An element that is not asked for may not exist.
                if any(isinstance(n, ast.Subscript) for side in (yes, no) for n in ast.walk(side)):
                    return False
            case _ if not isinstance(node, _EXPRESSIONS):
                return False
    return True


def _is_known(function: Any) -> bool:
    if isinstance(function, FunctionType):
        return is_straight(function)
    return function in CALLS or (isinstance(function, type) and issubclass(function, np.number))


def static(node: ast.expr, outside: Environment) -> Any:
    """What a name that is not local means, or an attribute of it; None if nothing."""
    match node:
        case ast.Name(id=name):
            return outside.get(name, {"abs": abs}.get(name))
        case ast.Attribute(value=value, attr=name):
            return getattr(static(value, outside), name, None)
    return None


# --- lanes -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Lane:
    """Straight text as a function; `outside` is what its names mean that are not local."""

    name: str
    parameters: Sequence[str]
    body: Sequence[ast.stmt]
    outside: Environment


def lane_of(function: FunctionType) -> Lane:
    """A straight function as what it does."""
    tree = definition(function)
    return Lane(function.__name__, [a.arg for a in tree.args.args], body_of(tree), function.__globals__)


def taken_out(tree: ast.FunctionDef, outside: Environment) -> dict[str, Lane]:
    """Replace the bodies of the straight loops of a function, in place, by calls of the lanes returned by name."""
    local = {a.arg for a in tree.args.args}
    local |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    lanes: dict[str, Lane] = {}
    for loop in list(_straight_loops(tree, outside)):
        reads, writes = names_in(loop.body)
        parameters = [name for name in reads if name in local]
        carried = [name for name in writes if name in parameters]  # from one lane to the next, and out of the loop
        name = f"lanes_{len(lanes)}_"
        body = [*loop.body, _return(carried)] if carried else loop.body
        lanes[name] = Lane(name, parameters, body, outside)
        call = f"{name}({', '.join(parameters)})"
        text = f"{', '.join(carried)} = {call}" if carried else call
        (statement,) = ast.parse(text).body
        loop.body = [statement]
    return lanes


def _straight_loops(node: ast.AST, outside: Environment) -> Iterator[ast.For]:
    """The outermost loops in a syntax tree whose bodies are straight."""
    if isinstance(node, ast.For) and all(is_straight_statement(s, outside) for s in node.body):
        yield node
    else:
        for child in ast.iter_child_nodes(node):
            yield from _straight_loops(child, outside)


def _return(names: Sequence[str]) -> ast.stmt:
    loads: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names]
    return ast.Return(loads[0] if len(loads) == 1 else ast.Tuple(loads, ast.Load()))


def names_in(body: Iterable[ast.stmt]) -> tuple[list[str], list[str]]:
    """Names read before any straight assignment, and names assigned, each in order of appearance."""
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for statement in body:
        if isinstance(statement, ast.For):  # it is passed through
            writes |= dict.fromkeys(n.id for n in ast.walk(statement.target) if isinstance(n, ast.Name))
            read, written = names_in(statement.body)
        else:
            names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
            written = [n.id for n in names if isinstance(n.ctx, ast.Store)]
            # What a branch assigns keeps its old value when the branch is not taken, so it is read as well.
            everything = not isinstance(statement, ast.Assign)
            read = [n.id for n in names if everything or isinstance(n.ctx, ast.Load)]
        reads |= dict.fromkeys(name for name in read if name not in writes)
        writes |= dict.fromkeys(written)
    return list(reads), list(writes)
