"""The picture of an import: the curves of the file, and the model's upon them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.figures.canvas import COLOURS, new_figure
from hhfast.figures.text import label_of
from hhfast.model.importers.imported import Imported
from hhfast.model.importers.verification import Comparison

_COLUMNS = 3


def plot_import(found: Imported) -> Figure:
    """Every curve over the potential: the file's as a broad line, the model's as a thin one on it."""
    comparisons = found.verification.comparisons
    rows = -(-len(comparisons) // _COLUMNS)
    figure = new_figure(3.2 * _COLUMNS, 0.7 + 2.2 * rows)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True)
    for axes, c in zip(grid.flat, comparisons, strict=False):
        known = np.isfinite(c.file)
        axes.plot(c.V[known], c.file[known], linewidth=4, color="0.75", label="file")
        axes.plot(c.V, c.model, linewidth=1, color=COLOURS[1], label="model")
        axes.set_title(f"{c.name}, difference {c.difference:.1e}", fontsize=8)
        axes.set_ylabel(label_of(c.quantity, c.unit), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        _scale(axes, c)
    for axes in list(grid.flat)[len(comparisons) :]:
        axes.set_axis_off()
    for axes in list(grid.flat)[max(0, len(comparisons) - _COLUMNS) : len(comparisons)]:
        axes.set_xlabel("V (mV)", fontsize=8)
        axes.tick_params(labelbottom=True)
    grid.flat[0].legend(fontsize=7)
    figure.suptitle(f"{found.model.name}: the file's own equations and the model", fontsize=9)
    return figure


def _scale(axes: Axes, c: Comparison) -> None:
    """A curve over more than four decades is seen on a logarithmic scale."""
    values = c.model[np.isfinite(c.model)]
    if len(values) and values.min() > 0 and values.max() > 1e4 * values.min():
        axes.set_yscale("log")
