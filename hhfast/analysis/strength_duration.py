"""Strength-duration curves: the threshold of a pulse against its width, rheobase, chronaxie, and the classical fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.bisection import bisect, bracket
from hhfast.analysis.golden_section import golden_section
from hhfast.analysis.population import Population
from hhfast.analysis.rheobase import Rheobase, find_rheobase
from hhfast.analysis.spike_test import SpikeTest, regenerative_spikes
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.inputs import finite, positive_numbers, tolerance
from hhfast.model import Model
from hhfast.parts.recorders import Final
from hhfast.parts.stimuli import Pulse
from hhfast.parts.variable import Variable
from hhfast.tables import html_of, one_line

_LONG = 500.0  # ms: longer pulses have the same threshold
_LONGEST_CHRONAXIE = 64.0  # ms


@dataclass(frozen=True)
class StrengthDurationFit:
    """A two-parameter law fitted to each cell: rheobase (n,), chronaxie (n,) ms, and the residual (n,), the root
    mean square of the relative deviations. NaN where fewer than two thresholds are known.
    """

    rheobase: np.ndarray
    chronaxie: np.ndarray
    residual: np.ndarray

    __repr__ = one_line
    _repr_html_ = html_of


@dataclass(frozen=True)
class StrengthDuration:
    """Thresholds of n cells for pulses of k widths.

    width : (k,) ms. amplitude : (n, k), in the model's unit of current, NaN where there is none. status : (n,) uint8,
    `AnalysisStatus` of the rheobase. width_status : (n, k) that of each threshold. rheobase : (n,) threshold of a
    500-ms pulse. chronaxie : (n,) ms, the shortest pulse of twice the rheobase that makes the cell fire (NaN beyond
    64 ms). weiss : fit of I = rheobase (1 + chronaxie / width). lapicque : fit of
    I = rheobase / (1 - exp(-width / tau)), chronaxie = tau ln 2. unit : of the amplitudes.
    """

    width: np.ndarray
    amplitude: np.ndarray
    status: np.ndarray
    width_status: np.ndarray
    rheobase: np.ndarray
    chronaxie: np.ndarray
    weiss: StrengthDurationFit
    lapicque: StrengthDurationFit
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html


def strength_duration(
    model: str | Path | Model,
    widths: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    tol: float = 1e-5,
    max_amplitude: float = 1e3,
    watch: float = 50.0,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> StrengthDuration:
    """The threshold of each cell for rectangular pulses of several widths (ms), from rest.

    The other arguments are those of `find_rheobase`, which finds each threshold. The fits weigh relative deviations:
    Weiss 1901, Arch Ital Biol 35:413-446; Lapicque 1907, J Physiol Pathol Gen 9:620-635.
    Raises `InputError` as `find_rheobase` does, and for widths that are not positive numbers.
    """
    check_options(_OPTIONS, widths=widths, tol=tol, max_amplitude=max_amplitude, watch=watch, threshold=threshold)
    width = np.atleast_1d(np.asarray(widths, np.float64))
    population = Population.of(model, params, Method.of(method, options))

    def rheobase(width: float) -> Rheobase:
        return find_rheobase(population.model, params, width=width, tol=tol, max_amplitude=max_amplitude, watch=watch,
                             threshold=threshold, method=population.method)  # fmt: skip

    found, long = [rheobase(float(w)) for w in width], rheobase(_LONG)
    amplitude = np.stack([r.amplitude for r in found], axis=1)
    chronaxie = _chronaxie(population, 2.0 * long.amplitude, tol, watch, threshold)
    return StrengthDuration(
        width, amplitude, long.status, np.stack([r.status for r in found], axis=1), long.amplitude, chronaxie,
        _weiss(width, amplitude), _lapicque(width, amplitude), long.unit,
    )  # fmt: skip


def _chronaxie(population: Population, amplitude: np.ndarray, tol: float, watch: float, threshold: float) -> np.ndarray:
    """(n,) ms: the shortest firing pulse of the given amplitudes."""
    X, spikes = population.rest(), regenerative_spikes(threshold)

    def fires(rows: np.ndarray, width: np.ndarray) -> SpikeTest:
        stimulus = Pulse(amplitude=amplitude[rows], width=width)
        end = _LONGEST_CHRONAXIE + watch
        return SpikeTest.of(population.take(rows).run(X[:, rows], stimulus, end, [spikes, Final()]))

    guess = np.where(np.isfinite(amplitude), 1.0, np.nan)
    found = bracket(fires, guess, np.full(population.n, _LONGEST_CHRONAXIE))
    lo, hi = (np.where(found.found, x, np.nan) for x in (found.lo, found.hi))
    return bisect(fires, lo, hi, tol)[1]


def _weiss(width: np.ndarray, amplitude: np.ndarray) -> StrengthDurationFit:
    """Least squares of (b + q / width) / amplitude = 1, where b is the rheobase and q / b the chronaxie."""
    known = np.isfinite(amplitude).sum(axis=1) >= 2
    x, y = 1.0 / amplitude, 1.0 / (width * amplitude)
    xx, yy, xy, sx, sy = (np.nansum(v, axis=1) for v in (x * x, y * y, x * y, x, y))
    with np.errstate(all="ignore"):
        det = np.where(known, xx * yy - xy * xy, np.nan)
        b, q = (sx * yy - sy * xy) / det, (xx * sy - xy * sx) / det
        return StrengthDurationFit(b, q / b, _misfit(amplitude, b[:, None] + q[:, None] / width))


def _lapicque(width: np.ndarray, amplitude: np.ndarray) -> StrengthDurationFit:
    """Least squares over log tau by golden sections; the rheobase for each tau is linear least squares."""
    known = np.isfinite(amplitude).sum(axis=1) >= 2

    def law(log_tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = -1.0 / np.expm1(-width / np.exp(log_tau)[:, None])
        ratio = shape / amplitude
        b = np.nansum(ratio, axis=1) / np.nansum(ratio * ratio, axis=1)
        return b, _misfit(amplitude, b[:, None] * shape)

    lo = np.where(known, np.log(width.min() / 100.0), np.nan)
    hi = np.where(known, np.log(width.max() * 100.0), np.nan)
    with np.errstate(all="ignore"):
        lo, hi = golden_section(lambda log_tau: law(log_tau)[1], lo, hi, rounds=80)
        b, residual = law(0.5 * (lo + hi))
        return StrengthDurationFit(np.where(known, b, np.nan), np.exp(0.5 * (lo + hi)) * np.log(2.0), residual)


def _misfit(amplitude: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """(n,) the root mean square of the relative deviations."""
    known = np.isfinite(amplitude)
    squares = np.where(known, (fitted / amplitude - 1.0) ** 2, 0.0)
    return np.asarray(np.sqrt(squares.sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)))


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: StrengthDuration) -> dict[str, Variable]:
    thresholds = {f"threshold_at_{w:g}": per_cell_number(found.amplitude[:, k], found.unit,
                                                         f"threshold of a pulse of {w:g} ms")
                  for k, w in enumerate(found.width)}  # fmt: skip
    return thresholds | {
        "rheobase": per_cell_number(found.rheobase, found.unit, f"threshold of a pulse of {_LONG:g} ms"),
        "chronaxie": per_cell_number(found.chronaxie, "ms", "shortest firing pulse of twice the rheobase"),
    }


def _columns(found: StrengthDuration) -> dict[str, np.ndarray]:
    columns = {f"{w:g} ms ({found.unit})": found.amplitude[:, k] for k, w in enumerate(found.width)}
    return {**columns, f"rheobase ({found.unit})": found.rheobase, "chronaxie (ms)": found.chronaxie}


_OPTIONS = {
    "widths": Option("durations of the pulse", "ms", positive_numbers),
    "tol": Option("relative tolerance of the thresholds", check=tolerance),
    "max_amplitude": Option("the largest amplitude tried", "uA cm-2"),
    "watch": Option("how long after the pulse a spike may still come", "ms"),
    "threshold": Option("of a spike", "mV", finite),
}

ANALYSIS = Analysis(
    name="strength_duration",
    help="Threshold of a current pulse against its duration, with rheobase and chronaxie.",
    function=strength_duration,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
    picture=Picture("plot_strength_duration", lambda found, model, cell, options: found),
)
