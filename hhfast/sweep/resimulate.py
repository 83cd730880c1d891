"""Simulating a row of a result again, from the file alone: the model, the spec and the row's parameters are inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hhfast.batch.certify import NOT_CHECKED
from hhfast.batch.membrane import traceable
from hhfast.batch.result import EXCLUDED, FAILED, STATUS_MEANINGS, Result
from hhfast.batch.step_control import StepControl
from hhfast.errors import InputError, understood
from hhfast.model import parse_model
from hhfast.parts.activity import Settled
from hhfast.parts.recorders import Spikes, Trace
from hhfast.sweep.numbered_axes import INITIAL, state_name
from hhfast.sweep.read_spec import sweep_from_canonical
from hhfast.sweep.simulate_rows import cells_of, simulate_rows
from hhfast.sweep.space import Rows
from hhfast.sweep.sweep import Sweep

_LEFT_OUT = (EXCLUDED, FAILED)
_MOST_STEPS = 100_000_000  # of a row: minutes; the file may be from anybody
SAMPLES = 10_000  # of a trace; with fewer, spikes in a figure seem to have different heights


@dataclass(frozen=True)
class Resimulated:
    """A row again: its sweep of one row, its traces, and the features that are not what the file holds.

    row : its number. status : of the row in the file; one that was left out of the sweep has no features there.
    """

    row: int
    title: str
    sweep: Sweep
    traces: Result
    status: int
    differing: tuple[str, ...]
    stored: tuple[str, ...]

    @property
    def values(self) -> dict[str, float | str]:
        """What varies, and its value in this row; of an initial state the name."""
        return _values(self.sweep)

    @property
    def text(self) -> str:
        """Whether the row came out as it was stored."""
        if self.status in _LEFT_OUT:
            return f"{self.title}: not in the file ({STATUS_MEANINGS[self.status]}); this is what it would have done"
        if self.differing:
            differing = ", ".join(self.differing)
            return f"{self.title}: {differing} differ from the file (another version, or kind of processor)"
        return f"{self.title}: {'identical to the file' if self.stored else 'the file has nothing to compare with'}"


def resimulate(path: Path, row: int, every: float | None = None) -> Resimulated:
    """Simulate a row of a result again, with traces of everything: states, currents, conductances, applied current.

    every : about how far apart the samples of the traces are, ms; None: as close as a figure can show.
    """
    stored = _StoredRow.read(path, row)
    sweep, values, number = stored.sweep(path), stored.parameters, np.array([row])
    again = simulate_rows(sweep, values, threads=1, certify=stored.certified, numbers=number)
    left_out = stored.status in _LEFT_OUT
    differing = tuple(name for name, x in stored.features.items() if not (left_out or _same(again[name], x)))
    traces = _traces(sweep, number, every)
    if every is None and isinstance(sweep.until, Settled):
        coarse = traces.time[np.isfinite(traces["V"][0])]
        ended = float(coarse[-1] + 2 * traces.time[1]) if len(coarse) else sweep.t_stop
        if ended < 0.5 * sweep.t_stop:  # again, with samples that are closer
            traces = _traces(replace(sweep, t_stop=ended), number)
    told = _values(sweep).items()
    named = ", ".join(f"{n}: {value}" if isinstance(value, str) else f"{n} = {value:.6g}" for n, value in told)
    return Resimulated(row, f"row {row} ({named})", sweep, traces, stored.status, differing, tuple(stored.features))


@dataclass(frozen=True)
class _StoredRow:
    """What a file holds of a row: arrays of one value by name, and of the run the texts of its spec and model."""

    parameters: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    status: int
    spec: str
    model: str

    @classmethod
    def read(cls, path: Path, row: int) -> _StoredRow:
        from hhfast.sweep.store import ResultFile

        with ResultFile(path) as result:
            if row >= result.n_rows:
                raise InputError(f"{path}: has no row {row}; the last is {result.n_rows - 1}")

            def values(names: Iterable[str]) -> dict[str, np.ndarray]:
                return {name: result.read(name, row, row + 1) for name in names}

            (status,) = result.read("status", row, row + 1)
            spec, model = result.attributes["hhfast_spec"], result.attributes["hhfast_model"]
            return cls(values(result.parameters), values(result.features), int(status), spec, model)

    @property
    def certified(self) -> bool | np.ndarray:
        """Whether the row was checked by a more accurate run, as `simulate_rows` takes it."""
        return self.features["certified"] != NOT_CHECKED if "certified" in self.features else False

    def sweep(self, path: Path) -> Sweep:
        """The sweep of this row alone. Raises `InputError` where it has no trace, or one of too many steps."""
        model = parse_model(self.model, f"the model in {path}")
        with understood(f"{path}: the spec in this result"):
            sweep = sweep_from_canonical(self.spec, model, Rows(self.parameters))
        if sweep.analysis is not None:
            raise InputError(
                f"{path}: holds an analysis ({sweep.analysis['kind']}), of which a row has no single trace"
            )
        if sweep.n_steps > _MOST_STEPS:
            raise InputError(f"{path}: a row has {sweep.n_steps:,} steps; at most {_MOST_STEPS:,} are simulated again")
        if sweep.scheme.adaptive and StepControl(**sweep.control).most_steps(sweep.t_stop, 0) > _MOST_STEPS:
            sweep = replace(sweep, max_steps=_MOST_STEPS)
        return sweep


def _traces(sweep: Sweep, number: np.ndarray, every: float | None = None) -> Result:
    """The traces of a sweep of one row."""
    values = sweep.space.columns(0, 1)
    _, stimulus = cells_of(sweep, values, number)
    steps = sweep.t_stop / sweep.dt / SAMPLES if every is None else every / sweep.dt
    trace = Trace(*traceable(sweep.model, stimulus), every=sweep.dt * max(1, round(steps)))
    return simulate_rows(sweep, values, threads=1, numbers=number, record=(_spikes(sweep), trace))


def _values(sweep: Sweep) -> dict[str, float | str]:
    """The values of a sweep of one row."""
    found: dict[str, float | str] = {name: float(value[0]) for name, value in sweep.space.columns(0, 1).items()}
    if INITIAL in found:
        found[INITIAL] = state_name(sweep.initial[int(found[INITIAL])])
    return found


def _spikes(sweep: Sweep) -> Spikes:
    """A recorder of all spike times, by the spike levels of the sweep."""
    found = next((r for r in sweep.recorders if isinstance(r, Spikes)), None)
    levels = next((r.levels for r in sweep.recorders if r.levels is not None), None)
    if found is not None:
        return replace(found, window=None)
    return Spikes() if levels is None else Spikes(*levels)


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return np.array_equal(a, b, equal_nan=b.dtype.kind == "f")
