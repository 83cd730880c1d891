"""LLVM at work: the text of a module becomes object code, and object code becomes functions that ctypes calls.

This is the one module that knows llvmlite. Compiling needs nothing of Numba, nor does running.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError, one_line

if TYPE_CHECKING:
    from hhfast.kernel.tree.kernel import Effort

# What a user may set of the processor, under the names that Numba users know.
_CPU_NAME, _CPU_FEATURES = "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"
_numbers = itertools.count()
_lock = threading.Lock()


def processor() -> tuple[str, str, str]:
    """(triple, name, features) of the processor that is compiled for."""
    import llvmlite.binding as llvm

    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # not known for this processor
        features = ""
    name = os.environ.get(_CPU_NAME) or llvm.get_host_cpu_name()
    if name == "generic":
        features = ""
    return llvm.get_process_triple(), name, os.environ.get(_CPU_FEATURES, features)


def runs_plain() -> bool:
    """Whether HHFAST_DEBUG asks for printed Python as it is, without a compiler. Raises `InputError` for nonsense."""
    asked = os.environ.get("HHFAST_DEBUG", "")
    if asked not in ("", "0", "1"):
        raise InputError(f"HHFAST_DEBUG = {one_line(asked, 60)!r}: must be 0 or 1, in the environment")
    return asked == "1"


def arithmetic() -> str:
    """What of the processor and of the settings decides the bits of a result: whether products are added unrounded.

    The width of its vectors does not, nor anything else of its name.
    """
    triple, _, features = processor()
    fused = not triple.startswith(("x86_64", "i")) or "+fma" in features.split(",")
    return "plain Python" if runs_plain() else "fused multiply-add" if fused else "separate multiply and add"


def _machine(level: int = 3) -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, name, features = processor()
    reloc = "static" if triple.startswith("x86") else "default"
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(
        cpu=name, features=features, opt=level, reloc=reloc, codemodel="jitdefault", jit=True
    )


def optimised(text: str, effort: Effort = "vectors") -> Any:
    """The module of a text, optimised for this processor, with the machine that it is for."""
    import llvmlite.binding as llvm

    level = 0 if effort == "none" else 3
    machine = _machine(level)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = processor()[0], str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization, options.slp_vectorization = effort == "vectors", False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module, machine


def object_code(text: str, effort: Effort = "vectors") -> bytes:
    """The text of a module as object code for this processor."""
    module, machine = optimised(text, effort)
    return bytes(machine.emit_object(module))


def assembly(text: str) -> str:
    """The text of a module as assembly, to look at."""
    module, machine = optimised(text)
    return str(machine.emit_assembly(module))


@lru_cache(maxsize=1)
def _linker() -> Any:
    import llvmlite.binding as llvm

    return llvm.create_lljit_compiler(_machine(), use_jit_link=False)


def linked(code: bytes, name: str, arguments: Mapping[str, str]) -> Callable[..., None]:
    """The function of that name in object code, for NumPy arrays and numbers of the given types.

    Raises TypeError when called with anything else, RuntimeError for code that cannot be linked.
    """
    import llvmlite.binding as llvm

    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process().export_symbol(name)
    with _lock:
        library = builder.link(_linker(), f"kernel_{next(_numbers)}")
    if not library[name]:
        raise RuntimeError(f"{name} is not in the object code")
    return _CompiledFunction(library, library[name], [_Argument.of(n, kind) for n, kind in arguments.items()])


class _CompiledFunction:
    """Calls a compiled function: an array goes as a pointer and the lengths of its axes, a number as itself."""

    def __init__(self, library: Any, address: int, arguments: list[_Argument]) -> None:
        self.library = library  # owns the code
        self.arguments = arguments
        kinds = [kind for argument in arguments for kind in argument.c_types]
        self.function = ctypes.CFUNCTYPE(None, *kinds)(address)

    def __call__(self, *values: Any) -> None:
        if len(values) != len(self.arguments):
            raise TypeError(f"{len(values)} arguments for {len(self.arguments)}")
        self.function(
            *[x for argument, value in zip(self.arguments, values, strict=True) for x in argument.passed(value)]
        )


@dataclass(frozen=True)
class _Argument:
    name: str
    dtype: np.dtype[Any]
    dims: int

    @classmethod
    def of(cls, name: str, kind: str) -> _Argument:
        """From a type as kernels have it: int64, float64, float64[::1], float64[:, ::1] ..."""
        dtype, _, axes = kind.partition("[")
        return cls(name, np.dtype(dtype), axes.count(",") + 1 if axes else 0)

    @property
    def c_types(self) -> list[Any]:
        if not self.dims:
            return [np.ctypeslib.as_ctypes_type(self.dtype)]
        return [ctypes.c_void_p, *[ctypes.c_int64] * self.dims]

    def passed(self, value: Any) -> tuple[Any, ...]:
        if not self.dims:
            return (value,)
        if not (
            isinstance(value, np.ndarray)
            and value.dtype == self.dtype
            and value.ndim == self.dims
            and value.flags.c_contiguous
        ):
            raise TypeError(f"{self.name}: must be a contiguous array of {self.dims} dimensions of {self.dtype}")
        return _address(value), *value.shape


def _address(array: np.ndarray) -> int:
    """Where an array begins; as `array.ctypes.data`, which takes three times as long."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    except (TypeError, ValueError):  # of one that is read-only, or empty
        return int(array.ctypes.data)
