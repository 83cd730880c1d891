"""The expressions of one function as instructions, and the variables that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, Protocol

from hhfast.errors import InputError
from hhfast.kernel.print.llvm_values import KINDS, TYPES, Array, Instructions, Value, identifier, literal, structure
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.kernel import KernelFunction
from hhfast.kernel.tree.nodes import Expression, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import is_straight_line


class Callables(Protocol):
    """Where functions are that are called and not written in place of their calls."""

    declarations: set[str]

    def function(self, function: FunctionType, given: Sequence[Value | Array]) -> tuple[str, tuple[str, ...]]:
        """(name, types of the values returned) of a function, for arguments of these types."""


def is_wider(dtype: str, other: str) -> bool:
    """Whether a variable of the other type does not hold what a number of this type may be."""
    holding = [0 if name == "bool" else 2 if KINDS[name] == "float" else 1 for name in (dtype, other)]
    return holding[0] > holding[1] or (holding[0] == holding[1] == 2 and dtype > other)


class LLVMExpressions:
    """What expressions become, in a function that is being written.

    types : of variables, as far as they are known. A variable that is given a wider number than its type holds gets the
    wider type here; the function is then to be written again (see `written`). write : writes the statements of a
    function in place of its call.
    """

    def __init__(
        self, module: Callables, types: Mapping[Symbol, str], write: Callable[[Iterable[Statement]], None]
    ) -> None:
        self.module, self.types, self.write = module, dict(types), write
        self.rows: Mapping[Symbol, tuple[str, int]] = {}
        self.lanes = 1
        self.code = Instructions(module.declarations)
        self.allocations: list[str] = []
        self.fixed: dict[Symbol, Any] = {}  # values that do not change: arguments, constants, indices of loops
        self.arrays: dict[Symbol, Array] = {}
        self.scratch: dict[str, Array] = {}
        self.variables: dict[Symbol, tuple[str, str]] = {}  # symbol -> (place in memory, type)
        self.straight: dict[Symbol, Any] | None = None  # what was assigned in straight statements
        self.carried: frozenset[Symbol] = frozenset()  # in a lane loop: the variables of the block that it changes

    # --- variables ---
    def variable(self, symbol: Symbol, dtype: str) -> tuple[str, str]:
        """The place of a variable in memory; its type, if it is not known yet, is that of the first value."""
        if symbol not in self.variables:
            place = f"%{identifier(self.code.name(f'{symbol.name}.'))}"
            dtype = self.types.setdefault(symbol, dtype)
            self.allocations.append(f"  {place} = alloca {TYPES[dtype]}")
            self.variables[symbol] = place, dtype
        return self.variables[symbol]

    def store(self, symbol: Symbol, value: Any) -> None:
        if symbol in self.fixed:
            raise InputError(f"'{symbol.name}' cannot be assigned: it is given, or counts a loop; choose another name")
        given = self.code.value(value)
        place, dtype = self.variable(symbol, given.dtype)
        if is_wider(given.dtype, self.types[symbol]):
            self.types[symbol] = given.dtype
        self.code.lines.append(f"  store {self.code.cast(given, dtype)}, ptr {place}")

    def assign(self, target: Symbol, value: Any) -> None:
        if self.straight is not None and target not in self.carried:
            self.straight[target] = value
        else:
            self.store(target, value)

    # --- expressions ---
    def expression(self, node: Expression) -> Any:
        match node:
            case Number(value=value, dtype=None):
                return value
            case Number(value=value, dtype=str() as dtype):
                return Value(literal(value, dtype), dtype)
            case nodes.Name(symbol=symbol):
                return self.read(symbol)
            case nodes.Element(array=array) if self.array(array).is_shared:
                pointer, dtype = self.place(node)
                return self.code.emit(f"load atomic {TYPES[dtype]}, ptr {pointer} monotonic, align 1", dtype)
            case nodes.Element() | nodes.RowElement() | nodes.ScratchElement():
                pointer, dtype = self.place(node)
                return self.code.emit(f"load {TYPES[dtype]}, ptr {pointer}", dtype)
            case nodes.Length(array=array, axis=axis):
                return self.array(array).shape[axis]
            case nodes.Negative(operand=operand):
                return self.code.negative(self.expression(operand))
            case nodes.Binary(op=op, left=left, right=right):
                return self.code.binary(op, self.expression(left), self.expression(right))
            case nodes.Compare(op=op, left=left, right=right):
                return self.code.compare(op, self.expression(left), self.expression(right))
            case nodes.Logical(op=op, left=left, right=right):
                a, b = (self.code.truth(self.code.value(self.expression(side))) for side in (left, right))
                return self.code.emit(f"{op} {a}, {b.ir}", "bool")
            case nodes.Select(test=test, yes=yes, no=no):
                a, b = self.code.alike(self.expression(yes), self.expression(no))
                condition = self.code.truth(self.code.value(self.expression(test)))
                return self.code.emit(f"select {condition}, {a}, {b}", a.dtype)
            case nodes.Cast(dtype=dtype, operand=operand):
                return self.code.cast(self.expression(operand), dtype)
            case nodes.Bits(dtype=dtype, operand=operand):
                x = self.code.value(self.expression(operand))
                return x if TYPES[dtype] == x.llvm else self.code.emit(f"bitcast {x} to {TYPES[dtype]}", dtype)
            case nodes.Several(items=items):
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
            raise InputError(f"'{symbol.name}' is an array, not a number; write {symbol.name}[...]")
        if symbol not in self.variables:
            raise InputError(f"'{symbol.name}' has no value yet")
        place, dtype = self.variables[symbol]
        return self.code.emit(f"load {TYPES[dtype]}, ptr {place}", dtype)

    def array(self, symbol: Symbol) -> Array:
        if symbol not in self.arrays:
            raise InputError(f"'{symbol.name}' is no array")
        return self.arrays[symbol]

    def place(self, node: nodes.Element | nodes.RowElement | nodes.ScratchElement) -> tuple[str, str]:
        """(pointer, type) of an element."""
        match node:
            case nodes.RowElement(row=row, lane=lane):
                kind, number = self.rows[row]
                array = self.scratch[kind]
                lane_value = self.expression(lane)
                if isinstance(lane_value, int):
                    index: Value = self.code.value(number * self.lanes + lane_value)
                else:
                    index = self.code.emit(f"add nuw nsw {lane_value}, {number * self.lanes}", "int64")
            case nodes.ScratchElement(kind=kind, index=where):
                array, index = self.scratch[kind], self.code.value(self.expression(where))
            case nodes.Element(array=symbol, index=indices):
                array = self.array(symbol)
                if array.shape and len(array.shape) != len(indices):
                    raise InputError(f"'{symbol.name}' has {len(array.shape)} axes; {len(indices)} are given")
                index = self.code.value(self.expression(indices[0]))
                for length, where in zip(array.shape[1:], indices[1:], strict=True):
                    before = self.code.emit(f"mul nsw {index}, {length.ir}", "int64")
                    index = self.code.emit(f"add nsw {before}, {self.code.value(self.expression(where)).ir}", "int64")
        element = TYPES[array.dtype]
        pointer = self.code.emit(f"getelementptr inbounds {element}, ptr {array.pointer}, {index}", array.dtype)
        return pointer.ir, array.dtype

    def call(self, function: FunctionType | str, arguments: tuple[Expression, ...]) -> Any:
        given = [self.argument(argument) for argument in arguments]
        if isinstance(function, str):
            return self.code.intrinsic(function, given)
        tree = function_of(function)
        if all(is_straight_line(node) for node in tree.body) and not any(isinstance(x, Array) for x in given):
            return self.inlined(tree, given)
        passed = [x if isinstance(x, Array) else self.code.value(x) for x in given]
        name, dtypes = self.module.function(function, passed)
        texts = [
            t for x in passed for t in ([f"ptr {x.pointer}", str(x.shape[0])] if isinstance(x, Array) else [str(x)])
        ]
        whole = self.code.emit(f"call {structure(dtypes)} {name}({', '.join(texts)})", "bool").ir
        found = tuple(self.code.emit(f"extractvalue {structure(dtypes)} {whole}, {k}", d) for k, d in enumerate(dtypes))
        return found if len(found) > 1 else found[0]

    def argument(self, node: Expression) -> Any:
        """What is given to a function: a number, or a whole array."""
        if isinstance(node, nodes.Name) and node.symbol in self.arrays:
            return self.arrays[node.symbol]
        return self.expression(node)

    def inlined(self, tree: KernelFunction, given: Sequence[Any]) -> Any:
        """The statements of a straight function in place of its call."""
        outside, carried = self.straight, self.carried
        self.straight, self.carried = dict(zip(tree.parameters, given, strict=True)), frozenset()
        self.write(tree.body[:-1])
        last = tree.body[-1]
        assert isinstance(last, nodes.Return)
        assert last.value is not None
        found = self.expression(last.value)
        self.straight, self.carried = outside, carried
        return found
