"""The command that writes a page: a model, or a result, alive in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hhfast.cli.console import hint, say


def explore(
    what: Annotated[
        str, typer.Argument(metavar="MODEL|OUT.h5", help="A model, the path of a TOML file, or a result file.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PAGE.html", help="Where to save the page.")
    ] = None,
) -> None:
    """Write one HTML file in which a model runs, or a result can be searched; it needs no server and no network."""
    from hhfast.pages.explore import explore as write

    say(f"{write(what, output)}")
    hint("open it in a browser")
