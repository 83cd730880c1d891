"""Small pieces of Markdown."""

import math
from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by docs/generate from the package; edit the package instead. -->\n"


def cell(text: object) -> str:
    """A text as it may stand in a table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    """A text in the fixed-width face, as it is."""
    return f"`{text}`" if str(text) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; empty where it has no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines, ""])


def value(default: object) -> str:
    """A default as a person writes it in TOML."""
    if isinstance(default, bool):
        return code(str(default).lower())
    if isinstance(default, float) and math.isinf(default):
        return "the end" if default > 0 else "the beginning"
    if isinstance(default, float) and math.isnan(default):
        return "the number of the cell"
    return code(f"{default:g}" if isinstance(default, float) else default)


def title_page(title: str, *parts: str) -> str:
    """A page: a heading and its parts, an empty line between them."""
    return "\n\n".join([NOTE + f"# {title}", *(part.strip("\n") for part in parts if part)]) + "\n"
