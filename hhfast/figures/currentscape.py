"""The currentscape of a cell: the share of every current in the inward and the outward total, over time.

Alonso & Marder 2019, eLife 8:e42722.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.batch.result import Result
from hhfast.errors import InputError
from hhfast.figures.arguments import of_kind, one_cell, text_of
from hhfast.figures.canvas import new_figure
from hhfast.figures.text import label_of, plain, symbol
from hhfast.figures.traces import row_label
from hhfast.model.quantities import CURRENT
from hhfast.sweep.resimulate import Resimulated

_MANY = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#666666", "#A6761D", "#7570B3",
         "#1B9E77", "#E7298A")  # fmt: skip  # Okabe and Ito's, then others


def plot_currentscape(result: Result, *, cell: int = 0, title: str = "") -> Figure:
    """The potential; below it the total outward current, and the shares of all currents: outward up, inward down.

    result : of `simulate` with a trace of V and of every current, as
    `Trace("V", "i_Na", "i_K", "i_L", every=0.1)`. cell : its number. title : above the picture.

    Raises `InputError` if there are no currents, or no such cell.
    """
    of_kind("plot_currentscape: result", result, Result, "what hhfast.simulate returns")
    title = text_of("title", title)
    names = [name for name, variable in result.variables.items() if variable.quantity == CURRENT]
    if "V" not in result.variables or not names:
        raise InputError("a currentscape needs a trace of V and of the currents; record Trace('V', 'i_Na', ...)")
    cell = one_cell("cell", cell, len(result.status))
    values = np.array([result[name][cell] for name in ("V", *names)], dtype=float)
    known = np.isfinite(values).all(axis=0)  # a cell that has settled ends before the others
    if not known.any():
        raise InputError(f"cell {cell}: its trace has no numbers")
    time, V, currents = result.time[known], values[0, known], values[1:, known]
    figure = new_figure(8.0, 7.0)
    top, outward, shares, inward = figure.subplots(4, sharex=True, gridspec_kw={"height_ratios": [2, 0.8, 4, 0.8]})
    top.plot(time, V, color="black", linewidth=1)
    top.set_ylabel("V (mV)")
    unit = result.variables[names[0]].unit
    _total(outward, time, np.clip(currents, 0, None).sum(axis=0), label_of("outward", unit))
    _shares(shares, time, currents, names)
    _total(inward, time, np.clip(-currents, 0, None).sum(axis=0), label_of("inward", unit))
    inward.invert_yaxis()
    inward.set_xlabel("time (ms)")
    inward.set_xlim(time[0], time[-1])
    if title:
        figure.suptitle(plain(title), fontsize=11)
    return figure


def currentscape_of_row(row: Resimulated) -> Figure:
    """The currentscape of a row of a sweep, which was simulated again."""
    figure = plot_currentscape(row.traces)
    figure.suptitle(row_label(row), fontsize=11)
    return figure


def _total(axes: Axes, time: np.ndarray, total: np.ndarray, label: str) -> None:
    top = max(float(total.max()), 1e-9)
    bottom = max(0.5 * float(total.min()), 1e-4 * top)
    axes.fill_between(time, np.maximum(total, bottom), bottom, color="black", linewidth=0)
    axes.set_yscale("log")
    axes.set_ylim(bottom, 1.5 * top)
    axes.set_ylabel(label.replace(" (", "\n("), fontsize=8)


def _shares(axes: Axes, time: np.ndarray, currents: np.ndarray, names: Sequence[str]) -> None:
    """Stacked shares: outward currents fill 0..100 %, inward ones 0..-100 %."""
    colours = [_MANY[k % len(_MANY)] for k in range(len(names))]
    labels: Sequence[str] = [symbol(name) for name in names]
    for sign in (1.0, -1.0):
        part = np.clip(sign * currents, 0, None)
        total = part.sum(axis=0)
        with np.errstate(all="ignore"):
            share = np.where(total > 0, 100 * part / total, 0.0)
        axes.stackplot(time, sign * share, colors=colours, labels=labels, linewidth=0)
        labels = ()
    axes.axhline(0, color="white", linewidth=1.5)
    axes.set_ylim(-100, 100)
    axes.set_ylabel("share of the inward (below) and\noutward current (above), %")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="current")
