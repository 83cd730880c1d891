"""Gating curves: steady state and time constant of every gate against the potential."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhfast.errors import InputError
from hhfast.figures.arguments import params_of
from hhfast.figures.canvas import colour, legend_beside, new_figure
from hhfast.figures.text import plain, symbol
from hhfast.inputs import number, numbers
from hhfast.model import Model
from hhfast.model.resolve import find_model

_STYLES = ("-", "--", ":", "-.")
_DECADES = 30.0  # from the shortest to the longest time constant, beyond which their axis is logarithmic


def plot_gate_curves(model: str | Path | Model, params: Mapping[str, float] | None = None, *, V: Any = None) -> Figure:
    """The steady state and the time constant (ms) of every gate; each channel has a colour, each of its gates a style.

    model : as in `hhfast.simulate`. params : values that differ from the model's. V : mV; None: -100 to 50.
    Raises `InputError` for a model without gates (kinetic schemes have no such curves).
    """
    found = find_model(model)
    at = np.linspace(-100.0, 50.0, 601) if V is None else numbers("V", V)
    curves = found.gate_curves(at, {name: number(name, value) for name, value in params_of(params).items()})
    if not curves:
        raise InputError(f"{found.name}: has no gates, so there are no curves to draw")
    figure = new_figure(10.0, 4.0 if len(curves) < 13 else 0.32 * len(curves))
    steady, speed = figure.subplots(1, 2)
    draw_gate_curves(steady, speed, found, at, curves)
    legend_beside(speed, columns_of=20)
    figure.suptitle(plain(found.title or found.name), fontsize=11)
    return figure


def draw_gate_curves(
    steady: Axes, speed: Axes, model: Model, V: np.ndarray, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Into two axes. curves : gate -> (inf, tau), each at V (mV), as `Model.gate_curves` gives them."""
    for k, channel in enumerate(c for c in model.every_channel if c.gates):
        for j, gate in enumerate(channel.gates):
            inf, tau = curves[gate.name]
            line: dict[str, Any] = {"color": colour(k), "linestyle": _STYLES[(j + k // 7) % 4], "linewidth": 1.5}
            steady.plot(V, inf, **line)
            # One without delay has no time constant to draw; it is in the legend of both panels all the same.
            speed.plot(V, np.where(tau > 0, tau, np.nan), label=symbol(gate.name), **line)
    steady.set(xlabel="$V$ (mV)", ylabel="steady state", ylim=(-0.03, 1.03))
    speed.set(xlabel="$V$ (mV)", ylabel="time constant (ms)")
    times = np.concatenate([tau for _, tau in curves.values()])
    times = times[np.isfinite(times) & (times > 0)]
    if times.size and times.max() > _DECADES * times.min():
        speed.set_yscale("log")
        speed.yaxis.set_major_formatter("{x:g}")
    for axes in (steady, speed):
        axes.grid(alpha=0.3)
        axes.margins(x=0)
