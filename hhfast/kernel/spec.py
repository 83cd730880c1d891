"""What a kernel is made of: the specification that determines it, and the arguments it takes.

Imports no SymPy: a kernel that is in the cache is found by its specification alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hhfast.errors import InputError, shown, unknown
from hhfast.kernel.optimise.phi_degree import degrees_of_phi
from hhfast.model.model import Model
from hhfast.parts.channel_noise import ChannelNoise
from hhfast.parts.grammar import names_used
from hhfast.parts.integrators import Integrator, integrators
from hhfast.parts.recorder import Hooks, Recorder
from hhfast.parts.recorders import detectors
from hhfast.parts.sensitivity import (
    StimulusParameter,
    check_names,
    check_of_stimulus,
    initial_state,
    of_stimulus,
    sensitivities,
)
from hhfast.parts.stimuli import Stimulus, StimulusKind

# Lanes in a block: so few that its rows stay in the first-level cache, and that threads end together. With fewer
# iterations than eight LLVM unrolls a lane loop whole, and then spills.
LANES = {"float64": 64, "float32": 128}
# Of a kernel with its own step in each lane: fewer, since it has more rows, and since lanes wait where a call ends.
ADAPTIVE_LANES = {"float64": 32, "float32": 64}
# Why a row is impossible; a kernel leaves REASON + one of these as the cell's status.
REASON = 16
NOT_FINITE, BAD_PARAMETER, OUT_OF_BOUNDS, OUT_OF_GATE, NEGATIVE = range(1, 6)
ACTIONS = 3  # bits per recorder in the action of a node: begin, end, sample
EDGE = 1 << 62  # the bit of an edge of the stimulus
SCRATCH_ARRAYS = {  # kind of row -> the argument that holds such rows
    "lane": "s", "float64": "q", "int64": "w", "increment": "g",
}  # fmt: skip

_COMMON = {  # arguments of every kernel, after its scratch arrays
    "first_cell": "int64", "last_cell": "int64",  # the cells of this call
    "p0": "float64[::1]", "col": "int64[::1]", "P": "float64[:, ::1]",  # parameters: one for all, or row col of P
    "X": "float64[:, ::1]",  # states (n_states, n_cells): in, and out
    "levels": "float64[:, ::1]",  # threshold and rearm of each detector
    "bounds": "float64[:, ::1]",  # (n_cells, 2) mV: the lowest and highest potential that is possible
    "status": "uint8[::1]", "stop": "uint8[::1]",
    "t_node": "float64[::1]", "action": "int64[::1]",  # when the recorders do something, and what
}  # fmt: skip
_FIXED = {  # further ones of a fixed-step kernel
    "dt_node": "float64[::1]", "n_node": "int64[::1]",  # the steps that follow a node
    "moving": "int64",  # whether stimulus edges differ between cells
}  # fmt: skip
_ADAPTIVE = {  # and of an adaptive one
    "edges": "float64[:, ::1]",  # (n_cells or 1, n_edges) edges that differ between cells, in order; inf: none
    "rtol": "float64", "atol": "float64[::1]",  # of each state
    "dt_first": "float64", "dt_min": "float64", "dt_max": "float64", "max_steps": "int64",
    "n_steps": "int64[::1]", "n_rejected": "int64[::1]",
}  # fmt: skip
SHARED = "stop"  # the argument that another thread writes while the kernel runs

RATES_ARGUMENTS = {  # of the function that gives a and b of every state
    "first_cell": "int64", "last_cell": "int64", "p0": "float64[::1]", "col": "int64[::1]", "P": "float64[:, ::1]",
    "X": "float64[:, ::1]", "current": "float64[::1]", "A": "float64[:, ::1]", "B": "float64[:, ::1]",
}  # fmt: skip


@dataclass(frozen=True)
class KernelSpec:
    """Everything that a kernel depends on. Parameters, durations, levels and sizes are not among it.

    Nor is the step, but for what an exponential integrator makes of it: the polynomial for phi of each state.
    """

    model: Model
    integrator: Integrator
    kinds: tuple[StimulusKind, ...]
    hooks: tuple[tuple[Hooks, int], ...]  # with the number of the recorder's detector, or -1
    dtype: str
    phi_degrees: tuple[int, ...]
    sensitivity: tuple[str, ...] = ()  # parameters with respect to which all states are derived
    time_unit: str = ""  # the parameter that is the unit of time of a cell, ms; without one it is 1 ms
    channel_noise: str = ""  # its kind; "": none

    @property
    def derived_stimulus_parameters(self) -> dict[str, StimulusParameter]:
        """The parameters of stimuli with respect to which states are derived, by name."""
        return derived_stimulus_parameters(self.model, self.kinds, self.sensitivity)

    @property
    def states(self) -> tuple[str, ...]:
        """The rows of X: the model's states, then their derivatives."""
        return (*self.model.states, *sensitivities(self.model.states, self.sensitivity))

    @property
    def scratch_types(self) -> dict[str, str]:
        """Kind of row -> NumPy type of its scratch array."""
        return {"lane": self.dtype, "float64": "float64", "int64": "int64", "increment": self.dtype}

    @cached_property
    def arguments(self) -> dict[str, str]:
        """Name -> type of the kernel's arguments."""
        scratch = {SCRATCH_ARRAYS[kind]: f"{dtype}[::1]" for kind, dtype in self.scratch_types.items()}
        arrays = {
            array_name(name, r): kind.format(dtype=self.dtype)
            for r, (hooks, _) in enumerate(self.hooks)
            for name, kind in hooks.arrays
        }
        if not self.integrator.adaptive:
            return scratch | _COMMON | _FIXED | self.points | arrays
        times = {array_name("times", r): "float64[::1]" for r, (hooks, _) in enumerate(self.hooks) if hooks.samples}
        return scratch | _COMMON | _ADAPTIVE | times | self.points | arrays

    @property
    def stimulus_parameters(self) -> list[tuple[int, str]]:
        """(number of the stimulus, name) of the stimulus parameters, in the order of the kernel's parameter columns."""
        return [(k, name) for k, kind in enumerate(self.kinds) for name in kind.parameters]

    @property
    def further_parameters(self) -> int:
        """How many parameters follow those of the model: those of the channel noise, and of the stimuli."""
        return len(self.stimulus_parameters) + (len(ChannelNoise().parameters) if self.channel_noise else 0)

    @property
    def points(self) -> dict[str, str]:
        """The arrays of the points of stimuli, as arguments."""
        return {
            array_name(name, k): "float64[::1]"
            for k, kind in enumerate(self.kinds)
            if kind.points
            for name in kind.points.arrays
        }


def array_name(name: str, k: int) -> str:
    """The name, among the arguments, of an array of stimulus or recorder k."""
    return f"{name}_{k}"


def kernel_spec(
    model: Model,
    integrator: str | Integrator,
    stimulus: Stimulus | None,
    record: Iterable[Recorder],
    dtype: str,
    dt: float = 0.025,
    sensitivity: tuple[str, ...] = (),
    time_unit: str = "",
    channel_noise: str = "",
) -> KernelSpec:
    """The kernel that these parts need for steps of up to `dt` (ms)."""
    if dtype not in ("float64", "float32"):
        raise InputError(f"dtype = {shown(dtype)}; known: 'float64', 'float32'")
    record = tuple(record)
    known = {*model.recordable, *sensitivities(model.states, sensitivity)}
    for recorder in record:
        for name in recorder.hooks.samples:
            if name not in known:
                raise unknown("trace variable", name, known, f"model {model.name}")
    hooks = tuple((r.hooks, number) for r, number in zip(record, detectors(record)[1], strict=True))
    kinds = stimulus.kinds if stimulus is not None else ()
    _check_applied(model, kinds, record)
    method = integrator if isinstance(integrator, Integrator) else integrators[integrator]
    if sensitivity:
        check_sensitivity(model, method, kinds, sensitivity)
    if channel_noise:
        check_channel_noise(model)
    degrees = degrees_of_phi(model, method, dt)
    return KernelSpec(model, method, kinds, hooks, dtype, degrees, sensitivity, time_unit, channel_noise)


def check_channel_noise(model: Model) -> None:
    """Refuse noise where no channel is counted."""
    if all(channel.count is None for channel in model.every_channel):
        raise InputError(f"channel_noise: no channel of model {model.name} has a count")


def check_sensitivity(
    model: Model, method: Integrator, kinds: tuple[StimulusKind, ...], sensitivity: tuple[str, ...]
) -> None:
    """Refuse sensitivities to what is no parameter, and where the derivative is not that of the equations alone."""
    check_names(sensitivity, [*model.parameters], model.states, kinds, f"sensitivity of model {model.name}")
    if not method.explicit:
        others = "choose tsit5 or bs32 (rk4 and euler have them, too), or until = 'settled'"
        raise InputError(f"sensitivity: {method.name} gives no derivatives at fixed times; {others}")
    if any(kind.clamp for kind in kinds):
        raise InputError("sensitivity: there is none under a voltage clamp, where V is given; use a current")
    for k, name in derived_stimulus_parameters(model, kinds, sensitivity).values():
        check_of_stimulus(kinds[k], name, method.adaptive)


def derived_stimulus_parameters(
    model: Model, kinds: tuple[StimulusKind, ...], sensitivity: tuple[str, ...]
) -> dict[str, StimulusParameter]:
    """Those that are parameters of a stimulus; what the model has of that name comes first."""
    found = {}
    for name in sensitivity:
        if name in model.parameters or initial_state(name, model.states) is not None:
            continue
        if (parameter := of_stimulus(name, kinds)) is not None:
            found[name] = parameter
    return found


def _check_applied(model: Model, kinds: tuple[StimulusKind, ...], record: tuple[Recorder, ...]) -> None:
    """Refuse conductances where the current of an electrode is divided, and a clamp's current without a clamp."""
    conducting = [kind.name for kind in kinds if kind.conductances]
    if conducting and any("i_app" in names_used(section.i_app) for section in model.compartments):
        raise InputError(
            f"stimulus '{conducting[0]}': model {model.name} gives i_app to several compartments, and a conductance "
            "belongs to one membrane; give a current"
        )
    if not any(kind.clamp for kind in kinds) and any("i_clamp" in recorder.hooks.samples for recorder in record):
        raise InputError("trace variable 'i_clamp': there is no clamp; add hhfast.VoltageClamp to the stimulus")
