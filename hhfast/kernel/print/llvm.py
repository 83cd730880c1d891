"""The LLVM printer: a kernel tree as the text of an LLVM module.

Straight statements (assignments only, as in lane loops) become values that are assigned once; everything else keeps
its variables in memory of the function, which LLVM turns into registers. Both sides of a conditional expression
are computed and one is selected, so a lane loop has neither branches nor calls, and vectorises. The types of variables
follow from what is assigned to them, by the rules of Numba, so that its code and this give the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import FunctionType

from hhfast.kernel.print.llvm_function import FunctionWriter
from hhfast.kernel.print.llvm_values import TYPES, Array, Value, identifier, literal, structure
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Statement, Symbol


def printed(kernel: Kernel) -> str:
    """The text of a module with the kernel as its one public function.

    It takes an array as a pointer and the length of each axis, in int64, and a number as itself.
    """
    module = _LlvmModule()
    module.kernel(kernel)
    return module.text()


class _LlvmModule:
    """The functions, constants and declarations of a module."""

    def __init__(self) -> None:
        self.definitions: list[str] = []
        self.declarations: set[str] = set()
        self.functions: dict[tuple[FunctionType, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}

    def text(self) -> str:
        return "\n".join([*self.definitions, *sorted(self.declarations)]) + "\n"

    def kernel(self, kernel: Kernel) -> None:
        arrays: dict[Symbol, Array] = {}
        numbers: dict[Symbol, Value | int] = dict(kernel.constants)
        signature = []
        for symbol, kind in kernel.arguments.items():
            dtype, _, axes = kind.partition("[")
            name = f"%{identifier(symbol.name)}"
            if not axes:
                signature.append(f"{TYPES[dtype]} {name}")
                numbers[symbol] = Value(name, dtype)
                continue
            lengths = [f"%{identifier(f'{symbol.name}.{k}')}" for k in range(axes.count(",") + 1)]
            # LLVM is told that no array of a kernel overlaps another: else loops over two of them might not vectorise.
            alias = "" if symbol in kernel.shared else " noalias"
            signature += [f"ptr{alias} {name}", *(f"i64 {length}" for length in lengths)]
            shape = tuple(Value(length, "int64") for length in lengths)
            arrays[symbol] = Array(name, dtype, shape, symbol in kernel.shared)
        for symbol, (dtype, values) in kernel.tables.items():
            items = ", ".join(f"{TYPES[dtype]} {literal(value, dtype)}" for value in values)
            name = f"@{identifier(f'{symbol.name}.{len(self.definitions)}')}"
            self.definitions.append(f"{name} = internal constant [{len(values)} x {TYPES[dtype]}] [{items}]")
            arrays[symbol] = Array(name, dtype)

        def begin(writer: FunctionWriter) -> None:
            writer.values.rows, writer.values.lanes = kernel.rows, kernel.lanes
            writer.values.fixed |= numbers
            writer.values.arrays |= arrays
            writer.values.scratch = {kind: arrays[symbol] for kind, (symbol, _) in kernel.scratch.items()}

        self.define(f"define void @{kernel.name}", signature, self.written(begin, kernel.body), "ret void")

    def written(self, begin: Callable[[FunctionWriter], None], body: Iterable[Statement]) -> FunctionWriter:
        """The instructions of a body: written again until every variable has a type that holds all it is given."""
        types: dict[Symbol, str] = {}
        while True:
            writer = FunctionWriter(self, types)
            begin(writer)
            writer.statements(body)
            if writer.values.types == {symbol: dtype for symbol, (_, dtype) in writer.values.variables.items()}:
                return writer
            types = writer.values.types

    def define(self, head: str, signature: Iterable[str], writer: FunctionWriter, end: str) -> None:
        writer.code.go(end)
        body = ["entry:", *writer.values.allocations, *writer.code.lines]
        self.definitions.append("\n".join([f"{head}({', '.join(signature)}) nounwind {{", *body, "}"]))

    def function(self, function: FunctionType, given: Sequence[Value | Array]) -> tuple[str, tuple[str, ...]]:
        """(name, types of the values returned) of a function that is called, for arguments of these types."""
        kinds = tuple(x.dtype if isinstance(x, Value) else f"{x.dtype}[]" for x in given)
        if (function, kinds) not in self.functions:
            tree = function_of(function)
            name = f"@{tree.name}.{len(self.functions)}"
            signature: list[str] = []
            arrays: dict[Symbol, Array] = {}
            numbers: dict[Symbol, Value] = {}
            for symbol, x in zip(tree.parameters, given, strict=True):
                here = f"%{symbol.name}"
                if isinstance(x, Value):
                    signature.append(f"{x.llvm} {here}")
                    numbers[symbol] = Value(here, x.dtype)
                else:
                    signature += [f"ptr {here}", f"i64 {here}.0"]
                    arrays[symbol] = Array(here, x.dtype, (Value(f"{here}.0", "int64"),))

            def begin(writer: FunctionWriter) -> None:
                writer.values.arrays |= arrays
                for symbol, value in numbers.items():
                    writer.values.store(symbol, value)

            writer = self.written(begin, tree.body)
            returned = writer.returned
            self.functions[function, kinds] = name, returned
            self.define(f"define internal {structure(returned)} {name}", signature, writer, "unreachable")
        return self.functions[function, kinds]
