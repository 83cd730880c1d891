"""Figures and axes without a window system, colours that all people tell apart, and saving. What all pictures share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from hhfast.errors import InputError
from hhfast.figures.text import break_lines, words_of
from hhfast.inputs import check_writable
from hhfast.sweep.durable_files import atomic_file

# Okabe & Ito 2008, told apart whatever the colour vision; the yellow, too light for lines, is left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vPX"
COLOUR_MAP = "viridis"
MISSING = "0.85"  # the grey of cells without a number
# Text stays text: TrueType in PDF, <text> in SVG.
_FILES: dict[Any, Any] = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}


class FittingFigure(Figure):
    """A figure that breaks its titles and labels into lines before it is drawn, so that none is cut off.

    That holds however it is drawn: saved by hhfast, by the user's own `savefig`, or shown in a notebook.
    """

    _fitted: Any = None  # the size and the words that are known to fit

    def draw(self, renderer: RendererBase) -> None:
        wanted = (*self.get_size_inches(), *words_of(self))
        if self._fitted != wanted:
            self._fitted = wanted  # the drawing that measures comes here, too
            break_lines(self)
            self._fitted = (*self.get_size_inches(), *words_of(self))
        super().draw(renderer)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches. Without pyplot there is no window system, no global state, and nothing to close."""
    return FittingFigure(figsize=(width, height), layout="constrained", dpi=150)


def new_axes(width: float = 6.4, height: float = 4.2) -> Axes:
    """Axes in a figure of their own."""
    return new_figure(width, height).add_subplot()


def figure_of(axes: Axes) -> Figure:
    """The whole figure that axes are part of."""
    return axes.figure if isinstance(axes.figure, Figure) else axes.figure.figure


def colour(k: int) -> str:
    """The colour of the k-th of a few things."""
    return COLOURS[k % len(COLOURS)]


def legend_beside(axes: Axes, columns_of: int = 12) -> None:
    """The legend right of the axes, in columns of so many entries: it hides no data."""
    n = len(axes.get_legend_handles_labels()[1])
    if n:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, ncols=-(-n // columns_of), frameon=False)


def scale_of_colours(axes: Axes | list[Axes], values: tuple[float, float], label: str) -> ScalarMappable:
    """A colour bar from the first to the second value; its `to_rgba` gives the colour of each value between."""
    shades = ScalarMappable(Normalize(*values), COLOUR_MAP)
    first = axes if isinstance(axes, Axes) else axes[0]
    first.figure.colorbar(shades, ax=axes, label=label)
    return shades


def check_picture(path: Path) -> None:
    """Raise `InputError` where no picture can be saved: an unknown ending, a directory that is not there."""
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(f"{path}: the name of a picture ends in one of {', '.join(sorted(known))}")
    check_writable(path)


def save(figure: Figure, path: Path) -> None:
    """Write a picture file; its format is that of its name. Raises `InputError` as `check_picture`."""
    check_picture(path)
    with mpl.rc_context(_FILES), atomic_file(path.resolve(), path.suffix) as temporary:
        figure.savefig(temporary)
