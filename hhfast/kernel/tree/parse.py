"""From text to nodes: the grammar of integrators, stimuli, recorders and the functions of `kernel.math`.

It is a small part of Python: assignments, `if`, `while`, `for` over `range`, arithmetic, comparisons, conditional
expressions, elements of arrays, and calls of known functions. Text is read once, by Python's own parser, and never
executed; whatever is not in the grammar is refused with its place.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from hhfast.errors import InputError, did_you_mean
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, KernelFunction, Name, Number, Statement, Symbol

BINARY: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
COMPARE: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_BUILTIN = {"abs": "abs", "min": "min", "max": "max"}
_OF_NUMPY: dict[np.ufunc, str] = {np.sqrt: "sqrt", np.floor: "floor", np.isnan: "isnan"}
_CASTS = {"int": "int64", "float": "float64"}
_TYPES = ("float64", "float32", "int64", "int32", "uint64")  # that numbers can be made
_TWO = ("min", "max")  # of the functions known by name, those of two arguments
T = TypeVar("T")
Meaning = (
    Any  # of a name: a Symbol, an expression, a function, a NumPy type or function, a number or a tuple of numbers
)


def statements(text: str, meanings: Mapping[str, Meaning], local: MutableMapping[str, Symbol]) -> tuple[Statement, ...]:
    """The statements of a text.

    meanings : what names stand for. local : symbols of further names, to which those that the text assigns are added.
    Raises `InputError` for what is not in the grammar, and for names that mean nothing.
    """
    return _Parser(text, meanings, local).statements(_parsed(text).body)


def expression(text: str, meanings: Mapping[str, Meaning], local: Mapping[str, Symbol] | None = None) -> Expression:
    """The node of one expression, which may use local names but assigns none."""
    match _parsed(text).body:
        case [ast.Expr(value=value)]:
            return _Parser(text, meanings, dict(local or {})).expression(value)
    raise InputError(f"'{text}' is not one expression")


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"'{text}' is not in the grammar of kernels: {getattr(error, 'msg', error)}") from None


@lru_cache(maxsize=256)
def function_of(function: FunctionType) -> KernelFunction:
    """The tree of a function of `kernel.math`, from its source; its globals are constants and other such functions."""
    definition = _definitions(function.__code__.co_filename)[function.__name__]
    local = {argument.arg: Symbol(argument.arg) for argument in definition.args.args}
    parameters = tuple(local.values())
    own = {*local, *(n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))}
    outside = {name: meaning for name, meaning in function.__globals__.items() if name not in own}
    body = definition.body[ast.get_docstring(definition) is not None :]
    return KernelFunction(function.__name__, parameters, _Parser(function.__name__, outside, local).statements(body))


@lru_cache(maxsize=16)
def _definitions(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


class _Parser:
    """Turns syntax trees into nodes; `where` is named in errors."""

    def __init__(self, where: str, meanings: Mapping[str, Meaning], local: MutableMapping[str, Symbol]) -> None:
        self.where, self.meanings, self.local = where, meanings, local

    def refuse(self, node: ast.AST) -> InputError:
        return InputError(f"'{self.where}': '{ast.unparse(node)}' is not in the grammar of kernels")

    # --- statements ---
    def statements(self, body: Iterable[ast.stmt]) -> tuple[Statement, ...]:
        return tuple(self.statement(node) for node in body if not isinstance(node, ast.Pass))

    def statement(self, node: ast.stmt) -> Statement:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                found = self.expression(value)
                return nodes.LetAll(tuple(self.assigned(target) for target in targets), found)
            case ast.Assign(targets=[target], value=value):
                return self.assignment(target, self.expression(value))
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in BINARY:
                was = self.expression(_loaded(target))
                return self.assignment(target, nodes.Binary(BINARY[type(op)], was, self.expression(value)))
            case ast.If(test=test, body=body, orelse=orelse):
                return nodes.If(self.expression(test), self.statements(body), self.statements(orelse))
            case ast.While(test=test, body=body, orelse=[]):
                return nodes.While(self.expression(test), self.statements(body))
            case ast.For(
                target=ast.Name() as target,
                iter=ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]),
                orelse=[],
            ):
                return self.loop(node, target, bounds)
            case ast.Return(value=None):
                return nodes.Return()
            case ast.Return(value=ast.expr() as value):
                return nodes.Return(self.expression(value))
            case ast.Break():
                return nodes.Break()
        raise self.refuse(node)

    @staticmethod
    def bounds(given: list[Expression]) -> tuple[Expression, Expression, Expression]:
        zero, one = Number(0), Number(1)
        start, stop, step = {1: (zero, *given, one), 2: (*given, one), 3: given}[len(given)]
        return start, stop, step

    def loop(self, node: ast.For, target: ast.Name, bounds: list[ast.expr]) -> Statement:
        given = [self.expression(bound) for bound in bounds]
        if not 1 <= len(given) <= 3 or (len(given) == 3 and isinstance(given[2], Number) and not given[2].value > 0):
            raise InputError(f"'{self.where}': range takes one to three numbers, and steps are upwards")
        start, stop, step = self.bounds(given)
        return nodes.For(self.assigned(target), start, stop, step, self.statements(node.body))

    def assignment(self, target: ast.expr, value: Expression) -> Statement:
        if isinstance(target, ast.Subscript):
            element = self.expression(_loaded(target))
            if not isinstance(element, nodes.Element):
                raise self.refuse(target)
            return nodes.Store(element, value)
        meaning = self.meanings.get(target.id) if isinstance(target, ast.Name) else None
        if isinstance(meaning, nodes.Element | nodes.RowElement | nodes.ScratchElement):
            return nodes.Store(meaning, value)
        return nodes.Let(self.assigned(target), value)

    def assigned(self, target: ast.expr) -> Symbol:
        if not isinstance(target, ast.Name):
            raise self.refuse(target)
        meaning = self.meanings.get(target.id)
        if isinstance(meaning, Symbol):
            return meaning
        if meaning is not None:
            raise InputError(f"'{self.where}': {target.id} cannot be assigned; choose another name")
        return self.local.setdefault(target.id, Symbol(target.id))

    # --- expressions ---
    def expression(self, node: ast.expr) -> Expression:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return Number(value)
            case ast.Name() | ast.Attribute():
                return self.value(node)
            case ast.Tuple(elts=items):
                return nodes.Several(tuple(map(self.expression, items)))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return nodes.Binary(BINARY[type(op)], self.expression(left), self.expression(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                x = self.expression(operand)
                return Number(-x.value, x.dtype) if isinstance(x, Number) else nodes.Negative(x)
            case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in COMPARE:
                return nodes.Compare(COMPARE[type(op)], self.expression(left), self.expression(right))
            case ast.Compare(ops=[first_op, second_op, *more], left=left, comparators=[inner, *others]):
                first = self.expression(ast.Compare(left, [first_op], [inner]))
                return nodes.Logical("and", first, self.expression(ast.Compare(inner, [second_op, *more], others)))
            case ast.BoolOp(op=op, values=values):
                name = "and" if isinstance(op, ast.And) else "or"
                found = self.expression(values[-1])
                for condition in reversed(values[:-1]):
                    found = nodes.Logical(name, self.expression(condition), found)
                return found
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return nodes.Compare("==", self.expression(operand), Number(False))
            case ast.IfExp(test=test, body=yes, orelse=no):
                return nodes.Select(self.expression(test), self.expression(yes), self.expression(no))
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name() as array, attr="shape"), slice=ast.Constant(value=axis)
            ):
                return nodes.Length(self.array(array), int(axis))  # type: ignore[arg-type]
            case ast.Subscript(value=array, slice=index):
                return self.element(array, index)
            case ast.Call(func=function, args=arguments, keywords=[]):
                return self.call(node, function, arguments)
        raise self.refuse(node)

    def value(self, node: ast.expr) -> Expression:
        """What a name, or an attribute of one, is worth."""
        meaning = self.meaning(node)
        if meaning is None and isinstance(node, ast.Name) and node.id in self.local:
            return Name(self.local[node.id])
        if isinstance(meaning, Symbol):
            return Name(meaning)
        if isinstance(meaning, np.generic):
            return Number(meaning.item(), meaning.dtype.name)
        if isinstance(meaning, bool | int | float):
            return Number(meaning)
        if isinstance(meaning, nodes.KINDS):
            return cast("Expression", meaning)
        known = {*self.local, *(n for n, m in self.meanings.items() if isinstance(m, (Symbol, *nodes.KINDS)))}
        name = ast.unparse(node)
        raise InputError(f"'{self.where}': unknown name '{name}'; {did_you_mean(name, known)}")

    def meaning(self, node: ast.expr) -> Meaning:
        match node:
            case ast.Name(id=name):
                return self.meanings.get(name)
            case ast.Attribute(value=ast.Name(id="np"), attr="inf"):
                return float("inf")
            case ast.Attribute(value=ast.Name(id="np"), attr="nan"):
                return float("nan")
            case ast.Attribute(value=ast.Name(id="np"), attr=name):
                return getattr(np, name, None)
        return None

    def array(self, node: ast.expr) -> Symbol:
        value = self.value(node)
        if not isinstance(value, Name):
            raise self.refuse(node)
        return value.symbol

    def element(self, array: ast.expr, index: ast.expr) -> Expression:
        meaning = self.meaning(array)
        if isinstance(meaning, tuple) and isinstance(index, ast.Constant):
            constant = meaning[index.value]  # type: ignore[index]
            return (
                Number(constant.item(), constant.dtype.name) if isinstance(constant, np.generic) else Number(constant)
            )
        found = self.expression(index)
        return nodes.Element(self.array(array), found.items if isinstance(found, nodes.Several) else (found,))

    def call(self, node: ast.Call, function: ast.expr, arguments: list[ast.expr]) -> Expression:
        if isinstance(function, ast.Attribute) and function.attr == "view":
            (kind,) = self.counted(node, arguments, 1)
            return nodes.Bits(self.dtype(kind), self.expression(function.value))
        name = function.id if isinstance(function, ast.Name) else ""
        meaning = self.meaning(function)
        if meaning is None and name == "len":
            return nodes.Length(self.array(*self.counted(node, arguments, 1)), 0)
        given = tuple(map(self.expression, arguments))
        if isinstance(meaning, FunctionType):
            return nodes.Call(meaning, self.counted(node, given, meaning.__code__.co_argcount))
        if isinstance(meaning, type) and issubclass(meaning, np.generic):
            return nodes.Cast(self.dtype(function), *self.counted(node, given, 1))
        if meaning is None and name in _CASTS:
            return nodes.Cast(_CASTS[name], *self.counted(node, given, 1))
        known_as = meaning if isinstance(meaning, str) else _BUILTIN.get(name) if meaning is None else None
        if isinstance(meaning, np.ufunc):
            known_as = _OF_NUMPY.get(meaning)
        if known_as is not None:
            return nodes.Call(known_as, self.counted(node, given, 2 if known_as in _TWO else 1))
        known = {*_BUILTIN, *(n for n, m in self.meanings.items() if isinstance(m, FunctionType))}
        if isinstance(function, ast.Name):
            raise InputError(f"'{self.where}': unknown function '{name}'; {did_you_mean(name, known)}")
        raise self.refuse(node)

    def counted(self, node: ast.Call, given: Sequence[T], n: int) -> tuple[T, ...]:
        """The arguments of a call, which must be n."""
        if len(given) != n:
            what = f"{n} argument" if n == 1 else f"{n} arguments"
            raise InputError(f"'{self.where}': '{ast.unparse(node.func)}' takes {what}, not {len(given)}")
        return tuple(given)

    def dtype(self, node: ast.expr) -> str:
        """The name of a type such as np.int64."""
        meaning = self.meaning(node)
        name = meaning.__name__ if isinstance(meaning, type) and issubclass(meaning, np.generic) else ""
        if name not in _TYPES:
            raise self.refuse(node)
        return name


def _loaded(target: ast.expr) -> ast.expr:
    """What is assigned, as what is read."""
    return ast.parse(ast.unparse(target), mode="eval").body
