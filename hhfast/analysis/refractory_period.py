"""Refractory periods: how soon after a first pulse a second one makes a cell fire again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.bisection import GeometricSearch, bisect
from hhfast.analysis.paired_pulse import OPTIONS, PairedPulses
from hhfast.analysis.recovery_curve import RecoveryCurve, recovery_curve
from hhfast.analysis.spike_test import SpikeTest
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.errors import InputError
from hhfast.inputs import positive_numbers
from hhfast.model import Model
from hhfast.parts.variable import Variable
from hhfast.tables import one_line

_CAPS = (1.0, 0.7, 0.5, 0.25)  # of the cap, tried for the absolute period: a stronger pulse need not do better
_RATIO = 1.2  # from one interval tried to the next, before bisection


@dataclass(frozen=True)
class RefractoryPeriod:
    """Refractory periods of n cells, for k strengths of the second pulse.

    second : (k,) multiples of the resting threshold. minimal_interval : (n, k) ms, onset to onset, the shortest that
    gives a second spike. absolute : (n,) the same for a second pulse of up to `cap` thresholds. relative : (n,) the
    same for one of 1 + `within` thresholds. NaN where there is none. threshold : (n,) the resting threshold, in the
    model's unit of current. first_spike : (n,) ms after the onset of the first pulse. status : (n,) uint8,
    `AnalysisStatus`. unit : of the thresholds.
    """

    second: np.ndarray
    minimal_interval: np.ndarray
    absolute: np.ndarray
    relative: np.ndarray
    threshold: np.ndarray
    first_spike: np.ndarray
    status: np.ndarray
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html


def refractory_period(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    width: float = 1.0,
    first: float = 2.0,
    second: Sequence[float] = (2.0,),
    cap: float = 20.0,
    within: float = 0.05,
    tol: float = 1e-4,
    max_interval: float = 200.0,
    watch: float = 50.0,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> RefractoryPeriod:
    """The shortest interval after which a second pulse makes each cell fire again.

    Parameters
    ----------
    model, params, method, and its fields as keywords : as in `hhfast.simulate`. threshold, watch : as in
        `find_rheobase`.
    width : of both pulses, ms. first, second : their amplitudes, in units of the threshold of the resting cell.
    cap : the second amplitude that defines the absolute refractory period (0.7, 0.5 and 0.25
        of it are tried as well).
    within : the relative refractory period ends when the threshold is back within this fraction of its rest value.
    tol : of the intervals, ms. max_interval : the longest one tried, ms.

    Intervals count from onset to onset. Only those are tried after which the first spike is over (V below -40 mV).
    Raises `InputError` for unknown names, arrays that do not fit together, values out of range.
    """
    check_options(_OPTIONS, width=width, first=first, second=second, cap=cap, within=within, tol=tol,
                  max_interval=max_interval, watch=watch, threshold=threshold)  # fmt: skip
    strengths = np.asarray(second, np.float64).reshape(-1)
    pulses = PairedPulses.of(model, params, Method.of(method, options), width=width, first=first, watch=watch,
                             threshold=threshold)  # fmt: skip
    levels = np.concatenate([strengths, cap * np.array(_CAPS), [1.0 + within]])
    shortest = _minimal_intervals(pulses, levels, max_interval, tol)
    k = len(strengths)
    status = pulses.status.copy()
    lost = np.isnan(shortest[:, : k + 1]).any(axis=1) & pulses.usable
    status[lost] = AnalysisStatus.UNRECOVERED
    return RefractoryPeriod(
        strengths, shortest[:, :k], np.fmin.reduce(shortest[:, levels <= cap], axis=1), shortest[:, -1],
        pulses.threshold, pulses.first_spike, status, pulses.population.current_unit,
    )  # fmt: skip


def _minimal_intervals(pulses: PairedPulses, levels: np.ndarray, longest: float, tol: float) -> np.ndarray:
    """(n, n_levels) ms: the shortest interval for a second pulse of each level, NaN where none is short enough."""
    n, k = pulses.population.n, len(levels)
    amplitude = (pulses.threshold[:, None] * levels).ravel()
    start = np.repeat(np.where(pulses.usable, np.maximum(pulses.repolarised, pulses.width), np.nan), k)

    def second_fires(pairs: np.ndarray, interval: np.ndarray) -> SpikeTest:
        # The second pulse begins at the same time in all cells of a run, a power of two; what is before is rest.
        onset = np.exp2(np.ceil(np.log2(interval)))
        fired, diverged = np.zeros(len(pairs), bool), np.zeros(len(pairs), bool)
        for value in np.unique(onset):
            here = onset == value
            outcome = pulses.second_fires(pairs[here] // k, amplitude[pairs[here]], interval[here], float(value))
            fired[here], diverged[here] = outcome.fired, outcome.diverged
        return SpikeTest(fired, diverged)

    search = GeometricSearch(second_fires, np.full(n * k, longest), np.zeros(n * k, bool))
    lo, hi = search.run(np.arange(n * k), start, _RATIO, until_fired=True, steps=1000)
    refined = bisect(second_fires, lo, hi, 0.0, tol)[1]
    # Where the first interval that is tried fires already, that one is the shortest.
    return np.where(np.isnan(lo), hi, refined).reshape(n, k)


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: RefractoryPeriod) -> dict[str, Variable]:
    intervals = {
        f"minimal_interval_{value:g}": per_cell_number(
            found.minimal_interval[:, k], "ms", f"shortest interval for a second pulse of {value:g} thresholds")
        for k, value in enumerate(found.second)
    }  # fmt: skip
    return intervals | {
        "absolute": per_cell_number(found.absolute, "ms", "absolute refractory period"),
        "relative": per_cell_number(found.relative, "ms", "relative refractory period"),
        "threshold": per_cell_number(found.threshold, found.unit, "threshold of the first pulse"),
    }


def _columns(found: RefractoryPeriod) -> dict[str, np.ndarray]:
    columns = {f"interval at {s:g} x (ms)": found.minimal_interval[:, k] for k, s in enumerate(found.second)}
    return {f"threshold ({found.unit})": found.threshold, **columns, "absolute (ms)": found.absolute,
            "relative (ms)": found.relative}  # fmt: skip


def _recovery(
    found: RefractoryPeriod, model: Model, cells: Mapping[str, Any], options: Mapping[str, Any]
) -> RecoveryCurve:
    """The recovery curves of the cells, over their refractory periods and twice as long again."""
    if not np.isfinite(found.relative).any():
        status = AnalysisStatus(int(found.status[0])).name.lower().replace("_", " ")
        raise InputError(f"there is no refractory period to draw ({status})")
    intervals = np.linspace(0.8 * np.nanmin(found.absolute), 3.0 * np.nanmax(found.relative), 40)
    shared = {name: value for name, value in options.items() if name not in ("second", "within", "max_interval")}
    return recovery_curve(model, intervals, cells, **{**shared, "tol": 1e-4})


_OPTIONS = OPTIONS | {
    "second": Option("amplitudes of the second pulse, in thresholds of the resting cell", "1", positive_numbers),
    "within": Option("the relative period ends when the threshold is back within this fraction of its value at rest"),
    "tol": Option("tolerance of the intervals", "ms"),
    "max_interval": Option("the longest interval tried", "ms"),
}

ANALYSIS = Analysis(
    name="refractory_period",
    help="How soon each cell can fire again: absolute and relative refractory periods.",
    function=refractory_period,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
    picture=Picture("plot_recovery", _recovery),
)
