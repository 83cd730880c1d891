"""Stimuli as text: parameters and an expression for the applied current. Every parameter can be swept.

A current that jumps is written with `window(t0, t1, start, stop)`, the fraction of the step t0..t1 inside
start..stop; what varies smoothly uses `t`, the time at which the integrator asks. Edges given as numbers, the same
for all cells, become boundaries of steps, so they cost no integrator its order. Edges given per cell fall inside
steps; the step then sees the exact mean of the window, which is exact to second order. A current that is linear
between points has them in `points`.

Units: ms, and the model's unit of current (uA/cm2, or pA). Adding a stimulus is adding an entry to `stimuli`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.inputs import per_cell
from hhfast.parts.grammar import names_used
from hhfast.parts.piecewise_linear import NOISE, WAVEFORM, Points, check_noise, check_seeds, check_waveform
from hhfast.registry import Registry

CURRENT = "uA cm-2"


@dataclass(frozen=True)
class StimulusKind:
    """A form of current; calling it with its parameters (numbers, or arrays of n_cells) gives a `Stimulus`.

    parameters : name -> (default or None where it must be given, unit).
    tables : name -> unit of what is an array of numbers, the same for all cells.
    edges : times (ms) at which the current jumps or has a kink, from the parameters' values and `t_stop`.
    onset : the parameter that says when it begins.
    single : parameters of which all cells have the same.
    points : of a current that is linear between points.
    check : raises `InputError` for values that no cell can have; not all values need be there.
    """

    name: str
    doc: str
    parameters: Mapping[str, tuple[float | None, str]] = field(hash=False)
    text: str
    edges: Callable[[Mapping[str, Any]], list[Any]] = field(compare=False)
    onset: str | None = "start"
    single: tuple[str, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict, hash=False)
    points: Points | None = None
    check: Callable[[Mapping[str, Any]], None] = lambda values: None

    @property
    def smooth(self) -> bool:
        """Whether the current varies between its edges."""
        return "t" in names_used(self.text)

    @property
    def __signature__(self) -> inspect.Signature:
        """In the order of the parameters; one without default that follows one with a default is given by name."""
        optional = False
        found = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in self.tables]
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
            for name in set(values) - {*self.tables, *self.parameters}:
                raise unknown(f"parameter of stimulus '{self.name}'", name, [*self.tables, *self.parameters]) from None
            raise InputError(f"stimulus '{self.name}': {error}") from None
        where = f"stimulus '{self.name}'"
        given = {n: per_cell(f"{where}: {n}", v) for n, v in bound.arguments.items()}
        for name in self.single:
            if np.ndim(given.get(name, 0.0)):
                raise InputError(f"{where}: {name}: is an array; give one number for all cells")
        try:
            self.check(given)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return Stimulus(((self, {n: default for n, (default, _) in self.parameters.items()} | given),))


@dataclass(frozen=True, eq=False)
class Stimulus:
    """An applied current: the sum of its parts, each a kind with the values of its parameters. `a + b` adds two."""

    parts: tuple[tuple[StimulusKind, Mapping[str, Any]], ...] = ()

    def __post_init__(self) -> None:
        check_seeds(values for _, values in self.parts if "seed" in values)

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

    def numbered(self, cells: np.ndarray) -> Stimulus:
        """The same for cells of these numbers, instead of those in their batch, where no number is given."""
        return Stimulus(
            tuple(
                (kind, {n: cells if np.ndim(v) == 0 and np.isnan(v) else v for n, v in values.items()})
                for kind, values in self.parts
            )
        )

    @property
    def varies(self) -> bool:
        """Whether a parameter is an array, one value for each cell."""
        return any(np.ndim(values[name]) for kind, values in self.parts for name in kind.parameters)

    def take(self, rows: np.ndarray) -> Stimulus:
        """The same for the cells of these rows."""
        return Stimulus(
            tuple(
                (kind, {**values, **{n: values[n][rows] for n in kind.parameters if np.ndim(values[n])}})
                for kind, values in self.parts
            )
        )

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The arrays of points that the kernel takes, in the order of its arguments."""
        return tuple(a for kind, values in self.parts if kind.points for a in kind.points.given(values))

    def edges(self, t_stop: float) -> tuple[list[float], np.ndarray]:
        """(the edges given as numbers, (n_cells or 1, k) the edges that differ between cells, inf where fewer)."""
        times: list[float] = []
        moving: list[Any] = [np.empty((0, 1))]
        for kind, values in self.parts:
            edges = kind.edges({**values, "t_stop": t_stop})
            if any(np.ndim(edge) for edge in edges):
                moving.append(np.array(np.broadcast_arrays(*edges)))
            else:
                times += edges
        n = max(edges.shape[1] for edges in moving)
        return times, np.concatenate([np.broadcast_to(e, (len(e), n)) for e in moving]).T

    def points(self, t_stop: float) -> tuple[np.ndarray, bool]:
        """(the points, ms, that all cells share, where the current has kinks; whether some cells have others)."""
        found = [kind.points.times(values, t_stop) for kind, values in self.parts if kind.points]
        shared = [times for times in found if times is not None]
        return np.concatenate([np.empty(0), *shared]), len(shared) < len(found)


def _train_edges(p: Mapping[str, Any]) -> list[Any]:
    if np.ndim(p["period"]) == 0 and not p["period"] > 0:
        raise InputError(f"stimulus 'train': period = {p['period']:g} ms must be positive")
    # Among many cells, one without a sound train has no edges; its current is NaN, which flags its own row alone.
    with np.errstate(all="ignore"):
        pulses = np.ceil((p["t_stop"] - p["start"]) / np.asarray(p["period"], np.float64))
        count = np.where((np.asarray(p["period"]) > 0) & (pulses > 0), np.minimum(p["count"], pulses), 0.0)
    most = np.max(count)
    if not most <= 1e6:
        raise InputError(f"stimulus 'train': {most:.3g} pulses before t_stop; at most 1e6 are allowed")
    edges: list[Any] = []
    for k in range(int(most)):
        start = np.where(k < count, p["start"] + p["period"] * k, np.inf)
        edges += [start, start + p["width"]]
    return edges


Step = StimulusKind(
    "step",
    "A constant current from start to stop.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "stop": (float("inf"), "ms")},
    "amplitude * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Pulse = StimulusKind(
    "pulse",
    "One rectangular pulse.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "width": (1.0, "ms")},
    "amplitude * window(t0, t1, start, start + width)",
    lambda p: [p["start"], p["start"] + p["width"]],
)
PairedPulse = StimulusKind(
    "paired_pulse",
    "Two rectangular pulses of the same width, `interval` apart from onset to onset.",
    {
        "amplitude": (None, CURRENT),
        "second_amplitude": (None, CURRENT),
        "start": (0.0, "ms"),
        "width": (1.0, "ms"),
        "interval": (None, "ms"),
    },
    "amplitude * window(t0, t1, start, start + width) "
    "+ second_amplitude * window(t0, t1, start + interval, start + interval + width)",
    lambda p: [p["start"] + d for d in (0.0, p["width"], p["interval"], p["interval"] + p["width"])],
)
Train = StimulusKind(
    "train",
    "`count` rectangular pulses, one every `period`.",
    {
        "amplitude": (None, CURRENT),
        "start": (0.0, "ms"),
        "width": (1.0, "ms"),
        "period": (None, "ms"),
        "count": (float("inf"), "1"),
    },
    "amplitude * train(t0, t1, start, width, period, count)",
    _train_edges,
)
Ramp = StimulusKind(
    "ramp",
    "A current that rises linearly from 0 at start to amplitude at stop, and is 0 outside.",
    {"amplitude": (None, CURRENT), "start": (0.0, "ms"), "stop": (None, "ms")},
    "amplitude * (t - start) / (stop - start) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Sine = StimulusKind(
    "sine",
    "offset + amplitude sin(2 pi frequency (t - start) + phase), from start to stop; frequency in Hz.",
    {
        "amplitude": (None, CURRENT),
        "frequency": (None, "Hz"),
        "phase": (0.0, "rad"),
        "offset": (0.0, CURRENT),
        "start": (0.0, "ms"),
        "stop": (float("inf"), "ms"),
    },
    "(offset + amplitude * sin(6.283185307179586e-3 * frequency * (t - start) + phase)) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)
Chirp = StimulusKind(
    "chirp",
    "A sine whose frequency goes linearly from frequency at start to frequency_end at stop (Hz).",
    {
        "amplitude": (None, CURRENT),
        "frequency": (None, "Hz"),
        "frequency_end": (None, "Hz"),
        "offset": (0.0, CURRENT),
        "start": (0.0, "ms"),
        "stop": (None, "ms"),
    },
    "(offset + amplitude * sin(6.283185307179586e-3 * (t - start) * (frequency "
    "+ 0.5 * (frequency_end - frequency) * (t - start) / (stop - start)))) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
)

Waveform = StimulusKind(
    "waveform",
    "scale times a current that is linear between points: `times` (ms, from start on; two at one time make "
    "a jump) and `values`, the same for all cells; 0 before the first point and after the last.",
    {"start": (0.0, "ms"), "scale": (1.0, "1")},
    "scale * (level + slope * (t - since))",
    lambda p: [],
    tables={"times": "ms", "values": CURRENT},
    points=WAVEFORM,
    check=check_waveform,
)
Noise = StimulusKind(
    "noise",
    "An Ornstein-Uhlenbeck process (Uhlenbeck & Ornstein 1930, Phys Rev 36:823-841) from start to stop: mean, "
    "standard deviation sigma, correlation time tau; stationary, and exact (Gillespie 1996, Phys Rev E 54:2084-2091) "
    "at the multiples of `every` ms, linear between them. The random numbers depend on seed, cell (by default the "
    "number of the cell in its batch, or of the row in its sweep) and time alone (Philox4x32-10: Salmon et al. 2011, "
    "SC'11), so one number for `cell` gives all cells the same noise; terms of a sum need different seeds to be "
    "independent.",
    {
        "sigma": (None, CURRENT),
        "tau": (None, "ms"),
        "mean": (0.0, CURRENT),
        "every": (0.1, "ms"),
        "seed": (0.0, "1"),
        "start": (0.0, "ms"),
        "stop": (float("inf"), "ms"),
        "cell": (float("nan"), "1"),
    },
    "(mean + sigma * (level + slope * (t - since))) * window(t0, t1, start, stop)",
    lambda p: [p["start"], p["stop"]],
    single=("every",),
    points=NOISE,
    check=check_noise,
)

stimuli: Registry[StimulusKind] = Registry.of(
    "stimulus", (Step, Pulse, PairedPulse, Train, Ramp, Sine, Chirp, Waveform, Noise)
)
