"""The kernel of a specification, and the function that gives the rates of a model: the same parts, the same tree."""

from __future__ import annotations

from dataclasses import replace

from hhfast.kernel.build.adaptive import Adaptive
from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.fixed_step import FixedStep
from hhfast.kernel.build.rates import beginnings_kernel, jacobian_kernel, quantities_kernel, rates_kernel
from hhfast.kernel.spec import KernelSpec
from hhfast.kernel.tree.kernel import Kernel

__all__ = ["beginnings_kernel", "jacobian_kernel", "kernel_of", "one_lane", "quantities_kernel", "rates_kernel"]


def kernel_of(spec: KernelSpec) -> Kernel:
    """The kernel of a specification."""
    builder = Builder(spec)
    return Adaptive(builder).kernel() if spec.integrator.adaptive else FixedStep(builder).kernel()


def one_lane(kernel: Kernel) -> Kernel:
    """The same kernel with one lane in a block: for one cell at a time, where nothing vectorises."""
    return replace(
        kernel,
        lanes=1,
        constants=dict.fromkeys(kernel.constants, 1),
        scratch={kind: (array, size // kernel.lanes) for kind, (array, size) in kernel.scratch.items()},
    )
