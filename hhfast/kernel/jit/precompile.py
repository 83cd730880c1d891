"""Kernels compiled before they are needed, on several processors: within one process, one follows another."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable

from hhfast.kernel.jit.compile import compiled, is_cached
from hhfast.kernel.spec import KernelSpec

_HELPER = "import sys; from hhfast.kernel.jit.precompile import compile_share; compile_share(sys.stdin.buffer.read())"


def precompile(specs: Iterable[KernelSpec], processors: int) -> None:
    """Fill the cache with the kernels that are not in it, this process and `processors` - 1 others taking turns.

    A helper that fails costs time only: what is missing is compiled when it is used.
    """
    missing = [spec for spec in dict.fromkeys(specs) if not is_cached(spec)]
    shares = [missing[k::processors] for k in range(processors)]
    helpers = []
    try:
        for share in filter(None, shares[1:]):
            command = [sys.executable, "-P", "-c", _HELPER]  # -P: nothing is imported from the working folder
            helper = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
            helpers.append(helper)
            assert helper.stdin is not None
            helper.stdin.write(pickle.dumps(share))
            helper.stdin.close()
        for spec in shares[0]:
            compiled(spec)
        for helper in helpers:
            helper.wait()
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()


def compile_share(packed: bytes) -> None:
    """Compile, in a helper, what `precompile` has sent."""
    for spec in pickle.loads(packed):  # noqa: S301  # from our own process
        compiled(spec)
