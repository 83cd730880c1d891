"""The statements of one function in JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hhfast.kernel.print.javascript_expressions import Functions, JavaScriptExpressions, TypedArray
from hhfast.kernel.print.javascript_values import ATOM, BINDS, BITWISE, Code, Words, harmless
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import is_straight_line, reads_and_writes
from hhfast.kernel.tree.walk import walk


class JavaScriptFunction:
    """Writes one function. Straight lane loops and functions in place of calls have variables of their own.

    words : the variables that are two words (see `values`).
    """

    def __init__(self, module: Functions, words: frozenset[Symbol]) -> None:
        self.values = JavaScriptExpressions(module, words, self.statements)
        self.code = self.values.code
        self.parameters: list[str] = []
        self.head: list[str] = []  # lines before the first statement

    def text(self, name: str) -> str:
        declared = [f"  let {', '.join(self.values.declared)};"] if self.values.declared else []
        signature = f"function {name}({', '.join(self.parameters)}) {{"
        return "\n".join([signature, *self.head, *declared, *self.code.lines, "}"])

    # --- what is given ---
    def use(self, kernel: Kernel, constants: Mapping[Symbol, str]) -> None:
        """Write the function of a kernel, whose constants and tables have these names."""
        self.values.kernel = kernel
        self.values.scopes[0] |= {symbol: Code(constants[symbol]) for symbol in kernel.constants}
        for symbol, (dtype, _) in kernel.tables.items():
            self.values.arrays[symbol] = TypedArray(constants[symbol], (), dtype == "int64")
        for symbol, kind in kernel.arguments.items():
            self.parameter(symbol, kind)

    def parameter(self, symbol: Symbol, kind: str) -> None:
        name = self.code.new(symbol.name)
        self.parameters.append(name)
        dtype, _, axes = kind.partition("[")
        if not axes:
            self.values.scopes[0][symbol] = name
            return
        several = range(axes.count(",") + 1) if "," in axes else ()
        lengths = tuple(self.code.new(f"{symbol.name}_n{k}") for k in several)
        self.head += [f"  const {length} = {name}.shape[{k}];" for k, length in enumerate(lengths)]
        self.values.arrays[symbol] = TypedArray(name, lengths, dtype == "int64")

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
                self.values.assign(target, self.values.expression(value))
            case nodes.LetAll(targets=targets, value=value):
                self.values.assign_all(targets, value)
            case nodes.Store(target=target, value=value):
                self.store(target, self.values.expression(value))
            case nodes.LaneLoop(index=index, count=count, body=body):
                self.lane_loop(index, count, body)
            case nodes.For(index=index, start=start, stop=stop, step=step, body=body):
                for symbol in reads_and_writes(body)[1] if self.values.depths[-1] else ():
                    if self.values.found(symbol) is None:  # what is assigned in the loop first may be read after it
                        variable = self.values.declare(symbol)
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
                self.code.emit(f"return [{', '.join(self.values.text_of(item) for item in items)}];")
            case nodes.Return(value=value):
                assert value is not None
                self.code.emit(f"return {self.values.text_of(value)};")

    def store(self, target: Expression, value: Code | Words) -> None:
        array, index = self.values.place(target)
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
        if not all(map(is_straight_line, body)):
            self.loop(index, Number(0), count, Number(1), body)
            return
        reads, writes = reads_and_writes(body)
        own = set(writes) - set(reads)
        outside = {symbol: self.values.scopes[0].pop(symbol) for symbol in own if symbol in self.values.scopes[0]}
        self.values.scopes.append({})
        self.values.depths.append(self.code.depth + 1)
        self.loop(index, Number(0), count, Number(1), body)
        self.values.scopes.pop()
        self.values.depths.pop()
        self.values.scopes[0] |= outside

    def loop(
        self, index: Symbol, start: Expression, stop: Expression, step: Expression, body: Sequence[Statement]
    ) -> None:
        first, last, by = (self.code.number(self.values.expression(bound)) for bound in (start, stop, step))
        end = last.text if last.binds == ATOM else self.code.bind(last.text)
        name, outside = self.code.new(index.name), self.values.scopes[-1].get(index)
        self.values.scopes[-1][index] = name
        self.nested(f"for (let {name} = {first.text}; {name} < {end}; {name} += {by.text}) {{", body)
        self.code.emit("}")
        del self.values.scopes[-1][index]
        if outside is not None:
            self.values.scopes[-1][index] = outside

    def while_loop(self, test: Expression, body: Sequence[Statement]) -> None:
        """The statements that a condition needs are computed in every turn."""
        self.code.emit("while (true) {")
        self.code.depth += 1
        condition = self.values.condition(test)
        if condition.text != "true":
            self.code.emit(f"if (!({condition.text})) break;")
        self.statements(body)
        self.code.depth -= 1
        self.code.emit("}")

    def choice(self, node: nodes.If) -> None:
        self.nested(f"if ({self.values.condition(node.test).text}) {{", node.body)
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
