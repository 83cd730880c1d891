"""The page of a result: its rows in bins, some of them whole, and the kernel that simulates one again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

import hhfast
from hhfast.batch.method import Method
from hhfast.batch.result import CAP_REACHED, OF_THE_RUN, OK, OUTCOMES
from hhfast.errors import InputError
from hhfast.model import parse_model
from hhfast.pages import binning
from hhfast.pages.binning import BinnedFeature
from hhfast.pages.kernels import calling, scripts
from hhfast.pages.page import LARGEST, page
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import Stimulus
from hhfast.sweep.read_spec import sweep_from_canonical
from hhfast.sweep.scale import is_logarithmic
from hhfast.sweep.simulate_rows import cells_of
from hhfast.sweep.space import Rows
from hhfast.sweep.store import ResultFile
from hhfast.sweep.sweep import Sweep

SCRIPTS = ("page", "look", "link", "axes", "plot", "legend", "colours", "svg", "save", "tables", "parallel", "map",
           "row", "follow", "result")  # fmt: skip
_PACKED = 1_400_000  # bytes, of all arrays; the rest of a page is below 0.4 MB
_BINS = (200_000, 100_000, 50_000, 20_000)  # of a grid, as many as the page can hold
_ROWS = (20_000, 10_000, 4_000, 1_500)  # shown whole
_MOST_FEATURES = 12
_SETTLE = 3000.0  # ms
_INNER, _FAR = (0.01, 0.99), 0.5  # quantiles; how far beyond, of what lies between, a value must be to be far out
_FIRST = ("activity", "rate", "spike_count")  # what is shown first


def result_page(path: Path) -> str:
    """The HTML text of a result's page."""
    with ResultFile(path) as result:
        features = _features(result)
        data = _shown(result, features)
        kernels, simulation, why = _simulation(result)
    text = page("result", {**data, "simulation": simulation, "why_not": why}, kernels, SCRIPTS)
    assert len(text.encode()) < LARGEST, "a page is larger than promised"
    return text


def _features(result: ResultFile) -> list[BinnedFeature]:
    status = result.read("status")
    found = []
    shown = [name for name in result.features if name not in (*OF_THE_RUN, *OUTCOMES)][:_MOST_FEATURES]
    for name in shown:
        codes = result.codes(name)
        usable = np.isin(status, (OK, CAP_REACHED) if codes else (OK,))  # what a row did that did not settle is known
        values = np.where(usable, result.read(name).astype(np.float64), math.nan)
        found.append(BinnedFeature(name, values, result.unit(name), codes))
    for name in OUTCOMES:  # these also of rows without a result, which they explain
        values = result.read(name).astype(np.float64) if name in result else np.zeros(1)
        if len(np.unique(values)) > 1 or (name == "status" and not found):
            found.append(BinnedFeature(name, values, "1", result.codes(name)))
    return found


def _shown(result: ResultFile, features: list[BinnedFeature]) -> dict[str, Any]:
    """Tables and rows, the more the better, within what a page may hold."""
    is_grid = list(result.grid) != ["run"]
    for most_bins, most_rows in zip(_BINS, _ROWS, strict=True):
        arrays = _grid(result, features, most_bins) if is_grid else _sample(result, features)
        arrays["rows"] = _rows(result, features, most_rows, whole=not is_grid)
        if binning.size_of(arrays) < _PACKED:
            break
    return {
        "name": result.path.name,
        "title": result.attributes.get("title", ""),
        "about": f"Made by hhfast {hhfast.__version__} from {result.path.name}; it needs no network.",
        "n_rows": result.n_rows,
        "is_grid": is_grid,
        "first": _first(features),
        "ranges": {f.name: colour_range(f) for f in features},
        "units": {p: result.unit(p) for p in result.parameters},
        "features": [
            {"name": f.name, "unit": f.unit, "codes": f.codes, "present": _present(f) if f.codes else []}
            for f in features
        ],
        **arrays,
    }


def _first(features: list[BinnedFeature]) -> str:
    """What is shown first: the usual, or the first that is not the same in all rows."""
    names = [f.name for f in features]
    varied = [f.name for f in features if len(np.unique(f.values[np.isfinite(f.values)])) > 1]
    return next((name for name in _FIRST if name in names), (varied or names)[0])


def _present(feature: BinnedFeature) -> list[int]:
    """The classes that rows are in."""
    return [int(code) for code in np.unique(feature.values[np.isfinite(feature.values)])]


def colour_range(feature: BinnedFeature) -> dict[str, Any]:
    """From where to where colours go: over all values, or, where a few lie far out, over those between.

    It is that of the whole result, so that colours do not change while sliders move.
    """
    known = feature.values[np.isfinite(feature.values)]
    if not len(known):
        return {"low": 0.0, "high": 1.0, "below": False, "above": False}
    low, high = float(known.min()), float(known.max())
    inner_low, inner_high = (float(v) for v in np.quantile(known, _INNER))
    far = _FAR * (inner_high - inner_low)
    below = not feature.codes and inner_low - low > far > 0
    above = not feature.codes and high - inner_high > far > 0
    return {"low": inner_low if below else low, "high": inner_high if above else high, "below": below, "above": above}


def _grid(result: ResultFile, features: list[BinnedFeature], most: int) -> dict[str, Any]:
    """One table over the axes that vary; of parameters that go together the first stands for the axis."""
    varying = [axis for axis, n in result.grid.items() if n > 1] or list(result.grid)[:1]
    index = dict(zip(result.grid, np.unravel_index(np.arange(result.n_rows), tuple(result.grid.values())), strict=True))
    strides = binning.strides_within([result.grid[axis] for axis in varying], most)
    axes, binned = [], []
    for name, stride in zip(varying, strides, strict=True):
        members = [p for p, axis in result.parameters.items() if axis == name]
        values = result.axis_values(members[0])
        binned.append(binning.axis_of_grid(members[0], values, index[name], stride))
        names = result.codes(members[0]) if stride == 1 else ()
        axes.append({**_axis(result, binned[-1], values), "stride": stride, "grid": name, "names": names})
    along = {p: {"grid": axis, "values": result.axis_values(p).tolist()} for p, axis in result.parameters.items()}
    return {
        "axes": axes,
        "tables": [binning.table(binned, features)],
        "grid": list(result.grid.items()),
        "along": along,
    }


def _sample(result: ResultFile, features: list[BinnedFeature]) -> dict[str, Any]:
    """A table for each pair of the parameters that vary."""
    columns = {p: result.read(p).astype(np.float64) for p in result.parameters}
    varied = {p: values for p, values in columns.items() if np.ptp(values) > 0} or columns
    n_bins = int(np.clip(math.sqrt(result.n_rows / 8), 8, 64 if len(varied) <= 5 else 32 if len(varied) <= 9 else 14))
    logs = {p: is_logarithmic(result, p, values) for p, values in varied.items()}
    binned = [binning.axis_of_sample(p, values, n_bins, logs[p]) for p, values in varied.items()]
    axes = [_axis(result, axis, varied[axis.name]) for axis in binned]
    return {"axes": axes, "tables": binning.tables_of_pairs(binned, features)}


def _axis(result: ResultFile, axis: binning.BinnedAxis, values: np.ndarray) -> dict[str, Any]:
    return {
        "name": axis.name,
        "unit": result.unit(axis.name),
        "centres": axis.centres.tolist(),
        "log": is_logarithmic(result, axis.name, values),
    }


def _rows(result: ResultFile, features: list[BinnedFeature], most: int, whole: bool) -> dict[str, Any]:
    """Some rows, drawn once and for all: their numbers and features; parameters, where no grid tells them."""
    n = result.n_rows
    numbers = np.random.default_rng(0).choice(n, min(n, most), replace=False)
    found: dict[str, Any] = {"number": binning.packed(numbers.astype(np.uint32))}
    found["features"] = {f.name: binning.packed(f.values[numbers].astype(np.float32)) for f in features}
    if whole:
        found["parameters"] = {p: binning.packed(result.read(p).astype(np.float64)[numbers]) for p in result.parameters}
    return found


# --- one row again ----------------------------------------------------------------------------------------------------
def _simulation(result: ResultFile) -> tuple[list[str], dict[str, Any] | None, str]:
    """(scripts, what the page must know to simulate a row, or why it cannot)."""
    model = parse_model(result.attributes["hhfast_model"], f"the model in {result.path}")
    row = {name: result.read(name, 0, 1) for name in result.parameters}
    try:
        sweep = sweep_from_canonical(result.attributes["hhfast_spec"], model, Rows(row))
    except InputError as error:
        return [], None, f"Rows cannot be simulated here: {error}"
    parameters, stimulus = cells_of(sweep, row)
    if why := _why_not(sweep, stimulus):
        return [], None, why
    method, traced = Method(sweep.integrator, sweep.dt, **sweep.control), ["V", "i_app"]
    told = calling(model, method, stimulus, traced)
    for part, (kind, values) in zip(told["stimulus"], stimulus.parts, strict=True):
        if kind.points is not None and kind.points.arrays:
            given = kind.points.given(values)
            part["arrays"] = {name: a.tolist() for name, a in zip(kind.points.arrays, given, strict=True)}
            part["times"] = np.asarray(values["times"]).tolist()
    page_data = {
        **told,
        "levels": next((r.levels for r in sweep.recorders if r.levels is not None), Spikes().levels),
        "parameters": {name: _first_of(parameters.get(name, p.value)) for name, p in model.parameters.items()},
        "current": _current(stimulus),
        "prefixes": {f"{prefix}.": f"{k}." for k, prefix in enumerate(sweep.stimuli)},
        "t_stop": sweep.t_stop,
        "settle": _SETTLE if sweep.initial == "rest" else 0.0,
        "units": {"V": "mV", "i_app": model.variables["i_app"]},
        "how": _how(sweep),
    }
    return list(scripts(model, method, stimulus, traced).values()), page_data, ""


def _why_not(sweep: Sweep, stimulus: Stimulus) -> str:
    """Why a page does not simulate rows of a sweep; "" where it does."""
    if sweep.analysis is not None:
        return f"Each row is an analysis ({sweep.analysis['kind']}), which has no single trace."
    if sweep.noise is not None:
        return "Rows whose channels are noisy are not simulated in a page; `hhfast trace` draws them."
    if sweep.initial not in ("model", "rest"):
        return "Rows that start from states of their own are not simulated in a page; `hhfast trace` draws them."
    if any(kind.clamp is not None for kind, _ in stimulus.parts):
        return "Rows under a voltage clamp are not simulated in a page; `hhfast trace` draws them."
    return ""


def _first_of(value: Any) -> float:
    return float(np.ravel(value)[0])


def _current(stimulus: Stimulus) -> dict[str, float]:
    return {
        f"{k}.{name}": _first_of(values[name])
        for k, (kind, values) in enumerate(stimulus.parts)
        for name in kind.parameters
    }


def _how(sweep: Sweep) -> str:
    single = "; in double precision, the file has single" if sweep.dtype == "float32" else ""
    return f"{sweep.model.name}, {sweep.scheme.name}, {sweep.t_stop:g} ms{single}"
