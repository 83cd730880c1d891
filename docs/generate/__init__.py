"""The pages that are made from the package itself, so that none of them is ever typed, or out of date."""

from pathlib import Path

from generate import api, commands, live, sweep_files, vocabulary, zoo

MODULES = (api, commands, vocabulary, sweep_files, live, zoo)


def everything(docs: Path) -> None:
    """Write all of them below `docs`."""
    for module in MODULES:
        for name, text in module.pages(docs):
            write(docs / name, text)


def write(path: Path, text: str) -> None:
    """Write a page if it has changed, so that Sphinx reads only what has."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
