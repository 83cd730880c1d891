"""The recovery curve: the threshold of a second pulse against its interval from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.bisection import bisect, bracket
from hhfast.analysis.paired_pulse import OPTIONS, PairedPulses
from hhfast.analysis.spike_test import SpikeTest
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.errors import InputError
from hhfast.inputs import positive_numbers, tolerance
from hhfast.model import Model
from hhfast.parts.variable import Variable
from hhfast.tables import one_line


@dataclass(frozen=True)
class RecoveryCurve:
    """The threshold of a second pulse against its interval from the first, for n cells and k intervals.

    interval : (k,) ms, onset to onset. ratio : (n, k) in units of the resting threshold, NaN where no second pulse up
    to `cap` thresholds gives a spike. supernormal : (n,) bool, some ratio is below 0.99. minimum : (n,) the smallest
    ratio, at minimum_interval (n,) ms. threshold : (n,) the resting threshold, in
    `unit`. status : (n,) uint8, `AnalysisStatus`.
    """

    interval: np.ndarray
    ratio: np.ndarray
    supernormal: np.ndarray
    minimum: np.ndarray
    minimum_interval: np.ndarray
    threshold: np.ndarray
    status: np.ndarray
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html


def recovery_curve(
    model: str | Path | Model,
    intervals: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    width: float = 1.0,
    first: float = 2.0,
    cap: float = 20.0,
    tol: float = 1e-5,
    watch: float = 50.0,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> RecoveryCurve:
    """The threshold of a second pulse, in units of that of the resting cell, at several intervals (ms) from the first.

    cap : the largest second amplitude that is tried, in units of that threshold. tol : of the ratio, relative. The
    other arguments are those of `refractory_period`. An interval that ends before the first spike is over has no ratio.
    Raises `InputError` as `refractory_period` does, and for intervals below `width`.
    """
    check_options(_OPTIONS, intervals=intervals, width=width, first=first, cap=cap, tol=tol, watch=watch,
                  threshold=threshold)  # fmt: skip
    _check_together({"intervals": intervals, "width": width})
    interval = np.atleast_1d(np.asarray(intervals, np.float64))
    pulses = PairedPulses.of(model, params, Method.of(method, options), width=width, first=first, watch=watch,
                             threshold=threshold)  # fmt: skip
    ratio = np.stack([_ratio(pulses, float(d), cap, tol) for d in interval], axis=1)
    known = np.where(np.isnan(ratio), np.inf, ratio)
    at = known.argmin(axis=1)
    minimum = np.where(np.isinf(known.min(axis=1)), np.nan, known.min(axis=1))
    where = np.where(np.isnan(minimum), np.nan, interval[at])
    return RecoveryCurve(interval, ratio, minimum < 0.99, minimum, where, pulses.threshold, pulses.status,
                         pulses.population.current_unit)  # fmt: skip


def _check_together(values: Mapping[str, Any]) -> None:
    if np.min(values["intervals"]) < values["width"]:
        raise InputError(f"intervals: none may be below the width of {values['width']:g} ms")


def _ratio(pulses: PairedPulses, interval: float, cap: float, tol: float) -> np.ndarray:
    """(n,) the threshold of the second pulse at one interval, in units of the threshold at rest."""
    rows = np.flatnonzero(pulses.usable & (pulses.repolarised <= interval))
    ratio = np.full(pulses.population.n, np.nan)

    def second_fires(k: np.ndarray, multiple: np.ndarray) -> SpikeTest:
        return pulses.second_fires(rows[k], multiple * pulses.threshold[rows[k]], interval, interval)

    found = bracket(second_fires, np.ones(len(rows)), np.full(len(rows), cap))
    lo, hi = (np.where(found.found, x, np.nan) for x in (found.lo, found.hi))
    ratio[rows] = bisect(second_fires, lo, hi, tol)[1]
    return ratio


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: RecoveryCurve) -> dict[str, Variable]:
    ratios = {f"ratio_at_{value:g}": per_cell_number(found.ratio[:, k], "1",
                                                     f"threshold {value:g} ms after a first pulse / at rest")
              for k, value in enumerate(found.interval)}  # fmt: skip
    return ratios | {
        "minimum_ratio": per_cell_number(found.minimum, "1", "smallest threshold / at rest"),
        "minimum_interval": per_cell_number(found.minimum_interval, "ms", "interval of the smallest threshold"),
        "threshold": per_cell_number(found.threshold, found.unit, "threshold at rest"),
    }


_OPTIONS = OPTIONS | {
    "intervals": Option("intervals of the pulses, onset to onset", "ms", positive_numbers),
    "tol": Option("relative tolerance of the thresholds", check=tolerance),
}

ANALYSIS = Analysis(
    name="recovery_curve",
    help="Threshold of a second pulse against its interval from the first.",
    function=recovery_curve,
    options=_OPTIONS,
    variables=_variables,
    picture=Picture("plot_recovery", lambda found, model, cell, options: found),
    check_together=_check_together,
)
