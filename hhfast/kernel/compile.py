"""From source to machine code: one readable file per kernel in a cache folder, imported and compiled once.

The file is named by the hash of everything its text is made from: the parts, and the code of this package that
turns them into text. So a kernel seen before is neither generated nor compiled again, and a changed one never
meets a stale cache. Files are written atomically and never rewritten; several processes may do so at once.

`HHFAST_CACHE_DIR` names the folder; `HHFAST_DEBUG=1` runs kernels as plain Python.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs

from hhfast.kernel.spec import RATES_ARGUMENTS, KernelSpec
from hhfast.kernel.vmath import DEBUG, FASTMATH
from hhfast.model.model import Model


@lru_cache(maxsize=256)
def compiled(spec: KernelSpec) -> Callable[..., None]:
    """The compiled kernel of a specification."""
    return _jit(_module(_name(spec), lambda: _codegen().generate(spec)), "kernel", spec.arguments)


def is_cached(spec: KernelSpec) -> bool:
    """Whether the kernel has been compiled before."""
    return any((cache_folder() / "__pycache__").glob(f"{_name(spec)}.*.nbc"))


def _name(spec: KernelSpec) -> str:
    kinds = [(kind.name, kind.text, dict(kind.parameters)) for kind in spec.kinds]
    parts = (spec.model, spec.integrator, kinds, spec.parts, spec.dtype, spec.reaches)
    return f"k_{_key(repr(parts))}"


@lru_cache(maxsize=256)
def compiled_rates(model: Model) -> Callable[..., None]:
    """The compiled function that gives a and b of every state of a model."""
    module = _module(f"r_{_key(repr(model))}", lambda: _codegen().generate_rates(model))
    return _jit(module, "rates", RATES_ARGUMENTS)


def _codegen() -> ModuleType:
    """The generator; imported only for a kernel that is not in the cache, since it needs SymPy."""
    return importlib.import_module("hhfast.kernel.codegen")


def _key(parts: str) -> str:
    return hashlib.sha256(f"{_code_version()}{parts}".encode()).hexdigest()[:24]


@lru_cache(maxsize=1)
def _code_version() -> str:
    """A hash of the modules that determine a kernel's text and meaning; Numba's cache does not see edits in them."""
    package = Path(__file__).parent.parent
    files = sorted([*package.glob("model/*.py"), *package.glob("kernel/*.py")])
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def cache_folder() -> Path:
    """The folder of the kernels: in the user's cache, or in a temporary one where that cannot be written."""
    wanted = os.environ.get("HHFAST_CACHE_DIR") or platformdirs.user_cache_dir("hhfast")
    folder = Path(wanted) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _temporary_folder()


@lru_cache(maxsize=1)
def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="hhfast-kernels-"))


def _module(name: str, source: Callable[[], str]) -> ModuleType:
    """Import the kernel file of that name, writing it first if it is not there yet."""
    qualified = f"hhfast_kernels.{name}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(source())
        Path(temporary).replace(path)
    spec = importlib.util.spec_from_file_location(qualified, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import the kernel {path}")
    module = importlib.util.module_from_spec(spec)
    # Numba's cache finds the function again by the name of its module, which must be importable by then.
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    return module


def _jit(module: ModuleType, name: str, arguments: Mapping[str, str]) -> Callable[..., None]:
    """Compile for the one signature that there is: nothing at run time can cause another compilation."""
    function = getattr(module, name)
    if DEBUG:
        return _quiet(function)
    import numba

    signature = f"void({', '.join(arguments.values())})"
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH, "cache": True}
    try:
        return numba.njit(signature, **options)(function)
    except Exception:  # noqa: BLE001  # a cache file cut short fails in many ways (EOFError, UnpicklingError, ...)
        for file in Path(str(module.__file__)).parent.glob(f"__pycache__/{module.__name__.rpartition('.')[2]}.*.nb?"):
            file.unlink(missing_ok=True)
        return numba.njit(signature, **options)(function)


def _quiet(function: Callable[..., None]) -> Callable[..., None]:
    """A kernel as plain Python, without NumPy's warnings about the overflows that kernels expect."""
    import numpy as np

    def run(*arguments: Any) -> None:
        with np.errstate(all="ignore"):
            function(*arguments)

    return run
