"""The statements of one function in JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Protocol

from hhfast.kernel.print.javascript_values import (
    ATOM,
    BINDS,
    BITWISE,
    CONDITIONAL,
    UNARY,
    Arithmetic,
    Code,
    Words,
    constant_words,
    harmless,
    literal,
    word_operation,
)
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.kernel import Kernel, KernelFunction
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.straight import is_straight, reads_and_writes
from hhfast.kernel.tree.walk import walk

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


class JavaScriptFunction:
    """Writes one function. Straight lane loops and functions in place of calls have variables of their own.

    words : the variables that are two words; one that is given words and is not among them joins them here, and the
    function is then to be written again.
    """

    def __init__(self, module: Functions, words: frozenset[Symbol]) -> None:
        self.module, self.words = module, words
        self.kernel: Kernel | None = None
        self.code = Arithmetic(module.taken)
        self.parameters: list[str] = []
        self.head: list[str] = []  # lines before the first statement
        self.declared: list[str] = []  # variables of the whole function
        self.scopes: list[dict[Symbol, Any]] = [{}]  # symbol -> its name, two names, or what stands for it
        self.depths = [0]  # where the variables of each scope are declared; 0: at the head
        self.conditions: set[Symbol] = set()
        self.unsigned: set[Symbol] = set()
        self.arrays: dict[Symbol, TypedArray] = {}

    def text(self, name: str) -> str:
        declared = [f"  let {', '.join(self.declared)};"] if self.declared else []
        signature = f"function {name}({', '.join(self.parameters)}) {{"
        return "\n".join([signature, *self.head, *declared, *self.code.lines, "}"])

    # --- what is given ---
    def use(self, kernel: Kernel, constants: Mapping[Symbol, str]) -> None:
        """Write the function of a kernel, whose constants and tables have these names."""
        self.kernel = kernel
        self.scopes[0] |= {symbol: Code(constants[symbol]) for symbol in kernel.constants}
        for symbol, (dtype, _) in kernel.tables.items():
            self.arrays[symbol] = TypedArray(constants[symbol], (), dtype == "int64")
        for symbol, kind in kernel.arguments.items():
            self.parameter(symbol, kind)

    def parameter(self, symbol: Symbol, kind: str) -> None:
        name = self.code.new(symbol.name)
        self.parameters.append(name)
        dtype, _, axes = kind.partition("[")
        if not axes:
            self.scopes[0][symbol] = name
            return
        several = range(axes.count(",") + 1) if "," in axes else ()
        lengths = tuple(self.code.new(f"{symbol.name}_n{k}") for k in several)
        self.head += [f"  const {length} = {name}.shape[{k}];" for k, length in enumerate(lengths)]
        self.arrays[symbol] = TypedArray(name, lengths, dtype == "int64")

    # --- names and variables ---
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

    # --- statements ---
    def statements(self, body: Iterable[Statement]) -> None:
        for node in body:
            self.statement(node)

    def nested(self, head: str, body: Iterable[Statement]) -> None:
        self.code.emit(head)
        self.code.depth += 1
        self.statements(body)
        self.code.depth -= 1

    def statement(self, node: Statement) -> None:
        match node:
            case nodes.Comment(text=text):
                self.code.emit(f"// {harmless(text)}")
            case nodes.Let(target=target, value=value):
                self.assign(target, self.expression(value))
            case nodes.LetAll(targets=targets, value=value):
                self.assign_all(targets, value)
            case nodes.Store(target=target, value=value):
                self.store(target, self.expression(value))
            case nodes.LaneLoop(index=index, count=count, body=body):
                self.lane_loop(index, count, body)
            case nodes.For(index=index, start=start, stop=stop, step=step, body=body):
                for symbol in reads_and_writes(body)[1] if self.depths[-1] else ():
                    if self.found(symbol) is None:  # what is assigned in the loop first may be read after it
                        variable = self.declare(symbol)
                        self.code.emit(f"let {', '.join([variable] if isinstance(variable, str) else variable)};")
                self.loop(index, start, stop, step, body)
            case nodes.While(test=test, body=body):
                self.while_loop(test, body)
            case nodes.If():
                self.choice(node)
            case nodes.Break():
                self.code.emit("break;")
            case nodes.Return(value=None):
                self.code.emit("return;")
            case nodes.Return(value=nodes.Several(items=items)):
                self.code.emit(f"return [{', '.join(self.text_of(item) for item in items)}];")
            case nodes.Return(value=value):
                assert value is not None
                self.code.emit(f"return {self.text_of(value)};")

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
                if all(map(is_straight, tree.body)):
                    return self.inlined(tree, [self.expression(argument) for argument in arguments])
                last = tree.body[-1]
                assert isinstance(last, nodes.Return)
                assert isinstance(last.value, nodes.Several)
                array = self.code.bind(self.called(function, arguments))
                return [Code(f"{array}[{k}]") for k in range(len(last.value.items))]
        raise NotImplementedError(f"{value}")

    def store(self, target: Expression, value: Code | Words) -> None:
        array, index = self.place(target)
        if not array.is_whole:
            number = self.code.number(value)
            self.code.emit(f"{array.name}[{index.text}] = {number.text};")
            return
        if isinstance(value, Code) and value.value is None and value.binds < ATOM:
            value = Code(self.code.bind(value.text))
        words, where = self.code.as_words(value), index.within(BINDS["*"])
        self.code.emit(f"{array.name}[2 * {where}] = {words.low}; {array.name}[2 * {where} + 1] = {words.high};")

    def lane_loop(self, index: Symbol, count: Expression, body: tuple[Statement, ...]) -> None:
        """A loop whose variables are its own, but for those of the whole block that it changes."""
        if not all(map(is_straight, body)):
            self.loop(index, Number(0), count, Number(1), body)
            return
        reads, writes = reads_and_writes(body)
        own = set(writes) - set(reads)
        outside = {symbol: self.scopes[0].pop(symbol) for symbol in own if symbol in self.scopes[0]}
        self.scopes.append({})
        self.depths.append(self.code.depth + 1)
        self.loop(index, Number(0), count, Number(1), body)
        self.scopes.pop()
        self.depths.pop()
        self.scopes[0] |= outside

    def loop(
        self, index: Symbol, start: Expression, stop: Expression, step: Expression, body: Sequence[Statement]
    ) -> None:
        first, last, by = (self.code.number(self.expression(bound)) for bound in (start, stop, step))
        end = last.text if last.binds == ATOM else self.code.bind(last.text)
        name, outside = self.code.new(index.name), self.scopes[-1].get(index)
        self.scopes[-1][index] = name
        self.nested(f"for (let {name} = {first.text}; {name} < {end}; {name} += {by.text}) {{", body)
        self.code.emit("}")
        del self.scopes[-1][index]
        if outside is not None:
            self.scopes[-1][index] = outside

    def while_loop(self, test: Expression, body: Sequence[Statement]) -> None:
        """The statements that a condition needs are computed in every turn."""
        self.code.emit("while (true) {")
        self.code.depth += 1
        condition = self.condition(test)
        if condition.text != "true":
            self.code.emit(f"if (!({condition.text})) break;")
        self.statements(body)
        self.code.depth -= 1
        self.code.emit("}")

    def choice(self, node: nodes.If) -> None:
        self.nested(f"if ({self.condition(node.test).text}) {{", node.body)
        match node.orelse:
            case (nodes.If() as other,) if self.is_simple(other.test):
                self.code.lines.append("  " * self.code.depth + "} else")
                place = len(self.code.lines)
                self.choice(other)
                joined = f"{self.code.lines.pop(place - 1)} {self.code.lines.pop(place - 1).lstrip()}"
                self.code.lines.insert(place - 1, joined)
                return
            case (_, *_):
                self.nested("} else {", node.orelse)
        self.code.emit("}")

    @staticmethod
    def is_simple(test: Expression) -> bool:
        """Whether a condition needs no statement before it."""
        return not any(isinstance(part, nodes.Bits | nodes.Call) or getattr(part, "op", "") in BITWISE
                       for part in walk(test))  # fmt: skip

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
        if all(map(is_straight, tree.body)) and len(whole) == len(arguments):
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
        for node in tree.body[:-1]:
            self.statement(node)
        last = tree.body[-1]
        assert isinstance(last, nodes.Return)
        assert last.value is not None
        items = last.value.items if isinstance(last.value, nodes.Several) else (last.value,)
        found = [self.expression(item) for item in items]
        self.scopes.pop()
        self.depths.pop()
        return found
