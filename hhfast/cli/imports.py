"""The command that reads model files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.cli.console import Exit, note, say
from hhfast.errors import InputError

if TYPE_CHECKING:
    from hhfast.model.importers.imported import Imported


def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.mod|FILE.nml ...", help="Files of one cell.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL.toml", help="Where to write the model file.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the model.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FIG.png", help="Draw the file's curves and the model's.")
    ] = None,
) -> None:
    """Make a model of NMODL or NeuroML files, and prove it: the files' own equations against the model's."""
    _check_outputs(output, report)
    found = _imported(files, name)
    if output is None:
        typer.echo(found.text)
        note(found.report())
    else:
        from hhfast.sweep.durable_files import write_durably

        write_durably(output.resolve(), found.text.encode("utf-8"))
        say(f"{found.report()}\nwrote {output}")
        if found.stimulus is not None:
            keys = (f"{k} = {v:g}" if isinstance(v, float) else f"{k} = {v}" for k, v in found.stimulus.items())
            say(f"stimulus: {', '.join(keys)}")
    if report is not None:
        from hhfast.figures.canvas import save
        from hhfast.figures.imports import plot_import

        save(plot_import(found), report)
        note(f"wrote {report}")
    if not found.verification.passed:
        raise typer.Exit(Exit.CHECK_FAILED)


def _check_outputs(model: Path | None, picture: Path | None) -> None:
    """Refuse files that cannot be written, before any work."""
    if picture is not None:
        from hhfast.figures.canvas import check_picture

        check_picture(picture)
    if model is not None:
        from hhfast.inputs import check_writable

        if model.suffix != ".toml":
            raise InputError(f"{model}: the name of a model file ends in .toml")
        check_writable(model)


def _imported(files: list[Path], name: str | None) -> Imported:
    if all(f.suffix == ".mod" for f in files):
        from hhfast.model.importers.nmodl import import_nmodl

        return import_nmodl(*files, name=name)
    if all(f.suffix in (".nml", ".xml") for f in files):
        from hhfast.model.importers.neuroml import import_neuroml

        return import_neuroml(*files, name=name)
    raise InputError(f"{files[0]}: give .mod files, or .nml and .xml files")
