"""What a sweep records: recorders, made by the [record] table of a sweep file or given as objects, as plain data.

The spec of a sweep says what recorders it has: as the [record] table that makes them, or else as a list, each by its
name in `hhfast.recorders` with its parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias, TypeVar, cast

from hhfast.batch.arguments import as_recorders
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import finite, known_name
from hhfast.parts.feature import feature_names
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder, as_window
from hhfast.parts.recorders import Spikes, Trace, recorders
from hhfast.sweep.own_objects import class_name, is_plain, parameters_of

DEFAULT_FEATURES = ("spike_count", "rate")


@dataclass(frozen=True)
class Record:
    """The usual recorders in one value, as the [record] table of a sweep file has them.

    features : names of streaming features, over `window` (ms; None: the whole run).
    threshold, rearm : mV, the spike contract.
    spikes : keep the spike times, at most `max_spikes` per row.
    trace : variables sampled each `every` ms, stored as float32.

    Raises `InputError` for what no sweep can record.
    """

    features: tuple[str, ...] = DEFAULT_FEATURES
    threshold: float = -20.0
    rearm: float = -30.0
    window: tuple[float, float] | None = None
    spikes: bool = False
    max_spikes: int | None = None
    trace: tuple[str, ...] = ()
    every: float | None = None

    def __post_init__(self) -> None:
        _check_features(self.features)
        _check_types(self)
        if not self.rearm <= self.threshold:
            above = f"above the threshold {self.threshold:g} mV"
            raise InputError(f"record.rearm: is {self.rearm:g} mV, {above}; lower it")
        object.__setattr__(self, "window", as_window("record", self.window))
        if self.spikes and "spike_count" in self.features and self.window is not None:
            raise InputError(
                "record.features: 'spike_count' counts the window, while spikes = true needs spike_count to count all "
                "spike times; leave out one of the three"
            )
        if self.max_spikes is not None and self.max_spikes < 1:
            raise InputError(f"record.max_spikes: is {self.max_spikes}; it must be at least 1")
        if self.trace and not (self.every is not None and self.every > 0):
            raise InputError(f"record.trace.every: is {self.every}; it must be a positive number of ms")

    @property
    def recorders(self) -> tuple[Recorder, ...]:
        """The recorders that this asks for."""
        chosen: list[Recorder] = []
        if self.features:
            chosen.append(Features(self.features, self.threshold, self.rearm, self.window))
        if self.spikes:
            limit = Spikes.max_per_cell if self.max_spikes is None else self.max_spikes
            chosen.append(Spikes(self.threshold, self.rearm, limit))
        if self.trace and self.every is not None:
            chosen.append(Trace(*self.trace, every=self.every))
        return tuple(chosen)

    @classmethod
    def of(cls, record: tuple[Recorder, ...]) -> Record | None:
        """The value that asks for these recorders; None if there is none."""
        features, spikes, trace = _first(Features, record), _first(Spikes, record), _first(Trace, record)
        if features and not is_plain(features):  # with a feature of the user's own
            return None
        detector = features or spikes or cls
        limit = spikes.max_per_cell if spikes else None
        try:
            found = cls(
                features=tuple(features.names) if features else (),
                threshold=detector.threshold,
                rearm=detector.rearm,
                window=features.window if features else None,
                spikes=spikes is not None,
                max_spikes=None if limit == Spikes.max_per_cell else limit,
                trace=trace.variables if trace else (),
                every=trace.every if trace else None,
            )
        except InputError:
            return None
        return found if found.recorders == record else None

    def canonical(self) -> dict[str, Any]:
        return {
            "features": list(self.features), "threshold": float(self.threshold), "rearm": float(self.rearm),
            "window": None if self.window is None else list(map(float, self.window)), "spikes": self.spikes,
            "max_spikes": self.max_spikes, "trace": list(self.trace), "every": self.every,
        }  # fmt: skip


_T = TypeVar("_T")


def _first(kind: type[_T], record: Iterable[Any]) -> _T | None:
    return next((recorder for recorder in record if isinstance(recorder, kind)), None)


def _check_types(record: Record) -> None:
    """Raises `InputError` for numbers that are none, and for `spikes` that is not true or false."""
    for name in ("threshold", "rearm", "every", "max_spikes"):
        value = getattr(record, name)
        missing = value is None and name in ("every", "max_spikes")
        if isinstance(value, bool) or not (missing or isinstance(value, Real)):
            raise InputError(f"record.{name}: is {shown(value)}; give a number")
        if not missing:
            finite(f"record.{name}", value)
    if not isinstance(record.spikes, bool):
        raise InputError(f"record.spikes: is {shown(record.spikes)}; give true or false")
    if not isinstance(record.trace, (tuple, list)):
        raise InputError(f"record.trace: is {shown(record.trace)}; give names of variables, as ('V',)")


def _check_features(names: tuple[str, ...]) -> None:
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InputError(f"record.features: is {shown(names)}; give a list of names")
    known = [*feature_names(), *Features.of_settled]
    for name in names:
        known_name("feature", name, known, where="record.features")
        if names.count(name) > 1:
            raise InputError(f"record.features: '{name}' is listed twice; keep one")


Recorded: TypeAlias = Record | Recorder | Iterable[Recorder]


def recorders_of(record: Recorded) -> tuple[Recorder, ...]:
    """The recorders of a `Record`, of one recorder, or of several; `InputError` if something else is among them."""
    if isinstance(record, Record):
        return record.recorders
    return as_recorders(record)


def recorded_names(record: Iterable[Recorder]) -> list[str]:
    """The names that recorders say they give to a result: their features, variables, and the count of spike times."""
    names: list[str] = []
    for recorder in record:
        names += getattr(recorder, "names", ())
        names += getattr(recorder, "variables", ())
        names += ["spike_count"] if isinstance(recorder, Spikes) else []
    return names


def canonical_record(record: tuple[Recorder, ...]) -> dict[str, Any] | list[dict[str, Any]]:
    """Recorders as plain data: the [record] table that makes them, or else a list with the kind of each."""
    table = Record.of(record)
    if table is not None:
        return table.canonical()
    return [{"kind": registered_as(r) or class_name(r), **parameters_of(r)} for r in record]


def registered_as(recorder: Recorder) -> str | None:
    """The name in `hhfast.recorders` under which a recorder can be made again from its parameters."""
    name = next((name for name, make in recorders.items() if make is type(recorder)), None)
    return name if name is not None and is_plain(recorder) else None


def record_from_canonical(entry: Any) -> tuple[Recorder, ...]:
    """The recorders of a canonical spec."""
    if isinstance(entry, Mapping):
        table: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        return Record(**table).recorders
    return tuple(make_recorder(f"record.{k}", recorder) for k, recorder in enumerate(entry))


def make_recorder(where: str, entry: Mapping[str, Any]) -> Recorder:
    """A registered recorder from its kind and parameters: {"kind": "trace", "variables": ["V"], "every": 0.5}.

    Raises `InputError`, beginning with `where`.
    """
    if "kind" not in entry:
        raise InputError(f"{where}.kind: is missing; choose one of {', '.join(recorders)}")
    kind = entry["kind"]
    if kind not in recorders:
        raise unknown("recorder", kind, recorders, where=f"{where}.kind")
    known = inspect.signature(recorders[kind]).parameters
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k != "kind"}
    for name in given:
        if name not in known:
            raise unknown(f"parameter of the recorder {kind}", name, known, where=f"{where}.{name}")
    several = [name for name, p in known.items() if p.kind is inspect.Parameter.VAR_POSITIONAL]
    positional = [value for name in several for value in given.pop(name, ())]
    try:
        return cast("Recorder", recorders[kind](*positional, **given))
    except (InputError, TypeError) as error:
        raise InputError(f"{where}: {error}") from None
