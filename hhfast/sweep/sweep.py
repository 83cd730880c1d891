"""Sweep: one simulation per row of a parameter space, as checked, canonical, hashable-by-content data."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.batch.certify import drawn
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.model.formulas import evaluate
from hhfast.model.resolve import find_model
from hhfast.sweep.checks import check_sweep, plain_name, plain_text
from hhfast.sweep.space import Space

if TYPE_CHECKING:
    from concurrent.futures import Executor

FORMAT = 1  # of the canonical spec
DEFAULT_FEATURES = ("spike_count", "rate")
CONTROL = ("rtol", "atol", "dt_min", "dt_max", "max_steps")  # the keywords of adaptive integrators


@dataclass(frozen=True)
class Record:
    """What is kept of each row.

    features : names of streaming features, over `window` (ms; None: the whole run).
    threshold, rearm : mV, the spike contract.
    spikes : keep the spike times, at most `max_spikes` per row.
    trace : variables sampled each `every` ms, stored as float32.
    """

    features: tuple[str, ...] = DEFAULT_FEATURES
    threshold: float = -20.0
    rearm: float = -30.0
    window: tuple[float, float] | None = None
    spikes: bool = False
    max_spikes: int | None = None
    trace: tuple[str, ...] = ()
    every: float | None = None

    def canonical(self) -> dict[str, Any]:
        return {
            "features": list(self.features), "threshold": self.threshold, "rearm": self.rearm,
            "window": None if self.window is None else list(self.window), "spikes": self.spikes,
            "max_spikes": self.max_spikes, "trace": list(self.trace), "every": self.every,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sweep:
    """A parameter space and what to simulate for each of its rows.

    model : library name, path of a TOML file, or Model.
    space : `Grid`, `Table`, `Rows` or `Sample`; its names are model parameters or "stimulus.NAME".
    t_stop, dt : ms.
    stimulus : {"kind": "step", "amplitude": 10.0, ...}, or a list of such (their sum; the names are then
        "stimulus.0.NAME"); what the space varies need not be given. None: no current. The `cell` of a noise is the
        number of the row.
    parameters : fixed values of model parameters.
    constraints : comparisons between parameters, e.g. "g_Na > 2 * g_K"; a row that breaks one is not simulated, and
        its status is 4 ("excluded").
    analysis : {"kind": "rheobase" | "fi_curve" | "refractory_period", and its options}: what to ask of each row instead
        of one simulation. It brings its own current and duration; only dt and integrator are those of the sweep.
    certify : True, or a share of the rows, above 0 and up to 1: these are run again at half the step, which gives each
        feature an estimated error and flags rows whose spike count changes (see `simulate`).
    rtol, atol, dt_min, dt_max, max_steps : for adaptive integrators only; None: as in `simulate`.
    rows_per_batch : rows of one task and one shard; it never changes a result. None: chosen by the work in a row.

    Raises `InputError` (key path, reason, remedy) for anything that cannot be simulated.
    """

    model: Model
    space: Space
    t_stop: float
    dt: float = 0.025
    integrator: str = "rk4"
    stimulus: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    record: Record = Record()
    initial: str = "model"
    dtype: str = "float64"
    constraints: tuple[str, ...] = ()
    analysis: Mapping[str, Any] | None = None
    certify: bool | float = False
    rtol: float | None = None
    atol: float | Mapping[str, float] | None = None
    dt_min: float | None = None
    dt_max: float | None = None
    max_steps: int | None = None
    rows_per_batch: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            object.__setattr__(self, "model", find_model(self.model))
        check_sweep(self)

    def __repr__(self) -> str:
        what = f"{self.analysis['kind']}" if self.analysis else f"{self.t_stop:g} ms, {self.integrator}"
        over = f"{type(self.space).__name__} of {self.space.n_rows:,} rows over {', '.join(self.space.names)}"
        return f"<Sweep of {self.model.name}, {what}: {over}>"

    @classmethod
    def from_toml(cls, path: str | Path) -> Sweep:
        """The sweep that a file describes; every mistake in it is an `InputError` of one line."""
        from hhfast.sweep.sweep_file import read_sweep

        return read_sweep(Path(path))

    def run(
        self, out: str | Path, executor: Executor | None = None, *, resume: bool = True, repair: bool = False,
        progress: bool = True, threads: int | None = None,
    ) -> Path:  # fmt: skip
        """Simulate every row into `out`, an HDF5 file; resumes what an interrupted run left, unless `resume=False`.

        executor : any concurrent.futures.Executor (Dask: `Client(...).get_executor()`); None: threads of this process.
        repair : set damaged shards aside and compute their rows again, instead of refusing to go on.
        threads : of this process, or of each task when there is an executor; None: all cores, or 1.
        """
        from hhfast.sweep.run import run_sweep

        return run_sweep(self, Path(out), executor, fresh=not resume, repair=repair, progress=progress, threads=threads)

    @property
    def stimuli(self) -> dict[str, Mapping[str, Any]]:
        """The stimuli by the prefix of their parameters: "stimulus", or "stimulus.0", "stimulus.1", ..."""
        if self.stimulus is None:
            return {}
        if isinstance(self.stimulus, Mapping):
            return {"stimulus": self.stimulus}
        return {f"stimulus.{k}": entry for k, entry in enumerate(self.stimulus)}

    @cached_property
    def n_steps(self) -> int:
        """Steps of one row: of a fixed-step integrator the number, of an adaptive one the order of magnitude."""
        from hhfast.batch.step_control import STEPS_PER_MS
        from hhfast.parts.integrators import integrators

        if integrators[self.integrator].adaptive:
            return math.ceil(self.t_stop * STEPS_PER_MS)
        return math.ceil(self.t_stop / self.dt - 1e-9)

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of every name the space may vary."""
        from hhfast.parts.stimuli import stimuli

        units = {name: p.unit for name, p in self.model.parameters.items()}
        for prefix, entry in self.stimuli.items():
            for name, (_, unit) in stimuli[entry["kind"]].parameters.items():
                units[f"{prefix}.{name}"] = self.model.variables["i_app"] if unit == "uA cm-2" else unit
        return units

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """Everything the results depend on, as plain data without paths; the model is identified by its text."""
        return {
            "format": FORMAT,
            "model": self.model.name,
            "model_sha256": hashlib.sha256(self.model.to_toml().encode()).hexdigest(),
            "space": self.space.canonical(),
            "t_stop": float(self.t_stop),
            "dt": float(self.dt),
            "integrator": self.integrator,
            "stimulus": _plain(self.stimulus),
            "parameters": {k: float(v) for k, v in self.parameters.items()},
            "record": self.record.canonical(),
            "initial": self.initial,
            "dtype": self.dtype,
            "constraints": list(self.constraints),
        } | self._optional

    @property
    def _optional(self) -> dict[str, Any]:
        """The part of the canonical spec that has only what is used: files without it keep their checksum."""
        analysis = {} if self.analysis is None else {"analysis": dict(self.analysis)}
        return analysis | ({} if self.certify is False else {"certify": float(self.certify)}) | self._plain_control

    @property
    def control(self) -> dict[str, Any]:
        """What an adaptive integrator is told, as far as it is given."""
        return {name: getattr(self, name) for name in CONTROL if getattr(self, name) is not None}

    @property
    def _plain_control(self) -> dict[str, Any]:
        plain: dict[str, Any] = _plain(self.control)
        return plain | ({} if self.max_steps is None else {"max_steps": int(self.max_steps)})

    @cached_property
    def text(self) -> str:
        """The canonical spec as JSON with sorted keys."""
        return json.dumps(self.canonical, sort_keys=True, allow_nan=False)

    @cached_property
    def sha256(self) -> str:
        """Of the canonical spec; equal if and only if the results are those of the same sweep."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def allowed(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which of some rows meet the constraints, bool."""
        n = len(next(iter(columns.values())))
        values = {plain_name(name): value for name, value in {**self._fixed, **columns}.items()}
        result = np.ones(n, dtype=bool)
        for text in self.constraints:
            result &= np.broadcast_to(evaluate(plain_text(text, self.units), values), n)
        return result

    def certified(self, start: int, stop: int) -> bool | np.ndarray:
        """Which of rows start to stop are certified, by their number and the seed of the sample (else 0) alone."""
        if self.certify is False:
            return False
        return drawn(float(self.certify), getattr(self.space, "seed", 0), start, stop)

    @property
    def _fixed(self) -> dict[str, float]:
        """The value of everything that does not vary."""
        from hhfast.parts.stimuli import stimuli

        values: dict[str, float] = {name: p.value for name, p in self.model.parameters.items()} | dict(self.parameters)
        for prefix, entry in self.stimuli.items():
            for name, (default, _) in stimuli[entry["kind"]].parameters.items():
                value = entry.get(name, default)
                if value is not None:
                    values[f"{prefix}.{name}"] = float(value)
        return values

    def with_space(self, space: Space) -> Sweep:
        """The same simulation for other rows of the same parameters."""
        return replace(self, space=space)


def sweep_from_canonical(text: str, model: Model, space: Space) -> Sweep:
    """The sweep of a canonical spec, with its model and (some of) its rows given apart."""
    spec = json.loads(text)
    if spec["format"] != FORMAT:
        raise InputError(f"the spec has format {spec['format']}, not {FORMAT}; use the hhfast that wrote it")
    record: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in spec["record"].items()}
    keys = ("t_stop", "dt", "integrator", "stimulus", "parameters", "initial", "dtype")
    given = {k: spec[k] for k in keys} | {k: spec[k] for k in ("analysis", "certify", *CONTROL) if k in spec}
    return Sweep(model=model, space=space, record=Record(**record), constraints=tuple(spec["constraints"]), **given)


def _plain(value: Any) -> Any:
    """Texts, numbers (1 as 1.0), tables and lists of them, as JSON has them."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {k: _plain(entry) for k, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, str) else float(value)
