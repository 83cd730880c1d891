"""Expressions of the grammar of kernels, from Python's syntax trees to nodes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from hhfast.errors import InputError, did_you_mean
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Name, Number, Symbol

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


class ExpressionParser:
    """Turns syntax trees of expressions into nodes; `where` is named in errors."""

    def __init__(self, where: str, meanings: Mapping[str, Meaning], local: Mapping[str, Symbol]) -> None:
        self.where, self.meanings, self.local = where, meanings, local

    def refuse(self, node: ast.AST) -> InputError:
        return InputError(f"'{self.where}': '{ast.unparse(node)}' is not in the grammar of kernels")

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
