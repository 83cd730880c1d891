"""What pictures with a line per cell share: colours and labels, a legend or a colour bar, plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.figures.arguments import chosen_cells, labels_of_cells, units_of, values_of_cells
from hhfast.figures.canvas import colour, scale_of_colours
from hhfast.figures.scales import plain_numbers
from hhfast.figures.text import label_of, symbol

MOST = 200  # cells in a picture
IN_LEGEND = 10


def line_styles(
    axes: Axes,
    n: int,
    cells: int | Sequence[int] | None,
    params: Mapping[str, Any] | None,
    labels: Sequence[str] | None,
    units: Mapping[str, str] | None,
) -> dict[int, dict[str, Any]]:
    """Cell -> the colour and label of its line; a colour bar is added where there are many."""
    chosen = chosen_cells(range(min(n, MOST)) if cells is None else cells, n)
    names = labels_of_cells(n, labels, params, units)
    if len(chosen) <= IN_LEGEND:
        return {cell: {"color": colour(k), "label": names[cell] if n > 1 else None} for k, cell in enumerate(chosen)}
    values, known = values_of_cells(n, params), units_of(units)
    varied = [
        (label_of(symbol(name), known.get(name, "1")), v) for name, v in values.items() if len(set(v.tolist())) > 1
    ]
    name, at = varied[0] if varied else ("cell", np.arange(n, dtype=np.float64))
    shades = scale_of_colours(axes, (float(at.min()), float(at.max())), name)
    return {cell: {"color": shades.to_rgba(at[cell]), "label": None} for cell in chosen}


def add_legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8)


def plain_numbers_along(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Plain numbers along logarithmic axes."""
    for axis, values in ((axes.xaxis, x), (axes.yaxis, y)):
        known = values[np.isfinite(values) & (values > 0)]
        if axis.get_scale() == "log" and known.size:
            plain_numbers(axis, known)
