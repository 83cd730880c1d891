"""The source of a kernel, from model, integrator, stimulus and recorders: what `hhfast source` shows."""

from __future__ import annotations

from collections.abc import Iterable

from hhfast.kernel.build.kernel import kernel_of
from hhfast.kernel.print.python import printed
from hhfast.kernel.spec import kernel_spec
from hhfast.model.model import Model
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorder import Recorder
from hhfast.parts.stimuli import Stimulus


def kernel_source(
    model: Model,
    integrator: str | Integrator,
    stimulus: Stimulus | None = None,
    record: Iterable[Recorder] = (),
    dtype: str = "float64",
    dt: float = 0.025,
) -> str:
    """The Python source of the kernel that runs this combination, in steps of up to `dt` (ms)."""
    return printed(kernel_of(kernel_spec(model, integrator, stimulus, record, dtype, dt)))
