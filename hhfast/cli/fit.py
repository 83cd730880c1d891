"""The command that fits parameters to a recording: hhfast fit."""

from __future__ import annotations

import math
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
    from hhfast.analysis.fit_targets import Target

_AT_END = 1e-9  # of the range
_SAME = (1.01, 1e-3)  # a residual of at most so many times the best, and so much more in its unit, is that minimum
_SPIKE = 40.0  # mV: a trace that varies by more has spikes
_POOR = 0.3  # of a trace's standard deviation: a residual above it leaves spikes where there are none, or the reverse


@draws
def fit(
    model: ModelName,
    free: Annotated[
        list[str], typer.Option("--free", metavar="NAME=LOW:HIGH", help="A parameter to fit; may be given again.")
    ],
    recording: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.csv", help="Columns time (ms) and V (mV), or one of spike times."),
    ] = None,
    feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE:ERROR", help="Instead of a file: a feature of the settled cell; repeat it."),
    ] = None,
    current: Annotated[float, typer.Option(metavar="X", help="Applied current, in the unit of the model.")] = 0.0,
    start: Annotated[float, typer.Option(metavar="MS", help="Start of the current.")] = 0.0,
    stop: Annotated[float | None, typer.Option(metavar="MS", help="End of the current.", show_default="never")] = None,
    stimulus: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Current against time instead: columns time, current.")
    ] = None,
    parameter: Parameters = None,
    t_stop: Annotated[float | None, typer.Option(metavar="MS", help="How long spike times were recorded.")] = None,
    starts: Annotated[int, typer.Option(min=1, help="How many minimisations.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the starts.")] = 0,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Fit parameters of a model to a recorded trace, spike times or features, from many starts at once."""
    picture.check()
    ranges = dict(map(_range, free))

    from hhfast.analysis.fit import fit as fitted
    from hhfast.parts.stimuli import Waveform
    from hhfast.sweep.table import read_waveform

    step = None if stimulus is not None else (current, start, math.inf if stop is None else stop)
    target = _of_features(feature, recording, t_stop) if feature else _target(recording, t_stop, step)
    given = {name: _one(name, values.tolist()) for name, values in parameters(parameter).items()}
    applied = current_step(current, start, stop) if stimulus is None else Waveform(*read_waveform(stimulus))
    found = fitted(model, target, ranges, given, stimulus=applied, starts=starts, seed=seed)
    say(_text(found, csv))
    for name, (low, high) in () if csv else _at_ends(found, ranges):
        say(f"{name} is at an end of its range, {low:g}:{high:g}: widen it, or check current and other parameters")
    if picture.wanted:
        from hhfast.figures.fits import plot_fit

        picture.save(plot_fit(found))


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


def _target(path: Path | None, t_stop: float | None, step: tuple[float, float, float] | None) -> Target:
    """A trace, spike times or features: what a file's columns are.

    step : amplitude, start and stop of the current that was told, None: it is in a file.
    """
    if path is None:
        raise InputError("there is nothing to fit to; give FILE.csv, or --feature NAME=VALUE:ERROR")
    from hhfast.analysis.fit_entry import target_of
    from hhfast.sweep.target_file import columns_of, target_in

    columns = columns_of(path)
    if step is not None and "i_app" in columns and "time" in columns:
        _check_current(path, columns["time"], columns["i_app"], *step)
    found = target_in(path, columns, {})
    if "times" in found and t_stop is None:
        raise InputError(f"{path}: has one column, spike times; say how long was recorded, with --t-stop")
    timed = "V" not in found and t_stop is not None
    target = target_of(str(path), found | ({"t_stop": t_stop} if timed else {}))
    if target.n > 1:
        many = 'for many, write a sweep file with [analysis] kind = "fit"'
        raise InputError(f"{path}: has {target.n} targets, of several cells; give that of one, or, {many}")
    return target


def _check_current(
    path: Path, time: np.ndarray, recorded: np.ndarray, amplitude: float, start: float, stop: float
) -> None:
    """Raise `InputError` where the file's own current is not the step that was told, but at its edges."""
    import numpy as np

    every = np.diff(time).max(initial=0.0)
    edge = ((np.abs(time - start) <= every) | (np.abs(time - stop) <= every)) & (amplitude != 0.0)
    told = np.where((time > start) & (time < stop), amplitude, 0.0)
    if not (np.abs(recorded - told) > 1e-6 * max(1.0, np.abs(recorded).max(initial=0.0)))[~edge].any():
        return
    on = np.flatnonzero(recorded)
    remedy = "give its current against time, with --stimulus"
    if not len(on):
        remedy = "leave --current out: no current was applied"
    elif np.ptp(recorded[on[0] : on[-1] + 1]) == 0:
        ends = f" --stop {time[on[-1] + 1]:g}" if on[-1] + 1 < len(time) else ""
        remedy = f"give --current {recorded[on[0]]:g} --start {time[on[0]]:g}{ends}"
    raise InputError(f"{path}: was recorded under another current, its column i_app; {remedy}")


def _at_ends(found: Fit, ranges: Mapping[str, tuple[float, float]]) -> Iterator[tuple[str, tuple[float, float]]]:
    """The parameters whose best value is where their range ends, with the range."""
    for name, (low, high) in ranges.items():
        value = found.parameters[name][0]
        if min(value - low, high - value) < _AT_END * (high - low):
            yield name, (low, high)


def _unexplained(found: Fit) -> float:
    """The residual of a trace with spikes as a share of its standard deviation; 0 for other targets."""
    import numpy as np

    from hhfast.analysis.fit_targets import TraceTarget

    if not isinstance(found.target, TraceTarget):
        return 0.0
    V = found.target.V[0]
    return float(found.rms[0] / np.nanstd(V)) if np.nanmax(V) - np.nanmin(V) > _SPIKE else 0.0


def _text(found: Fit, csv: bool) -> str:
    from hhfast.tables import number_text, table, unit_text

    rows = [
        (name, number_text(v[0]), number_text(found.error[name][0], 3), found.model.parameters[name].unit)
        for name, v in found.parameters.items()
    ]
    headings = ("parameter", "value", "standard error", "unit")
    if csv:
        return "\n".join(",".join(row) for row in [headings, *rows])
    rows = [(name, value, error, unit_text(unit)) for name, value, error, unit in rows]
    converged = int((found.status[0] == 0).sum())
    close = int((found.start_rms[0] < _SAME[0] * found.rms[0] + _SAME[1]).sum())
    n = found.status.shape[1]
    residual = f"residual {found.rms[0]:.4g} {unit_text(found.target.unit)} rms"
    tail = f"{residual}; {converged} of {n} starts converged; {close} of {n} ended at this minimum"
    if not converged:
        tail += "\nno start converged: the model may not be able to do this within these ranges; look at -o FIG.png"
    if (share := _unexplained(found)) > _POOR:
        tail += (
            f"\nno fit: the residual is {share:.0%} of the recording's own standard deviation. Spikes shifted by more "
            "than their width make local minima: fit features first, with --feature, then the trace with --free "
            "around what came out; or give more --starts, or a FILE.csv that ends after the first spikes"
        )
    return f"{table(rows, headings, align='lrrl')}\n{tail}"
