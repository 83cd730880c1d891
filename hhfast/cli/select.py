"""The command that makes populations: hhfast select."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.cli.console import say
from hhfast.cli.options import Csv, OutFile
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError

if TYPE_CHECKING:
    from hhfast.sweep.select import Selection

_SHEETS = (".xlsx", ".xls", ".ods", ".tsv", ".txt", ".parquet", ".json", ".toml", "")  # endings of tables elsewhere


@draws
def select(
    out: OutFile,
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help="As \"activity == 'bursting' and 500 < period < 1500\"."),
    ] = None,
    ranges: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Criteria in a file, a line each in its table `ranges`.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="ROWS.csv|.h5|FIG.png",
            help="Where to save the table, and the picture of accepted against rejected rows; may be given again.",
        ),
    ] = None,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Choose the rows of a result that meet criteria: a population, as a table for a next sweep."""
    from hhfast.cli.text import selection_text
    from hhfast.sweep.select import select as chosen

    tables, paths = _outputs(output or [], out)
    pictures = [replace(picture, output=path) for path in paths]
    for one in pictures or [picture]:
        one.check()
    selection = chosen(out, where, ranges=ranges)
    say(selection_text(selection, csv=csv))
    if not len(selection) and (tables or pictures):
        raise InputError("no row meets all criteria, so nothing was written; loosen the one that fewest rows pass")
    for path in tables:
        say(f"{selection.save(path)}: {_table_text(selection)}")
    if pictures:
        from hhfast.figures.population import plot_population

        figure = plot_population(selection)
        for one in pictures:
            one.save(figure)


def _table_text(selection: Selection) -> str:
    """What was saved, and what it is for."""
    sets, rows = int(selection.distinct.sum()), len(selection.rows)
    told = f" of {rows:,} rows, that differ in parameters of the model" if sets < rows else ""
    return f"{sets:,} parameter sets{told}; [table] file = ... in a sweep file takes them"


def _outputs(paths: list[Path], result: Path) -> tuple[list[Path], list[Path]]:
    """(tables, checked before any work; pictures)."""
    from hhfast.inputs import check_writable

    tables = [path for path in paths if path.suffix.lower() in (".csv", ".h5", ".hdf5")]
    pictures = [path for path in paths if path not in tables]
    if unknown := [path for path in pictures if path.suffix.lower() in _SHEETS]:
        raise InputError(f"{unknown[0]}: a table is saved as .csv or .h5")
    for path in tables:
        if path.absolute() == result.absolute():
            raise InputError(f"{path}: is the result itself; give the table another name")
        check_writable(path)
    return tables, pictures
