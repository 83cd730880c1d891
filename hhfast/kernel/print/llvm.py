"""The LLVM printer: a kernel tree as the text of an LLVM module.

Straight statements (assignments only, as in lane loops) become values that are assigned once; everything else keeps
its variables in memory of the function, which LLVM turns into registers. Both sides of a conditional expression
are computed and one is selected, so a lane loop has neither branches nor calls, and vectorises. The types of variables
follow from what is assigned to them, by the rules of Numba, so that its code and this give the same results.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Expression, Function, Kernel, Number, Statement, Symbol
from hhfast.kernel.tree.parse import function_of
from hhfast.kernel.tree.straight import is_straight, reads_and_writes

# Fused multiply-adds, division by a constant as a product, and signs of zero may be chosen; nothing that could hide NaN
# or reorder sums is allowed.
_FAST = "nsz arcp contract"
_TYPES = {
    "float64": "double",
    "float32": "float",
    "int64": "i64",
    "int32": "i32",
    "uint64": "i64",
    "uint8": "i8",
    "bool": "i1",
}
_WIDTH = {"double": 64, "float": 32, "i64": 64, "i32": 32, "i8": 8, "i1": 1}
_OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], dict[str, str]]] = {  # Python's; LLVM's, for a kind of numbers
    "+": (operator.add, {"float": "fadd", "signed": "add", "unsigned": "add"}),
    "-": (operator.sub, {"float": "fsub", "signed": "sub", "unsigned": "sub"}),
    "*": (operator.mul, {"float": "fmul", "signed": "mul", "unsigned": "mul"}),
    "/": (operator.truediv, {"float": "fdiv"}),
    "//": (operator.floordiv, {"signed": "sdiv", "unsigned": "udiv"}),  # of integers that are not negative
    "<<": (operator.lshift, {"signed": "shl", "unsigned": "shl"}),
    ">>": (operator.rshift, {"signed": "ashr", "unsigned": "lshr"}),
    "&": (operator.and_, {"signed": "and", "unsigned": "and"}),
    "|": (operator.or_, {"signed": "or", "unsigned": "or"}),
    "^": (operator.xor, {"signed": "xor", "unsigned": "xor"}),
}
_COMPARISONS = {  # of floats; of signed and unsigned integers
    "<": ("olt", "slt", "ult"), "<=": ("ole", "sle", "ule"), ">": ("ogt", "sgt", "ugt"), ">=": ("oge", "sge", "uge"),
    "==": ("oeq", "eq", "eq"), "!=": ("une", "ne", "ne"),
}  # fmt: skip
_INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor"}


@dataclass(frozen=True, slots=True)
class _Value:
    """A value while the kernel runs, and its NumPy type. What is known before is a plain number of Python."""

    ir: str
    dtype: str

    @property
    def llvm(self) -> str:
        return _TYPES[self.dtype]

    @property
    def kind(self) -> str:
        return "float" if self.dtype.startswith("float") else "signed" if self.dtype.startswith("int") else "unsigned"

    def __str__(self) -> str:
        return f"{self.llvm} {self.ir}"


@dataclass(frozen=True, slots=True)
class _Array:
    """An array in memory: its first element, and the lengths of its axes where they are known."""

    pointer: str
    dtype: str
    shape: tuple[_Value, ...] = ()
    is_shared: bool = False


def printed(kernel: Kernel) -> str:
    """The text of a module with the kernel as its one public function.

    It takes an array as a pointer and the length of each axis, in int64, and a number as itself.
    """
    module = _Module()
    module.kernel(kernel)
    return module.text()


class _Module:
    """The functions, constants and declarations of a module."""

    def __init__(self) -> None:
        self.definitions: list[str] = []
        self.declarations: set[str] = set()
        self.functions: dict[tuple[FunctionType, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}

    def text(self) -> str:
        return "\n".join([*self.definitions, *sorted(self.declarations)]) + "\n"

    def kernel(self, kernel: Kernel) -> None:
        writer = _Writer(self, kernel.rows, kernel.lanes)
        writer.fixed |= kernel.constants
        signature = []
        for symbol, kind in kernel.arguments.items():
            dtype, _, axes = kind.partition("[")
            name = f"%{symbol.name}"
            if not axes:
                signature.append(f"{_TYPES[dtype]} {name}")
                writer.fixed[symbol] = _Value(name, dtype)
                continue
            lengths = [f"{name}.{k}" for k in range(axes.count(",") + 1)]
            # LLVM is told that no array of a kernel overlaps another: else loops over two of them might not vectorise.
            alias = "" if symbol in kernel.shared else " noalias"
            signature += [f"ptr{alias} {name}", *(f"i64 {length}" for length in lengths)]
            shape = tuple(_Value(length, "int64") for length in lengths)
            writer.arrays[symbol] = _Array(name, dtype, shape, symbol in kernel.shared)
        for symbol, (dtype, values) in kernel.tables.items():
            items = ", ".join(f"{_TYPES[dtype]} {_literal(value, dtype)}" for value in values)
            name = f"@{symbol.name}.{len(self.definitions)}"
            self.definitions.append(f"{name} = internal constant [{len(values)} x {_TYPES[dtype]}] [{items}]")
            writer.arrays[symbol] = _Array(name, dtype)
        writer.scratch = {kind: writer.arrays[symbol] for kind, (symbol, _) in kernel.scratch.items()}
        writer.statements(kernel.body)
        self.define(f"define void @{kernel.name}", signature, writer, "ret void")

    def define(self, head: str, signature: Iterable[str], writer: _Writer, end: str) -> None:
        writer.close(end)
        body = ["entry:", *writer.allocations, *writer.lines]
        self.definitions.append("\n".join([f"{head}({', '.join(signature)}) nounwind {{", *body, "}"]))

    def function(self, function: FunctionType, given: Sequence[_Value | _Array]) -> tuple[str, tuple[str, ...]]:
        """(name, types of the values returned) of a function that is called, for arguments of these types."""
        kinds = tuple(x.dtype if isinstance(x, _Value) else f"{x.dtype}[]" for x in given)
        if (function, kinds) not in self.functions:
            tree = function_of(function)
            name = f"@{tree.name}.{len(self.functions)}"
            writer = _Writer(self)
            signature = []
            for symbol, x in zip(tree.parameters, given, strict=True):
                here = f"%{symbol.name}"
                if isinstance(x, _Value):
                    signature.append(f"{x.llvm} {here}")
                    writer.fixed[symbol] = _Value(here, x.dtype)
                    writer.variable(symbol, x.dtype)
                    writer.store(symbol, writer.fixed.pop(symbol))
                else:
                    signature += [f"ptr {here}", f"i64 {here}.0"]
                    writer.arrays[symbol] = _Array(here, x.dtype, (_Value(f"{here}.0", "int64"),))
            writer.statements(tree.body)
            returned = writer.returned
            self.functions[function, kinds] = name, returned
            self.define(f"define internal {_struct(returned)} {name}", signature, writer, "unreachable")
        return self.functions[function, kinds]


def _struct(dtypes: Sequence[str]) -> str:
    return f"{{ {', '.join(_TYPES[dtype] for dtype in dtypes)} }}"


def _literal(value: Any, dtype: str) -> str:
    """A constant as LLVM writes it: floating-point numbers by the bits of a double, which are exact."""
    if dtype == "float32":
        (value,) = struct.unpack("<f", struct.pack("<f", value))
    if dtype.startswith("float"):
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return str(bool(value)).lower() if dtype == "bool" else str(int(value))


class _Writer:
    """Writes the instructions of one function."""

    def __init__(self, module: _Module, rows: Mapping[Symbol, tuple[str, int]] | None = None, lanes: int = 1) -> None:
        self.module, self.rows, self.lanes = module, rows or {}, lanes
        self.lines: list[str] = []
        self.allocations: list[str] = []
        self.fixed: dict[Symbol, Any] = {}  # values that do not change: arguments, constants, indices of loops
        self.arrays: dict[Symbol, _Array] = {}
        self.scratch: dict[str, _Array] = {}
        self.variables: dict[Symbol, tuple[str, str]] = {}  # symbol -> (place in memory, type)
        self.straight: dict[Symbol, Any] | None = None  # what was assigned in straight statements
        self.selected: set[Symbol] = set()  # what was last assigned one of two values
        self.carried: frozenset[Symbol] = frozenset()  # in a lane loop: the variables of the block that it changes
        self.returned: tuple[str, ...] = ()
        self.block = "entry"
        self.ended = False  # whether the block has its last instruction
        self.exits: list[str] = []  # where `break` goes
        self.count = 0

    # --- instructions ---
    def name(self, what: str = "v") -> str:
        self.count += 1
        return f"{what}{self.count}"

    def emit(self, instruction: str, dtype: str) -> _Value:
        name = f"%{self.name()}"
        self.lines.append(f"  {name} = {instruction}")
        return _Value(name, dtype)

    def go(self, instruction: str) -> None:
        """End the block."""
        if not self.ended:
            self.lines.append(f"  {instruction}")
            self.ended = True

    def begin(self, label: str) -> None:
        """Begin a block; the one before goes on to it, unless it has ended otherwise."""
        self.go(f"br label %{label}")
        self.lines.append(f"{label}:")
        self.block, self.ended = label, False

    def close(self, end: str) -> None:
        self.go(end)

    def variable(self, symbol: Symbol, dtype: str) -> tuple[str, str]:
        """The place of a variable in memory; its type is that of the first value."""
        if symbol not in self.variables:
            place = f"%{self.name(f'{symbol.name}.')}"
            self.allocations.append(f"  {place} = alloca {_TYPES[dtype]}")
            self.variables[symbol] = place, dtype
        return self.variables[symbol]

    def store(self, symbol: Symbol, value: Any) -> None:
        given = self.value(value)
        place, dtype = self.variable(symbol, given.dtype)
        self.lines.append(f"  store {self.cast(given, dtype)}, ptr {place}")

    # --- statements ---
    def statements(self, body: Iterable[Statement]) -> None:
        for node in body:
            self.statement(node)

    def statement(self, node: Statement) -> None:
        match node:
            case nodes.Let(target=target, value=value):
                self.assign(target, self.expression(value))
                (self.selected.add if isinstance(value, nodes.Select) else self.selected.discard)(target)
            case nodes.LetAll(targets=targets, value=value):
                for target, part in zip(targets, self.expression(value), strict=True):
                    self.assign(target, part)
            case nodes.Store(target=target, value=value):
                pointer, dtype = self.place(target)
                given = self.cast(self.expression(value), dtype)
                if isinstance(value, nodes.Select) or self.is_selected(value):
                    # Of `x[i] = y if c else x[i]` LLVM would make a masked store, which is slow on AMD's processors.
                    given = self.emit(f"freeze {given}", dtype)
                self.lines.append(f"  store {given}, ptr {pointer}")
            case nodes.LaneLoop(index=index, count=count, body=body):
                self.lane_loop(index, count, body)
            case nodes.For():
                self.loop(node)
            case nodes.While(test=test, body=body):
                self.while_loop(test, body)
            case nodes.If(test=test, body=body, orelse=orelse):
                self.choice(test, body, orelse)
            case nodes.Break():
                self.go(f"br label %{self.exits[-1]}")
            case nodes.Return(value=value):
                self.give_back(value)

    def is_selected(self, value: Expression) -> bool:
        """Whether a value is the name of one of two, as was assigned in straight statements."""
        return isinstance(value, nodes.Name) and value.symbol in self.selected

    def assign(self, target: Symbol, value: Any) -> None:
        if self.straight is not None and target not in self.carried:
            self.straight[target] = value
        else:
            self.store(target, value)

    def lane_loop(self, index: Symbol, count: Expression, body: tuple[Statement, ...]) -> None:
        if not all(is_straight(node) for node in body):
            self.loop(nodes.For(index, Number(0), count, Number(1), body))
            return
        reads, writes = reads_and_writes(body)
        self.carried = frozenset(writes) & frozenset(reads) & frozenset(self.variables)
        self.straight = {}

        def run() -> None:
            self.statements(body)

        self.counted(index, self.expression(Number(0)), self.expression(count), 1, run)
        self.straight, self.carried = None, frozenset()

    def loop(self, node: nodes.For) -> None:
        start, stop, step = (self.expression(bound) for bound in (node.start, node.stop, node.step))
        if self.straight is not None:  # of a constant number of turns: written out
            for k in range(start, stop, step):
                self.straight[node.index] = k
                self.statements(node.body)
            return
        self.counted(node.index, start, stop, step, lambda: self.statements(node.body))

    def counted(self, index: Symbol, start: Any, stop: Any, step: Any, run: Callable[[], None]) -> None:
        """A loop whose end is tested after each turn, as LLVM likes it best."""
        first, last = self.value(start), self.value(stop)
        head, tail, end = (self.name(what) for what in ("loop", "next", "end"))
        if isinstance(start, int) and isinstance(stop, int):
            self.go(f"br label %{head}")
        else:
            some = self.emit(f"icmp slt {first}, {last.ir}", "bool")
            self.go(f"br {some}, label %{head}, label %{end}")
        before = self.block
        self.lines.append(f"{head}:")
        self.block, self.ended = head, False
        k, following = f"%{self.name('k')}", f"%{self.name('k')}"
        self.lines.append(f"  {k} = phi i64 [ {first.ir}, %{before} ], [ {following}, %{tail} ]")
        self.fixed[index] = _Value(k, "int64")
        self.exits.append(end)
        run()
        self.exits.pop()
        self.begin(tail)
        self.lines.append(f"  {following} = add nuw nsw i64 {k}, {self.value(step).ir}")
        again = self.emit(f"icmp slt i64 {following}, {last.ir}", "bool")
        self.go(f"br {again}, label %{head}, label %{end}")
        self.lines.append(f"{end}:")
        self.block, self.ended = end, False

    def while_loop(self, test: Expression, body: tuple[Statement, ...]) -> None:
        head, turn, end = (self.name(what) for what in ("while", "turn", "end"))
        self.begin(head)
        self.branch(test, turn, end)
        self.start(turn)
        self.exits.append(end)
        self.statements(body)
        self.exits.pop()
        self.go(f"br label %{head}")
        self.start(end)

    def choice(self, test: Expression, body: tuple[Statement, ...], orelse: tuple[Statement, ...]) -> None:
        yes, no, end = (self.name(what) for what in ("then", "else", "end"))
        self.branch(test, yes, no if orelse else end)
        self.start(yes)
        self.statements(body)
        self.go(f"br label %{end}")
        if orelse:
            self.start(no)
            self.statements(orelse)
            self.go(f"br label %{end}")
        self.start(end)

    def start(self, label: str) -> None:
        """Begin a block to which others jump."""
        self.lines.append(f"{label}:")
        self.block, self.ended = label, False

    def branch(self, test: Expression, yes: str, no: str) -> None:
        """Go on by a condition; the second part of `and` and `or` is computed only where it is needed."""
        if isinstance(test, nodes.Logical):
            second = self.name("and" if test.op == "and" else "or")
            self.branch(test.left, *((second, no) if test.op == "and" else (yes, second)))
            self.start(second)
            self.branch(test.right, yes, no)
        else:
            condition = self.value(self.expression(test))
            self.go(f"br {self.truth(condition)}, label %{yes}, label %{no}")

    def truth(self, value: _Value) -> _Value:
        return value if value.dtype == "bool" else self.compare("!=", value, 0)

    def give_back(self, value: Expression | None) -> None:
        if value is None:
            self.go("ret void")
            return
        found = self.expression(value)
        items = [self.value(item) for item in (found if isinstance(found, tuple) else (found,))]
        if not self.returned:
            self.returned = tuple(item.dtype for item in items)
        whole, struct_type = "undef", _struct(self.returned)
        for k, (item, dtype) in enumerate(zip(items, self.returned, strict=True)):
            whole = self.emit(f"insertvalue {struct_type} {whole}, {self.cast(item, dtype)}, {k}", "bool").ir
        self.go(f"ret {struct_type} {whole}")

    # --- expressions ---
    def expression(self, node: Expression) -> Any:
        match node:
            case Number(value=value, dtype=None):
                return value
            case Number(value=value, dtype=str() as dtype):
                return _Value(_literal(value, dtype), dtype)
            case nodes.Name(symbol=symbol):
                return self.read(symbol)
            case nodes.Element(array=array) if self.arrays[array].is_shared:
                pointer, dtype = self.place(node)
                return self.emit(f"load atomic {_TYPES[dtype]}, ptr {pointer} monotonic, align 1", dtype)
            case nodes.Element() | nodes.RowElement() | nodes.ScratchElement():
                pointer, dtype = self.place(node)
                return self.emit(f"load {_TYPES[dtype]}, ptr {pointer}", dtype)
            case nodes.Length(array=array, axis=axis):
                return self.arrays[array].shape[axis]
            case nodes.Negative(operand=operand):
                return self.negative(self.expression(operand))
            case nodes.Binary(op=op, left=left, right=right):
                return self.binary(op, self.expression(left), self.expression(right))
            case nodes.Compare(op=op, left=left, right=right):
                return self.compare(op, self.expression(left), self.expression(right))
            case nodes.Logical(op=op, left=left, right=right):
                a, b = (self.truth(self.value(self.expression(side))) for side in (left, right))
                return self.emit(f"{op} {a}, {b.ir}", "bool")
            case nodes.Select(test=test, yes=yes, no=no):
                a, b = self.alike(self.expression(yes), self.expression(no))
                condition = self.truth(self.value(self.expression(test)))
                return self.emit(f"select {condition}, {a}, {b}", a.dtype)
            case nodes.Cast(dtype=dtype, operand=operand):
                return self.cast(self.expression(operand), dtype)
            case nodes.Bits(dtype=dtype, operand=operand):
                x = self.value(self.expression(operand))
                return x if _TYPES[dtype] == x.llvm else self.emit(f"bitcast {x} to {_TYPES[dtype]}", dtype)
            case nodes.Values(items=items):
                return tuple(map(self.expression, items))
            case nodes.Call(function=function, arguments=arguments):
                return self.call(function, arguments)
        raise NotImplementedError(f"{node}")

    def read(self, symbol: Symbol) -> Any:
        if self.straight is not None and symbol in self.straight:
            return self.straight[symbol]
        if symbol in self.fixed:
            return self.fixed[symbol]
        if symbol in self.arrays:
            return self.arrays[symbol]
        if symbol not in self.variables:
            raise NameError(f"'{symbol.name}' has no value yet")
        place, dtype = self.variables[symbol]
        return self.emit(f"load {_TYPES[dtype]}, ptr {place}", dtype)

    def place(self, node: nodes.Element | nodes.RowElement | nodes.ScratchElement) -> tuple[str, str]:
        """(pointer, type) of an element."""
        match node:
            case nodes.RowElement(row=row, lane=lane):
                kind, number = self.rows[row]
                array = self.scratch[kind]
                lane_value = self.expression(lane)
                if isinstance(lane_value, int):
                    index: _Value = self.value(number * self.lanes + lane_value)
                else:
                    index = self.emit(f"add nuw nsw {lane_value}, {number * self.lanes}", "int64")
            case nodes.ScratchElement(kind=kind, index=where):
                array, index = self.scratch[kind], self.value(self.expression(where))
            case nodes.Element(array=symbol, index=indices):
                array = self.arrays[symbol]
                index = self.value(self.expression(indices[0]))
                for length, where in zip(array.shape[1:], indices[1:], strict=True):
                    before = self.emit(f"mul nsw {index}, {length.ir}", "int64")
                    index = self.emit(f"add nsw {before}, {self.value(self.expression(where)).ir}", "int64")
        element = _TYPES[array.dtype]
        pointer = self.emit(f"getelementptr inbounds {element}, ptr {array.pointer}, {index}", array.dtype)
        return pointer.ir, array.dtype

    def call(self, function: FunctionType | str, arguments: tuple[Expression, ...]) -> Any:
        given = [self.expression(argument) for argument in arguments]
        if isinstance(function, str):
            return self.intrinsic(function, given)
        tree = function_of(function)
        if all(is_straight(node) for node in tree.body):
            return self.inlined(tree, given)
        passed = [x if isinstance(x, _Array) else self.value(x) for x in given]
        name, dtypes = self.module.function(function, passed)
        texts = [
            t for x in passed for t in ([f"ptr {x.pointer}", str(x.shape[0])] if isinstance(x, _Array) else [str(x)])
        ]
        whole = self.emit(f"call {_struct(dtypes)} {name}({', '.join(texts)})", "bool").ir
        found = tuple(self.emit(f"extractvalue {_struct(dtypes)} {whole}, {k}", d) for k, d in enumerate(dtypes))
        return found if len(found) > 1 else found[0]

    def inlined(self, tree: Function, given: Sequence[Any]) -> Any:
        """The statements of a straight function in place of its call."""
        outside, carried = self.straight, self.carried
        self.straight, self.carried = dict(zip(tree.parameters, given, strict=True)), frozenset()
        for node in tree.body[:-1]:
            self.statement(node)
        last = tree.body[-1]
        assert isinstance(last, nodes.Return)
        assert last.value is not None
        found = self.expression(last.value)
        self.straight, self.carried = outside, carried
        return found

    def intrinsic(self, name: str, given: Sequence[Any]) -> _Value:
        if name in ("min", "max"):  # as Python's: of a number and NaN the first
            a, b = self.alike(*given)
            return self.emit(f"select {self.compare('<' if name == 'min' else '>', b, a)}, {b}, {a}", a.dtype)
        (x,) = map(self.value, given)
        if name == "isnan":
            return self.emit(f"fcmp uno {x}, {x.ir}", "bool")
        if name == "abs" and x.kind != "float":
            return self.emit(f"select {self.compare('<', x, 0)}, {self.negative(x)}, {x}", x.dtype)
        llvm = f"@llvm.{_INTRINSICS[name]}.f{_WIDTH[x.llvm]}"
        self.module.declarations.add(f"declare {x.llvm} {llvm}({x.llvm})")
        return self.emit(f"call {_FAST} {x.llvm} {llvm}({x})", x.dtype)

    def negative(self, operand: Any) -> Any:
        if not isinstance(operand, _Value):
            return -operand
        return self.emit(
            f"fneg {operand}" if operand.kind == "float" else f"sub {operand.llvm} 0, {operand.ir}", operand.dtype
        )

    def binary(self, op: str, left: Any, right: Any) -> Any:
        python, llvm = _OPERATIONS[op]
        if not isinstance(left, _Value) and not isinstance(right, _Value):
            return python(left, right)
        a, b = self.alike(left, right)
        if op == "/" and a.kind != "float":
            a, b = (self.cast(x, "float64") for x in (a, b))
        flags = f" {_FAST}" if a.kind == "float" else ""
        return self.emit(f"{llvm[a.kind]}{flags} {a}, {b.ir}", a.dtype)

    def compare(self, op: str, left: Any, right: Any) -> _Value:
        a, b = self.alike(left, right)
        of_floats, signed, unsigned = _COMPARISONS[op]
        if a.kind == "float":
            return self.emit(f"fcmp {_FAST} {of_floats} {a}, {b.ir}", "bool")
        return self.emit(f"icmp {signed if a.kind == 'signed' else unsigned} {a}, {b.ir}", "bool")

    # --- types ---
    def value(self, x: Any) -> _Value:
        """A plain number as a value of the kernel."""
        if isinstance(x, _Value):
            return x
        dtype = {bool: "bool", int: "int64", float: "float64"}[type(x)]
        return _Value(_literal(x, dtype), dtype)

    def alike(self, left: Any, right: Any) -> tuple[_Value, _Value]:
        """Two values as values of the type that they have in common."""
        a, b = self.value(left), self.value(right)
        if a.dtype == b.dtype:
            return a, b
        if (a.kind == "float") != (b.kind == "float"):
            common = "float64"
        elif "bool" in (a.dtype, b.dtype):
            common = "int64"
        else:
            common = max(a.dtype, b.dtype, key=lambda dtype: _WIDTH[_TYPES[dtype]])
        return self.cast(a, common), self.cast(b, common)

    def cast(self, x: Any, dtype: str) -> _Value:
        """A number as another type."""
        if isinstance(x, int | float) and not isinstance(x, bool) and dtype.startswith("float"):
            return _Value(_literal(x, dtype), dtype)
        x = self.value(x)
        if x.dtype == dtype:
            return x
        to = _TYPES[dtype]
        if to == x.llvm:
            return _Value(x.ir, dtype)
        wider = _WIDTH[to] > _WIDTH[x.llvm]
        if x.kind == "float":
            how = ("fpext" if wider else "fptrunc") if dtype.startswith("float") else "fptosi"
        elif dtype.startswith("float"):
            how = "sitofp" if x.kind == "signed" else "uitofp"
        elif not wider:
            how = "trunc"
        else:
            how = "sext" if x.kind == "signed" else "zext"
        return self.emit(f"{how} {x} to {to}", dtype)
