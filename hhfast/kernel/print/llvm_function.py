"""The instructions of one function, from its statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hhfast.kernel.print.llvm_expressions import Callables, LLVMExpressions
from hhfast.kernel.print.llvm_values import Value, structure
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import is_straight_line, reads_and_writes


class FunctionWriter:
    """Writes the instructions of one function: its control flow around what `values` computes.

    types : of variables, as far as they are known (see `values`).
    """

    def __init__(self, module: Callables, types: Mapping[Symbol, str]) -> None:
        self.values = LLVMExpressions(module, types, self.statements)
        self.code = self.values.code
        self.selected: set[Symbol] = set()  # what was last assigned one of two values
        self.returned: tuple[str, ...] = ()
        self.exits: list[str] = []  # where `break` goes

    def statements(self, body: Iterable[Statement]) -> None:
        for node in body:
            if self.code.ended:  # nothing follows `break` and `return`
                return
            self.statement(node)

    def statement(self, node: Statement) -> None:
        match node:
            case nodes.Let(target=target, value=value):
                self.values.assign(target, self.values.expression(value))
                (self.selected.add if isinstance(value, nodes.Select) else self.selected.discard)(target)
            case nodes.LetAll(targets=targets, value=value):
                for target, part in zip(targets, self.values.expression(value), strict=True):
                    self.values.assign(target, part)
            case nodes.Store(target=target, value=value):
                pointer, dtype = self.values.place(target)
                given = self.code.cast(self.values.expression(value), dtype)
                if isinstance(value, nodes.Select) or self.is_selected(value):
                    # Of `x[i] = y if c else x[i]` LLVM would make a masked store, which is slow on AMD's processors.
                    given = self.code.emit(f"freeze {given}", dtype)
                self.code.lines.append(f"  store {given}, ptr {pointer}")
            case nodes.LaneLoop(index=index, count=count, body=body):
                self.lane_loop(index, count, body)
            case nodes.For():
                self.loop(node)
            case nodes.While(test=test, body=body):
                self.while_loop(test, body)
            case nodes.If(test=test, body=body, orelse=orelse):
                self.choice(test, body, orelse)
            case nodes.Break():
                self.code.go(f"br label %{self.exits[-1]}")
            case nodes.Return(value=value):
                self.give_back(value)

    def is_selected(self, value: Expression) -> bool:
        """Whether a value is the name of one of two, as was assigned in straight statements."""
        return isinstance(value, nodes.Name) and value.symbol in self.selected

    def lane_loop(self, index: Symbol, count: Expression, body: tuple[Statement, ...]) -> None:
        if not all(is_straight_line(node) for node in body):
            self.loop(nodes.For(index, Number(0), count, Number(1), body))
            return
        reads, writes = reads_and_writes(body)
        self.values.carried = frozenset(writes) & frozenset(reads) & frozenset(self.values.variables)
        self.values.straight = {}

        def run() -> None:
            self.statements(body)

        self.counted(index, self.values.expression(Number(0)), self.values.expression(count), 1, run)
        self.values.straight, self.values.carried = None, frozenset()

    def loop(self, node: nodes.For) -> None:
        start, stop, step = (self.values.expression(bound) for bound in (node.start, node.stop, node.step))
        if self.values.straight is not None:  # of a constant number of turns: written out
            for k in range(start, stop, step):
                self.values.straight[node.index] = k
                self.statements(node.body)
            return
        self.counted(node.index, start, stop, step, lambda: self.statements(node.body))

    def counted(self, index: Symbol, start: Any, stop: Any, step: Any, run: Callable[[], None]) -> None:
        """A loop whose end is tested after each turn, as LLVM likes it best."""
        first, last = self.code.value(start), self.code.value(stop)
        head, tail, end = (self.code.name(what) for what in ("loop", "next", "end"))
        if isinstance(start, int) and isinstance(stop, int):
            if start >= stop:
                return
            self.code.go(f"br label %{head}")
        else:
            some = self.code.emit(f"icmp slt {first}, {last.ir}", "bool")
            self.code.go(f"br {some}, label %{head}, label %{end}")
        before = self.code.block
        self.code.lines.append(f"{head}:")
        self.code.block, self.code.ended = head, False
        k, following = f"%{self.code.name('k')}", f"%{self.code.name('k')}"
        self.code.lines.append(f"  {k} = phi i64 [ {first.ir}, %{before} ], [ {following}, %{tail} ]")
        if index in self.values.variables:
            self.values.store(index, Value(k, "int64"))
        outside = self.values.fixed.get(index)
        self.values.fixed[index] = Value(k, "int64")
        self.exits.append(end)
        run()
        self.exits.pop()
        del self.values.fixed[index]
        if outside is not None:
            self.values.fixed[index] = outside
        self.code.begin(tail)
        self.code.lines.append(f"  {following} = add nuw nsw i64 {k}, {self.code.value(step).ir}")
        again = self.code.emit(f"icmp slt i64 {following}, {last.ir}", "bool")
        self.code.go(f"br {again}, label %{head}, label %{end}")
        self.code.lines.append(f"{end}:")
        self.code.block, self.code.ended = end, False

    def while_loop(self, test: Expression, body: tuple[Statement, ...]) -> None:
        head, turn, end = (self.code.name(what) for what in ("while", "turn", "end"))
        self.code.begin(head)
        self.branch(test, turn, end)
        self.code.start(turn)
        self.exits.append(end)
        self.statements(body)
        self.exits.pop()
        self.code.go(f"br label %{head}")
        self.code.start(end)

    def choice(self, test: Expression, body: tuple[Statement, ...], orelse: tuple[Statement, ...]) -> None:
        yes, no, end = (self.code.name(what) for what in ("then", "else", "end"))
        self.branch(test, yes, no if orelse else end)
        self.code.start(yes)
        self.statements(body)
        self.code.go(f"br label %{end}")
        if orelse:
            self.code.start(no)
            self.statements(orelse)
            self.code.go(f"br label %{end}")
        self.code.start(end)

    def branch(self, test: Expression, yes: str, no: str) -> None:
        """Go on by a condition; the second part of `and` and `or` is computed only where it is needed."""
        if isinstance(test, nodes.Logical):
            second = self.code.name("and" if test.op == "and" else "or")
            self.branch(test.left, *((second, no) if test.op == "and" else (yes, second)))
            self.code.start(second)
            self.branch(test.right, yes, no)
        else:
            condition = self.code.value(self.values.expression(test))
            self.code.go(f"br {self.code.truth(condition)}, label %{yes}, label %{no}")

    def give_back(self, value: Expression | None) -> None:
        if value is None:
            self.code.go("ret void")
            return
        found = self.values.expression(value)
        items = [self.code.value(item) for item in (found if isinstance(found, tuple) else (found,))]
        if not self.returned:
            self.returned = tuple(item.dtype for item in items)
        whole, struct_type = "undef", structure(self.returned)
        for k, (item, dtype) in enumerate(zip(items, self.returned, strict=True)):
            whole = self.code.emit(f"insertvalue {struct_type} {whole}, {self.code.cast(item, dtype)}, {k}", "bool").ir
        self.code.go(f"ret {struct_type} {whole}")
