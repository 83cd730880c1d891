"""Quantity: what a map shows as colour, with its scale, and the legend that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from hhfast.errors import InputError
from hhfast.figures.canvas import COLOUR_MAP, COLOURS, MISSING

_YELLOW = "#F0E442"  # of the same eight as the others; light, but a surface can be
_SHADES = ((1.0, 0.0), (1.0, 0.5), (0.0, 0.45))  # towards white or black, and how far: where colours begin anew
_FEW = 12  # whole numbers that have a colour each


@dataclass(frozen=True)
class Quantity:
    """Values with the label of their axis; `codes` are the meanings of 0, 1, ..., if that is what they are.

    values : NaN where a row has none. is_error : it is shown by its order of magnitude, if it has several.
    is_count : whole numbers. logarithmic : as the user wishes.
    spread : standard deviations of values that are means.
    """

    label: str
    values: np.ndarray
    codes: tuple[str, ...] = ()
    is_error: bool = False
    is_count: bool = False
    logarithmic: bool = False
    spread: np.ndarray | None = None

    @cached_property
    def known(self) -> np.ndarray:
        """The values that are numbers."""
        return np.asarray(self.values[np.isfinite(self.values)])

    @cached_property
    def limits(self) -> tuple[float, float]:
        return (float(self.known.min()), float(self.known.max())) if self.known.size else (0.0, 1.0)

    @property
    def is_discrete(self) -> bool:
        """Whether each value has a colour of its own: codes, and a few whole numbers."""
        low, high = self.limits
        return bool(self.codes) or (self.is_count and not self.logarithmic and high - low < _FEW)

    @property
    def norm(self) -> Any:
        """How values become colours."""
        low, high = self.limits
        if self.is_discrete:
            first, last = (0, len(self.codes) - 1) if self.codes else (int(low), int(high))
            return BoundaryNorm(np.arange(first, last + 2) - 0.5, last - first + 1)
        if self.logarithmic:
            positive = self.known[self.known > 0]
            if not positive.size:
                raise InputError(f"log: {self.label} has no positive value, so no logarithm can be drawn")
            return LogNorm(positive.min(), high, clip=True)
        return LogNorm(low, high) if self.is_error and 0 < 30 * low < high else Normalize(low, high)

    @property
    def colour_map(self) -> Colormap:
        """Of codes the colours that all people tell apart; else from dark to light."""
        if self.codes:
            return ListedColormap(self._colours_of_codes())
        low, high = self.limits
        return colormaps[COLOUR_MAP].resampled(int(high - low) + 1) if self.is_discrete else colormaps[COLOUR_MAP]

    @property
    def _words(self) -> list[str]:
        """The codes, as people read them."""
        return [code.replace("_", " ") for code in self.codes]

    @property
    def _occurring(self) -> list[int]:
        """The codes that some value has."""
        return sorted(set(self.known.astype(int).tolist()) & set(range(len(self.codes))))

    def _colours_of_codes(self) -> list[Any]:
        """A colour for each code; of more codes than colours those that occur have one, lighter and darker in turn."""
        surfaces = (*COLOURS, _YELLOW)
        if len(self.codes) <= len(surfaces):
            return list(surfaces[: len(self.codes)])
        chosen: list[Any] = [MISSING] * len(self.codes)
        for k, code in enumerate(self._occurring):
            towards, share = _SHADES[min(k // len(surfaces), len(_SHADES) - 1)]
            base = np.array(to_rgb(surfaces[k % len(surfaces)]))
            chosen[code] = tuple(base + share * (towards - base))
        return chosen

    def name_codes(self, axes: Axes) -> None:
        """Write the codes, if the values are such, along the upright axis of axes that show them."""
        if self.codes:
            axes.set_yticks(range(len(self.codes)), labels=self._words)

    def explain(self, figure: Figure, drawn: Any, axes: Sequence[Axes], missing: bool) -> None:
        """Add what the colours mean: a legend of the codes that occur, or a colour bar; and what grey means."""
        handles = []
        if self.codes:
            shades, norm = self.colour_map, self.norm
            handles = [Patch(color=shades(norm(k)), label=self._words[k]) for k in self._occurring]
        else:
            bar = figure.colorbar(drawn, ax=list(axes), label=self.label)
            if self.is_discrete:
                low, high = map(int, self.limits)
                bar.set_ticks(range(low, high + 1))
                bar.minorticks_off()
            elif isinstance(drawn.norm, LogNorm) and self.limits[1] < 1000 * self.known[self.known > 0].min():
                bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                bar.ax.yaxis.set_major_formatter("{x:g}")
                bar.ax.yaxis.set_minor_formatter(NullFormatter())
            elif self.is_count and not self.logarithmic:
                bar.locator = MaxNLocator(integer=True)
                bar.update_ticks()
        if missing:
            handles.append(Patch(facecolor=MISSING, edgecolor="0.5", linewidth=0.5, label="no value"))
        if handles:
            title = self.label if self.codes else None
            # Beside the picture where the legend is all there is; below it where there is a colour bar.
            looks: dict[str, Any] = {"fontsize": 8, "title_fontsize": 9, "frameon": False, "title": title}
            figure.legend(handles=handles, loc="outside right center" if self.codes else "outside lower right", **looks)
