"""Tables as text, and results on one line: the one printer for everything that people read on a terminal."""

from __future__ import annotations

import html as markup
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

_UNITS = {"uA": "µA", "uF": "µF", "uM": "µM", "um": "µm", "degC": "°C"}
_POWERS = {"1": "", "2": "²", "3": "³"}
_SHORT = 6  # values that are shown one by one


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
    console = Console(file=io.StringIO(), width=100_000, color_system=None, emoji=False, legacy_windows=False)
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


def unit_text(unit: str) -> str:
    """A unit as people write it: uA cm-2 is µA/cm², ms/(mS cm-2) is ms per mS/cm², and 1 is none."""
    if unit in ("", "1"):
        return ""
    over, divided, by = unit.partition("/(")
    if divided:
        return f"{unit_text(over) or 1} per {unit_text(by.removesuffix(')'))}"
    above: list[str] = []
    below: list[str] = []
    for part in unit.split():
        word = part.rstrip("0123456789") if part[:1].isalpha() else part
        base, power = word.removesuffix("-"), part[len(word) :]
        (below if word.endswith("-") else above).append(_UNITS.get(base, base) + _POWERS.get(power, power))
    return "/".join([" ".join(above) or "1", *below])


def heading_text(heading: str) -> str:
    """A heading of a column with its unit as people write it: threshold (uA cm-2) is threshold (µA/cm²)."""
    name, opened, unit = heading.removesuffix(")").rpartition(" (")
    return f"{name} ({unit_text(unit)})" if opened else heading


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
    if isinstance(value, (list, tuple)) and any(isinstance(one, np.ndarray) for one in value):
        return "; ".join(short_text(one) or "none" for one in value)  # a list of arrays, one per cell
    return repr(value)


def html_table(title: str, rows: Iterable[Sequence[str]], headings: Sequence[str] = ()) -> str:
    """A heading and a table for notebooks; all text is taken as text."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag} style='text-align: left'>{markup.escape(c)}</{tag}>" for c in cells) + "</tr>"

    head = line(headings, "th") if headings else ""
    return f"<div><b>{markup.escape(title)}</b><table>{head}{''.join(line(row, 'td') for row in rows)}</table></div>"


def html_of(value: Any, title: str = "", codes: Sequence[str] = ()) -> str:
    """A dataclass as a table for notebooks, a line for each field: arrays by their shapes and ranges.

    title : above it; "": its name. codes : what the numbers of the fields `status` and `..._status` mean.
    """
    told = {f.name: getattr(value, f.name) for f in fields(value) if f.repr}

    def text(name: str, of: Any) -> str:
        return counts_text(of, codes) if codes and name.endswith("status") else short_text(of)

    rows = [(name, _dims(v), text(name, v)) for name, v in told.items()]
    return html_table(title or type(value).__name__, rows, ("", "shape", "values"))


def _dims(value: Any) -> str:
    return " x ".join(map(str, value.shape)) if isinstance(value, np.ndarray) else ""


def nested_text(value: Any) -> str:
    """Settings in settings, as of a sweep, in words: kind = step, amplitude = 10; what is not given is left out."""
    if isinstance(value, dict):
        given = {key: one for key, one in value.items() if one is not None and one != []}
        return ", ".join(f"{key} = {nested_text(one)}" for key, one in given.items())
    if isinstance(value, (list, tuple)):
        told = [nested_text(one) for one in value]
        nested = [type(one) for one in value if isinstance(one, (dict, list, tuple))]
        return ((" " if dict in nested else "; ") if nested else ", ").join(told)
    return number_text(value) if isinstance(value, (bool, int, float)) else str(value)


def counts_text(codes: np.ndarray, meanings: Sequence[str]) -> str:
    """How often each code is there, by what it means."""
    counts = np.bincount(codes.ravel(), minlength=len(meanings)).tolist()
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for n, name in zip(counts, meanings, strict=False) if n)


def shares_text(codes: np.ndarray, meanings: Sequence[str]) -> str:
    """How large a share each code has, by what it means, the largest first: 61.2 % tonic, 38.8 % silent."""
    counts = np.bincount(codes.ravel(), minlength=len(meanings))
    order = [k for k in np.argsort(-counts, kind="stable").tolist() if counts[k] and k < len(meanings)]
    return ", ".join(f"{100 * counts[k] / codes.size:.3g} % {meanings[k].replace('_', ' ')}" for k in order)


def short_text(value: Any) -> str:
    """A value in a few words: of many numbers their range, of many texts the different ones."""
    if not isinstance(value, np.ndarray):
        return _brief(value) if isinstance(value, (dict, list, tuple)) else str(value)
    if value.size <= _SHORT and value.ndim > 1:
        return "; ".join(short_text(row) for row in value)
    if value.size <= _SHORT:
        return ", ".join(number_text(v, 5) if value.dtype.kind in "fiub" else str(v) for v in value.ravel().tolist())
    if value.dtype.kind == "U":
        return ", ".join(sorted(set(value.ravel().tolist()))[:_SHORT])
    if value.dtype.kind not in "fiub":
        return ""
    known = value[np.isfinite(value)]
    missing = value.size - known.size
    extent = f"{known.min():.5g} to {known.max():.5g}" if known.size else ""
    return extent + (f" ({missing:,} NaN)" if missing else "")
