"""Commands that ask what a model does: fi, rheobase, refractory. One line per cell, and a picture of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.console import say
from hhfast.cli.options import Csv, Figure, ModelName, Parameters, numbers, parameters
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.batch.analyses import Analysis
    from hhfast.model import Model


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
    name: str, model: str, given: Sequence[str] | None, figure: Path | None, options: Mapping[str, Any], csv: bool
) -> None:
    """Run an analysis on all cells, print its table, and draw the first cell if a picture is asked for."""
    from hhfast.batch.analyses import analyses
    from hhfast.model.resolve import find_model

    if figure is not None:
        from hhfast.figures.canvas import check_picture

        check_picture(figure)  # before the time that the analysis takes
    analysis, cells, params = analyses[name], find_model(model), parameters(given)
    found = analysis.function(cells, params=params, **options)
    if figure is not None:
        _draw(analysis, found, cells, {name: values[:1] for name, values in params.items()}, options, figure)
    table = {**params, **analysis.table(found)}
    say(_csv(table, found.status) if csv else _aligned(table, found.status))


def _draw(
    analysis: Analysis, found: Any, model: Model, cell: Mapping[str, Any], options: Mapping[str, Any], path: Path
) -> None:
    """Save the picture of the first cell."""
    from hhfast.figures import analyses as figures
    from hhfast.figures.canvas import figure_of, save

    if analysis.picture is None:
        raise InputError(f"-o {path}: there is no picture of {analysis.name}")
    axes = getattr(figures, analysis.picture.name)(analysis.picture.of(found, model, cell, options))
    axes.set_title(model.title or model.name)
    save(figure_of(axes), path)


def _aligned(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """A heading, one line per cell, its status at the end; six digits."""
    from hhfast.tables import number_text, table

    cells = [[number_text(value) for value in values] for values in columns.values()]
    return table(zip(*cells, _outcomes(status), strict=True), headings=(*columns, "status"), align="r")


def _csv(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """The same with all digits, as text that a spreadsheet reads; empty where there is no number."""
    import csv
    import io

    cells = [["" if value != value else value for value in values.tolist()] for values in columns.values()]  # noqa: PLR0124  # NaN
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([(*columns, "status"), *zip(*cells, _outcomes(status), strict=True)])
    return file.getvalue().rstrip("\n")


def _outcomes(status: np.ndarray) -> list[str]:
    from hhfast.batch.analysis_status import AnalysisStatus

    return [AnalysisStatus(code).name.lower().replace("_", " ") for code in status]
