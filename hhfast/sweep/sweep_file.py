"""Sweep files: TOML in, `Sweep` out. Every mistake is one line: file, key path, what is wrong, what to do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from hhfast.errors import InputError, did_you_mean
from hhfast.model.resolve import find_model
from hhfast.parts.integrators import DEFAULT
from hhfast.parts.recorder import Recorder
from hhfast.sweep.record import DEFAULT_FEATURES, Record, make_recorder
from hhfast.sweep.space_file import read_space
from hhfast.sweep.sweep import CONTROL, Sweep
from hhfast.sweep.table import read_waveform

Number = Annotated[float, Strict()]
Count = Annotated[int, Strict()]


class TraceTable(BaseModel):
    """[record.trace]."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    variables: list[str]
    every: Number


class RecordTable(BaseModel):
    """[record]."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    features: list[str] | None = None
    threshold: Number = -20.0
    rearm: Number = -30.0
    window: tuple[Number, Number] | None = None
    spikes: Annotated[bool, Strict()] = False
    max_spikes: Count | None = None
    trace: TraceTable | None = None
    recorders: list[dict[str, Any]] = Field(default_factory=list)

    def record(self) -> tuple[Recorder, ...]:
        # Where other things are recorded, features are so only if they are named.
        default = () if self.spikes or self.trace or self.recorders else DEFAULT_FEATURES
        usual = Record(
            features=default if self.features is None else tuple(self.features),
            threshold=self.threshold,
            rearm=self.rearm,
            window=self.window,
            spikes=self.spikes,
            max_spikes=self.max_spikes,
            trace=tuple(self.trace.variables) if self.trace else (),
            every=self.trace.every if self.trace else None,
        )
        further = (make_recorder(f"record.recorders.{k}", entry) for k, entry in enumerate(self.recorders))
        return (*usual.recorders, *further)


class TableTable(BaseModel):
    """[table]."""

    model_config = ConfigDict(extra="forbid")
    file: str


ANALYSIS_T_STOP = 1000.0  # ms: the order of what is simulated for a row of an analysis; it sizes the batches


class SweepFile(BaseModel):
    """The keys of a sweep file, with their defaults."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    model: str
    t_stop: Number | None = None
    dt: Number = 0.025
    integrator: str = DEFAULT
    dtype: str = "float64"
    initial: str = "model"
    rows_per_batch: Count | None = None
    stimulus: Any = None
    parameters: dict[str, Number] = Field(default_factory=dict)
    axes: dict[str, dict[str, Any]] | None = None
    sample: dict[str, Any] | None = None
    table: TableTable | None = None
    constraints: list[str] = Field(default_factory=list)
    record: RecordTable | None = None
    analysis: dict[str, Any] | None = None
    certify: Any = False
    rtol: Number | None = None
    atol: Any = None
    dt_min: Number | None = None
    dt_max: Number | None = None
    max_steps: Count | None = None


def read_sweep(path: Path) -> Sweep:
    """The sweep in a file; a model or table it names is found relative to the file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; a sweep file is a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is not valid TOML: {error}") from None
    try:
        return _sweep(data, path.parent)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error)}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _sweep(data: dict[str, Any], folder: Path) -> Sweep:
    file = SweepFile.model_validate(data)
    _check_keys(file)
    stimulus = file.stimulus
    if stimulus is not None and not _is_stimulus(stimulus):
        raise InputError("stimulus: must be a table ([stimulus]) or a list of tables ([[stimulus]])")
    try:
        model = find_model(file.model, folder)
    except InputError as error:
        raise InputError(f"model: {error}") from None
    return Sweep(
        model=model,
        space=read_space(file.axes, file.sample, None if file.table is None else file.table.file, folder),
        t_stop=ANALYSIS_T_STOP if file.t_stop is None else file.t_stop,
        dt=file.dt,
        integrator=file.integrator,
        stimulus=_with_waveforms(stimulus, folder),
        parameters=file.parameters,
        record=(file.record or RecordTable()).record(),
        initial=file.initial,
        dtype=file.dtype,
        constraints=tuple(file.constraints),
        analysis=file.analysis,
        certify=file.certify,
        **{name: getattr(file, name) for name in CONTROL},
        rows_per_batch=file.rows_per_batch,
    )


def _check_keys(file: SweepFile) -> None:
    """A simulation needs a duration; an analysis has its own duration and records."""
    if file.analysis is None:
        if file.t_stop is None:
            raise InputError("t_stop: is missing; add it (ms)")
        return
    for key in ("t_stop", "record"):
        if getattr(file, key) is not None:
            raise InputError(f"{key}: does not go with [analysis], which has its own; remove it")


def _with_waveforms(stimulus: Any, folder: Path) -> Any:
    """The stimulus with the points of waveforms that are in files."""
    if isinstance(stimulus, list):
        return [_with_waveforms(entry, folder) for entry in stimulus]
    if stimulus is None or stimulus.get("kind") != "waveform" or "file" not in stimulus:
        return stimulus
    file = stimulus["file"]
    if not isinstance(file, str):
        raise InputError(f"stimulus.file: is {file!r}; it must be a path")
    if {"times", "values"} & stimulus.keys():
        raise InputError("stimulus.file: is given and also times or values; keep one")
    times, values = read_waveform(folder / file)
    return {name: value for name, value in stimulus.items() if name != "file"} | {"times": times, "values": values}


def _is_stimulus(entry: Any) -> bool:
    if isinstance(entry, list):
        return bool(entry) and all(isinstance(e, dict) for e in entry)
    return isinstance(entry, dict)


def _explain(error: ValidationError) -> str:
    """The first problem that pydantic found, in our words."""
    # A misspelt key comes first: the missing key that it was meant to be is only its consequence.
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    loc = first["loc"]
    where = ".".join(map(str, loc))
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key '{loc[-1]}'; {did_you_mean(str(loc[-1]), _known_keys(loc[:-1]))}"
    if first["type"] == "missing":
        return f"{where}: is missing; add it"
    if first["type"] == "finite_number":
        return f"{where}: is {first['input']}; it must be finite"
    expected = first["msg"].removeprefix("Input should be ")
    for pydantic, toml in (("dictionary", "table"), ("string", "text"), ("tuple", "list")):
        expected = expected.replace(pydantic, toml)
    return f"{where}: is {first['input']!r}; it should be {expected}"


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    tables: dict[tuple[Any, ...], type[BaseModel]] = {
        (): SweepFile, ("record",): RecordTable, ("record", "trace"): TraceTable, ("table",): TableTable
    }  # fmt: skip
    return list(tables[loc].model_fields)
