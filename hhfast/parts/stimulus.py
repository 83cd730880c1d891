"""What a stimulus is: a kind of current, as text over its parameters, and the values of these.

A current that jumps is written with `window(t0, t1, start, stop)`, the fraction of the step t0..t1 inside start..stop;
what varies smoothly uses `t`, the time at which the integrator asks. A conductance g(t) in series with a battery E
injects g (E - V); its kind has the texts of g and E, so that the membrane equation gets g E and g, each in its place,
and exponential methods keep their form. Edges given as numbers, the same for all cells,
become boundaries of steps, so they cost no integrator its order. Edges given per cell fall inside steps; the step
then sees the exact mean of the window, which is exact to second order. A current that is linear between points
has them in `points`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import per_cell
from hhfast.parts.grammar import names_used
from hhfast.parts.piecewise_linear import Points, check_seeds
from hhfast.tables import html_table, unit_text

Values: TypeAlias = float | Sequence[float] | np.ndarray  # for all cells, or one per cell


@dataclass(frozen=True, repr=False)
class StimulusKind:
    """A form of current; calling it with its parameters (numbers, or arrays of n_cells) gives a `Stimulus`.

    text : the current, an expression of the parameters, t, t0 and t1; "" where it has conductances alone.
    conductances : pairs of such texts: a conductance g, and the reversal potential E of its current g (E - V).
    signature : of the function that makes it: the order of the parameters, and their defaults. units : of each.
    edges : times (ms) at which the current jumps or has a kink, from the parameters' values and `t_stop`.
    onset : the parameter that says when it begins.
    clamp : of a voltage clamp, the potential (mV) at which the values hold cells before t = 0; NaN: they do not. Its
        points give the command, level + slope (t - since), and `held`: 1 while V is the command, 0 while V is free.
    remade : of a kind that a function makes: the function and its arguments, by which it is pickled.
    single : parameters of which all cells have the same. tables : those that are arrays, the same for all cells.
    points : of a current that is linear between points.
    check : raises `InputError` for values that no cell can have; not all values need be there.
    constant_after : the time (ms) from which on the current is constant, from the parameters' values; inf: never. None:
        the last of its edges, if it does not vary between them.
    """

    name: str
    doc: str
    text: str
    signature: inspect.Signature = field(hash=False)
    units: Mapping[str, str] = field(hash=False)
    edges: Callable[[Mapping[str, Any]], list[Any]] = field(compare=False)
    onset: str | None = "start"
    single: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    points: Points | None = None
    check: Callable[[Mapping[str, Any]], None] = lambda values: None
    conductances: tuple[tuple[str, str], ...] = ()
    clamp: Callable[[Mapping[str, Any]], Any] | None = None
    remade: tuple[Callable[..., StimulusKind], tuple[Any, ...]] | None = field(default=None, compare=False)
    constant_after: Callable[[Mapping[str, Any]], Any] | None = field(default=None, compare=False)

    @cached_property
    def parameters(self) -> dict[str, tuple[float | None, str]]:
        """Name -> (default or None where it must be given, unit) of the parameters that cells can differ in."""
        given = {name: p.default for name, p in self.signature.parameters.items() if name not in self.tables}
        return {name: (None if v is inspect.Parameter.empty else v, self.units[name]) for name, v in given.items()}

    @property
    def smooth(self) -> bool:
        """Whether the current varies between its edges."""
        return any("t" in names_used(text) for text in self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts of the kernel: of the current, of conductances and their reversal potentials."""
        return (*([self.text] if self.text else []), *(text for pair in self.conductances for text in pair))

    @property
    def key(self) -> tuple[object, ...]:
        """What a kernel depends on."""
        points = self.points and self.points.key
        return self.name, self.text, self.conductances, self.clamp is not None, dict(self.parameters), points

    def __repr__(self) -> str:
        return f"<stimulus '{self.name}'>"

    def __reduce__(self) -> Any:
        """A kind of the registry is pickled by its name: its functions cannot be."""
        from hhfast.parts.stimuli import stimuli

        if stimuli.get(self.name) is self:
            return _kind_called, (self.name,)
        if self.remade is not None:
            return self.remade
        return super().__reduce__()

    def __call__(self, *args: Any, **values: Any) -> Stimulus:
        where = f"stimulus '{self.name}'"
        try:
            bound = self.signature.bind(*args, **values)
        except TypeError as error:
            for name in set(values) - {*self.signature.parameters}:
                raise unknown(f"parameter of {where}", name, self.signature.parameters) from None
            raise InputError(f"{where}: {error}") from None
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
        parts = self.parts if isinstance(self.parts, tuple) else ((None, None),)
        if not all(isinstance(p, tuple) and len(p) == 2 and isinstance(p[0], StimulusKind) for p in parts):
            raise InputError(f"stimulus: is made of {shown(self.parts)}; make one as hhfast.Step(amplitude=10)")
        check_seeds(values for _, values in self.parts if "seed" in values)
        if sum(kind.clamp is not None for kind in self.kinds) > 1:
            raise InputError("stimulus: two voltage clamps overlap; give one, with all steps in its levels")

    def __repr__(self) -> str:
        return " + ".join(f"{kind.name}({_values_text(values)})" for kind, values in self.parts) or "no stimulus"

    def _repr_html_(self) -> str:
        rows = [(kind.name, name, _values_text({"": value}).lstrip("="), unit_text(kind.units.get(name, "1")))
                for kind, values in self.parts for name, value in values.items()]  # fmt: skip
        return html_table("Stimulus" if self.parts else "no stimulus", rows)

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

    @property
    def holding(self) -> Any:
        """The potential, mV (a number, or one per cell), at which a clamp holds cells before t = 0; NaN: none does."""
        found = [kind.clamp(values) for kind, values in self.parts if kind.clamp is not None]
        return found[0] if found else np.nan

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

    def constant_after(self, t_stop: float) -> Any:
        """The time from which on the current is constant until t_stop, ms (a number, or one per cell); inf: never."""
        after: Any = 0.0
        for kind, values in self.parts:
            after = np.maximum(after, _constant_after(kind, values, t_stop))
        return after

    def points(self, t_stop: float) -> tuple[np.ndarray, bool]:
        """(the points, ms, that all cells share, where the current has kinks; whether some cells have others)."""
        found = [kind.points.times(values, t_stop) for kind, values in self.parts if kind.points]
        shared = [times for times in found if times is not None]
        return np.concatenate([np.empty(0), *shared]), len(shared) < len(found)


def _constant_after(kind: StimulusKind, values: Mapping[str, Any], t_stop: float) -> Any:
    if kind.constant_after is not None:
        return kind.constant_after(values)
    if kind.smooth or kind.points or kind.conductances or kind.clamp:
        return np.inf
    after: Any = 0.0
    for edge in kind.edges({**values, "t_stop": t_stop}):
        after = np.maximum(after, np.where(np.asarray(edge) >= t_stop, 0.0, edge))  # one that never comes
    return after


def _values_text(values: Mapping[str, Any]) -> str:
    """Values for a reader: an array by its length and range."""

    def text(value: Any) -> str:
        if not np.ndim(value):
            return f"{value:g}"
        return f"<{len(value)} values, {np.min(value):g}..{np.max(value):g}>" if len(value) else "<none>"

    return ", ".join(f"{name}={text(value)}" for name, value in values.items())


def _kind_called(name: str) -> StimulusKind:
    """The kind of that name, to read pickles."""
    from hhfast.parts.stimuli import stimuli

    return stimuli[name]
