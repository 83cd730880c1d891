"""The picture of phase response curves: the responses, and V over the cycle below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hhfast.analysis.phase_response import PhaseResponse
from hhfast.errors import InputError
from hhfast.figures.arguments import chosen_cells, labels_of_cells, of_kind
from hhfast.figures.canvas import colour, new_figure

_IN_LEGEND = 10


def plot_phase_response(
    result: PhaseResponse,
    cells: int | Sequence[int] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> Axes:
    """The phase response curves of cells above V over their cycles; the upper panel is returned.

    result : of `phase_response`.
    cells : their numbers; None: the first ten that are periodic. params, labels, units : as in `plot_fi`.

    Raises `InputError` for cells that are not there, and where none of them is periodic.
    """
    of_kind("plot_phase_response: result", result, PhaseResponse, "what hhfast.phase_response returns")
    n = len(result.response)
    names = labels_of_cells(n, labels, params, units)
    periodic = np.flatnonzero(np.isfinite(result.period))
    chosen = periodic if cells is None else np.intersect1d(chosen_cells(cells, n), periodic)
    if not len(chosen):
        raise InputError("phase response: none of the cells is periodic; change the current, or start depolarised")
    upper, lower = new_figure(6.4, 5.2).subplots(2, 1, sharex=True, height_ratios=[1.6, 1])
    for k, cell in enumerate(chosen[:_IN_LEGEND]):
        name = names[cell] if n > 1 else None
        upper.plot(result.phase, result.response[cell], color=colour(k), linewidth=1.4, label=name)
        lower.plot(result.phase, result.V[cell], color=colour(k), linewidth=1)
    upper.axhline(0.0, color="0.5", linewidth=0.8)
    upper.set_ylabel("advance of later spikes (ms/mV)")
    lower.set(xlabel="phase (0: spike)", ylabel="V (mV)", xlim=(0, 1))
    if len(chosen) == 1:
        upper.set_title(f"period {result.period[chosen[0]]:.5g} ms", fontsize=9)
    elif n > 1:
        upper.legend(fontsize=8)
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    first: Axes = upper
    return first
