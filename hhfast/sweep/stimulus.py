"""The stimulus of a sweep as data: tables with a kind and the values of parameters, as a sweep file has them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.model.names import UNITS
from hhfast.parts.clamp_command import ClampStep
from hhfast.parts.stimuli import Stimulus, StimulusKind, stimuli
from hhfast.sweep.clamp_entry import is_clamp, kind_of_clamp, with_steps

Entry: TypeAlias = Mapping[str, Any]


def stimulus_kind(entry: Entry) -> StimulusKind:
    """The kind of stimulus in a table: one of the registry by its name, or an object of the user's own."""
    kind = entry["kind"]
    if is_clamp(entry):
        return kind_of_clamp(entry)
    return stimuli[kind] if isinstance(kind, str) else kind


def stimulus_units(model: Model) -> dict[str, str]:
    """The unit that a stimulus says -> what it is for a model, where that differs: a model of totals has pA and nS."""
    if model.units == "density":
        return {}
    names = UNITS["density"]
    return {names[x]: UNITS[model.units][x] for x in names} | {"kOhm cm2": "GOhm"}


def is_registered(kind: StimulusKind) -> bool:
    """Whether a table with the name of the kind makes it again."""
    return kind.remade is not None or (kind.name in stimuli and stimuli[kind.name] == kind)


def stimulus_entries(stimulus: Stimulus | Entry | Sequence[Entry] | None) -> Entry | Sequence[Entry] | None:
    """A `Stimulus` with the same parameters for all cells as a table, or a list of them; tables with clamps' steps."""
    if stimulus is None or isinstance(stimulus, Mapping):
        return stimulus and _with_steps("stimulus", stimulus)
    if isinstance(stimulus, str) or not isinstance(stimulus, (Stimulus, Sequence)):
        return stimulus  # refused by the checks of the sweep
    if not isinstance(stimulus, Stimulus):
        return [_with_steps(f"stimulus.{k}", entry) for k, entry in enumerate(stimulus)]
    entries = [_entry(kind, values) for kind, values in stimulus.parts]
    return (entries[0] if len(entries) == 1 else entries) if entries else None


def _entry(kind: StimulusKind, values: Mapping[str, Any]) -> Entry:
    entry: dict[str, Any] = {"kind": kind.name if is_registered(kind) else kind}
    entry |= {name: np.asarray(values[name]).tolist() for name in kind.tables}
    for name, (default, _) in kind.parameters.items():
        if np.ndim(values[name]):
            raise InputError(f"stimulus: {name} is an array; vary it in the space, as 'stimulus.{name}'")
        if not _is_default(values[name], default):
            entry[name] = float(values[name])
    if is_clamp(entry) and (first := ClampStep(1).level) not in entry:  # a clamp without steps
        entry[first] = entry["holding"]
    return entry


def _with_steps(prefix: str, entry: Entry) -> Entry:
    return with_steps(prefix, entry) if isinstance(entry, Mapping) and is_clamp(entry) else entry


def _is_default(value: float, default: float | None) -> bool:
    return default is not None and (value == default or (math.isnan(value) and math.isnan(default)))


def plain(value: Any) -> Any:
    """Texts, numbers (1 as 1.0), tables and lists of them, as JSON has them; a kind of stimulus by its name."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {k: plain(entry) for k, entry in value.items()}
    if isinstance(value, StimulusKind):
        return value.name
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(entry) for entry in value]
    return value if value is None or isinstance(value, str) else float(value)
