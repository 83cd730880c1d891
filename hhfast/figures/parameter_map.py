"""One number per cell as a map over two parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.errors import InputError
from hhfast.figures.arguments import axes_or_new, text_of
from hhfast.figures.canvas import COLOUR_MAP, MISSING
from hhfast.inputs import per_cell, what


def plot_map(
    x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], values: tuple[str, np.ndarray], axes: Axes | None = None
) -> Axes:
    """One number per cell over two parameters that form a grid: x, y and values are (label, (n,) values).

    axes : to draw into; None: new ones.

    Cells without a number stay grey. Raises `InputError` where the cells do not form a full grid.
    """
    x, y, values = _labelled("x", x), _labelled("y", y), _labelled("values", values)
    axes = axes_or_new(axes)
    n = len(values[1])
    if not len(x[1]) == len(y[1]) == n:
        raise InputError(f"x, y, values: have {len(x[1])}, {len(y[1])} and {n} numbers; give one of each for a cell")
    at_x, columns = np.unique(x[1], return_inverse=True)
    at_y, rows = np.unique(y[1], return_inverse=True)
    if len(at_x) * len(at_y) != n or len(np.unique(rows * len(at_x) + columns)) != n:
        raise InputError(f"{x[0]} and {y[0]} do not form a grid of {n} different cells")
    grid = np.empty((len(at_y), len(at_x)))
    grid[rows, columns] = values[1]
    axes.set_facecolor(MISSING)
    mesh = axes.pcolormesh(at_x, at_y, grid, shading="nearest", cmap=COLOUR_MAP, rasterized=True)
    axes.figure.colorbar(mesh, ax=axes, label=values[0])
    axes.set(xlabel=x[0], ylabel=y[0])
    return axes


def _labelled(name: str, value: Any) -> tuple[str, np.ndarray]:
    """A label, and one number for each of some cells."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(f"{name}: is {what(value)}; give a label and an array, as ('g_Na (mS/cm2)', g_Na)")
    values = per_cell(f"{name}: the second of its two", value[1])
    if not np.size(values):
        raise InputError(f"{name}: has no numbers, so there is nothing to draw")
    return text_of(f"{name}: the first of its two", value[0]), np.atleast_1d(values)
