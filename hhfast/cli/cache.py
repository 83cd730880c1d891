"""The command that shows, and removes, compiled kernels."""

from __future__ import annotations

from typing import Annotated

import typer

from hhfast.cli.console import say


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove them; they are compiled again when needed.")] = False,
) -> None:
    """Show where compiled kernels are kept, how many there are and how large they are; or remove them."""
    from hhfast.kernel.jit import cache as kernels
    from hhfast.progress import size

    found = kernels.files()
    if clear:
        kernels.clear()
    count = f"{len(found):,} kernel{'' if len(found) == 1 else 's'}, {size(sum(n_bytes for _, n_bytes in found))}"
    say(f"{kernels.cache_folder()}: {'removed ' if clear else ''}{count}")
