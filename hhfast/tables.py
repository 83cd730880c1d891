"""Tables as text, and results on one line: the one printer for everything that people read on a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np


def table(rows: Iterable[Sequence[str]], headings: Sequence[str] = (), align: str = "l", indent: str = "") -> str:
    """Rows of cells in aligned columns, two spaces apart; the lines are joined, without spaces at their ends.

    headings : of the columns; they may have several lines, and stand
    above the first row. align : "l" or "r" for each column, the last letter for
    all further ones: "lr" has numbers in every column but the first.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    width = max([len(headings), *map(len, cells)])
    made = Table(box=None, show_header=bool(headings), pad_edge=False)
    for k, heading in zip(range(width), [*headings, *[""] * width], strict=False):
        justify = {"l": "left", "r": "right"}[align[min(k, len(align) - 1)]]
        made.add_column(Text(heading), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in cells:
        made.add_row(*(Text(cell) for cell in row))
    console = Console(file=io.StringIO(), width=100_000, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(made)
    return "\n".join((indent + line).rstrip() for line in captured.get().splitlines())


def number_text(value: Any, digits: int = 6) -> str:
    """A number to so many significant digits; "-" for NaN, text and truth as they are."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.{digits}g}"


def one_line(value: Any) -> str:
    """A dataclass on one line, arrays by their shapes: the repr of results, however many cells they have."""
    told = (f"{f.name}={_brief(getattr(value, f.name))}" for f in fields(value) if f.repr)
    return f"{type(value).__name__}({', '.join(told)})"


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.item()) if value.size == 1 else f"{value.dtype}{list(value.shape)}"
    if isinstance(value, dict):
        return f"{{{', '.join(value)}}}" if len(value) < 13 else f"{len(value)} entries"
    if isinstance(value, (list, tuple)) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    return repr(value)
