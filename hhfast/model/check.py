"""Check: a run of a model whose spikes are known from elsewhere, by which `hhfast models NAME --check` proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hhfast.errors import InputError
from hhfast.model.field_types import check_types
from hhfast.model.names import CONFIG, Number


@dataclass(frozen=True)
class Check:
    """A run whose spike times (ms) are known from a source apart from hhfast.

    `spikes` : ms, all those up to `t_stop` (ms). A current step of `i_app`, in the model's unit, from `start` to `stop`
    (ms; the end, unless given); spikes as in `SpikeCount(threshold, rearm)` (mV). `rtol` is that of the default
    integrator, smaller for a cell near a bifurcation. `parameters` : name and value of those that differ from the
    model's.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    t_stop: Number
    spikes: tuple[float, ...]
    i_app: Number = 0.0
    start: Number = 0.0
    stop: Number | None = None
    threshold: Number = -20.0
    rearm: Number = -30.0
    rtol: Number = 1e-6
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        check_types(self)
        ordered = all(a < b for a, b in zip(self.spikes, self.spikes[1:], strict=False))
        if not ordered or not all(0 <= t <= self.t_stop for t in self.spikes):
            raise InputError(f"spikes must increase within 0..t_stop = {self.t_stop:g}")
