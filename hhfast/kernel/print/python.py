"""The Python printer: a kernel tree as a module that people can read, that runs as it is, and that Numba compiles."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.naming import free_name
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol

_BINDS = {  # how tightly operators bind, as in Python
    "or": 1, "and": 2, "compare": 4, "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "//":
    10,
}  # fmt: skip
_CONDITIONAL, _UNARY, _ATOM = 0, 11, 20
_INTRINSICS = {"sqrt": "np.sqrt", "floor": "np.floor", "isnan": "np.isnan", "abs": "abs", "min": "min", "max": "max"}
_WIDTH = 120
_WORDS = {*keyword.kwlist, "np", "range", "len", *_INTRINSICS}


def printed(kernel: Kernel) -> str:
    """The source of a module with the kernel as a function; a layout of the scratch space precedes it."""
    return _Printer(kernel).text()


class _Printer:
    """Prints one kernel; every symbol gets a name of its own."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.functions: dict[FunctionType, str] = {}
        self.numbers: dict[tuple[str, Any], str] = {}
        self.names: dict[Symbol, str] = {}
        self.rows: dict[Symbol, str] = {}
        self.taken = set(_WORDS)

    def text(self) -> str:
        kernel = self.kernel
        for symbol in (*kernel.arguments, *kernel.constants):
            self.name(symbol)
        for symbol in sorted(kernel.rows, key=lambda s: not s.is_membrane):
            self.row(symbol)
        body = self.block(kernel.body, 1)
        signature = ", ".join(map(self.name, kernel.arguments))
        return "\n".join([*self.head(), "", f"def {kernel.name}({signature}):", *body]) + "\n"

    def head(self) -> Iterator[str]:
        kernel = self.kernel
        yield f'"""{kernel.title}. Printed by hhfast."""'
        yield from (f"# {_on_one_line(note)}".rstrip() for note in kernel.notes)
        yield ""
        yield "import numpy as np"
        yield ""
        modules: dict[str, list[str]] = {}
        for function, name in self.functions.items():
            there = function.__name__
            modules.setdefault(function.__module__, []).append(there if there == name else f"{there} as {name}")
        for module, names in sorted(modules.items()):
            yield f"from {module} import {', '.join(sorted(names))}"
        yield ""
        for symbol, value in kernel.constants.items():
            yield f"{self.name(symbol)} = {value}"
        for (dtype, value), name in self.numbers.items():
            yield f"{name} = np.{dtype}({self.literal(value)})"
        for symbol, (dtype, values) in kernel.tables.items():
            yield f"{self.name(symbol)} = np.array([{', '.join(map(self.literal, values))}], np.{dtype})"
        for kind, (array, _) in kernel.scratch.items():
            rows = {symbol: number for symbol, (of, number) in kernel.rows.items() if of == kind}
            if rows:
                yield ""
                yield f"# Where the values of the lanes begin in {self.name(array)} ({kind}):"
                yield from (f"{self.row(symbol)} = {number * kernel.lanes}" for symbol, number in rows.items())
        yield ""

    # --- names ---
    def name(self, symbol: Symbol) -> str:
        """The name of a symbol, unlike any other."""
        if symbol not in self.names:
            self.names[symbol] = self.new(symbol.name)
        return self.names[symbol]

    def new(self, wanted: str) -> str:
        return free_name(wanted, self.taken)

    def row(self, symbol: Symbol) -> str:
        """The name of where a row begins."""
        if symbol not in self.rows:
            self.rows[symbol] = self.new(f"{self.name(symbol)}_row")
        return self.rows[symbol]

    def function(self, function: FunctionType) -> str:
        if function not in self.functions:
            self.functions[function] = self.new(function.__name__.removesuffix("_f"))
        return self.functions[function]

    # --- statements ---
    def block(self, body: Iterable[Statement], depth: int) -> list[str]:
        statements = tuple(body)
        lines = [line for node in statements for line in self.statement(node, depth)]
        if all(isinstance(node, nodes.Comment) for node in statements):
            lines.append("    " * depth + "pass")
        return lines

    def statement(self, node: Statement, depth: int) -> list[str]:
        indent = "    " * depth
        match node:
            case nodes.Comment(text=text):
                return [f"{indent}# {_on_one_line(text)}"]
            case nodes.Let(target=target, value=value):
                return _assignment(indent, self.name(target), self.expression(value))
            case nodes.LetAll(targets=targets, value=value):
                return _assignment(indent, ", ".join(map(self.name, targets)), self.expression(value))
            case nodes.Store(target=target, value=value):
                return _assignment(indent, self.expression(target), self.expression(value))
            case nodes.LaneLoop(index=index, count=count, body=body):
                return [
                    f"{indent}for {self.name(index)} in range({self.expression(count)}):",
                    *self.block(body, depth + 1),
                ]
            case nodes.For(index=index, body=body):
                head = f"{indent}for {self.name(index)} in range({self.bounds(node)}):"
                return [head, *self.block(body, depth + 1)]
            case nodes.While(test=test, body=body):
                return [f"{indent}while {self.expression(test)}:", *self.block(body, depth + 1)]
            case nodes.If():
                return self.choice(node, depth, "if")
            case nodes.Break():
                return [f"{indent}break"]
            case nodes.Return(value=None):
                return [f"{indent}return"]
        raise NotImplementedError(f"{node}")

    def choice(self, node: nodes.If, depth: int, word: str) -> list[str]:
        indent = "    " * depth
        lines = [f"{indent}{word} {self.expression(node.test)}:", *self.block(node.body, depth + 1)]
        match node.orelse:
            case ():
                return lines
            case (nodes.If() as other,):
                return [*lines, *self.choice(other, depth, "elif")]
        return [*lines, f"{indent}else:", *self.block(node.orelse, depth + 1)]

    def bounds(self, node: nodes.For) -> str:
        given = [node.start, node.stop, node.step]
        if node.step == Number(1):
            given = given[:2] if node.start != Number(0) else [node.stop]
        return ", ".join(map(self.expression, given))

    # --- expressions ---
    def expression(self, node: Expression, least: int = _CONDITIONAL) -> str:
        """The text of an expression, in parentheses if it binds less tightly than `least`."""
        text, binds = self.bound(node)
        return f"({text})" if binds < least else text

    def bound(self, node: Expression) -> tuple[str, int]:
        """The text of an expression, and how tightly it binds."""
        match node:
            case Number(value=value, dtype=dtype):
                return self.number(value, dtype), _UNARY if isinstance(value, int | float) and value < 0 else _ATOM
            case nodes.Name(symbol=symbol):
                return self.name(symbol), _ATOM
            case nodes.Element(array=array, index=index):
                return f"{self.name(array)}[{', '.join(map(self.expression, index))}]", _ATOM
            case nodes.RowElement(row=row, lane=lane):
                array, _ = self.kernel.scratch[self.kernel.rows[row][0]]
                return f"{self.name(array)}[{self.row(row)} + {self.expression(lane, _BINDS['+'])}]", _ATOM
            case nodes.ScratchElement(kind=kind, index=where):
                return f"{self.name(self.kernel.scratch[kind][0])}[{self.expression(where)}]", _ATOM
            case nodes.Length(array=array, axis=axis):
                return f"{self.name(array)}.shape[{axis}]", _ATOM
            case nodes.Negative(operand=operand):
                return f"-{self.expression(operand, _UNARY)}", _UNARY
            case nodes.Binary(op=op, left=left, right=right) | nodes.Logical(op=op, left=left, right=right):
                binds = _BINDS[op]
                return f"{self.expression(left, binds)} {op} {self.expression(right, binds + 1)}", binds
            case nodes.Compare(op=op, left=left, right=right):
                binds = _BINDS["compare"]
                return f"{self.expression(left, binds + 1)} {op} {self.expression(right, binds + 1)}", binds
            case nodes.Select(test=test, yes=yes, no=no):
                parts = (self.expression(part, 1) for part in (yes, test, no))
                return "{} if {} else {}".format(*parts), _CONDITIONAL
            case nodes.Cast(dtype=dtype, operand=operand):
                return f"np.{dtype}({self.expression(operand)})", _ATOM
            case nodes.Bits(dtype=dtype, operand=operand):
                return f"{self.expression(operand, _ATOM)}.view(np.{dtype})", _ATOM
            case nodes.Several(items=items):
                return ", ".join(map(self.expression, items)), _CONDITIONAL
            case nodes.Call(function=function, arguments=arguments):
                name = _INTRINSICS[function] if isinstance(function, str) else self.function(function)
                return f"{name}({', '.join(map(self.expression, arguments))})", _ATOM
        raise NotImplementedError(f"{node}")

    def number(self, value: Any, dtype: str | None) -> str:
        """A number; one that is not of Python's own types has a name, because a plain literal would be double."""
        if dtype in (None, "float64", "int64", "bool"):
            return self.literal(value)
        key = (str(dtype), value)
        if key not in self.numbers:
            self.numbers[key] = self.new(f"c{len(self.numbers)}")
        return self.numbers[key]

    @staticmethod
    def literal(value: Any) -> str:
        if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
            return "np.nan"
        if value in (float("inf"), float("-inf")):
            return "np.inf" if value > 0 else "-np.inf"
        return repr(value)


def _assignment(indent: str, target: str, value: str) -> list[str]:
    """The lines of an assignment; one that is too long for a line stands in parentheses."""
    line = f"{indent}{target} = {value}"
    if len(line) <= _WIDTH:
        return [line]
    inner = f"{indent}    "
    wrapped = textwrap.wrap(
        value, _WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )
    return [f"{indent}{target} = (", *wrapped, f"{indent})"]


def _on_one_line(text: str) -> str:
    """A comment must not end before its line does."""
    return text[: len(text) - len(text.lstrip())] + " ".join(text.split())
