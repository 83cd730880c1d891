"""What a kernel is made of: the specification that determines its text, and the arguments it takes.

Imports no SymPy: a kernel that is in the cache is found by its specification alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hhfast.errors import InputError, unknown
from hhfast.kernel.optimise.phi_degree import reaches
from hhfast.model.model import Model
from hhfast.parts.integrators import Integrator, integrators
from hhfast.parts.recorder import Part, Recorder
from hhfast.parts.recorders import detectors
from hhfast.parts.stimuli import Stimulus, StimulusKind

# Lanes in a block, as many as fit. With fewer iterations than eight LLVM unrolls a lane loop whole, and then spills.
LANES = {"float64": (64,), "float32": (256, 128)}
SCRATCH = 48 * 1024  # bytes of a block's rows, which should stay in the first-level cache
DIVERGED = 1e6  # mV; a membrane potential beyond this at the end is a divergence that has not reached infinity yet
ACTIONS = 3  # bits per recorder in the action of a node: begin, end, sample
EDGE = 1 << 62  # the bit of an edge of the stimulus, for adaptive integrators

_COMMON = {  # arguments of every kernel, after its scratch arrays
    "first_": "int64", "last_": "int64",  # the cells of this call
    "p0_": "float64[::1]", "col_": "int64[::1]", "P_": "float64[:, ::1]",  # parameters: one for all, or row col of P
    "X_": "float64[:, ::1]",  # states (n_states, n_cells): in, and out
    "levels_": "float64[:, ::1]",  # threshold and rearm of each detector
    "status_": "uint8[::1]", "stop_": "uint8[::1]",
    "t_node_": "float64[::1]", "action_": "int64[::1]",  # when the recorders do something, and what
}
_FIXED = {  # further ones of a fixed-step kernel
    "dt_node_": "float64[::1]", "n_node_": "int64[::1]",  # the steps that follow a node
    "moving_": "int64",  # whether stimulus edges differ between cells
}
_ADAPTIVE = {  # and of an adaptive one
    "edges_": "float64[:, ::1]",  # (n_cells or 1, n_edges) edges that differ between cells, in order; inf: none
    "rtol_": "float64", "atol_": "float64[::1]",  # of each state
    "dt_first_": "float64", "dt_min_": "float64", "dt_max_": "float64", "max_steps_": "int64",
    "n_steps_": "int64[::1]", "n_rejected_": "int64[::1]",
}

RATES_ARGUMENTS = {  # of the function that gives a and b of every state
    "first_": "int64", "last_": "int64", "p0_": "float64[::1]", "col_": "int64[::1]", "P_": "float64[:, ::1]",
    "X_": "float64[:, ::1]", "current_": "float64[::1]", "A_": "float64[:, ::1]", "B_": "float64[:, ::1]",
}


@dataclass(frozen=True)
class KernelSpec:
    """Everything that a kernel's text depends on. Parameters, durations, levels and sizes are not among it.

    Nor is the step, but for what an exponential integrator makes of it: the polynomial for phi of each state (`reach`).
    """

    model: Model
    integrator: Integrator
    kinds: tuple[StimulusKind, ...]
    parts: tuple[tuple[Part, int], ...]  # with the number of the recorder's detector, or -1
    dtype: str
    reaches: tuple[int, ...]

    @property
    def scratch(self) -> dict[str, str]:
        """Name -> type of the numbers of the scratch arrays (see `rows`)."""
        return {"s_": self.dtype, "q_": "float64", "w_": "int64"}

    @cached_property
    def arguments(self) -> dict[str, str]:
        """Name -> Numba type of the kernel's arguments."""
        scratch = {name: f"{dtype}[::1]" for name, dtype in self.scratch.items()}
        arrays = [a for r, (part, _) in enumerate(self.parts) for a in _numbered(part.arrays, r, self.dtype)]
        if not self.integrator.adaptive:
            return scratch | _COMMON | _FIXED | self.points | dict(arrays)
        times = {f"times_{r}_": "float64[::1]" for r, (part, _) in enumerate(self.parts) if part.samples}
        return scratch | _COMMON | _ADAPTIVE | times | self.points | dict(arrays)

    @property
    def stimulus_parameters(self) -> list[str]:
        """The kernel's names of the stimulus parameters, in the order of its parameter columns."""
        return [stimulus_name(name, k) for k, kind in enumerate(self.kinds) for name in kind.parameters]

    @property
    def points(self) -> dict[str, str]:
        """The arrays of the points of stimuli, as arguments."""
        arrays = [(name, k) for k, kind in enumerate(self.kinds) if kind.points for name in kind.points.arrays]
        return {stimulus_name(name, k): "float64[::1]" for name, k in arrays}


def stimulus_name(name: str, k: int) -> str:
    """The kernel's name of what stimulus k calls by that name; no recorder has such names."""
    return f"{name}_i{k}_"


def _numbered(arrays: Iterable[tuple[str, str]], r: int, dtype: str) -> list[tuple[str, str]]:
    return [(name.format(r=r), kind.format(dtype=dtype)) for name, kind in arrays]


def kernel_spec(
    model: Model, integrator: str | Integrator, stimulus: Stimulus | None, record: Iterable[Recorder], dtype: str,
    dt: float = 0.025,
) -> KernelSpec:
    """The kernel that these parts need for steps of up to `dt` (ms)."""
    if dtype not in ("float64", "float32"):
        raise InputError(f"dtype = {dtype!r}; known: 'float64', 'float32'")
    record = tuple(record)
    for recorder in record:
        for name in recorder.part.samples:
            if name not in model.variables:
                raise unknown("trace variable", name, model.variables, f"model {model.name}")
    parts = tuple((r.part, number) for r, number in zip(record, detectors(record)[1], strict=True))
    kinds = stimulus.kinds if stimulus is not None else ()
    method = integrator if isinstance(integrator, Integrator) else integrators[integrator]
    return KernelSpec(model, method, kinds, parts, dtype, reaches(model, method, dt))
