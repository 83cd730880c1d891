"""Kernels compiled ahead, on several processors: within one process, Numba compiles one after another."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace

from hhfast.kernel.jit.compile import compiled, is_cached
from hhfast.kernel.spec import KernelSpec
from hhfast.parts.stimuli import stimuli

_HELPER = "import sys; from hhfast.kernel.jit.precompile import help_compile; help_compile(sys.stdin.buffer.read())"


def compile_ahead(specs: Iterable[KernelSpec], processors: int) -> None:
    """Fill the cache with the kernels that are not in it, this process and `processors` - 1 others taking turns.

    A helper that fails costs time only: what is missing is compiled when it is used.
    """
    missing = [spec for spec in dict.fromkeys(specs) if not is_cached(spec)]
    shares = [missing[k::processors] for k in range(processors)]
    helpers = []
    try:
        for share in filter(None, shares[1:]):
            command = [sys.executable, "-c", _HELPER]
            helper = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
            helpers.append(helper)
            assert helper.stdin is not None
            helper.stdin.write(_packed(share))
            helper.stdin.close()
        for spec in shares[0]:
            compiled(spec)
        for helper in helpers:
            helper.wait()
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()


def _packed(specs: Iterable[KernelSpec]) -> bytes:
    """The specifications for another process, which knows the stimuli by name."""
    return pickle.dumps([(replace(spec, kinds=()), [kind.name for kind in spec.kinds]) for spec in specs])


def help_compile(packed: bytes) -> None:
    """Compile, in a helper, what `compile_ahead` has sent."""
    for spec, names in pickle.loads(packed):  # noqa: S301  # from our own process
        compiled(replace(spec, kinds=tuple(stimuli[name] for name in names)))
