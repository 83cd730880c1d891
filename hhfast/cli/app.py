"""The command line: every command of hhfast.

A command imports what is heavy (numba, scipy, matplotlib) when it runs, so that help is immediate.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import Annotated

import typer

import hhfast
from hhfast.cli.analyses import bifurcations, clamp, fi, prc, refractory, rheobase, trials
from hhfast.cli.bench import bench
from hhfast.cli.cache import cache
from hhfast.cli.console import EXIT_CODES, CommandGroup, Exit, note, one_line_errors
from hhfast.cli.explore import explore
from hhfast.cli.fit import fit
from hhfast.cli.guide import GUIDES, epilog_of
from hhfast.cli.imports import import_files
from hhfast.cli.models import models, source
from hhfast.cli.new import new
from hhfast.cli.phase_plane import phase_plane
from hhfast.cli.results import export, info, plot, trace, verify
from hhfast.cli.runs import merge, run, status
from hhfast.cli.select import select
from hhfast.cli.simulate import simulate

COMMANDS = (
    run, status, merge, info, plot, trace, select, verify, export,
    new, models, explore, source, simulate, clamp, fi, phase_plane, bifurcations, rheobase, refractory, prc,
    trials,
    fit, bench, cache,
)  # fmt: skip

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, epilog=EXIT_CODES, pretty_exceptions_enable=False)
_BY_NAME = {command.__name__.replace("_", "-"): command for command in COMMANDS} | {"import": import_files}
for _heading, _guides in GUIDES.items():
    for _name, _guide in _guides.items():
        app.command(_name, short_help=_guide.line, epilog=epilog_of(_guide), rich_help_panel=_heading)(
            one_line_errors(_BY_NAME[_name])
        )


def main() -> None:
    """The `hhfast` command."""
    gc.set_threshold(50_000, 20, 20)  # looking through what imports leave behind takes a tenth of a short command
    try:
        app()
    except OSError as error:  # help, or a message, could not be written
        with contextlib.suppress(OSError):
            note(f"error: {error}")
        sys.exit(Exit.BAD_INPUT)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hhfast {hhfast.__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Simulate very many Hodgkin-Huxley neurons."""
