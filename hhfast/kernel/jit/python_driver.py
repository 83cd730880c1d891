"""Kernels from printed Python: as they are, or compiled by Numba. The one module that knows Numba."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np

from hhfast.kernel.jit.whitelist import check_kernel
from hhfast.kernel.math import is_kernel_function

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz", "arcp"}, "nogil": True}


def plain(source: str, name: str, arguments: Mapping[str, str]) -> Callable[..., None]:
    """The function as plain Python, without NumPy's warnings about the overflows that kernels expect."""
    function = _executed(source, name)

    def run(*given: Any) -> None:
        with np.errstate(all="ignore"):
            function(*given)

    return run


def by_numba(source: str, name: str, arguments: Mapping[str, str]) -> Callable[..., None]:
    """The function compiled by Numba, for arguments of these types."""
    import numba

    signature = f"void({', '.join(arguments.values())})"
    compiled: Callable[..., None] = numba.njit(signature, **_OPTIONS)(_for_numba(_executed(source, name)))
    return compiled


@lru_cache(maxsize=256)
def jitted(function: FunctionType) -> Any:
    """A function of `kernel.math` compiled by Numba; inlined, so that loops that call it vectorise."""
    import numba

    return numba.njit(**{**_OPTIONS, "inline": "always" if _is_inlined(function) else "never"})(_for_numba(function))


def _is_inlined(function: FunctionType) -> bool:
    from hhfast.kernel.tree.functions import function_of
    from hhfast.kernel.tree.straight_line import is_straight_line

    return all(is_straight_line(statement) for statement in function_of(function).body)


def _executed(source: str, name: str) -> FunctionType:
    """The function of a printed module, in which nothing of a user's is text; what is no kernel is not executed."""
    tree = ast.parse(source)
    check_kernel(tree, name)
    path = f"<hhfast kernel {hash(source):x}>"
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)  # for tracebacks
    module: dict[str, Any] = {"__name__": "hhfast_kernel"}
    exec(compile(tree, path, "exec"), module)  # noqa: S102
    function: FunctionType = module[name]
    return function


def _for_numba(function: FunctionType) -> FunctionType:
    """A function with those that it calls as Numba takes them."""
    outside = function.__globals__
    called = {key: outside[key] for key in function.__code__.co_names if is_kernel_function(outside.get(key))}
    changed = outside | {key: jitted(inner) for key, inner in called.items()}
    return FunctionType(function.__code__, changed, function.__name__)
