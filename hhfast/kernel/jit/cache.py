"""From source to machine code: two files per kernel in a cache folder, one to read and one to run.

They are named by the hash of everything the text is made from: the parts, and the code of this package that turns
them into text; the one to run also by what its machine code depends on. So a kernel seen before is neither generated
nor compiled again, and a changed one never meets a stale cache. Files are written atomically; several processes may
do so at once. A file that was cut short is made again.

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

import numpy as np
import platformdirs

from hhfast.kernel.jit.object_code import MachineCode, compile_source, linked, target
from hhfast.kernel.spec import RATES_ARGUMENTS, KernelSpec
from hhfast.model.model import Model

DEBUG = os.environ.get("HHFAST_DEBUG", "") not in ("", "0")


@lru_cache(maxsize=256)
def compiled(spec: KernelSpec) -> Callable[..., None]:
    """The compiled kernel of a specification, to be called with its arguments but for the scratch arrays."""
    function, sizes = _ready(_name(spec), "kernel", spec.arguments, lambda: _codegen().generate(spec))
    dtypes = spec.scratch.values()

    def kernel(*arguments: Any) -> None:
        function(*map(_scratch, sizes, dtypes), *arguments)

    return kernel


@lru_cache(maxsize=256)
def compiled_rates(model: Model) -> Callable[..., None]:
    """The compiled function that gives a and b of every state of a model."""
    name = f"r_{_key(repr(model))}"
    return _ready(name, "rates", RATES_ARGUMENTS, lambda: _codegen().generate_rates(model))[0]


def is_cached(spec: KernelSpec) -> bool:
    """Whether the kernel has been compiled before."""
    return _code_file(_name(spec)).exists()


def _scratch(size: int, dtype: str) -> np.ndarray:
    """An array that begins at a cache line: else every other vector of 32 or 64 bytes would lie across two."""
    n_bytes = size * np.dtype(dtype).itemsize
    space = np.empty(n_bytes + 64, np.uint8)
    first = -space.ctypes.data % 64
    return space[first : first + n_bytes].view(dtype)


# --- names -----------------------------------------------------------------------------------------------------------
def _name(spec: KernelSpec) -> str:
    kinds = [(kind.name, kind.text, dict(kind.parameters)) for kind in spec.kinds]
    parts = (spec.model, spec.integrator, kinds, spec.parts, spec.dtype, spec.reaches)
    return f"k_{_key(repr(parts))}"


def _codegen() -> ModuleType:
    """The generator; imported only for a kernel that is not in the cache, since it needs SymPy."""
    return importlib.import_module("hhfast.kernel.build.kernel")


def _key(parts: str) -> str:
    return hashlib.sha256(f"{_code_version()}{parts}".encode()).hexdigest()[:24]


@lru_cache(maxsize=1)
def _code_version() -> str:
    """A hash of the modules that determine a kernel's text and meaning."""
    package = Path(__file__).parents[2]
    files = sorted(file for room in ("model", "parts", "kernel") for file in (package / room).rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


# --- files -----------------------------------------------------------------------------------------------------------
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


def _code_file(name: str) -> Path:
    return cache_folder() / f"{name}.{target()}.code"


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


# --- kernels ---------------------------------------------------------------------------------------------------------
def _ready(
    name: str, function: str, arguments: Mapping[str, str], source: Callable[[], str]
) -> tuple[Callable[..., None], tuple[int, ...]]:
    """The function of that name, with the sizes of its scratch arrays, from the cache or made."""
    if DEBUG:
        module = _module(_source_file(name, source))
        return _quiet(getattr(module, function)), getattr(module, "SCRATCH_", ())
    path = _code_file(name)
    try:
        code = MachineCode.unpacked(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError):  # not there, or cut short
        text = _source_file(name, source)
        code = compile_source(text.read_text(encoding="utf-8"), function, arguments, str(text))
        _write(path, code.packed())
    return linked(code, arguments), code.scratch


def _source_file(name: str, source: Callable[[], str]) -> Path:
    """The readable file of a kernel, written if it is not there yet."""
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        _write(path, source().encode())
    return path


def _module(path: Path) -> ModuleType:
    """Import the file of a kernel."""
    qualified = f"hhfast_kernels.{path.stem}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    spec = importlib.util.spec_from_file_location(qualified, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import the kernel {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    return module


def _quiet(function: Callable[..., None]) -> Callable[..., None]:
    """A kernel as plain Python, without NumPy's warnings about the overflows that kernels expect."""

    def run(*arguments: Any) -> None:
        with np.errstate(all="ignore"):
            function(*arguments)

    return run
