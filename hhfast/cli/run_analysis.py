"""Run one analysis on the cells that a command line gives, and draw them if a picture is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hhfast.cli.cell_table import say_cells
from hhfast.cli.options import check_counts, parameters
from hhfast.cli.pictures import PictureOptions
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.batch.analyses import Analysis
    from hhfast.model import Model


def say_analysis(
    name: str, model: str, given: Sequence[str] | None, picture: PictureOptions, options: Mapping[str, Any], csv: bool
) -> None:
    """Run an analysis on all cells, print its table, and draw the cells if a picture is asked for."""
    found, _, table = run_analysis(name, model, given, picture, options)
    say_cells(table, found.status, csv)


def run_analysis(
    name: str, model: str, given: Sequence[str] | None, picture: PictureOptions | None, options: Mapping[str, Any]
) -> tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(result, parameters of the cells, table) of an analysis; draws the cells if a picture is asked for."""
    from hhfast.batch.analyses import analyses
    from hhfast.model.resolve import find_model

    if picture is not None:
        picture.check()  # before the time that the analysis takes
    analysis, cells, params = analyses[name], find_model(model), parameters(given)
    check_counts(cells, params)
    wanted = picture is not None and picture.wanted
    if name == "fi_curve" and len(options["currents"]) < 2 and wanted:
        raise InputError("--currents: a curve needs two of them at least; give a list, or start:stop:step")
    found = analysis.function(cells, params=params, **options)
    if picture is not None and picture.wanted:
        _draw(analysis, found, cells, params, options, picture)
    return found, params, {**params, **analysis.table(found)}


def _draw(
    analysis: Analysis, found: Any, model: Model, params: Mapping[str, Any], options: Mapping[str, Any],
    picture: PictureOptions,
) -> None:  # fmt: skip
    """Save the picture of the cells."""
    from hhfast.figures import analyses as figures
    from hhfast.figures.canvas import figure_of
    from hhfast.figures.cell_lines import MOST
    from hhfast.figures.text import plain

    if analysis.picture is None:
        raise InputError(f"-o {picture.output}: there is no picture of {analysis.name}")
    n = min(len(found.status), MOST)
    cells = {name: values[:n] for name, values in params.items()}
    units = {name: p.unit for name, p in model.parameters.items()}
    axes = getattr(figures, analysis.picture.name)(
        analysis.picture.of(found, model, cells, options), range(n), params=params, units=units
    )
    title = plain(model.title or model.name)
    figure_of(axes).suptitle(title, fontsize=11)
    picture.save(figure_of(axes))
