"""Sweep: one simulation per row of a parameter space, as checked, canonical, hashable-by-content data."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hhfast.batch.arguments import as_initial_states
from hhfast.batch.certify import drawn
from hhfast.batch.certify_tolerance import CertifyTolerance
from hhfast.batch.step_control import CONTROL, STEPS_PER_MS
from hhfast.errors import InputError, one_line
from hhfast.inputs import mapping, path_of
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.activity import Settled
from hhfast.parts.channel_noise import ChannelNoise, as_channel_noise
from hhfast.parts.integrators import DEFAULT, Integrator, integrators
from hhfast.parts.recorder import Recorder
from hhfast.parts.stimuli import Stimulus
from hhfast.sweep.canonical_spec import canonical_spec
from hhfast.sweep.checks import check_sweep
from hhfast.sweep.constraints import allowed_rows
from hhfast.sweep.numbered_axes import with_entries, with_initial_states, with_replicates
from hhfast.sweep.record import Record, Recorded, recorders_of
from hhfast.sweep.sensitivity import plain_names
from hhfast.sweep.space import Space
from hhfast.sweep.stimulus import Entry, stimulus_entries, stimulus_kind, stimulus_units
from hhfast.tables import html_table, nested_text

if TYPE_CHECKING:
    from concurrent.futures import Executor


@dataclass(frozen=True, eq=False)
class Sweep:
    """A parameter space and what to simulate for each of its rows.

    model : library name, path of a TOML file, or Model.
    space : `Grid`, `Table`, `Rows` or `Sample`; its names are model parameters or "stimulus.NAME".
    t_stop, dt : ms. dtype : "float64" or "float32", of all that is computed.
    integrator : name in `hhfast.integrators`, or an `Integrator` of your own.
    stimulus : a `Stimulus`, or {"kind": "step", "amplitude": 10.0, ...}, or a list of such (their sum; the names are
        then "stimulus.0.NAME"); what the space varies need not be given. None: no current. The `cell` of a noise is the
        number of the row. A kind may be an object of your own instead of a name.
    record : recorders (`hhfast.recorders`, or your own), or a `Record` that makes them; afterwards always a tuple.
    parameters : fixed values of model parameters.
    initial : as in `simulate`, or a list of such: an axis of its own, called initial, whose values are their numbers.
    until : "t_stop", or "settled" (or `Settled(...)`): each row ends when it has reached its attractor (`simulate`).
    sensitivity : what results are differentiated by, as in `simulate`: parameters of the model and the stimulus
        ("stimulus.amplitude", or "amplitude"), initial values ("V_initial"). With until = "settled" every feature has
        derivatives (`rate_dg_Na`), else spike times, features (`latency_dg_Na`) and traces (`dV_dg_Na`).
    constraints : comparisons between parameters, e.g. "g_Na > 2 * g_K"; a row that breaks one is not simulated, and
        its status is 4 ("excluded").
    analysis : {"kind": a name in `hhfast.analyses`, and its options}: what to compute for each row instead of one
        simulation. It has its own current (but for a fit) and duration; only dt and integrator are those of the sweep.
    channel_noise : "diffusion", "markov", or a `ChannelNoise` (or its fields as a mapping), as in `simulate`; the row
        is its cell. Channels with gates or a scheme then have a parameter count_NAME.
    replicates : how often everything is simulated, with other random numbers (of channels, and of stimuli without a
        `cell` of their own): the last axis of a grid, called replicate.
    certify : True, or a share of the rows, above 0 and up to 1: these are run again far more accurately, which gives
        each feature an estimated error and flags rows with one above `certify_tolerance` (see `simulate`).
    rtol, atol, dt_min, dt_max, max_steps : for adaptive integrators only; None: as in `simulate`.
    rows_per_batch : rows of one task and one shard; it never changes a result. None: chosen by the work in a row.

    Objects of your own that are in no registry work like registered ones, but no file holds their code: the spec only
    describes them, and rows of the result cannot be simulated again from the file alone (see `Registry.register`).

    Raises `InputError` (key path, reason, remedy) for anything that cannot be simulated.
    """

    model: Model
    space: Space
    t_stop: float
    dt: float = 0.025
    integrator: str | Integrator = DEFAULT
    stimulus: Stimulus | Entry | Sequence[Entry] | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    record: Recorded = field(default_factory=Record)
    initial: str | Sequence[str | Mapping[str, float]] = "model"
    until: str | Settled | Mapping[str, float] = "t_stop"
    sensitivity: tuple[str, ...] = ()
    dtype: str = "float64"
    constraints: tuple[str, ...] = ()
    analysis: Mapping[str, Any] | None = None
    channel_noise: str | ChannelNoise | Mapping[str, Any] | None = None
    replicates: int | None = None
    certify: bool | float = False
    certify_tolerance: CertifyTolerance = 0.01
    rtol: float | None = None
    atol: float | Mapping[str, float] | None = None
    dt_min: float | None = None
    dt_max: float | None = None
    max_steps: int | None = None
    rows_per_batch: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, Model):
            object.__setattr__(self, "model", find_model(self.model))
        object.__setattr__(self, "channel_noise", as_channel_noise(self.channel_noise))
        if self.channel_noise is not None:
            object.__setattr__(self, "model", self.model.with_counts())
        if self.analysis is not None:
            self._prepare_analysis(mapping("analysis", self.analysis, "{'kind': 'rheobase', 'width': 1.0}"))
        object.__setattr__(self, "record", recorders_of(self.record))
        object.__setattr__(self, "stimulus", stimulus_entries(self.stimulus))
        if not isinstance(self.sensitivity, str):
            object.__setattr__(self, "sensitivity", plain_names(self, self.sensitivity))
        if not isinstance(self.initial, str):
            several: Any = self.initial if isinstance(self.initial, (tuple, list)) else [self.initial]
            several = [one for one in several if not isinstance(one, dict) or one]  # no state is none
            states = tuple(as_initial_states(several))
            object.__setattr__(self, "initial", states)
            object.__setattr__(self, "space", with_initial_states(self.space, len(states)))
        if self.replicates is not None:
            object.__setattr__(self, "space", with_replicates(self.space, self.replicates))
        object.__setattr__(self, "until", Settled.of(self.until) or "t_stop")
        check_sweep(self)

    def _prepare_analysis(self, analysis: Mapping[str, Any]) -> None:
        """The model that its parameters are those of; its entries as plain data, and as an axis."""
        from hhfast.batch.analyses import entries_of, prepared

        object.__setattr__(self, "model", prepared(self.model, analysis.get("kind")))
        if (found := entries_of(analysis)) is not None:
            name, entries = found
            object.__setattr__(self, "analysis", {**analysis, name: entries.plain()})
            object.__setattr__(self, "space", with_entries(self.space, name, entries.n))

    @property
    def noise(self) -> ChannelNoise | None:
        """The channel noise."""
        return as_channel_noise(self.channel_noise)

    def __repr__(self) -> str:
        what = f"{self.analysis['kind']}" if self.analysis else f"{self.t_stop:g} ms, {self.integrator}"
        over = f"{type(self.space).__name__} of {self.space.n_rows:,} rows over {', '.join(self.space.names)}"
        return f"<Sweep of {self.model.name}, {what}: {over}>"

    def _repr_html_(self) -> str:
        told = {key: value for key, value in self.canonical.items() if key not in ("format", "model_sha256")}
        rows = [(key, one_line(nested_text(value), 240)) for key, value in told.items() if value not in (None, [], {})]
        return html_table(repr(self).strip("<>"), rows)

    @classmethod
    def from_toml(cls, path: str | Path) -> Sweep:
        """The sweep that a file describes; every mistake in it is an `InputError` of one line."""
        from hhfast.sweep.sweep_file import read_sweep

        return read_sweep(path_of("path", path))

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

        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise InputError(
                f"executor: is of type {type(executor).__name__}; give a concurrent.futures.Executor, or None"
            )
        return run_sweep(
            self, path_of("out", out), executor, fresh=not resume, repair=repair, progress=progress, threads=threads
        )

    @property
    def recorders(self) -> tuple[Recorder, ...]:
        """The recorders."""
        return cast("tuple[Recorder, ...]", self.record)

    @property
    def scheme(self) -> Integrator:
        """The integrator itself, also where it is given by name."""
        return integrators[self.integrator] if isinstance(self.integrator, str) else self.integrator

    @property
    def stimuli(self) -> dict[str, Entry]:
        """The stimuli by the prefix of their parameters: "stimulus", or "stimulus.0", "stimulus.1", ..."""
        entries = cast("Entry | Sequence[Entry] | None", self.stimulus)
        if entries is None:
            return {}
        if isinstance(entries, Mapping):
            return {"stimulus": entries}
        return {f"stimulus.{k}": entry for k, entry in enumerate(entries)}

    @cached_property
    def n_steps(self) -> int:
        """Steps of one row: of a fixed-step integrator the number, of an adaptive one the order of magnitude."""
        if self.scheme.adaptive:
            return math.ceil(self.t_stop * STEPS_PER_MS)
        return math.ceil(self.t_stop / self.dt - 1e-9)

    @cached_property
    def axis_of_analysis(self) -> str | None:
        """The axis of the entries of an analysis, as the targets of a fit."""
        from hhfast.batch.analyses import entries_of

        found = None if self.analysis is None else entries_of(self.analysis)
        return None if found is None else found[0]

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of every name the space may vary."""
        units = {name: p.unit for name, p in self.model.parameters.items()}
        if not isinstance(self.initial, str):
            units["initial"] = "1"
        if self.replicates is not None:
            units["replicate"] = "1"
        if (over := self.axis_of_analysis) is not None:
            units[over] = "1"
        of_model = stimulus_units(self.model)
        for prefix, entry in self.stimuli.items():
            for name, (_, unit) in stimulus_kind(entry).parameters.items():
                units[f"{prefix}.{name}"] = of_model.get(unit, unit)
        return units

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """Everything the results depend on, as plain data without paths; the model is identified by its text."""
        return canonical_spec(self)

    @property
    def control(self) -> dict[str, Any]:
        """The step control of an adaptive integrator, as far as it is given, by keyword."""
        return {name: getattr(self, name) for name in CONTROL if getattr(self, name) is not None}

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
        return allowed_rows(self, columns)

    def certified(self, start: int, stop: int) -> bool | np.ndarray:
        """Which of rows start to stop are certified, by their number and the seed of the sample (else 0) alone."""
        if self.certify is False:
            return False
        return drawn(float(self.certify), getattr(self.space, "seed", 0), start, stop)

    def with_space(self, space: Space) -> Sweep:
        """The same simulation for other rows of the same parameters."""
        return replace(self, space=space)
