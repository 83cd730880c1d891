"""Text in pictures: names of parameters with subscripts, units, labels, and lines that are broken where they end."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from hhfast.tables import unit_text

_GREEK = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi"),
    *("pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
}
_WORDS = {"inf": r"\infty"}
_JOINED = "\ue000"  # in place of a space at which no line may end; a character that no text has
_PLAIN = 1e7  # below it, numbers have no power of ten
_ROOM = 0.98  # of the length beside which a text stands


def symbol(name: str) -> str:
    """The name of a parameter or variable as people write it: g_Na with a subscript, tau_m with a Greek letter.

    A word (celsius) stays as it is; the parameter of a stimulus, stimulus.amplitude, loses its dot.
    """
    if "." in name:
        return " ".join(symbol(part) for part in name.split("."))
    base, _, below = name.partition("_")
    if base in _GREEK:
        base = f"\\{base}"
    elif len(base) > 1:
        if not below or not base.isalnum():
            return plain(name.replace("_", " ").strip() or name)
        base = rf"\mathrm{{{base}}}"
    if not base:
        return plain(name)
    parts = (_WORDS.get(part, f"\\{part}" if part in _GREEK else rf"\mathrm{{{part}}}") for part in below.split("_"))
    joined = ",".join(part for part in parts if part != r"\mathrm{}")
    return f"${base}_{{{joined}}}$" if joined else f"${base}$"


def plain(text: str) -> str:
    """Text that others wrote, without any meaning of its dollars."""
    return text.replace("$", r"\$")


def label_of(text: str, unit: str) -> str:
    """The label of an axis: a text, and its unit if it has one."""
    return text if unit == "1" else f"{text} ({plain(unit_text(unit))})"


def shown_number(value: float) -> str:
    """A number to four digits, without a power of ten where people write none: 30000."""
    text = f"{value:.4g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < _PLAIN else text


def value_text(name: str, value: float | str, unit: str = "1") -> str:
    """A parameter with its value, g_Na = 120 mS/cm²; or with the name of its value, initial: rest."""
    if isinstance(value, str):
        return f"{symbol(name)}: {plain(value)}"
    return f"{symbol(name)} = {shown_number(value)}" + ("" if unit == "1" else f" {plain(unit_text(unit))}")


def cell_labels(values: Mapping[str, np.ndarray], units: Mapping[str, str]) -> list[str]:
    """What tells cells apart: for each the values (n,) of the parameters that differ, or of all if none does."""
    varied = {name: v for name, v in values.items() if len(set(v.tolist())) > 1} or values
    n = len(next(iter(varied.values()))) if varied else 1
    return [", ".join(value_text(name, v[k], units.get(name, "1")) for name, v in varied.items()) for k in range(n)]


def count_text(n: int, noun: str) -> str:
    """A count with its noun: 1 spike, 2 spikes."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def break_lines(figure: Figure) -> None:
    """Break every title and label that is longer than what it stands beside, so that none is cut off.

    The layout is drawn twice, as a label of two lines leaves less room for the rest.
    """
    for _ in range(2):
        figure.draw_without_rendering()
        broken = [_broken(text, room, along) for text, room, along in _texts(figure)]
        if not any(broken):
            return
    figure.draw_without_rendering()


def words_of(figure: Figure) -> tuple[str, ...]:
    """Every title and label of a figure, as they are broken now."""
    return tuple(text.get_text() for text, _, _ in _texts(figure))


def _texts(figure: Figure) -> list[tuple[Text, float, int]]:
    """(text, pixels that it may take, 0 across or 1 upwards) of titles and labels."""
    whole = figure.bbox
    found = []
    for name, room, along in (("_suptitle", whole.width, 0), ("_supxlabel", whole.width, 0),
                              ("_supylabel", whole.height, 1)):  # fmt: skip  # there is no public way to them
        if (text := getattr(figure, name, None)) is not None:
            found.append((text, room, along))
    for axes in figure.axes:
        box = axes.get_window_extent()
        wide = len(figure.axes) == 1 or _is_alone_in_its_row(axes)
        middle = 0.5 * (box.x0 + box.x1)
        across = 2 * min(middle - whole.x0, whole.x1 - middle) if wide else box.width
        found += [(text, across, 0) for text in (axes.title, axes.xaxis.label)]
        if (left := getattr(axes, "_left_title", None)) is not None:
            found.append((left, whole.x1 - box.x0 if wide else box.width, 0))
        found.append((axes.yaxis.label, box.height, 1))
    return found


def _is_alone_in_its_row(axes: Axes) -> bool:
    """Whether the axes take the whole width: a title may then be as wide as the figure."""
    spec = axes.get_subplotspec()
    return spec is not None and spec.get_gridspec().ncols == 1


def _broken(text: Text, room: float, along: int) -> bool:
    """Break a text if it takes more than its room; whether it was."""
    words = text.get_text()
    if not words.strip():
        return False
    taken = text.get_window_extent().size[along]
    if taken <= _ROOM * room or room <= 0:
        return False
    longest = max(map(len, words.split("\n")))
    n_lines = math.ceil(taken / (_ROOM * room))
    width = max(8, int(min(longest * _ROOM * room / taken, 1.1 * longest / n_lines)))  # lines of about one length
    lines = "\n".join(_filled(line, width) for line in words.split("\n"))
    text.set_text(lines)
    return lines != words


def _filled(line: str, width: int) -> str:
    """A line as lines of at most this width, if words are that short; what stands around a "=" stays together."""
    parts = re.split(r"(, |: |; |\()", line)
    kept = [part.replace(" ", _JOINED) if " = " in part and len(part) <= width else part for part in parts]
    return textwrap.fill("".join(kept), width, break_long_words=False).replace(_JOINED, " ")
