"""The keys of a sweep file: their types, their defaults and what they mean."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

from hhfast.parts.integrators import DEFAULT
from hhfast.parts.recorder import Recorder
from hhfast.sweep.record import DEFAULT_FEATURES, Record, make_recorder

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
        default_factory=list,
        description="what features, spike times and traces are differentiated by: g_Na, stimulus.amplitude, V_initial",
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
