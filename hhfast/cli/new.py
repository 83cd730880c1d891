"""The command that makes a starting project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hhfast.cli.console import say


def new(folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")]) -> None:
    """Make a starting project: a model file, a sweep file, a script, and a page that says what to do."""
    from hhfast.project import create

    for path in create(folder):
        say(f"{path}")
    say(f"next: cd {folder} && hhfast simulate model.toml --current 20 -o one.png")
