"""Sweep files: TOML in, `Sweep` out. Every mistake is one line: file, key path, what is wrong, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hhfast.batch.step_control import CONTROL
from hhfast.errors import InputError, did_you_mean, shown, understood
from hhfast.inputs import text_of
from hhfast.model.load import toml_table
from hhfast.model.resolve import find_model
from hhfast.sweep.space import Grid, Space
from hhfast.sweep.space_file import read_space
from hhfast.sweep.sweep import Sweep
from hhfast.sweep.sweep_file_keys import TABLES, RecordTable, SweepFile
from hhfast.sweep.table import read_waveform
from hhfast.sweep.target_file import has_target, with_target

_MOST_BYTES = 4_000_000  # of a sweep file; long lists belong into a table
ANALYSIS_T_STOP = 1000.0  # ms: the order of what is simulated for a row of an analysis; it sizes the batches


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
        analysis=with_target(file.analysis, folder),
        channel_noise=file.channel_noise,
        replicates=file.replicates,
        certify=file.certify,
        certify_tolerance=file.certify_tolerance,
        **{name: getattr(file, name) for name in CONTROL},
        rows_per_batch=file.rows_per_batch,
    )


def _space(file: SweepFile, folder: Path) -> Space:
    """What varies; where there are replicates, or targets of a fit, it may be they alone."""
    numbered = file.replicates is not None or has_target(file.analysis)
    if numbered and not (file.axes or file.sample or file.table):
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
        raise InputError(f"stimulus.file: is {shown(file)}; it must be a path")
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
        return f"{where}: is {shown(first['input'])}; it must be a number{_unlike_number(first['input'])}"
    if loc == ("record", "trace"):
        return f'{where}: is {shown(first["input"])}; give a table, as {{ variables = ["V"], every = 0.5 }}'
    expected = first["msg"].removeprefix("Input should be ")
    for pydantic, toml in (("dictionary", "table"), ("string", "text"), ("tuple", "list")):
        expected = expected.replace(pydantic, toml)
    return f"{where}: is {shown(first['input'])}; it should be {expected}"


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
