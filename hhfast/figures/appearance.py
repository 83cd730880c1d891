"""Appearance: what a user changes of a finished picture, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.errors import InputError, did_you_mean
from hhfast.figures.text import plain

SCALES = ("x", "y", "value")  # that may be logarithmic; "value" is that of the colours
_LARGEST = 100.0  # inches
_MOST_DPI = 2400.0


@dataclass(frozen=True)
class Appearance:
    """Title, size and axes of a picture; what is None stays as it is.

    size : (width, height), inches. dpi : pixels per inch. xlim, ylim : ends of the first axes, and of all that share
    them. log : which scales are logarithmic, of "x", "y" and "value" (the colours). Raises `InputError` for others.
    """

    title: str | None = None
    size: tuple[float, float] | None = None
    dpi: float | None = None
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    log: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.log:
            if name not in SCALES:
                raise InputError(f"log: unknown scale '{name}'; {did_you_mean(name, SCALES)}")
        if self.size is not None and not all(0.5 <= length <= _LARGEST for length in self.size):
            raise InputError(f"size = {self.size[0]:g},{self.size[1]:g}: must be inches, from 0.5 to {_LARGEST:g}")
        if self.dpi is not None and not 10 <= self.dpi <= _MOST_DPI:
            raise InputError(f"dpi = {self.dpi:g}: must be from 10 to {_MOST_DPI:g}")

    def apply(self, figure: Figure) -> None:
        """Change a figure."""
        if self.size is not None:
            figure.set_size_inches(*self.size)
        if self.dpi is not None:
            figure.set_dpi(self.dpi)
        if self.title is not None:
            for axes in _panels(figure) if len(_panels(figure)) == 1 else ():
                axes.set_title("")
            figure.suptitle(plain(self.title), fontsize=11)
        first = _panels(figure)[0]
        for axis, limits in (("x", self.xlim), ("y", self.ylim)):
            if axis in self.log:
                _make_logarithmic(first, axis)
            if limits is not None:
                first.set(**{f"{axis}lim": limits})


def _panels(figure: Figure) -> list[Axes]:
    """The axes of data, not those of colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def _make_logarithmic(axes: Axes, axis: str) -> None:
    largest = (axes.dataLim.intervalx if axis == "x" else axes.dataLim.intervaly)[1]
    if not largest > 0:
        raise InputError(f"log: {axis} has no positive value, so no logarithm can be drawn")
    axes.set(**{f"{axis}scale": "log"})
