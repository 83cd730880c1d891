"""The command that fits parameters to a recording: hhfast fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.cli.console import say
from hhfast.cli.options import Csv, ModelName, Parameters, current_step, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.analysis.feature_target import FeatureTarget
    from hhfast.analysis.fit import Fit
    from hhfast.analysis.fit_targets import SpikeTarget, TraceTarget

_REGULAR = 1e-3  # how far samples may lie off their grid, in steps
_AT_END = 1e-9  # of the range


@draws
def fit(
    model: ModelName,
    free: Annotated[
        list[str], typer.Option("--free", metavar="NAME=LOW:HIGH", help="A parameter to fit; may be given again.")
    ],
    recording: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.csv]", help="Columns time (ms) and V (mV), or one of spike times."),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE:ERROR", help="Instead of a file: a feature of the settled cell; repeat it."),
    ] = None,
    current: Annotated[float, typer.Option(metavar="X", help="Applied current, in the unit of the model.")] = 0.0,
    start: Annotated[float, typer.Option(metavar="MS", help="Start of the current.")] = 0.0,
    stop: Annotated[float | None, typer.Option(metavar="MS", help="Its end.", show_default="never")] = None,
    stimulus: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Current against time instead: columns time, current.")
    ] = None,
    parameter: Parameters = None,
    t_stop: Annotated[float | None, typer.Option(metavar="MS", help="Of spike times: how long was recorded.")] = None,
    starts: Annotated[int, typer.Option(min=1, help="How many minimisations.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the starts.")] = 0,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Fit parameters of a model to a recorded trace, spike times or features, from many starts at once."""
    picture.check()
    ranges = dict(map(_range, free))
    applied_told = stimulus is not None or current != 0.0
    target = _of_features(feature, recording, t_stop) if feature else _target(recording, t_stop, applied_told)

    from hhfast.analysis.fit import fit as fitted
    from hhfast.parts.stimuli import Waveform
    from hhfast.sweep.table import read_waveform

    given = {name: _one(name, values.tolist()) for name, values in parameters(parameter).items()}
    applied = current_step(current, start, stop) if stimulus is None else Waveform(*read_waveform(stimulus))
    found = fitted(model, target, ranges, given, stimulus=applied, starts=starts, seed=seed)
    say(_text(found, csv))
    for name, (low, high) in () if csv else _at_ends(found, ranges):
        say(f"{name} is at an end of its range, {low:g}:{high:g}: widen it, or check current and other parameters")
    if picture.wanted:
        from hhfast.figures.fits import plot_fit

        picture.save(plot_fit(found))
        say(f"{picture.output}")


def _range(text: str) -> tuple[str, tuple[float, float]]:
    name, equals, ends = text.partition("=")
    try:
        low, high = (float(end) for end in ends.split(":"))
    except ValueError:
        low = high = 0.0
    if not equals or not low < high:
        raise InputError(f"--free {text}: give NAME=LOW:HIGH, as g_Na=40:200")
    return name.strip(), (low, high)


def _one(name: str, values: list[float]) -> float:
    if len(values) != 1:
        raise InputError(f"-p {name}: has {len(values)} values; a fit takes one")
    return float(values[0])


def _of_features(given: list[str], path: Path | None, t_stop: float | None) -> FeatureTarget:
    """Features with their errors, of NAME=VALUE:ERROR."""
    from hhfast.analysis.feature_target import FeatureTarget

    if path is not None:
        raise InputError(f"{path}: is given, and --feature, too; keep one")
    values, errors = {}, {}
    for text in given:
        name, _, numbers = text.partition("=")
        try:
            value, error = (float(part) for part in numbers.split(":"))
        except ValueError:
            raise InputError(f"--feature {text}: give NAME=VALUE:ERROR, as rate=68:0.5") from None
        values[name.strip()], errors[name.strip()] = value, error
    return FeatureTarget(values, errors, 5000.0 if t_stop is None else t_stop)


def _target(path: Path | None, t_stop: float | None, applied_told: bool) -> TraceTarget | SpikeTarget:
    """A trace, sampled evenly, or spike times: what a file's columns are; whether the applied current is known."""
    if path is None:
        raise InputError("there is nothing to fit to; give FILE.csv, or --feature NAME=VALUE:ERROR")
    import numpy as np

    from hhfast.analysis.fit_targets import SpikeTarget, TraceTarget
    from hhfast.sweep.table import Table

    table = Table.open(path)
    named = table.columns(0, table.n_rows)
    columns = list(named.values())
    if not applied_told and "i_app" in named and np.any(named["i_app"]):
        raise InputError(
            f"{path}: was recorded under a current, its column i_app; give --current (--start, --stop) or --stimulus"
        )
    if len(columns) == 1:
        if t_stop is None:
            raise InputError(f"{path}: has one column, spike times; say how long was recorded, with --t-stop")
        return SpikeTarget(columns[0], t_stop)
    time, V = _trace(path, named) if len(columns) > 2 else columns
    every = (time[-1] - time[0]) / max(len(time) - 1, 1)
    grid = every * np.arange(len(time))
    if len(time) < 2 or every <= 0 or np.abs(time - grid).max() > _REGULAR * every:
        raise InputError(f"{path}: samples must be evenly spaced from time 0; resample the recording")
    return TraceTarget(V, float(every))


def _trace(path: Path, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Time and V among more columns, as `hhfast simulate --csv` writes them, of a single cell."""
    if "time" not in columns or "V" not in columns:
        known = ", ".join(columns)
        raise InputError(f"{path}: has the columns {known}; it needs two, time and V, or one of spike times")
    cells = columns.get("cell", columns["time"][:1])
    if (cells != cells[0]).any():
        raise InputError(f"{path}: has traces of several cells; give those of one")
    return columns["time"], columns["V"]


def _at_ends(found: Fit, ranges: Mapping[str, tuple[float, float]]) -> Iterator[tuple[str, tuple[float, float]]]:
    """The parameters whose best value is where their range ends, with the range."""
    for name, (low, high) in ranges.items():
        value = found.parameters[name][0]
        if min(value - low, high - value) < _AT_END * (high - low):
            yield name, (low, high)


def _text(found: Fit, csv: bool) -> str:
    from hhfast.tables import number_text, table

    rows = [
        (name, number_text(v[0]), number_text(found.error[name][0], 3), found.model.parameters[name].unit)
        for name, v in found.parameters.items()
    ]
    headings = ("parameter", "value", "standard error", "unit")
    if csv:
        return "\n".join(",".join(row) for row in [headings, *rows])
    converged = int((found.status[0] == 0).sum())
    close = int((found.start_rms[0] < 1.01 * found.rms[0] + 1e-9).sum())
    n = found.status.shape[1]
    residual = f"residual {found.rms[0]:.4g} {found.target.unit} rms"
    tail = f"{residual}; {converged} of {n} starts converged, {close} of them here"
    return f"{table(rows, headings, align='lrrl')}\n{tail}"
