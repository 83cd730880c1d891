"""Figures and axes without a window system, labels with units, and saving. What all pictures share."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.errors import InputError

COLOURS = "viridis"
MISSING = "0.85"  # the grey of cells without a number
_PRETTY = {"uA cm-2": "µA/cm²", "mS cm-2": "mS/cm²", "uF cm-2": "µF/cm²", "uM": "µM", "degC": "°C"}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches. Without pyplot there is no window system, no global state, and nothing to close."""
    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def new_axes(width: float = 6.4, height: float = 4.2) -> Axes:
    """Axes in a figure of their own."""
    return new_figure(width, height).add_subplot()


def figure_of(axes: Axes) -> Figure:
    """The whole figure that axes are part of."""
    return axes.figure if isinstance(axes.figure, Figure) else axes.figure.figure


def unit_text(unit: str) -> str:
    """A unit as it is printed: uA cm-2 is µA/cm²."""
    return _PRETTY.get(unit, unit)


def label_of(text: str, unit: str) -> str:
    """The label of an axis: a text, and its unit if it has one."""
    return text if unit == "1" else f"{text} ({unit_text(unit)})"


def check_picture(path: Path) -> None:
    """Raise `InputError` where no picture can be saved: an unknown ending, a directory that is not there."""
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lstrip(".").lower() not in known:
        raise InputError(f"{path}: the name of a picture ends in one of {', '.join(sorted(known))}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path}: there is no directory {path.parent}")


def save(figure: Figure, path: Path) -> None:
    """Write a picture file; its format is that of its name. Raises `InputError` as `check_picture`."""
    check_picture(path)
    figure.savefig(path)
