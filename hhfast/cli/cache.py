"""The command that shows, and removes, compiled kernels."""

from __future__ import annotations

from typing import Annotated

import typer

from hhfast.cli.console import say


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove them; they are compiled again when needed.")] = False,
) -> None:
    """Show where compiled kernels are kept, how many there are and how large they are; or remove them."""
    from hhfast.kernel.jit.cache import cache_folder
    from hhfast.progress import size

    folder = cache_folder()
    files = [file for file in folder.iterdir() if file.is_file()]
    n_bytes = sum(file.stat().st_size for file in files)
    count = f"{len(files):,} file{'' if len(files) == 1 else 's'}, {size(n_bytes)}"
    if clear:
        for file in files:
            file.unlink(missing_ok=True)
        say(f"{folder}: removed {count}")
    else:
        say(f"{folder}: {count}")
