"""Stimuli as text: parameters and an expression for the applied current. Every parameter can be swept.

A current that jumps is written with `window(t0, t1, start, stop)`, the fraction of the step t0..t1 inside
start..stop; what varies smoothly uses `t`, the time at which the integrator asks. Edges given as numbers, the same
for all cells, become boundaries of steps, so they cost no integrator its order. Edges given per cell fall inside
steps; the step then sees the exact mean of the window, which is exact to second order.

Units: ms, and the model's unit of current (uA/cm2, or pA). Adding a stimulus is adding an entry to `stimuli`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.kernel.values import per_cell
from hhfast.registry import Registry

CURRENT = "uA cm-2"


@dataclass(frozen=True)
class StimulusKind:
    """A form of current; calling it with its parameters (numbers, or arrays of n_cells) gives a `Stimulus`.

    parameters : name -> (default or None where it must be given, unit).
    edges : times (ms) at which the current jumps or has a kink, from the parameters' values and `t_stop`.
    """

    name: str
    doc: str
    parameters: Mapping[str, tuple[float | None, str]] = field(hash=False)
    text: str
    edges: Callable[[Mapping[str, Any]], list[Any]] = field(compare=False)
    onset: str | None = "start"

    @property
    def smooth(self) -> bool:
        """Whether the current varies between its edges."""
        return "(t " in self.text

    @property
    def __signature__(self) -> inspect.Signature:
        """In the order of the parameters; one without default that follows one with a default is given by name."""
        optional, found = False, []
        for name, (default, _) in self.parameters.items():
            optional = optional or default is not None
            by_name = optional and default is None
            kind = inspect.Parameter.KEYWORD_ONLY if by_name else inspect.Parameter.POSITIONAL_OR_KEYWORD
            found.append(inspect.Parameter(name, kind, default=inspect.Parameter.empty if default is None else default))
        return inspect.Signature(sorted(found, key=lambda p: p.kind))

    def __call__(self, *args: Any, **values: Any) -> Stimulus:
        try:
            bound = self.__signature__.bind(*args, **values)
        except TypeError as error:
            for name in set(values) - set(self.parameters):
                raise unknown(f"parameter of stimulus '{self.name}'", name, self.parameters) from None
            raise InputError(f"stimulus '{self.name}': {error}") from None
        bound.apply_defaults()
        where = f"stimulus '{self.name}'"
        return Stimulus(((self, {n: per_cell(f"{where}: {n}", v) for n, v in bound.arguments.items()}),))


@dataclass(frozen=True, eq=False)
class Stimulus:
    """An applied current: the sum of its parts, each a kind with the values of its parameters. `a + b` adds two."""

    parts: tuple[tuple[StimulusKind, Mapping[str, Any]], ...] = ()

    def __add__(self, other: Stimulus) -> Stimulus:
        return Stimulus(self.parts + other.parts)

    @property
    def kinds(self) -> tuple[StimulusKind, ...]:
        return tuple(kind for kind, _ in self.parts)

    @property
    def onset(self) -> Any:
        """When the stimulus begins, ms (a number, or one per cell): what latencies are counted from."""
        starts = [values[kind.onset] for kind, values in self.parts if kind.onset]
        return starts[0] if starts else 0.0

    def edges(self, t_stop: float) -> tuple[list[float], np.ndarray]:
        """(the edges given as numbers, (n_cells or 1, k) the edges that differ between cells, inf where fewer)."""
        times: list[float] = []
        moving: list[Any] = [np.empty((0, 1))]
        for kind, values in self.parts:
            # Only times, and how many there are, place edges; amplitudes and frequencies do not.
            placing = [name for name, (_, unit) in kind.parameters.items() if unit == "ms" or name == "count"]
            if any(np.ndim(values[name]) for name in placing):
                moving.append(np.array(np.broadcast_arrays(*kind.edges({**values, "t_stop": t_stop}))))
            else:
                times += kind.edges({**values, "t_stop": t_stop})
        n = max(edges.shape[1] for edges in moving)
        return times, np.concatenate([np.broadcast_to(e, (len(e), n)) for e in moving]).T


def _train_edges(p: Mapping[str, Any]) -> list[Any]:
    if not np.all(np.asarray(p["period"]) > 0):
        raise InputError(f"stimulus 'train': period = {np.min(p['period']):g} ms must be positive")
    count = np.minimum(p["count"], np.maximum(np.ceil((p["t_stop"] - p["start"]) / p["period"]), 0.0))
    most = np.max(count)
    if not most <= 1e6:
        raise InputError(f"stimulus 'train': {most:.3g} pulses before t_stop; at most 1e6 are allowed")
    edges: list[Any] = []
    for k in range(int(most)):
        start = p["start"] + p["period"] * np.where(k < count, k, np.inf)
        edges += [start, start + p["width"]]
    return edges


Step = StimulusKind(
    "step", "A constant current from start to stop.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "stop": (float("inf"), "ms")},
    "amplitude * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Pulse = StimulusKind(
    "pulse", "One rectangular pulse.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "width": (1.0, "ms")},
    "amplitude * window(t0, t1, start, start + width)",
    lambda p: [p["start"], p["start"] + p["width"]],
)
PairedPulse = StimulusKind(
    "paired_pulse", "Two rectangular pulses of the same width, `interval` apart from onset to onset.",
    {"amplitude": (None, CURRENT), "second_amplitude": (None, CURRENT), "start": (0.0, "ms"), "width": (1.0, "ms"),
     "interval": (None, "ms")},
    "amplitude * window(t0, t1, start, start + width) "
    "+ second_amplitude * window(t0, t1, start + interval, start + interval + width)",
    lambda p: [p["start"] + d for d in (0.0, p["width"], p["interval"], p["interval"] + p["width"])],
)
Train = StimulusKind(
    "train", "`count` rectangular pulses, one every `period`.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "width": (1.0, "ms"), "period": (None, "ms"),
     "count": (float("inf"), "1")},
    "amplitude * train(t0, t1, start, width, period, count)",
    _train_edges,
)
Ramp = StimulusKind(
    "ramp", "A current that rises linearly from 0 at start to amplitude at stop, and is 0 outside.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "stop": (None, "ms")},
    "amplitude * (t - start) / (stop - start) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Sine = StimulusKind(
    "sine", "offset + amplitude sin(2 pi frequency (t - start) + phase), from start to stop; frequency in Hz.",
    {"amplitude": (None, CURRENT), "frequency": (None, "Hz"), "phase": (0.0, "rad"), "offset": (0.0, CURRENT),
     "start": (0.0, "ms"), "stop": (float("inf"), "ms")},
    "(offset + amplitude * sin(6.283185307179586e-3 * frequency * (t - start) + phase)) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Chirp = StimulusKind(
    "chirp", "A sine whose frequency goes linearly from frequency at start to frequency_end at stop (Hz).",
    {"amplitude": (None, CURRENT), "frequency": (None, "Hz"), "frequency_end": (None, "Hz"),
     "offset": (0.0, CURRENT), "start": (0.0, "ms"), "stop": (None, "ms")},
    "(offset + amplitude * sin(6.283185307179586e-3 * (t - start) * (frequency "
    "+ 0.5 * (frequency_end - frequency) * (t - start) / (stop - start)))) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)

stimuli: Registry[StimulusKind] = Registry.of("stimulus", (Step, Pulse, PairedPulse, Train, Ramp, Sine, Chirp))
