"""Figures of results: a line, heat maps or a scatter of one feature over the parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from hhfast.errors import InputError, unknown
from hhfast.figures.canvas import COLOURS, MISSING, label_of, new_figure, unit_text
from hhfast.sweep.store import ResultFile

MAX_PANELS = 8
MAX_POINTS = 20_000  # of a scatter; more would only hide each other
MAX_LINES = 8
_PREFERRED = ("rate", "spike_count")  # what to show of a result if nothing is named


@dataclass(frozen=True)
class Quantity:
    """Values with the label of their axis; `codes` are the meanings of 0, 1, ..., if that is what they are.

    An error is shown by its order of magnitude, if it has several.
    """

    label: str
    values: np.ndarray
    codes: tuple[str, ...] = ()
    is_error: bool = False

    @property
    def norm(self) -> Any:
        """How values become colours."""
        known = self.values[np.isfinite(self.values)]
        low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
        if self.codes:
            return Normalize(0, len(self.codes) - 1)
        return LogNorm(low, high) if self.is_error and 0 < 30 * low < high else Normalize(low, high)

    def colour_bar(self, figure: Figure, drawn: Any, axes: Any) -> None:
        bar = figure.colorbar(drawn, ax=axes, label=self.label)
        if self.codes:
            bar.set_ticks(range(len(self.codes)), labels=[code.replace("_", " ") for code in self.codes])


def plot_result(result: ResultFile, *, x: str | None = None, y: str | None = None, value: str | None = None) -> Figure:
    """One feature of a result over its parameters.

    A grid with one axis (of more than one value) gives a line, with two a heat map, with more a heat map for each of
    a few values of the other axes; any other space a scatter, coloured by the feature.
    """
    shown = _quantity(result, _feature(result, value))
    axes = _varying(result)
    if list(result.grid) == ["run"] and result.n_rows > 1:
        figure = _scatter(result, shown, x, y)
    elif len(axes) < 2:
        figure = _line(result, shown, x or _first(axes), y)
    else:
        figure = _heat_maps(result, shown, x, y, axes)
    figure.suptitle(f"{result.attributes['title']}, {result.n_rows:,} rows", fontsize=11)
    return figure


def _feature(result: ResultFile, value: str | None) -> str:
    if value is not None:
        if value not in result.features:
            raise unknown("feature", value, result.features, where="--value")
        return value
    if not result.features:
        raise InputError(f"{result.path}: holds no feature to draw; record features in the sweep")
    return next((name for name in _PREFERRED if name in result.features), result.features[0])


def _quantity(result: ResultFile, name: str) -> Quantity:
    """A feature of every row, NaN where the row is not "ok" (status 0)."""
    values = result.read(name).astype(np.float64)
    values[result.read("status") != 0] = math.nan
    codes = result.attributes_of(name).get("flag_meanings", "").split()
    return Quantity(_label(result, name), values, tuple(codes), name.endswith("_error"))


def _label(result: ResultFile, name: str) -> str:
    unit = result.unit(name)
    # A parameter is known by its name, a feature by its description.
    text = name if name in result.parameters else result.long_name(name)
    return label_of(text, unit)


def _varying(result: ResultFile) -> list[str]:
    """Axes of the grid with more than one value, the longest first."""
    return sorted((axis for axis, n in result.grid.items() if n > 1), key=lambda axis: -result.grid[axis])


def _first(axes: Sequence[str]) -> str | None:
    return axes[0] if axes else None


def _axis(result: ResultFile, name: str) -> tuple[str, str]:
    """(axis, parameter to label it with) for the name of an axis or parameter."""
    if name in result.parameters:
        return result.parameters[name], name
    if name in result.grid:
        return name, next(p for p, axis in result.parameters.items() if axis == name)
    raise unknown("axis", name, {*result.parameters, *result.grid})


def _line(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    if y is not None:
        raise InputError(f"--y {y}: only one parameter varies, so there is nothing for a second axis; leave it out")
    figure = new_figure(6.4, 4.2)
    axes = figure.add_subplot()
    parameter = _axis(result, x)[1] if x is not None else next(iter(result.parameters))
    at = result.axis_values(parameter)
    if len(at) != len(shown.values):
        raise InputError(f"--x {x}: has a single value; name the parameter that varies")
    axes.plot(at, shown.values, "o-", markersize=3 if len(at) > 30 else 5)
    axes.set(xlabel=_label(result, parameter), ylabel=shown.label)
    axes.grid(alpha=0.3)
    return figure


def _heat_maps(result: ResultFile, shown: Quantity, x: str | None, y: str | None, longest: Sequence[str]) -> Figure:
    x_axis, x_parameter = _axis(result, x or next(a for a in longest if y is None or a != _axis(result, y)[0]))
    y_axis, y_parameter = _axis(result, y or next(a for a in longest if a != x_axis))
    if x_axis == y_axis:
        raise InputError(f"--x and --y are both the axis {x_axis}; name two that vary independently")
    for option, axis in (("--x", x_axis), ("--y", y_axis)):
        if result.grid[axis] < 2:
            raise InputError(f"{option} {axis}: has a single value; name a parameter that varies")
    panels = _panels(result, shown.values.reshape(tuple(result.grid.values())), x_axis, y_axis)
    columns = min(4, len(panels)) if len(panels) > 4 else len(panels)
    rows = -(-len(panels) // columns)
    figure = new_figure(6.4, 4.8) if len(panels) == 1 else new_figure(0.8 + 3.0 * columns, 0.7 + 2.6 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    norm = shown.norm
    for axes, (title, values) in zip(grid.flat, panels, strict=False):
        mesh = _heat_map(axes, result.axis_values(x_parameter), result.axis_values(y_parameter), values, norm)
        axes.set_title(title, fontsize=10)
    for axes in list(grid.flat)[len(panels) :]:
        axes.remove()
    shown.colour_bar(figure, mesh, grid)
    figure.supxlabel(_label(result, x_parameter))
    figure.supylabel(_label(result, y_parameter))
    return figure


def _panels(result: ResultFile, values: np.ndarray, x_axis: str, y_axis: str) -> list[tuple[str, np.ndarray]]:
    """(title, values over (y, x)) for a spread of at most `MAX_PANELS` points of the other axes."""
    names = list(result.grid)
    others = [axis for axis in names if axis not in (x_axis, y_axis)]
    ordered = np.moveaxis(values, [names.index(a) for a in (*others, y_axis, x_axis)], range(len(names)))
    shape = ordered.shape[:-2]
    total = math.prod(shape)
    chosen = np.unique(np.linspace(0, total - 1, min(total, MAX_PANELS)).round().astype(int))
    panels = []
    for flat in chosen.tolist():
        at = np.unravel_index(flat, shape) if shape else ()
        title = ", ".join(_value_text(result, axis, int(k)) for axis, k in zip(others, at, strict=True))
        panels.append((title, ordered[tuple(at)]))
    return panels


def _value_text(result: ResultFile, axis: str, k: int) -> str:
    parameter = _axis(result, axis)[1]
    unit = result.unit(parameter)
    text = f"{parameter} = {result.axis_values(parameter)[k]:.4g}"
    return text if unit == "1" else f"{text} {unit_text(unit)}"


def _heat_map(axes: Axes, x: np.ndarray, y: np.ndarray, values: np.ndarray, norm: Any) -> Any:
    # Missing values (diverged rows, latencies of silent ones) show as the grey behind.
    axes.set_facecolor(MISSING)
    columns, rows = np.argsort(x), np.argsort(y)
    ordered = values[np.ix_(rows, columns)]
    if _is_logarithmic(x):
        axes.set_xscale("log")
        _plain_ticks(axes.xaxis, x)
    if _is_logarithmic(y):
        axes.set_yscale("log")
        _plain_ticks(axes.yaxis, y)
    return axes.pcolormesh(x[columns], y[rows], ordered, shading="nearest", norm=norm, cmap=COLOURS, rasterized=True)


def _plain_ticks(axis: Any, values: np.ndarray) -> None:
    """On a short logarithmic axis, 20, 30, 50 instead of powers of ten."""
    if values.max() < 100 * values.min():
        axis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())


def _is_logarithmic(values: np.ndarray) -> bool:
    """Whether positive values are spaced by a constant ratio (and not by a constant difference)."""
    if len(values) < 3 or (values <= 0).any():
        return False
    steps = np.diff(np.log(values))
    return bool(np.allclose(steps, steps[0], rtol=1e-6) and not np.allclose(np.diff(values), values[1] - values[0]))


def _scatter(result: ResultFile, shown: Quantity, x: str | None, y: str | None) -> Figure:
    chosen = np.unique(np.linspace(0, result.n_rows - 1, min(result.n_rows, MAX_POINTS)).astype(int))
    names = list(result.parameters)
    for option, name in (("--x", x), ("--y", y)):
        if name is not None and name not in names:
            raise unknown("parameter", name, names, where=option)
    x = x or next(name for name in names if name != y)
    y = y or next((name for name in names if name != x), None)
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    at = result.read(x)[chosen]
    if y is None:
        axes.plot(at, shown.values[chosen], ".", markersize=4)
        axes.set(xlabel=_label(result, x), ylabel=shown.label)
        return figure
    size = float(np.clip(4e4 / len(chosen), 2, 40))
    # Rows without a value stay visible as grey points below the others.
    missing = ~np.isfinite(shown.values[chosen])
    across = result.read(y)[chosen]
    axes.scatter(at[missing], across[missing], s=size, c=MISSING)
    points = axes.scatter(at[~missing], across[~missing], s=size, c=shown.values[chosen][~missing], cmap=COLOURS,
                          norm=shown.norm)  # fmt: skip
    shown.colour_bar(figure, points, axes)
    axes.set(xlabel=_label(result, x), ylabel=_label(result, y))
    return figure
