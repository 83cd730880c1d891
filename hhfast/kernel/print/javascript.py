"""The JavaScript printer: a kernel tree as functions that run in a page, in double precision.

The arithmetic is that of the tree, operation by operation, so the numbers are those of the printed Python to the bit;
compiled kernels differ from both by what fused multiply-adds round less. Whole numbers that count are JavaScript's
numbers, whole numbers whose bits matter are two words (`javascript_values`). An array of whole numbers is an Int32Array
with two words for each, an array of several axes a typed array with its `shape` as a property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import FunctionType

from hhfast.errors import InputError
from hhfast.kernel.print.javascript_function import JavaScriptFunction
from hhfast.kernel.print.javascript_values import harmless, literal
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.functions import function_of
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.naming import free_name
from hhfast.kernel.tree.nodes import Statement, Symbol
from hhfast.kernel.tree.walk import walk

_PROLOGUE = """\
const F64 = new Float64Array(1), I32 = new Int32Array(F64.buffer); // the words of a double, the low one first
const min = (a, b) => b < a ? b : a, max = (a, b) => b > a ? b : a; // of a number and NaN the first
function high_product(a, b) { // the high word of the product of two words without sign
  const p = (a & 65535) * (b & 65535), q = (a >>> 16) * (b & 65535) + Math.floor(p / 65536);
  const r = (a & 65535) * (b >>> 16) + q % 65536;
  return (a >>> 16) * (b >>> 16) + Math.floor(q / 65536) + Math.floor(r / 65536);
}"""
_RESERVED = """\
F64 I32 min max high_product Math Number Infinity NaN undefined arguments eval await async abstract boolean break byte
case catch char class const continue debugger default delete do double else enum export extends false final finally
float for function goto if implements import in instanceof int interface let long native new null package private
protected public return short static super switch synchronized this throw throws transient true try typeof var void
volatile while with yield Float64Array Int32Array"""


def printed(kernel: Kernel) -> str:
    """The source of a script that defines the kernel as a function, and before it the functions that it calls.

    It takes what the compiled kernel takes: arrays and numbers, the scratch arrays first. What stands in it (comments
    too) neither ends nor opens a script in a page. Raises `InputError` for a kernel that is not in double precision.
    """
    for symbol, kind in kernel.arguments.items():
        if kind.partition("[")[0] == "float32":
            raise InputError(f"kernel '{kernel.name}': '{symbol.name}' is float32; JavaScript computes in float64")
    return _Script(kernel).text()


class _Script:
    """The functions of a script: those that a kernel calls, and itself."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.taken = {*_RESERVED.split(), kernel.name}
        self.names = {function: self.new(function.__name__) for function in _called(kernel.body)}
        self.constants = {symbol: self.new(symbol.name) for symbol in (*kernel.constants, *kernel.tables)}
        self.definitions: dict[FunctionType, str] = {}

    def new(self, wanted: str) -> str:
        """A name of the whole script."""
        return free_name(wanted, self.taken)

    def text(self) -> str:
        kernel = self.kernel
        notes = [f"// {harmless(line)}".rstrip() for line in (f"{kernel.title}. Printed by hhfast.", *kernel.notes)]
        constants = [f"const {self.constants[symbol]} = {value};" for symbol, value in kernel.constants.items()]
        for symbol, (_, values) in kernel.tables.items():
            numbers = ", ".join(map(literal, values))
            constants.append(f"const {self.constants[symbol]} = new Float64Array([{numbers}]);")

        def begin(writer: JavaScriptFunction) -> None:
            writer.use(kernel, self.constants)

        body = self.written(kernel.name, begin, kernel.body)
        return "\n".join([*notes, _PROLOGUE, *constants, *self.definitions.values(), body]) + "\n"

    def written(self, name: str, begin: Callable[[JavaScriptFunction], None], body: Iterable[Statement]) -> str:
        """A function: written again until every variable that is ever given words is words."""
        words: frozenset[Symbol] = frozenset()
        while True:
            writer = JavaScriptFunction(self, words)
            begin(writer)
            writer.statements(body)
            if writer.values.words == words:
                return writer.text(name)
            words = writer.values.words

    def function(self, function: FunctionType, arrays: Sequence[bool]) -> str:
        """The name of a function that is called, and not written in place of its call; arrays : which arguments are."""
        if function not in self.definitions:
            tree = function_of(function)

            def begin(writer: JavaScriptFunction) -> None:
                for symbol, is_array in zip(tree.parameters, arrays, strict=True):
                    writer.parameter(symbol, "float64[::1]" if is_array else "float64")

            self.definitions[function] = ""  # its place, after those that it calls
            text = self.written(self.names[function], begin, tree.body)
            del self.definitions[function]
            self.definitions[function] = text
        return self.names[function]


def _called(body: Iterable[Statement]) -> dict[FunctionType, None]:
    """The functions that statements call, and those that these call."""
    found: dict[FunctionType, None] = {}
    waiting = list(body)
    while waiting:
        inner = [n.function for n in walk(*waiting) if isinstance(n, nodes.Call)]
        new = [f for f in dict.fromkeys(inner) if isinstance(f, FunctionType) and f not in found]
        found |= dict.fromkeys(new)
        waiting = [statement for f in new for statement in function_of(f).body]
    return found
