"""Heat maps: one number over two axes, in several panels for further ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.figures.canvas import MISSING, new_figure
from hhfast.figures.quantity import Quantity
from hhfast.figures.scales import logarithmic
from hhfast.sweep.scale import is_geometric

_FEW = 6  # values of an axis that are its ticks


@dataclass(frozen=True)
class Panels:
    """x, y : the label of an axis and its values. values : for each panel (n_y, n_x), NaN where there is none."""

    x: tuple[str, np.ndarray]
    y: tuple[str, np.ndarray]
    titles: Sequence[str]
    values: Sequence[np.ndarray]


def heat_maps(panels: Panels, shown: Quantity) -> Figure:
    """The panels in one figure, with the same colours for all."""
    n = len(panels.values)
    columns = n if n <= 4 else -(-n // 2) if n <= 8 else 4
    rows = -(-n // columns)
    figure = new_figure(6.4, 4.8) if n == 1 else new_figure(0.8 + 3.0 * columns, 0.7 + 2.6 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, title, values in zip(grid.flat, panels.titles, panels.values, strict=False):
        mesh = _heat_map(axes, panels.x[1], panels.y[1], values, shown)
        axes.set_title(title, fontsize=10)
    for k, axes in enumerate(grid.flat):
        if k >= n:
            axes.remove()
        elif k + columns >= n:  # the lowest of its column
            axes.xaxis.set_tick_params(labelbottom=True)
    missing = any(np.isnan(values).any() for values in panels.values)
    shown.explain(figure, mesh, list(grid.flat)[:n], missing)
    if n == 1:
        grid[0, 0].set(xlabel=panels.x[0], ylabel=panels.y[0])
    else:
        figure.supxlabel(panels.x[0], fontsize=10)
        figure.supylabel(panels.y[0], fontsize=10)
    return figure


def _are_apart(values: np.ndarray) -> bool:
    """Whether values are so few, and so far from each other, that each can be a tick of its axis."""
    return 1 < len(values) <= _FEW and bool(np.diff(np.sort(values)).min() > 0.1 * np.ptp(values))


def _heat_map(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, shown: Quantity) -> Any:
    # Missing values (diverged rows, latencies of silent ones) show as the grey behind.
    axes.set_facecolor(MISSING)
    columns, rows = np.argsort(x), np.argsort(y)
    for axis, along in (("x", x), ("y", y)):
        if is_geometric(along):
            logarithmic(axes, axis, along)
        elif _are_apart(along):
            axes.set(**{f"{axis}ticks": np.sort(along)})
    return axes.pcolormesh(x[columns], y[rows], values[np.ix_(rows, columns)], shading="nearest", norm=shown.norm,
                           cmap=shown.colour_map, rasterized=True)  # fmt: skip
