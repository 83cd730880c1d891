"""One spike, as textbooks have it: the potential between the reversal potentials, conductances, currents and gates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.analysis.rheobase import find_rheobase
from hhfast.batch.analysis_status import AnalysisStatus
from hhfast.batch.membrane import membrane_traces
from hhfast.errors import InputError
from hhfast.figures.arguments import limit_of, params_of
from hhfast.figures.text import plain, symbol
from hhfast.figures.traces import plot_traces
from hhfast.inputs import finite, positive
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.stimuli import Pulse

_ABOVE = 1.2  # times the threshold
_START = 5.0  # ms


def plot_spike(
    model: str | Path | Model,
    params: Mapping[str, float] | None = None,
    *,
    amplitude: float | None = None,
    width: float = 1.0,
    before: float = 4.0,
    after: float = 10.0,
) -> Figure:
    """One spike of one cell: V, conductances, currents and gates, from `before` to `after` ms around its time.

    model, params : as in `hhfast.simulate`. amplitude : of a pulse of `width` ms, in the model's unit; None: 1.2 times
    the threshold of the resting cell, or no pulse at all if the cell fires by itself.
    Raises `InputError` where there is no spike.
    """
    found, own = find_model(model), params_of(params)
    width, before, after = positive("width", width), limit_of("before", before), limit_of("after", after)
    if amplitude is None:
        threshold = find_rheobase(found, own, width=width, tol=1e-3)
        amplitude = _ABOVE * float(threshold.amplitude[0]) if threshold.status[0] == AnalysisStatus.OK else 0.0
    amplitude = finite("amplitude", amplitude)
    pulse = Pulse(amplitude=amplitude, start=_START, width=width)
    t_stop = _START + after + 20.0 * width + 50.0
    run = membrane_traces(found, own, t_stop=t_stop if amplitude else 2000.0, stimulus=pulse, every=0.02,
                          integrator="tsit5", initial="rest" if amplitude else "model")  # fmt: skip
    if not run.spike_count[0]:
        raise InputError(f"{found.name}: there is no spike to draw; give amplitude and width of a pulse")
    spike = float(run.spike_times[0][0])
    figure = plot_traces(run)
    figure.suptitle(plain(found.title or found.name), fontsize=11)
    first = figure.axes[0]
    first.set_xlim(max(0.0, spike - before), spike + after)
    _mark_reversals(first, found, own)
    return figure


def _mark_reversals(axes: Axes, model: Model, params: Mapping[str, float]) -> None:
    """The reversal potentials that are numbers, as lines; channels of the same share a label."""
    labels: dict[float, list[str]] = {}
    for channel in model.channels:
        if isinstance(channel.E, (int, float)):
            E = float(np.asarray(params.get(f"E_{channel.name}", channel.E)))
            labels.setdefault(E, []).append(symbol(f"E_{channel.name}"))
    for E, names in labels.items():
        axes.axhline(E, color="0.6", linestyle=":", linewidth=1)
        axes.annotate(", ".join(names), (1, E), xycoords=("axes fraction", "data"), xytext=(3, 0),
                      textcoords="offset points", va="center", fontsize=8, color="0.3")  # fmt: skip
