"""Models, results and runs as text for people: what the command line prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.batch.certify import AGREES, CERTIFIED_MEANINGS, DIFFERS, FAILED, NOT_CHECKED
from hhfast.batch.result import STATUS_MEANINGS
from hhfast.batch.step_control import CONTROL, StepControl
from hhfast.errors import InputError, did_you_mean
from hhfast.parts.integrators import integrators
from hhfast.progress import duration, size
from hhfast.tables import shares_text, table, unit_text

if TYPE_CHECKING:
    from hhfast.model import Model
    from hhfast.sweep.estimate import Estimate
    from hhfast.sweep.select import Selection
    from hhfast.sweep.status import RunStatus
    from hhfast.sweep.store import ResultFile

_MAX_SCANNED = 10_000_000  # values of a variable that `info` reads to give its range


def model_list_text(cell: str = "", current: str = "", species: str = "", parameter: str = "") -> str:
    """The library models with these tags and this parameter, one per line."""
    from hhfast.model import models

    asked = {"cell": cell, "current": current, "species": species, "parameter": parameter}
    found = models.find(**asked)
    if not found:
        given = {key: word for key, word in asked.items() if word}
        none = next((key for key in given if not models.find(**{key: given[key]})), None)
        hint = "each of these some have" if none is None else did_you_mean(given[none], _tags(none))
        raise InputError(
            f"no library model has {' and '.join(f'{key} {word!r}' for key, word in given.items())}; {hint}"
        )
    return table((s.name, s.title, s.cell, " ".join(s.currents), s.citation) for s in found)


def _tags(key: str) -> set[str]:
    """What the library's models have of a kind: words of their cells, currents, species, parameters."""
    from hhfast.model import models

    if key == "parameter":
        return {name for model in models.values() for name in model.parameters}
    every = models.find()
    if key == "current":
        return {word for s in every for word in s.currents}
    return {word for s in every for word in (s.cell.split() if key == "cell" else [s.species])}


def model_check_text(model: Model) -> tuple[str, bool]:
    """How a model's checks went, and whether all passed."""
    from hhfast.batch.model_check import TOLERANCE, check_model

    if not model.checks:
        raise InputError(f"model '{model.name}' lists no checks")
    results = check_model(model)
    rows = [
        (
            f"i_app {r.check.i_app:g}",
            f"{r.check.t_stop:g} ms",
            f"{len(r.spikes)} of {len(r.check.spikes)} spikes",
            f"largest difference {r.difference:.2g} ms",
            "ok" if r.passed else "FAILED",
        )
        for r in results
    ]
    head = f"{model.name}: spike times of its file, to be met within {TOLERANCE} ms by tsit5"
    lines = table(rows, indent="  ")
    return f"{head}\n{lines}", all(r.passed for r in results)


def result_text(result: ResultFile) -> str:
    """What a result holds and where it comes from."""
    spec = json.loads(result.attributes["hhfast_spec"])
    counts = np.bincount(result.read("status"), minlength=len(STATUS_MEANINGS)).tolist()
    by_status = ", ".join(f"{n:,} {meaning}" for meaning, n in zip(STATUS_MEANINGS, counts, strict=True) if n)
    facts = [
        ("title", result.attributes["title"]),
        ("rows", f"{result.n_rows:,}: {by_status}"),
        ("grid", " x ".join(f"{axis} ({n})" for axis, n in result.grid.items())),
        ("model", f"{spec['model']} ({result.attributes['references']})"),
        ("run", f"{_what_text(spec)}, {spec['integrator']}, {_steps_text(spec)}, {spec['dtype']}"),
        *_until_and_start(spec),
        ("stimulus", _stimulus_text(spec["stimulus"])),
        ("fixed", ", ".join(f"{k} = {v:g}" for k, v in spec["parameters"].items()) or "all at the model's values"),
        ("history", result.attributes["history"]),
        ("source", result.attributes["source"]),
        ("spec", f"sha256 {result.attributes['hhfast_spec_sha256']}"),
    ]
    if "channel_noise" in spec:
        noise = spec["channel_noise"]
        facts.insert(-3, ("noise", f"of channels, {noise['kind']}, seed {noise['seed']:g}"))
    if certificate := certificate_text(result):
        facts.insert(2, ("certified", certificate))
    variables = [_variable_cells(result, name) for name in result.names if name not in ("run", "status")]
    head = table(((f"{key}:", text) for key, text in facts))
    return f"{result.path}\n{head}\n\nvariables\n{table(variables, indent='  ')}"


def _what_text(spec: dict[str, Any]) -> str:
    """What a row is: an analysis, which has its own duration, or so many ms."""
    return f"{spec['analysis']['kind']}" if "analysis" in spec else f"{spec['t_stop']:g} ms"


def _until_and_start(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """The rule of a run until settled, and the state in which all rows start, where these are not the usual ones."""
    found = []
    if "until" in spec:
        rule = ", ".join(f"{name} = {value:g}" for name, value in spec["until"].items())
        found.append(("until", f"settled: {rule}"))
    if isinstance(spec["initial"], str) and spec["initial"] != "model":
        found.append(("initial", spec["initial"]))
    return found


def _steps_text(spec: dict[str, Any]) -> str:
    known = spec["integrator"] in integrators  # a result may come from an integrator of its author's own
    if not (known and integrators[spec["integrator"]].adaptive):
        return f"dt {spec['dt']:g} ms"
    told = {"rtol": StepControl.rtol} | {name: spec[name] for name in CONTROL if name in spec}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def certificate_text(result: ResultFile) -> str:
    """What the more accurate run of the certified rows says, in one line; empty where there was none."""
    if "certified" not in result:
        return ""
    outcome = result.read("certified")
    counts = np.bincount(outcome, minlength=len(CERTIFIED_MEANINGS)).tolist()
    text = f"{result.n_rows - counts[NOT_CHECKED]:,} of {result.n_rows:,} rows, {counts[DIFFERS]:,} of them beyond the "
    text += "tolerance" + (f", {counts[FAILED]:,} failed in the finer run" if counts[FAILED] else "")
    if result.n_rows > _MAX_SCANNED:
        return text
    errors = [_error_text(result, name, outcome == AGREES) for name in result.features if result.error_of(name)]
    known = ", ".join(filter(None, errors))
    return text + (f"; estimated error of the others, median (largest): {known}" if known else "")


def _error_text(result: ResultFile, name: str, agree: np.ndarray) -> str:
    """The errors of a feature; empty where it has none (as the spike count of rows that agree on it)."""
    errors = result.read(name)[agree]
    errors = errors[np.isfinite(errors)]
    if not errors.any():
        return ""
    text = f"{result.error_of(name)} {np.median(errors):.2g} ({errors.max():.2g}) {unit_text(result.unit(name))}"
    return text.rstrip()


def _stimulus_text(stimulus: dict[str, object] | list[dict[str, object]] | None) -> str:
    if stimulus is None:
        return "none"
    entries = stimulus if isinstance(stimulus, list) else [stimulus]
    texts = []
    for entry in entries:
        given = ((k, v) for k, v in entry.items() if k != "kind")
        fixed = ", ".join(f"{len(v)} {k}" if isinstance(v, list) else f"{k} = {v:g}" for k, v in given)
        texts.append(f"{entry['kind']}({fixed})")
    return " + ".join(texts)


def _variable_cells(result: ResultFile, name: str) -> tuple[str, ...]:
    dims = ", ".join(f"{d} {n}" for d, n in zip(result.dims(name), result.shape(name), strict=True))
    known = 0 < int(np.prod(result.shape(name))) <= _MAX_SCANNED
    return (
        name,
        f"({dims})",
        unit_text(result.unit(name)),
        _extent(result, name) if known else "",
        result.long_name(name),
    )


def _extent(result: ResultFile, name: str) -> str:
    """From where to where values go; of classes their shares, of initial states their names."""
    values, meanings = result.read(name), result.codes(name)
    if meanings:
        return ", ".join(meanings) if name in result.parameters else shares_text(values, meanings)
    known = values[np.isfinite(values)]
    missing = f" ({values.size - known.size:,} NaN)" if 0 < known.size < values.size else ""
    return f"{known.min():.6g} to {known.max():.6g}{missing}" if known.size else ""


def status_text(state: RunStatus, part: str = "") -> str:
    """How far a run is. part : the share of it, I/N, that was just computed."""
    share = f"{state.rows_done:,} of {state.n_rows:,} rows ({state.rows_done / max(1, state.n_rows):.1%})"
    if state.finished:
        lines = [f"{state.out}: finished, {state.n_rows:,} rows"]
    elif state.holders:
        who = ", ".join(map(str, state.holders))
        left = "" if state.seconds_left is None else f", {duration(state.seconds_left)} left"
        lines = [f"{state.out}: running ({who}), {share}{left}"]
    elif state.rows_done == state.n_rows:
        lines = [f"{state.out}: all {state.n_rows:,} rows are computed; 'hhfast merge {state.out}' makes the result"]
    elif part:
        lines = [f"{state.out}: part {part} is computed, {share}; 'hhfast merge {state.out}' when the others are"]
    else:
        lines = [f"{state.out}: incomplete, {share}; run the same command again to resume"]
    lines += [f"  {n:,} row{'s' if n > 1 else ''} {_flag_text(meaning)}" for meaning, n in state.flagged.items()]
    lines += [f"  damaged: {path}; its rows will be computed again" for path in state.damaged]
    return "\n".join(lines)


_REMEDIES = {  # meaning of a status -> what to do about it
    "diverged": "look at their parameters; with fixed steps, take integrator = 'tsit5' or a shorter dt",
    "spike_buffer_full": "their later spikes are missing; raise max_spikes in [record]",
    "step_limit_reached": "they are too stiff for explicit steps; take integrator = 'rodas4', or raise max_steps",
    "cap_reached": "a longer t_stop is enough for those that only take long",
    "failed": "they crash the process; look at their parameters",
}


_WORDS = {"cap_reached": "not settled at t_stop"}


def _flag_text(meaning: str) -> str:
    """The meaning of a status, and what to do."""
    words = _WORDS.get(meaning, meaning.replace("_", " "))
    return f"{words}: {_REMEDIES[meaning]}" if meaning in _REMEDIES else words


def estimate_text(cost: Estimate) -> str:
    """What a sweep will take."""
    speed = f"{cost.nanoseconds_per_step:.1f} ns per step of a row"
    return table([
        ("rows", f"{cost.n_rows:,}, in batches of {cost.rows_per_batch:,}"),
        ("steps", f"{cost.n_steps:,} per row, {cost.n_rows * cost.n_steps:,} in all"),
        ("bytes", f"{size(cost.n_bytes)} before compression"),
        ("time", f"about {duration(cost.seconds)} on this machine ({speed})"),
    ], indent="  ")  # fmt: skip


def selection_text(selection: Selection, *, csv: bool = False) -> str:
    """How many rows meet each criterion by itself, and all of them."""
    n = max(selection.n_rows, 1)
    counted = [*zip(selection.criteria, selection.passed, strict=True), ("all", len(selection.rows))]
    if csv:
        lines = [f'"{text.replace(chr(34), chr(34) * 2)}",{passed},{passed / n:.6g}' for text, passed in counted]
        return "\n".join(["criterion,rows,share", *lines])
    rows = [(text, f"{passed:,}", f"{100 * passed / n:.3g} %") for text, passed in counted]
    return f"{selection.path}: {selection.n_rows:,} rows\n" + table(rows, indent="  ")
