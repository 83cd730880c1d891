"""From a specification to a function that runs: from the cache, or built and compiled.

LLVM compiles the printed kernel. Should llvmlite have changed so that this fails, a warning says so once, and Numba
compiles the same kernel printed as Python: slower, with the same results. `HHFAST_COMPILER=numba` asks for that;
`HHFAST_DEBUG=1` runs the printed Python as it is.
"""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError, one_line
from hhfast.kernel.jit import cache, llvm_compiler
from hhfast.kernel.jit.cache import ObjectCode
from hhfast.kernel.spec import RATES_ARGUMENTS, KernelSpec
from hhfast.model.model import Model

if TYPE_CHECKING:
    from hhfast.kernel.tree.kernel import Kernel

_lock = threading.RLock()  # the first use from several threads: one compiles, the others wait for it


def compiled(spec: KernelSpec) -> Callable[..., None]:
    """The compiled kernel of a specification, to be called with its arguments but for the scratch arrays."""
    with _lock:
        return _compiled(spec, _compiler())


def compiled_rates(model: Model) -> Callable[..., None]:
    """The compiled function that gives a and b of every state of a model."""
    with _lock:
        return _compiled_rates(model, _compiler())


def compiled_jacobian(model: Model) -> Callable[..., None]:
    """The compiled function that gives d(dx/dt)/dy of all states x and y of a model (`build.rates.jacobian_kernel`)."""
    with _lock:
        return _compiled_jacobian(model, _compiler())


def forget() -> None:
    """Forget the kernels of this process, so that the next is loaded or compiled as settings now are."""
    _compiled.cache_clear()
    _compiled_rates.cache_clear()
    _compiled_jacobian.cache_clear()


def is_cached(spec: KernelSpec) -> bool:
    """Whether the kernel has been compiled before."""
    return cache.is_cached(_name(spec))


@lru_cache(maxsize=256)
def _compiled(spec: KernelSpec, compiler: str) -> Callable[..., None]:
    function, sizes = _ready(_name(spec), compiler, spec.arguments, lambda: _build("kernel").kernel_of(spec))
    dtypes = spec.scratch_types.values()

    def kernel(*arguments: Any) -> None:
        function(*map(_scratch, sizes, dtypes), *arguments)

    return kernel


@lru_cache(maxsize=256)
def _compiled_rates(model: Model, compiler: str) -> Callable[..., None]:
    return _of_points("r", model, compiler, lambda: _build("rates").rates_kernel(model))


@lru_cache(maxsize=256)
def _compiled_jacobian(model: Model, compiler: str) -> Callable[..., None]:
    return _of_points("j", model, compiler, lambda: _build("rates").jacobian_kernel(model))


def _of_points(kind: str, model: Model, compiler: str, kernel: Callable[[], Kernel]) -> Callable[..., None]:
    return _ready(f"{kind}_{cache.key_of(model.identity)}", compiler, RATES_ARGUMENTS, kernel)[0]


def _compiler() -> str:
    if llvm_compiler.runs_plain():
        return "python"
    asked = os.environ.get("HHFAST_COMPILER", "")
    if asked not in ("", "llvm", "numba"):
        raise InputError(f"HHFAST_COMPILER = {one_line(asked, 60)!r}: must be llvm or numba, in the environment")
    return asked or ("numba" if _failed else "llvm")


def _build(what: str) -> ModuleType:
    """A module that builds kernels; imported only for one that is not in the cache, since it needs SymPy."""
    return importlib.import_module(f"hhfast.kernel.build.{what}")


def _name(spec: KernelSpec) -> str:
    """The kernel's name in the cache. The texts of all parts are in it, so that a user's own meet no others."""
    kinds = [kind.key for kind in spec.kinds]
    integrator = (spec.integrator.stages, spec.integrator.tableau)
    parts = (
        spec.model.identity, integrator, kinds, spec.hooks, spec.dtype, spec.phi_degrees, spec.channel_noise
    )  # fmt: skip
    return f"k_{cache.key_of(repr((*parts, *spec.sensitivity, spec.time_unit)))}"


def _scratch(size: int, dtype: str) -> np.ndarray:
    """An array that begins at a cache line: else every other vector of 32 or 64 bytes would lie across two."""
    n_bytes = size * np.dtype(dtype).itemsize
    space = np.empty(n_bytes + 64, np.uint8)
    first = -space.ctypes.data % 64
    return space[first : first + n_bytes].view(dtype)


# --- compilers -------------------------------------------------------------------------------------------------------
_failed: list[str] = []  # why LLVM is not used


def _ready(
    name: str, compiler: str, arguments: Mapping[str, str], kernel: Callable[[], Kernel]
) -> tuple[Callable[..., None], Sequence[int]]:
    """The function of a kernel, with the sizes of its scratch arrays, from the cache or made."""
    if compiler == "llvm":
        try:
            return _by_llvm(name, arguments, kernel)
        except (AttributeError, RuntimeError, OSError, ImportError, TypeError) as error:
            _failed.append(f"{type(error).__name__}: {error}")
            reason = _failed[0].splitlines()[0][:200]
            warnings.warn(
                f"llvmlite does not compile kernels as hhfast knows it ({reason}); Numba does, "
                "which takes longer; the results are the same",
                RuntimeWarning,
                stacklevel=3,
            )
    built = kernel()
    sizes = [size for _, size in built.scratch.values()]
    source = importlib.import_module("hhfast.kernel.print.python").printed(built)
    driver = importlib.import_module("hhfast.kernel.jit.python_driver")
    run = driver.plain if compiler == "python" else driver.by_numba
    return run(source, built.name, arguments), sizes


def _by_llvm(
    name: str, arguments: Mapping[str, str], kernel: Callable[[], Kernel]
) -> tuple[Callable[..., None], Sequence[int]]:
    found = cache.load(name)
    if found is None:
        built = kernel()
        text = importlib.import_module("hhfast.kernel.print.llvm").printed(built)
        sizes = tuple(size for _, size in built.scratch.values())
        found = ObjectCode(built.name, sizes, llvm_compiler.object_code(text, built.effort))
        cache.save(name, found)
    return llvm_compiler.linked(found.code, found.entry, arguments), found.scratch
