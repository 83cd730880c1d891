"""Commands that ask what a model does: fi, rheobase, refractory. One line per cell, and a picture of the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.console import say
from hhfast.cli.options import Csv, Figure, ModelName, Parameters, numbers, parameters

if TYPE_CHECKING:
    import numpy as np


def fi(
    model: ModelName,
    currents: Annotated[
        str, typer.Option(metavar="LIST", help="Currents, in the unit of the model: 0,5,10 or start:stop:step.")
    ] = "0:20:1",
    parameter: Parameters = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration of each run.")] = 1000.0,
    figure: Figure = None,
    csv: Csv = False,
) -> None:
    """Firing rate against current: onset, gain, block and class of each cell; -o draws both branches."""
    _analyse("fi_curve", model, parameter, figure, {"currents": numbers(currents), "t_stop": t_stop}, csv)


def rheobase(
    model: ModelName,
    width: Annotated[str, typer.Option(metavar="LIST", help="Widths of the pulse, ms: 1 or 0.1,1,10.")] = "500",
    parameter: Parameters = None,
    tol: Annotated[float, typer.Option(metavar="X", help="Relative tolerance of thresholds.")] = 1e-5,
    figure: Figure = None,
    csv: Csv = False,
) -> None:
    """Threshold of a current pulse for each cell; -o draws the strength-duration curve of several widths."""
    widths = numbers(width)
    if len(widths) == 1 and figure is None:
        _analyse("rheobase", model, parameter, None, {"width": float(widths[0]), "tol": tol}, csv)
    else:
        _analyse("strength_duration", model, parameter, figure, {"widths": widths, "tol": tol}, csv)


def refractory(
    model: ModelName,
    width: Annotated[float, typer.Option(metavar="MS", help="Width of both pulses.")] = 1.0,
    second: Annotated[
        str, typer.Option(metavar="LIST", help="Amplitudes of the second pulse, in thresholds: 2 or 1.5,2,5.")
    ] = "2",
    parameter: Parameters = None,
    figure: Figure = None,
    csv: Csv = False,
) -> None:
    """How soon each cell can fire again: refractory periods; -o draws the recovery curve."""
    _analyse("refractory_period", model, parameter, figure, {"second": tuple(numbers(second)), "width": width}, csv)


def _analyse(
    kind: str, name: str, given: Sequence[str] | None, figure: Path | None, options: Mapping[str, Any], csv: bool
) -> None:
    """Run an analysis on all cells, print its table, and draw the first cell if a picture is asked for."""
    import hhfast
    from hhfast.sweep.sweep import find_model

    if figure is not None:
        from hhfast.figures.canvas import check_picture

        check_picture(figure)  # before the time that the analysis takes
    function, columns = _ANALYSES[kind]
    model, params = find_model(name), parameters(given)
    found = getattr(hhfast, function)(model, params=params, **options)
    if figure is not None:
        from hhfast.figures.analyses import PICTURES
        from hhfast.figures.canvas import figure_of, save

        axes = PICTURES[kind](found, model, {name: values[:1] for name, values in params.items()}, options)
        axes.set_title(model.title or model.name)
        save(figure_of(axes), figure)
    table = {**params, **columns(found)}
    say(_csv(table, found.status) if csv else _aligned(table, found.status))


# --- tables ----------------------------------------------------------------------------------------------------------
def _fi_columns(found: Any) -> dict[str, np.ndarray]:
    shown = enumerate(found.current) if len(found.current) < 7 else ()
    return {f"rate at {value:g} (Hz)": found.rate[:, k] for k, value in shown} | {
        f"onset ({found.unit})": found.onset, "rate there (Hz)": found.onset_rate, "gain": found.gain,
        "largest rate (Hz)": found.max_rate, "block": found.block, "class": found.excitability,
    }  # fmt: skip


def _rheobase_columns(found: Any) -> dict[str, np.ndarray]:
    return {f"threshold ({found.unit})": found.amplitude}


def _strength_duration_columns(found: Any) -> dict[str, np.ndarray]:
    thresholds = {f"{width:g} ms ({found.unit})": found.amplitude[:, k] for k, width in enumerate(found.width)}
    return thresholds | {"rheobase": found.rheobase, "chronaxie (ms)": found.chronaxie}


def _refractory_columns(found: Any) -> dict[str, np.ndarray]:
    intervals = {f"interval at {s:g} x (ms)": found.minimal_interval[:, k] for k, s in enumerate(found.second)}
    return {f"threshold ({found.unit})": found.threshold} | intervals | {
        "absolute (ms)": found.absolute, "relative (ms)": found.relative,
    }  # fmt: skip


# Name of an analysis -> (public function, the columns of its table).
_ANALYSES: dict[str, tuple[str, Callable[[Any], dict[str, np.ndarray]]]] = {
    "fi_curve": ("fi_curve", _fi_columns),
    "rheobase": ("find_rheobase", _rheobase_columns),
    "strength_duration": ("strength_duration", _strength_duration_columns),
    "refractory_period": ("refractory_period", _refractory_columns),
}


def _aligned(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """A heading, one line per cell, its status at the end; six digits."""
    from hhfast.cli.text import aligned

    cells = [[_text(value, "{:.6g}", "-") for value in values] for values in columns.values()]
    return aligned([(*columns, "status"), *zip(*cells, _outcomes(status), strict=True)], indent="", justify=str.rjust)


def _csv(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """The same with all digits, as text that a spreadsheet reads; empty where there is no number."""
    import csv
    import io

    cells = [[_text(value, "{!r}", "") for value in values.tolist()] for values in columns.values()]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([(*columns, "status"), *zip(*cells, _outcomes(status), strict=True)])
    return file.getvalue().rstrip("\n")


def _outcomes(status: np.ndarray) -> list[str]:
    from hhfast.analysis.status import AnalysisStatus

    return [AnalysisStatus(code).name.lower().replace("_", " ") for code in status]


def _text(value: Any, number: str, missing: str) -> str:
    if isinstance(value, str):
        return value
    return missing if value != value else number.format(value)  # noqa: PLR0124  # NaN differs from itself
