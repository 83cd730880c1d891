"""The picture of a fit: the recording with the best run over it, and where all starts ended."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.analysis.feature_target import FeatureTarget
from hhfast.analysis.fit import Fit
from hhfast.analysis.fit_targets import SpikeTarget, TraceTarget
from hhfast.batch.simulate import simulate
from hhfast.figures.arguments import of_kind, one_cell
from hhfast.figures.canvas import COLOURS, new_figure
from hhfast.figures.text import label_of, plain, symbol
from hhfast.parts.recorders import Trace

_SAMPLES = 4000


def plot_fit(fit: Fit, *, target: int = 0) -> Figure:
    """A target of a fit with the best run; below, each parameter against the residual of every start.

    target : its number. Raises `InputError` where there is no such target.
    """
    of_kind("plot_fit: fit", fit, Fit, "what hhfast.fit returns")
    target = one_cell("target", target, fit.target.n)
    names = list(fit.parameters)
    figure = new_figure(max(6.4, 2.4 * len(names)), 5.6)
    grid = figure.add_gridspec(2, len(names), height_ratios=[1.4, 1])
    _run(figure.add_subplot(grid[0, :]), fit, target)
    first: Axes | None = None
    for k, name in enumerate(names):
        axes = figure.add_subplot(grid[1, k], sharey=first)
        first = first or axes
        axes.plot(fit.starts[name][target], fit.start_rms[target], "o", markersize=4, color=COLOURS[0], alpha=0.6)
        axes.axvline(fit.parameters[name][target], color=COLOURS[1], linewidth=1)
        axes.set_xlim(*_span(fit, name, target))
        axes.set_ylim(0, 1.1 * np.nanmax(fit.start_rms[target], initial=1e-9))
        axes.set_xlabel(label_of(symbol(name), fit.model.parameters[name].unit))
        if k:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(f"residual of each\nstart, rms ({fit.target.unit})")
    values = ", ".join(
        f"{symbol(name)} = {fit.parameters[name][target]:.4g} ± {fit.error[name][target]:.2g}" for name in names
    )
    figure.suptitle(f"{plain(fit.model.title or fit.model.name)}: {values}", fontsize=10)
    return figure


def _span(fit: Fit, name: str, target: int) -> tuple[float, float]:
    """Where all starts ended, and some standard errors around: starts that agree are to look so."""
    ends, best = fit.starts[name][target], float(fit.parameters[name][target])
    room = np.nanmax([6 * fit.error[name][target], 0.1 * float(np.ptp(ends)), 1e-3 * abs(best)])
    return float(ends.min() - room), float(ends.max() + room)


def _features(axes: Axes, fit: Fit, target: int, of: FeatureTarget) -> None:
    """How far each feature is from what was measured."""
    params, stimulus = fit.run(target)
    found = simulate(
        fit.model, params, stimulus=stimulus, t_stop=of.t_stop, record=of.recorder, until=of.until,
    )  # fmt: skip
    r, values = of.residuals(found, np.array([target]), ())[0][0], of.measured(found)[0]
    names = list(of.values)
    axes.barh(range(len(names)), r, color=COLOURS[1], height=0.5)
    axes.axvline(0.0, color="0.3", linewidth=0.8)
    told = [
        f"{n}\n{value:.4g} of {of.table[target][k]:.4g}" for k, (n, value) in enumerate(zip(names, values, strict=True))
    ]
    axes.set_yticks(range(len(names)), told, fontsize=8)
    widest = max(1.2, 1.2 * float(np.nanmax(np.abs(r))))
    axes.set(xlabel=f"fitted less measured ({of.unit})", xlim=(-widest, widest), ylim=(-0.6, len(names) - 0.4))


def _run(axes: Axes, fit: Fit, target: int) -> None:
    if isinstance(fit.target, FeatureTarget):
        _features(axes, fit, target, fit.target)
        return
    params, stimulus = fit.run(target)
    every = fit.target.t_stop / _SAMPLES
    found = simulate(
        fit.model, params, stimulus=stimulus, t_stop=fit.target.t_stop,
        record=[Trace("V", every=every)], integrator="tsit5",
    )  # fmt: skip
    if isinstance(fit.target, TraceTarget):
        V = fit.target.V[target]
        axes.plot(fit.target.every * np.arange(len(V)), V, color="0.65", linewidth=2.5, label="recorded")
    elif isinstance(fit.target, SpikeTarget):
        for k, t in enumerate(fit.target.trains[target]):
            axes.axvline(t, color="0.65", linewidth=2.5, label="recorded spikes" if k == 0 else None)
    axes.plot(found.time, found["V"][0], color=COLOURS[1], linewidth=1, label="fitted")
    axes.set(xlabel="time (ms)", ylabel="V (mV)", xlim=(0, fit.target.t_stop))
    axes.legend(loc="upper right", fontsize=8)
