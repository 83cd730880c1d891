"""Values and instructions of LLVM: what arithmetic becomes, by the types of its operands."""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hhfast.errors import InputError

# Fused multiply-adds, division by a constant as a product, and signs of zero may be chosen; nothing that could hide NaN
# or reorder sums is allowed.
_FAST = "nsz arcp contract"
TYPES = {
    "float64": "double",
    "float32": "float",
    "int64": "i64",
    "int32": "i32",
    "uint64": "i64",
    "uint8": "i8",
    "bool": "i1",
}
KINDS = {
    "float64": "float",
    "float32": "float",
    "int64": "signed",
    "int32": "signed",
    "uint64": "unsigned",
    "uint8": "unsigned",
    "bool": "unsigned",
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
class Value:
    """A value while the kernel runs, and its NumPy type. What is known before is a plain number of Python."""

    ir: str
    dtype: str

    @property
    def llvm(self) -> str:
        return TYPES[self.dtype]

    @property
    def kind(self) -> str:
        return KINDS[self.dtype]

    def __str__(self) -> str:
        return f"{self.llvm} {self.ir}"


@dataclass(frozen=True, slots=True)
class Array:
    """An array in memory: its first element, and the lengths of its axes where they are known."""

    pointer: str
    dtype: str
    shape: tuple[Value, ...] = ()
    is_shared: bool = False


def structure(dtypes: Sequence[str]) -> str:
    return f"{{ {', '.join(TYPES[dtype] for dtype in dtypes)} }}"


def literal(value: Any, dtype: str) -> str:
    """A constant as LLVM writes it: floating-point numbers by the bits of a double, which are exact."""
    if dtype == "float32":
        (value,) = struct.unpack("<f", struct.pack("<f", value))
    if KINDS[dtype] == "float":
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    return str(bool(value)).lower() if dtype == "bool" else str(int(value))


def identifier(name: str) -> str:
    """A name as LLVM writes it, without its sign."""
    return name if name.isascii() else f'"{name}"'


class Instructions:
    """The instructions of one function, block after block. declarations : of the functions of LLVM that they call."""

    def __init__(self, declarations: set[str]) -> None:
        self.declarations = declarations
        self.lines: list[str] = []
        self.block = "entry"
        self.ended = False  # whether the block has its last instruction
        self.count = 0

    def name(self, what: str = "v") -> str:
        self.count += 1
        return f"{what}{self.count}"

    def emit(self, instruction: str, dtype: str) -> Value:
        name = f"%{self.name()}"
        self.lines.append(f"  {name} = {instruction}")
        return Value(name, dtype)

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

    def start(self, label: str) -> None:
        """Begin a block to which others jump."""
        self.lines.append(f"{label}:")
        self.block, self.ended = label, False

    # --- arithmetic ---
    def negative(self, operand: Any) -> Any:
        if not isinstance(operand, Value):
            return -operand
        if operand.dtype == "bool":
            raise InputError("'-' is for numbers, not for conditions; write 'not', or 1.0 if ... else 0.0")
        return self.emit(
            f"fneg {operand}" if operand.kind == "float" else f"sub {operand.llvm} 0, {operand.ir}", operand.dtype
        )

    def binary(self, op: str, left: Any, right: Any) -> Any:
        python, llvm = _OPERATIONS[op]
        if not isinstance(left, Value) and not isinstance(right, Value):
            return python(left, right)
        a, b = self.alike(left, right)
        if a.dtype == "bool" and op not in "&|^":  # NumPy, Python and Numba each add conditions in their own way
            raise InputError(f"'{op}' is for numbers, not for two conditions; write 1.0 if ... else 0.0")
        if op == "/" and a.kind != "float":
            a, b = (self.cast(x, "float64") for x in (a, b))
        if a.kind not in llvm:
            raise InputError(f"'{op}' is for whole numbers only")
        flags = f" {_FAST}" if a.kind == "float" else ""
        return self.emit(f"{llvm[a.kind]}{flags} {a}, {b.ir}", a.dtype)

    def compare(self, op: str, left: Any, right: Any) -> Value:
        a, b = self.alike(left, right)
        of_floats, signed, unsigned = _COMPARISONS[op]
        if a.kind == "float":
            return self.emit(f"fcmp {_FAST} {of_floats} {a}, {b.ir}", "bool")
        return self.emit(f"icmp {signed if a.kind == 'signed' else unsigned} {a}, {b.ir}", "bool")

    def truth(self, value: Value) -> Value:
        return value if value.dtype == "bool" else self.compare("!=", value, 0)

    def intrinsic(self, name: str, given: Sequence[Any]) -> Value:
        if name in ("min", "max"):  # as Python's: of a number and NaN the first
            a, b = self.alike(*given)
            return self.emit(f"select {self.compare('<' if name == 'min' else '>', b, a)}, {b}, {a}", a.dtype)
        (x,) = map(self.value, given)
        if name == "isnan":
            return self.emit(f"fcmp uno {x}, {x.ir}", "bool")
        if name == "abs" and x.kind != "float":
            return self.emit(f"select {self.compare('<', x, 0)}, {self.negative(x)}, {x}", x.dtype)
        llvm = f"@llvm.{_INTRINSICS[name]}.f{_WIDTH[x.llvm]}"
        self.declarations.add(f"declare {x.llvm} {llvm}({x.llvm})")
        return self.emit(f"call {_FAST} {x.llvm} {llvm}({x})", x.dtype)

    # --- types ---
    def value(self, x: Any) -> Value:
        """A plain number as a value of the kernel."""
        if isinstance(x, Value):
            return x
        dtype = {bool: "bool", int: "int64", float: "float64"}[type(x)]
        return Value(literal(x, dtype), dtype)

    def alike(self, left: Any, right: Any) -> tuple[Value, Value]:
        """Two values as values of the type that they have in common."""
        a, b = self.value(left), self.value(right)
        if a.dtype == b.dtype:
            return a, b
        if (a.kind == "float") != (b.kind == "float"):
            common = "float64"
        elif "bool" in (a.dtype, b.dtype):
            common = "int64"
        else:
            common = max(a.dtype, b.dtype, key=lambda dtype: _WIDTH[TYPES[dtype]])
        return self.cast(a, common), self.cast(b, common)

    def cast(self, x: Any, dtype: str) -> Value:
        """A number as another type."""
        if isinstance(x, int | float) and not isinstance(x, bool) and KINDS[dtype] == "float":
            return Value(literal(x, dtype), dtype)
        given = self.value(x)
        if given.dtype == dtype:
            return given
        to = TYPES[dtype]
        if to == given.llvm:
            return Value(given.ir, dtype)
        wider = _WIDTH[to] > _WIDTH[given.llvm]
        if given.kind == "float":
            how = ("fpext" if wider else "fptrunc") if KINDS[dtype] == "float" else "fptosi"
        elif KINDS[dtype] == "float":
            how = "sitofp" if given.kind == "signed" else "uitofp"
        elif not wider:
            how = "trunc"
        else:
            how = "sext" if given.kind == "signed" else "zext"
        return self.emit(f"{how} {given} to {to}", dtype)
