"""Machine code: made by Numba, kept in a file, and run without it.

Compiling needs Numba; running what it once compiled needs only llvmlite, which links the object code into the process,
and ctypes, which calls it and lets other threads run meanwhile. So a process that finds its kernels in the cache
starts in a fraction of the time that Numba alone takes to import.

A kernel is called by Numba's own convention: a pointer for the result, one for an exception, then the arguments, each
array as the fields of `types.Array`'s data model. `compile_source` checks that they are what `_Call` passes.
"""

from __future__ import annotations

import ast
import ctypes
import gc
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from hhfast.kernel.jit.lowering import intrinsic
from hhfast.kernel.jit.straight import is_straight, lane_of, taken_out

FASTMATH = {"contract", "nsz", "arcp"}
_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": FASTMATH}
_ALONE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}  # nothing of Numba is there at run time
_ARRAY = ("meminfo", "parent", "nitems", "itemsize", "data", "shape", "strides")
_CHOICES = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX", "NUMBA_OPT", "NUMBA_LOOP_VECTORIZE",
            "NUMBA_SLP_VECTORIZE")


# --- compiling -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class MachineCode:
    """Object code with the name of its function, and what that was compiled from."""

    entry: str
    code: bytes
    triple: str
    scratch: tuple[int, ...] = ()

    def packed(self) -> bytes:
        """As the content of a file."""
        digest = hashlib.sha256(self.code).hexdigest()
        head = {"entry": self.entry, "triple": self.triple, "scratch": self.scratch, "sha256": digest}
        return json.dumps(head).encode() + b"\n" + self.code

    @classmethod
    def unpacked(cls, content: bytes) -> MachineCode:
        """Raises ValueError or KeyError for what is not the whole of such a content: LLVM would end the process."""
        first, _, code = content.partition(b"\n")
        head = json.loads(first)
        if hashlib.sha256(code).hexdigest() != head["sha256"]:
            raise ValueError("not the object code that was written")
        return cls(head["entry"], code, head["triple"], tuple(head["scratch"]))


def compile_source(source: str, name: str, arguments: Mapping[str, str], path: str = "<kernel>") -> MachineCode:
    """Compile a function of a module's source for arguments of these Numba types.

    Raises NotImplementedError for one that could not run without Numba.
    """
    from numba.core import types

    with _without_collecting():
        compiled = dispatcher(source, name, arguments, path)
        (result,) = compiled.overloads.values()
        model = result.target_context.data_model_manager[types.Array(types.float64, 1, "C")]
        if tuple(model._fields) != _ARRAY:
            raise ImportError(f"this version of Numba passes arrays as {model._fields}; hhfast knows {_ARRAY}")
        # A process that meets such a name without Numba would end there.
        (text,) = compiled.inspect_llvm().values()
        if foreign := re.search(r"^declare [^@]*@((?:NRT|numba|_?Py)\w*)", text, re.MULTILINE):
            raise NotImplementedError(f"{name} needs {foreign[1]} of Numba at run time")
        _, _, (code, _) = result.library.serialize_using_object_code()
        triple, *_ = result.library.codegen.magic_tuple()
        scratch = compiled.py_func.__globals__.get("SCRATCH_", ())
        return MachineCode(result.fndesc.llvm_func_name, code, triple, scratch)


def dispatcher(source: str, name: str, arguments: Mapping[str, str], path: str = "<kernel>") -> Any:
    """The function as Numba's compiled object, to look at; it cannot be called."""
    import numba
    from numba.core.compiler import Compiler

    class Alone(Compiler):
        """Tells LLVM that no array of a kernel overlaps another: else loops over two of them might not vectorise."""

        def define_pipelines(self) -> Any:
            self.state.flags.noalias = True
            return super().define_pipelines()

    tree = ast.parse(source)
    outside: dict[str, Any] = {"__name__": f"hhfast_kernels.{Path(path).stem}"}
    exec(compile(tree, path, "exec"), outside)  # noqa: S102  # our own text
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    lanes = taken_out(function, outside)
    exec(compile(ast.Module([function], []), path, "exec"), outside)  # noqa: S102
    changed = _for_numba(outside[name], {name: intrinsic(lane) for name, lane in lanes.items()})
    options: dict[str, Any] = {**_OPTIONS, **_ALONE, "pipeline_class": Alone}
    return numba.njit(f"void({', '.join(arguments.values())})", **options)(changed)


@lru_cache(maxsize=256)
def jitted(function: FunctionType) -> Any:
    """A function of hhfast for use in compiled code; one that is not straight can be called from Python, too."""
    import numba

    return intrinsic(lane_of(function)) if is_straight(function) else numba.njit(**_OPTIONS)(_for_numba(function, {}))


def _for_numba(function: FunctionType, more: Mapping[str, Any]) -> FunctionType:
    """A function with those that it calls as Numba takes them, and with more globals."""
    outside = function.__globals__
    called = {key: outside[key] for key in function.__code__.co_names if isinstance(outside.get(key), FunctionType)}
    changed = outside | {key: jitted(inner) for key, inner in called.items()} | dict(more)
    return FunctionType(function.__code__, changed, function.__name__)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Put off the collection of garbage: compiling makes millions of objects that live, and it would visit them all."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


# --- running ---------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=1)
def target() -> str:
    """A short name of what machine code depends on besides its source: the processor, the compilers, their settings."""
    import llvmlite
    import llvmlite.binding as llvm

    versions = (metadata.version("numba"), llvmlite.__version__)
    choices = tuple(os.environ.get(name) for name in _CHOICES)
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # not known for this processor
        features = ""
    machine = (llvm.get_process_triple(), llvm.get_host_cpu_name(), features)
    return hashlib.sha256(repr((versions, choices, machine)).encode()).hexdigest()[:16]


def linked(code: MachineCode, arguments: Mapping[str, str]) -> Callable[..., None]:
    """The function of some machine code, to be called with NumPy arrays and numbers of the given Numba types.

    Raises TypeError when called with anything else.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(code.triple).create_target_machine(jit=True, codemodel="jitdefault")
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(f'target triple = "{code.triple}"'), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.code))
    engine.finalize_object()
    return _Call(engine, engine.get_function_address(code.entry), arguments, code.scratch)


class _Call:
    """Calls a compiled function by Numba's convention."""

    def __init__(self, engine: Any, address: int, arguments: Mapping[str, str], scratch: Sequence[int]) -> None:
        self.engine = engine  # owns the code
        self.scratch = scratch
        self.arguments = [_Argument.of(name, kind) for name, kind in arguments.items()]
        kinds = [kind for argument in self.arguments for kind in argument.c_types]
        self.function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)(address)

    def __call__(self, *values: Any) -> None:
        if len(values) != len(self.arguments):
            raise TypeError(f"{len(values)} arguments for {len(self.arguments)}")
        given = [x for argument, value in zip(self.arguments, values, strict=True) for x in argument.passed(value)]
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        if self.function(ctypes.byref(result), ctypes.byref(exception), *given) != 0:
            raise RuntimeError("a kernel failed")  # nothing in one can


@dataclass(frozen=True)
class _Argument:
    name: str
    dtype: np.dtype
    dims: int

    @classmethod
    def of(cls, name: str, kind: str) -> _Argument:
        """From a Numba type: int64, float64, float64[::1], float64[:, ::1] ..."""
        dtype, _, axes = kind.partition("[")
        return cls(name, np.dtype(dtype), axes.count(",") + 1 if axes else 0)

    @property
    def c_types(self) -> list[Any]:
        if not self.dims:
            return [np.ctypeslib.as_ctypes_type(self.dtype)]
        size, pointer = ctypes.c_ssize_t, ctypes.c_void_p
        return [pointer, pointer, size, size, pointer, *[size] * (2 * self.dims)]

    def passed(self, value: Any) -> tuple[Any, ...]:
        if not self.dims:
            return (value,)
        if not (isinstance(value, np.ndarray) and value.dtype == self.dtype and value.ndim == self.dims
                and value.flags.c_contiguous):
            raise TypeError(f"{self.name}: must be a contiguous array of {self.dims} dimensions of {self.dtype}")
        return None, None, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides
