"""The expressions of one function in JavaScript, and the variables that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Protocol

from hhfast.kernel.print.javascript_values import (
    ATOM,
    BINDS,
    CONDITIONAL,
    UNARY,
    Arithmetic,
    Code,
    Words,
    constant_words,
    literal,
    word_operation,
)
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.kernel import Kernel, KernelFunction
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import is_straight_line, reads_and_writes

_INTRINSICS = {"sqrt": "Math.sqrt", "floor": "Math.floor", "isnan": "Number.isNaN", "abs": "Math.abs", "min": "min",
               "max": "max"}  # fmt: skip


class Functions(Protocol):
    """Where functions are that are called and not written in place of their calls; taken : names of the script."""

    taken: set[str]

    def function(self, function: FunctionType, arrays: Sequence[bool]) -> str: ...


@dataclass(frozen=True, slots=True)
class TypedArray:
    """An array: its name, the names of the lengths of its axes, and whether its elements are two words each."""

    name: str
    lengths: tuple[str, ...]
    is_whole: bool


class JavaScriptExpressions:
    """What expressions become, in a function that is being written.

    words : the variables that are two words; one that is given words and is not among them joins them here, and the
    function is then to be written again. write : writes the statements of a function in place of its call.
    """

    def __init__(
        self, module: Functions, words: frozenset[Symbol], write: Callable[[Iterable[Statement]], None]
    ) -> None:
        self.module, self.words, self.write = module, words, write
        self.kernel: Kernel | None = None
        self.code = Arithmetic(module.taken)
        self.declared: list[str] = []  # variables of the whole function
        self.scopes: list[dict[Symbol, Any]] = [{}]  # symbol -> its name, two names, or what stands for it
        self.depths = [0]  # where the variables of each scope are declared; 0: at the head
        self.conditions: set[Symbol] = set()
        self.unsigned: set[Symbol] = set()
        self.arrays: dict[Symbol, TypedArray] = {}

    # --- variables ---
    def found(self, symbol: Symbol) -> Any:
        """What stands for a symbol; None where it has no value yet."""
        return next((scope[symbol] for scope in reversed(self.scopes) if symbol in scope), None)

    def declare(self, symbol: Symbol) -> Any:
        """The variable of a symbol, and whether it still is to be declared by its first assignment."""
        names = tuple(
            self.code.new(f"{symbol.name}{part}") for part in (("_lo", "_hi") if symbol in self.words else ("",))
        )
        self.scopes[-1][symbol] = variable = names if len(names) > 1 else names[0]
        if self.depths[-1] == 0:
            self.declared += names
        return variable

    def assign(self, symbol: Symbol, value: Code | Words) -> None:
        if isinstance(value, Words) and not value.is_element:
            self.words |= {symbol}
        variable = self.found(symbol)
        is_new = variable is None
        if is_new:
            variable = self.declare(symbol)
        let = "let " if is_new and self.depths[-1] else ""
        if isinstance(variable, tuple):
            words = self.code.as_words(value)
            (self.unsigned.discard if words.is_signed else self.unsigned.add)(symbol)
            self.code.emit(f"{let}{variable[0]} = {words.low}{',' if let else ';'} {variable[1]} = {words.high};")
            return
        number = self.code.number(value)
        (self.conditions.add if number.is_condition else self.conditions.discard)(symbol)
        self.code.emit(f"{let}{variable} = {number.text};")

    def assign_all(self, targets: tuple[Symbol, ...], value: Expression) -> None:
        """Give symbols the values of a call, or those listed, all of which are computed first."""
        for target, part in zip(targets, [self.code.bound(part) for part in self.several(value)], strict=True):
            self.assign(target, part)

    def several(self, value: Expression) -> Sequence[Code | Words]:
        match value:
            case nodes.Several(items=items):
                return [self.expression(item) for item in items]
            case nodes.Call(function=FunctionType() as function, arguments=arguments):
                tree = function_of(function)
                if all(map(is_straight_line, tree.body)):
                    return self.inlined(tree, [self.expression(argument) for argument in arguments])
                last = tree.body[-1]
                assert isinstance(last, nodes.Return)
                assert isinstance(last.value, nodes.Several)
                array = self.code.bind(self.called(function, arguments))
                return [Code(f"{array}[{k}]") for k in range(len(last.value.items))]
        raise NotImplementedError(f"{value}")

    # --- expressions ---
    def text_of(self, node: Expression) -> str:
        return self.code.number(self.expression(node)).text

    def condition(self, node: Expression) -> Code:
        code = self.code.number(self.expression(node))
        # NaN is true in Python, and would not be here.
        return code if code.is_condition else Code(f"{code.within(BINDS['=='])} !== 0", BINDS["=="], True)

    def expression(self, node: Expression) -> Code | Words:
        match node:
            case Number(value=value):
                is_negative = isinstance(value, int | float) and value < 0
                return Code(literal(value), UNARY if is_negative else ATOM, isinstance(value, bool), value)
            case nodes.Name(symbol=symbol):
                return self.read(symbol)
            case nodes.Element() | nodes.RowElement() | nodes.ScratchElement():
                array, index = self.place(node)
                if not array.is_whole:
                    return Code(f"{array.name}[{index.text}]")
                where = index.within(BINDS["*"])
                return Words(f"{array.name}[2 * {where}]", f"{array.name}[2 * {where} + 1]", is_element=True)
            case nodes.Length(array=symbol, axis=axis):
                array = self.arrays[symbol]
                if array.lengths:
                    return Code(array.lengths[axis])
                return Code(f"{array.name}.length / 2", BINDS["/"]) if array.is_whole else Code(f"{array.name}.length")
            case nodes.Negative(operand=operand):
                x = self.expression(operand)
                if isinstance(x, Words) and not x.is_element:
                    return word_operation("-", constant_words(0), x, self.code.bind)
                return Code(f"-{self.code.number(x).within(UNARY + 1)}", UNARY)
            case nodes.Binary(op=op, left=left, right=right):
                return self.code.binary(op, self.expression(left), self.expression(right))
            case nodes.Compare(op=op, left=left, right=right):
                return self.code.compare(op, self.expression(left), self.expression(right))
            case nodes.Logical(op=op, left=left, right=right):
                sign = "&&" if op == "and" else "||"
                a, b = self.condition(left), self.condition(right)
                return Code(f"{a.within(BINDS[sign] + 1)} {sign} {b.within(BINDS[sign] + 1)}", BINDS[sign], True)
            case nodes.Select(test=test, yes=yes, no=no):
                chosen = self.condition(test)
                a, b = (self.code.number(self.expression(side)) for side in (yes, no))
                parts = (part.within(CONDITIONAL + 1) for part in (chosen, a, b))
                return Code("{} ? {} : {}".format(*parts), CONDITIONAL, a.is_condition and b.is_condition)
            case nodes.Cast(dtype=dtype, operand=operand):
                return self.code.cast(dtype, self.expression(operand))
            case nodes.Bits(dtype=dtype, operand=operand):
                return self.code.bits(dtype, self.expression(operand))
            case nodes.Call(function=function, arguments=arguments):
                return self.call(function, arguments)
        raise NotImplementedError(f"{node}")

    def read(self, symbol: Symbol) -> Code | Words:
        found = self.found(symbol)
        if isinstance(found, Code | Words):
            return found
        if isinstance(found, tuple):
            low, high = found
            return Words(low, high, symbol not in self.unsigned)
        assert found is not None, f"'{symbol.name}' has no value yet"
        return Code(found, is_condition=symbol in self.conditions)

    def place(self, node: Expression) -> tuple[TypedArray, Code]:
        """(array, number of the element) of an element."""
        match node:
            case nodes.RowElement(row=row, lane=lane):
                assert self.kernel is not None
                kind, number = self.kernel.rows[row]
                where_from = Code(str(number * self.kernel.lanes))
                return self.arrays[self.kernel.scratch[kind][0]], self.code.number(
                    self.code.binary("+", where_from, self.expression(lane))
                )
            case nodes.ScratchElement(kind=kind, index=where):
                assert self.kernel is not None
                return self.arrays[self.kernel.scratch[kind][0]], self.code.number(self.expression(where))
            case nodes.Element(array=symbol, index=indices):
                array = self.arrays[symbol]
                place = self.code.number(self.expression(indices[0]))
                for length, where in zip(array.lengths[1:], indices[1:], strict=True):
                    before = self.code.binary("*", place, Code(length))
                    place = self.code.number(self.code.binary("+", before, self.expression(where)))
                return array, place
        raise NotImplementedError(f"{node}")

    # --- calls ---
    def call(self, function: FunctionType | str, arguments: tuple[Expression, ...]) -> Code | Words:
        if isinstance(function, str):
            given = [self.text_of(argument) for argument in arguments]
            return Code(f"{_INTRINSICS[function]}({', '.join(given)})", is_condition=function == "isnan")
        tree = function_of(function)
        whole = [a for a in arguments if not (isinstance(a, nodes.Name) and a.symbol in self.arrays)]
        if all(map(is_straight_line, tree.body)) and len(whole) == len(arguments):
            values = [self.expression(argument) for argument in arguments]
            if any(isinstance(v, Words) and not v.is_element for v in values):
                return self.inlined(tree, values)[0]
            name = self.module.function(function, [False] * len(values))
            return Code(f"{name}({', '.join(self.code.number(v).text for v in values)})")
        return Code(self.called(function, arguments))

    def called(self, function: FunctionType, arguments: tuple[Expression, ...]) -> str:
        """The text of a call; arrays are given as they are."""
        arrays = [isinstance(a, nodes.Name) and a.symbol in self.arrays for a in arguments]
        given = [
            self.arrays[a.symbol].name if isinstance(a, nodes.Name) and is_array else self.text_of(a)
            for a, is_array in zip(arguments, arrays, strict=True)
        ]
        return f"{self.module.function(function, arrays)}({', '.join(given)})"

    def inlined(self, tree: KernelFunction, given: Sequence[Code | Words]) -> Sequence[Code | Words]:
        """The values of a straight function, whose statements stand in place of its call."""
        self.scopes.append({})
        self.depths.append(self.code.depth)
        writes = reads_and_writes(tree.body)[1]
        for symbol, value in zip(tree.parameters, given, strict=True):
            if symbol in writes:
                self.assign(symbol, value)
            else:
                self.scopes[-1][symbol] = self.code.bound(value)
        self.write(tree.body[:-1])
        last = tree.body[-1]
        assert isinstance(last, nodes.Return)
        assert last.value is not None
        items = last.value.items if isinstance(last.value, nodes.Several) else (last.value,)
        found = [self.expression(item) for item in items]
        self.scopes.pop()
        self.depths.pop()
        return found
