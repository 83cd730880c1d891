"""Small kernels of the tests' own: from text, or from a function of `kernel.math`; by LLVM, by Numba, or as Python."""

import itertools

import numpy as np

from hhfast.kernel.jit import llvm_compiler, python_driver
from hhfast.kernel.math import functions
from hhfast.kernel.print import llvm, python
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Call, Element, LaneLoop, Length, Name, Store, Symbol

_numbers = itertools.count()  # LLVM knows a function by its name


def types_of(kernel):
    """Name -> type of a kernel's arguments."""
    return {symbol.name: kind for symbol, kind in kernel.arguments.items()}


def by_llvm(kernel):
    code = llvm_compiler.object_code(llvm.printed(kernel))
    return llvm_compiler.linked(code, kernel.name, types_of(kernel))


def by_numba(kernel):
    return python_driver.by_numba(python.printed(kernel), kernel.name, types_of(kernel))


def as_python(kernel):
    """Without the driver's whitelist: kernels of tests call functions of tests."""
    module = {"__name__": "kernel_of_a_test"}
    exec(python.printed(kernel), module)

    def run(*given):
        with np.errstate(all="ignore"):
            module[kernel.name](*given)

    return run


COMPILERS = {"llvm": by_llvm, "numba": by_numba, "python": as_python}


def kernel_of_text(text, arguments, dtype="float64", **names):
    """A kernel of a text in the grammar; names : what further names stand for, besides arguments and functions."""
    symbols = {name: Symbol(name) for name in arguments}
    body = parse.statements(text, functions(dtype) | symbols | names, {})
    return Kernel("of a test", "kernel", {symbols[name]: kind for name, kind in arguments.items()}, body)


def over_lanes(text, arguments, dtype="float64", lane="i", **names):
    """The same, with the text in a loop over lanes: as many as the first argument has elements."""
    kernel = kernel_of_text("", arguments, dtype)
    symbols = {symbol.name: symbol for symbol in kernel.arguments}
    index = Symbol(lane)
    body = parse.statements(text, functions(dtype) | symbols | {lane: index} | names, {})
    loop = LaneLoop(index, Length(next(iter(kernel.arguments)), 0), body)
    return Kernel("of a test", "kernel", kernel.arguments, (loop,))


def lifted(function, dtype):
    """A function of arrays, elementwise: a function of `kernel.math` in a loop over lanes, compiled by LLVM."""
    n = function.__code__.co_argcount
    xs, y, i = [Symbol(f"x{k}") for k in range(n)], Symbol("y"), Symbol("i")
    value = Call(function, tuple(Element(x, (Name(i),)) for x in xs))
    loop = LaneLoop(i, Length(y, 0), (Store(Element(y, (Name(i),)), value),))
    name = f"{function.__name__}_{next(_numbers)}"
    kernel = Kernel("of a test", name, dict.fromkeys([*xs, y], f"{dtype}[::1]"), (loop,))
    compiled = by_llvm(kernel)

    def run(*given):
        arrays = np.broadcast_arrays(*(np.asarray(x, dtype) for x in given))
        found = np.empty(arrays[0].shape, dtype)
        compiled(*map(np.ascontiguousarray, arrays), found)
        return found

    return run
