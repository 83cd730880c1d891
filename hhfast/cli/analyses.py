"""Analyses for the command line: arguments as text in, a table out, and a picture where one is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hhfast.analysis.fi_curve import fi_curve
from hhfast.analysis.recovery_curve import recovery_curve
from hhfast.analysis.refractory_period import refractory_period
from hhfast.analysis.rheobase import find_rheobase
from hhfast.analysis.strength_duration import strength_duration
from hhfast.analysis.work_precision.benchmark import STEPS, TOLERANCES, benchmark_integrators
from hhfast.analysis.work_precision.report import report
from hhfast.batch.analysis_status import AnalysisStatus
from hhfast.errors import InputError
from hhfast.inputs import check_positive
from hhfast.model import Model
from hhfast.sweep.random_rows import random_rows
from hhfast.sweep.sweep import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Parameters = Mapping[str, np.ndarray]


def numbers(text: str) -> np.ndarray:
    """Numbers from "1,2,5", or from "start:stop:step" with both ends. Raises `InputError` for anything else."""
    try:
        found = [float(part) for part in text.split(":" if ":" in text else ",")]
    except ValueError:
        found = []
    if found and ":" not in text:
        return np.array(found)
    if len(found) == 3 and found[2] > 0 and 0 <= (found[1] - found[0]) / found[2] < 1e6:
        return found[0] + found[2] * np.arange(int((found[1] - found[0]) / found[2] + 1e-9) + 1)
    raise InputError(f"'{text}': give numbers as 1,2,5 or as start:stop:step")


def interval(text: str) -> tuple[float, float]:
    """Two numbers, the smaller first, from "0,20". Raises `InputError` for anything else."""
    found = numbers(text)
    if len(found) != 2 or not found[0] < found[1]:
        raise InputError(f"'{text}': give two numbers, the smaller first, as 0,20")
    return float(found[0]), float(found[1])


def parameters(given: Sequence[str]) -> dict[str, np.ndarray]:
    """Parameters from "NAME=VALUES" texts. Lists of values of one length go together, one cell each."""
    found = {}
    for text in given:
        name, equals, values = text.partition("=")
        if not equals:
            raise InputError(f"-p {text}: give NAME=VALUE, or NAME=VALUE,VALUE,... for several cells")
        found[name.strip()] = numbers(values)
    n = max((len(values) for values in found.values()), default=1)
    return {name: np.full(n, values[0]) if len(values) == 1 else values for name, values in found.items()}


def ask_fi(model: Model, params: Parameters, currents: np.ndarray, figure: Path | None, **options: Any) -> str:
    """f-I curves of all cells; with a picture, the two branches of the first."""
    curve = fi_curve(model, currents, params, **options)
    if figure is not None:
        from hhfast.figures.analyses import plot_fi

        alone = {name: values[:1] for name, values in params.items()}
        branches = [fi_curve(model, currents, alone, direction=d, **options) for d in ("up", "down")]
        _save(plot_fi(branches), model, figure)
    shown = enumerate(curve.current) if len(curve.current) < 7 else ()
    rate = {f"rate at {value:g} (Hz)": curve.rate[:, k] for k, value in shown}
    summary = {
        f"onset ({curve.unit})": curve.onset, "rate there (Hz)": curve.onset_rate, "gain": curve.gain,
        "largest rate (Hz)": curve.max_rate, "block": curve.block, "class": curve.excitability,
    }  # fmt: skip
    return table({**params, **rate, **summary}, curve.status)


def ask_rheobase(model: Model, params: Parameters, widths: np.ndarray, figure: Path | None, **options: Any) -> str:
    """Thresholds of all cells; for several widths with rheobase and chronaxie, and a picture of the first cell."""
    if len(widths) == 1 and figure is None:
        r = find_rheobase(model, params, width=float(widths[0]), **options)
        return table({**params, f"threshold ({r.unit})": r.amplitude}, r.status)
    found = strength_duration(model, widths, params, **options)
    if figure is not None:
        from hhfast.figures.analyses import plot_strength_duration

        _save(plot_strength_duration(found), model, figure)
    columns = {f"{w:g} ms ({found.unit})": found.amplitude[:, k] for k, w in enumerate(widths)}
    return table({**params, **columns, "rheobase": found.rheobase, "chronaxie (ms)": found.chronaxie}, found.status)


def ask_refractory(model: Model, params: Parameters, second: np.ndarray, figure: Path | None, **options: Any) -> str:
    """Refractory periods of all cells; with a picture, the recovery curve of the first."""
    found = refractory_period(model, params, second=tuple(second), **options)
    if figure is not None:
        from hhfast.figures.analyses import plot_recovery

        if not np.isfinite(found.relative[0]):
            raise InputError(f"the first cell has no refractory period to draw ({_status(found.status[0])})")
        alone = {name: values[:1] for name, values in params.items()}
        intervals = np.linspace(0.8 * found.absolute[0], 3.0 * found.relative[0], 40)
        _save(plot_recovery(recovery_curve(model, intervals, alone, tol=1e-4, **options)), model, figure)
    columns = {f"interval at {s:g} x (ms)": found.minimal_interval[:, k] for k, s in enumerate(found.second)}
    periods = {"absolute (ms)": found.absolute, "relative (ms)": found.relative}
    return table({**params, f"threshold ({found.unit})": found.threshold, **columns, **periods}, found.status)


def ask_benchmark(
    problem: Mapping[str, Any], figure: Path | None, *, csv: bool, accuracies: Sequence[float], **options: Any
) -> str:
    """Error against cost of integrators, as text or CSV; with a picture. problem : `of_model` or `of_sweep`."""
    for accuracy in accuracies:
        check_positive(accuracy=accuracy)
    if figure is not None:
        from hhfast.figures.analyses import check_picture

        check_picture(figure)  # before the minute that it takes until there is one
    found = benchmark_integrators(**problem, progress=True, **options)
    if figure is not None:
        from hhfast.figures.analyses import plot_benchmark

        plot_benchmark(found).savefig(figure)
    return found.to_csv().rstrip("\n") if csv else report(found, accuracies)


def of_model(model: Model, params: Parameters, **options: Any) -> dict[str, Any]:
    """What integrators are compared on: cells of a model; if one is given, many like it."""
    shared = {name: values if len(values) > 1 else float(values[0]) for name, values in params.items()}
    return {"model": model, "params": shared, **options}


def of_sweep(
    path: Path, cells: int, seed: int, dt: np.ndarray | None, rtol: np.ndarray | None, **alone: Any
) -> dict[str, Any]:
    """What integrators are compared on: rows of a sweep, with its own step or tolerance among those that are tried.

    alone : arguments that go with a model only. Raises `InputError` if one is given.
    """
    if given := ", ".join(name for name, value in alone.items() if value is not None):
        raise InputError(f"--sweep {path}: brings its own model, stimulus, duration and cells; leave out {given}")
    sweep = Sweep.from_toml(path)
    try:
        params, stimulus = random_rows(sweep, cells, seed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return {
        "model": sweep.model, "params": params, "stimulus": stimulus, "t_stop": sweep.t_stop, "initial": sweep.initial,
        "spread": 0.0, "dt": [*STEPS, sweep.dt] if dt is None else dt,
        "rtol": [*TOLERANCES, sweep.rtol or TOLERANCES[0]] if rtol is None else rtol,
    }  # fmt: skip


def table(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """Aligned text: a heading, one line per cell, its status at the end."""
    texts = [[name, *(_text(value) for value in values)] for name, values in columns.items()]
    texts.append(["status", *(_status(code) for code in status)])
    widths = [max(map(len, column)) for column in texts]
    lines = zip(*texts, strict=True)
    return "\n".join("  ".join(t.rjust(w) for t, w in zip(line, widths, strict=True)) for line in lines)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.6g}"


def _status(code: int) -> str:
    return AnalysisStatus(code).name.lower().replace("_", " ")


def _save(axes: Axes, model: Model, path: Path) -> None:
    axes.set_title(model.title or model.name)
    try:
        cast("Figure", axes.figure).savefig(path)
    except ValueError as error:  # a format that matplotlib does not know
        raise InputError(f"{path}: {error}") from None
