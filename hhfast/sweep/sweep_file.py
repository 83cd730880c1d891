"""Sweep files: TOML in, `Sweep` out. Every mistake is one line: file, key path, what is wrong, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from hhfast.errors import InputError, did_you_mean, understood
from hhfast.inputs import text_of
from hhfast.model.load import toml_table
from hhfast.model.resolve import find_model
from hhfast.parts.integrators import DEFAULT
from hhfast.parts.recorder import Recorder
from hhfast.sweep.record import DEFAULT_FEATURES, Record, make_recorder
from hhfast.sweep.space import Grid, Space
from hhfast.sweep.space_file import read_space
from hhfast.sweep.sweep import CONTROL, Sweep
from hhfast.sweep.table import read_waveform

_MOST_BYTES = 4_000_000  # of a sweep file; long lists belong into a table
Number = Annotated[float, Strict()]
Count = Annotated[int, Strict()]


class TraceTable(BaseModel):
    """[record.trace]."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    variables: list[str] = Field(description="states, instantaneous gates, currents `i_NAME`, `i_app`")
    every: Number = Field(description="ms between samples; stored as float32")


class RecordTable(BaseModel):
    """[record]."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    features: list[str] | None = Field(
        default=None, description="numbers per row; spike_count and rate where nothing is recorded"
    )
    threshold: Number = Field(default=-20.0, description="mV; a spike is an upward crossing of it")
    rearm: Number = Field(default=-30.0, description="mV; V must fall below it before the next spike counts")
    window: tuple[Number, Number] | None = Field(
        default=None, description="ms; features count this part only (default: all)"
    )
    spikes: Annotated[bool, Strict()] = Field(default=False, description="keep the spike times, too")
    max_spikes: Count | None = Field(default=None, description="at most so many spike times of a row")
    trace: TraceTable | None = Field(default=None, description="variables against time, see [record.trace]")
    recorders: list[dict[str, Any]] = Field(
        default_factory=list, description="further recorders: kind = its name, and its parameters"
    )

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
    file: str = Field(
        description="CSV or HDF5 with one row per parameter set, its names the header; relative to this file"
    )


ANALYSIS_T_STOP = 1000.0  # ms: the order of what is simulated for a row of an analysis; it sizes the batches


class SweepFile(BaseModel):
    """The keys of a sweep file, with their defaults."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    model: str = Field(description="name in the library, or a TOML file, relative to this one")
    t_stop: Number | None = Field(default=None, description="ms; must be given, but for an analysis")
    dt: Number = Field(default=0.025, description="ms; the step, of an adaptive integrator the first one")
    integrator: str = Field(default=DEFAULT, description="name of an integrator")
    dtype: str = Field(default="float64", description="float64 or float32, the arithmetic of the kernel")
    initial: str | list[str | dict[str, Number]] = Field(
        default="model",
        description="model (V_init, gates steady), rest (the equilibrium without current), or depolarised (V = 0); "
        "or a list of these and of tables of states: an axis",
    )
    until: Any = Field(
        default="t_stop", description="t_stop, or settled: each row ends by itself when it has reached its attractor"
    )
    sensitivity: list[str] = Field(
        default_factory=list, description="parameters by which features (until = settled) or spike times are derived"
    )
    rows_per_batch: Count | None = Field(
        default=None, description="rows of one task and one shard; it never changes a result"
    )
    stimulus: Any = Field(default=None, description="[stimulus] kind and parameters; several [[stimulus]] add up")
    parameters: dict[str, Number] = Field(default_factory=dict, description="fixed values that differ from the model's")
    axes: dict[str, Any] | None = Field(None, description="a grid: the product of axes, the last one fastest")
    sample: dict[str, Any] | None = Field(
        default=None, description="method, n, seed, and a distribution for each parameter"
    )
    table: TableTable | None = Field(default=None, description="rows from a file")
    constraints: list[str] = Field(
        default_factory=list, description="comparisons such as g_Na > 2 * g_K; a row that breaks one is not simulated"
    )
    record: RecordTable | None = Field(default=None, description="what is kept of each row, see [record]")
    analysis: dict[str, Any] | None = Field(default=None, description="an analysis per row instead of one simulation")
    channel_noise: Any = Field(
        None,
        description="diffusion or markov, or a table with kind and seed: channels that have a count_NAME are noisy",
    )
    replicates: Count | None = Field(
        default=None, description="how often everything is simulated, with other random numbers: the axis replicate"
    )
    certify: Any = Field(
        False, description="true, or a share of the rows: run them again far more accurately, estimate the errors"
    )
    certify_tolerance: Any = Field(
        default=0.01, description="errors that agree: a share of the scale; or a table of share, time (ms), features"
    )
    rtol: Number | None = Field(default=None, description="relative tolerance, of adaptive integrators only")
    atol: Any = Field(default=None, description="absolute tolerance: a number, or a table by state; default rtol / 10")
    dt_min: Number | None = Field(default=None, description="ms; a row whose step falls below it is given up")
    dt_max: Number | None = Field(default=None, description="ms; the longest step of an adaptive integrator")
    max_steps: Count | None = Field(default=None, description="a row that needs more is given up; default by t_stop")


TABLES: dict[tuple[str, ...], type[BaseModel]] = {
    (): SweepFile, ("record",): RecordTable, ("record", "trace"): TraceTable, ("table",): TableTable
}  # fmt: skip


def read_sweep(path: Path) -> Sweep:
    """The sweep in a file; a model or table it names is found relative to the file."""
    text = text_of(path, _MOST_BYTES)
    with understood(f"{path}: as a sweep file"):
        try:
            sweep = _sweep(toml_table(text, _MOST_BYTES), path.parent)
            sweep.text  # noqa: B018  # whatever cannot be written down shows now, not after the first rows
        except ValidationError as error:
            raise InputError(f"{path}: {_explain(error)}") from None
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
    return sweep


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
        space=_space(file, folder),
        t_stop=ANALYSIS_T_STOP if file.t_stop is None else file.t_stop,
        dt=file.dt,
        integrator=file.integrator,
        stimulus=_with_waveforms(stimulus, folder),
        parameters=file.parameters,
        record=(file.record or RecordTable()).record(),
        initial=file.initial,
        until=file.until,
        sensitivity=tuple(file.sensitivity),
        dtype=file.dtype,
        constraints=tuple(file.constraints),
        analysis=file.analysis,
        channel_noise=file.channel_noise,
        replicates=file.replicates,
        certify=file.certify,
        certify_tolerance=file.certify_tolerance,
        **{name: getattr(file, name) for name in CONTROL},
        rows_per_batch=file.rows_per_batch,
    )


def _space(file: SweepFile, folder: Path) -> Space:
    """What varies; where there are replicates, it may be they alone."""
    if file.replicates is not None and not (file.axes or file.sample or file.table):
        return Grid(())
    return read_space(file.axes, file.sample, None if file.table is None else file.table.file, folder)


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
    if stimulus is None or stimulus.get("kind") not in ("waveform", "waveform_clamp") or "file" not in stimulus:
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
    if first["type"] == "float_type":
        return f"{where}: is {first['input']!r}; it must be a number{_unlike_number(first['input'])}"
    if loc == ("record", "trace"):
        return f'{where}: is {first["input"]!r}; give a table, as {{ variables = ["V"], every = 0.5 }}'
    expected = first["msg"].removeprefix("Input should be ")
    for pydantic, toml in (("dictionary", "table"), ("string", "text"), ("tuple", "list")):
        expected = expected.replace(pydantic, toml)
    return f"{where}: is {first['input']!r}; it should be {expected}"


def _unlike_number(given: Any) -> str:
    """What to change in a text that was meant as a number."""
    if not isinstance(given, str):
        return ""
    try:
        float(given)
    except ValueError:
        return ", without a unit" if given[:1].isdigit() else ""
    return ", without quotes"


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    return list(TABLES[loc].model_fields)
