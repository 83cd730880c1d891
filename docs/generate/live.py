"""Pages of `hhfast explore`, one a model, where that command is there: the same equations, alive in the browser."""

from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from hhfast.cli.app import COMMANDS, app
from hhfast.model import models

FOLDER = "live"


def available() -> bool:
    """Whether hhfast can make such pages."""
    return any(command.__name__ == "explore" for command in COMMANDS)


def page_of(name: str) -> str:
    """Where the page of a model is, seen from the top of the site."""
    return f"explore/{name}.html"


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    folder = docs / FOLDER / "explore"
    folder.mkdir(parents=True, exist_ok=True)
    for name in models if available() else ():
        path = folder / f"{name}.html"
        if not path.exists():
            done = CliRunner().invoke(app, ["explore", name, "-o", str(path)])
            if done.exit_code:
                raise RuntimeError(f"hhfast explore {name}: {done.output}")
    yield from ()
