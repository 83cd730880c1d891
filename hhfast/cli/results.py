"""Commands that read a result: info, verify, export, plot, trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hhfast.cli.console import Exit, say
from hhfast.cli.options import OutFile
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError, understood

_MOST_TRACES = 12  # in a picture


class PlotKind(StrEnum):
    """What `hhfast plot` draws."""

    MAP = "map"
    STACK = "stack"
    INTERVALS = "intervals"


def info(out: OutFile) -> None:
    """Show what a result holds, and where it comes from."""
    from hhfast.cli.text import result_text
    from hhfast.sweep.results import open_finished

    with open_finished(out) as result, understood(f"{out}: the spec in this result"):
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
    from hhfast.inputs import check_writable
    from hhfast.sweep import to_csv, to_nwb, to_parquet
    from hhfast.sweep.results import check_finished

    check_finished(out)
    check_writable(file)
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


@draws
def plot(
    out: OutFile,
    x: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along x.")] = None,
    y: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along y.")] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", "--feature", metavar="FEATURE", help="What to show.", show_default="the rate"),
    ] = None,
    kind: Annotated[
        PlotKind, typer.Option(help="stack: all axes of a grid at once; intervals: those between spikes, over x.")
    ] = PlotKind.MAP,
    transient: Annotated[
        float, typer.Option(metavar="MS", help="With --kind intervals: spikes before are left out.")
    ] = 0.0,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="Draw the mean over this axis, and its spread.",
            show_default="replicate, if there is one",
        ),
    ] = None,
    spread: Annotated[bool, typer.Option("--spread", help="Draw the standard deviation in place of the mean.")] = False,
    *,
    picture: PictureOptions,
) -> None:
    """Draw a feature over the parameters: lines, one or several heat maps, points, or a map of bins."""
    from hhfast.sweep.results import open_finished

    picture.check(out.with_suffix(".png"))
    with open_finished(out) as result:
        from hhfast.figures.intervals import plot_intervals
        from hhfast.figures.sweeps import plot_result, plot_stack

        match kind:
            case PlotKind.MAP:
                figure = plot_result(result, x=x, y=y, value=value, log=picture.logarithmic_value,
                                     over=over, spread=spread)  # fmt: skip
            case PlotKind.STACK:
                figure = plot_stack(result, value=value, log=picture.logarithmic_value)
            case PlotKind.INTERVALS:
                figure = plot_intervals(result, x=x, transient=transient)
        picture.save(figure)


@draws
def trace(
    out: OutFile,
    row: Annotated[list[int] | None, typer.Option(min=0, help="The row; may be given again.")] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help='Rows of which this is true, as "rate > 50 and g_Na < 100".'),
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=12, help="How many of the rows of --where are drawn.")] = 6,
    currentscape: Annotated[
        bool, typer.Option("--currentscape", help="Draw the share of every current over time, of one row.")
    ] = False,
    *,
    picture: PictureOptions,
) -> None:
    """Simulate rows of a result again, from the file alone, with full traces, and draw them."""
    from hhfast.sweep.results import check_finished

    if (row is None) == (where is None):
        raise InputError("name rows, with --row (several times for several), or a condition, with --where")
    if row is not None and len(row) > _MOST_TRACES:
        raise InputError(f"--row: {len(row)} rows; a picture shows at most {_MOST_TRACES}")
    name = f"row{row[0]}" if row else "rows"
    picture.check(out.with_name(f"{out.stem}_{name}.png"))
    check_finished(out)
    rows = list(dict.fromkeys(row)) if row is not None else _rows_where(out, where or "", most)

    if currentscape and len(rows) > 1:
        raise InputError("--currentscape draws one row; name it with --row")

    from hhfast.figures.currentscape import currentscape_of_row
    from hhfast.figures.traces import plot_rows
    from hhfast.sweep.resimulate import resimulate

    again = [resimulate(out, number) for number in rows]
    say("\n".join(one.text for one in again))
    if again[0].stored:
        say(f"compared: {', '.join(again[0].stored)}")
    picture.save(currentscape_of_row(again[0]) if currentscape else plot_rows(again))


def _first_drawn(found: int, most: int) -> str:
    return "" if found <= most else "; the first is drawn" if most == 1 else f"; the first {most} are drawn"


def _rows_where(out: Path, where: str, most: int) -> list[int]:
    """The first rows that meet a condition, at most so many; says how many there are."""
    from hhfast.sweep.select import select

    found = select(out, where).rows
    if not len(found):
        raise InputError(f"no row meets '{where}'")
    say(f"{len(found):,} rows: {where}" + _first_drawn(len(found), most))
    rows: list[int] = found[:most].tolist()
    return rows
