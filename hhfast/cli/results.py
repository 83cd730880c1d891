"""Commands that read a result: info, verify, export, plot, trace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hhfast.cli.console import Exit, say
from hhfast.cli.options import Figure, OutFile
from hhfast.errors import InputError, understood


def info(out: OutFile) -> None:
    """Show what a result holds, and where it comes from."""
    from hhfast.cli.text import result_text
    from hhfast.sweep.store import ResultFile

    with ResultFile(out) as result, understood(f"{out}: the spec in this result"):
        say(result_text(result))


def verify(out: OutFile) -> None:
    """Check a result, or the finished batches of an unfinished run, against its checksums, bit for bit."""
    from hhfast.sweep.verify import verify_output

    found = verify_output(out)
    say(found.text)
    if found.problems:
        raise typer.Exit(Exit.BAD_INPUT)


def export(
    out: OutFile,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a .csv, .parquet or .nwb file.")],
    row: Annotated[
        list[int] | None, typer.Option(min=0, help="Only this row; may be given again. NWB needs at least one.")
    ] = None,
) -> None:
    """Write parameters and features of rows as CSV or Parquet, or potential and spikes of some rows as NWB."""
    from hhfast.sweep import to_csv, to_nwb, to_parquet

    match file.suffix.lower():
        case ".csv":
            to_csv(out, file, row)
        case ".parquet":
            to_parquet(out, file, row)
        case ".nwb" if row:
            to_nwb(out, file, row)
        case ".nwb":
            raise InputError("NWB files hold traces of single rows; name them with --row")
        case _:
            raise InputError(f"{file}: must end in .csv, .parquet or .nwb")
    say(f"{file}")


def plot(
    out: OutFile,
    figure: Figure = None,
    x: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along x.")] = None,
    y: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along y.")] = None,
    value: Annotated[str | None, typer.Option(metavar="FEATURE", help="What to show.", show_default="the rate")] = None,
) -> None:
    """Draw a feature over the parameters: a line, one or several heat maps, or a scatter of points."""
    from hhfast.figures.canvas import check_picture, save
    from hhfast.figures.sweeps import plot_result
    from hhfast.sweep.store import ResultFile

    figure = figure or out.with_suffix(".png")
    check_picture(figure)
    with ResultFile(out) as result:
        save(plot_result(result, x=x, y=y, value=value), figure)
    say(f"{figure}")


def trace(
    out: OutFile,
    row: Annotated[int, typer.Option(min=0, help="The row.")],
    figure: Figure = None,
) -> None:
    """Simulate one row of a result again, from the file alone, with full traces, and draw it."""
    from hhfast.figures.canvas import check_picture, save
    from hhfast.figures.traces import plot_trace
    from hhfast.sweep.resimulate import resimulate

    figure = figure or out.with_name(f"{out.stem}_row{row}.png")
    check_picture(figure)
    again = resimulate(out, row)
    save(plot_trace(again), figure)
    say(f"{again.text}\n{figure}")
