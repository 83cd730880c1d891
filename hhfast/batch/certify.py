"""The certificate of a result: what a finer run of the same cells says about the error of every number.

A method of order p whose error is near C h^p has, at step h, the error 2^p / (2^p - 1) times what changes when the step
is halved (Richardson 1911, Phil Trans R Soc A 210:307-357; Hairer, Norsett & Wanner 1993, Solving ODEs I, sec. II.4).
That holds where a number depends smoothly on the step. It is an indication, of the right size but no bound, where it
does not: for V_max and V_min, which are those of the ends of steps, for spikes that have drifted by a good part of an
interval, and for whatever is computed from spikes where their number changes. Counts and rates are not extrapolated:
their error is the plain difference. So is that of an adaptive method, whose finer run has a tenth of the tolerances and
about a tenth of the error; as the tolerances are those of single steps, this too is an indication. A spike count that
both runs have wrong is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hhfast.batch.result import OK, Result
from hhfast.errors import InputError
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes
from hhfast.parts.variable import Variable
from hhfast.sampling.counter_rng import uniform

NOT_CHECKED, AGREES, CHANGED, FAILED = range(4)
CERTIFIED_MEANINGS = ("not_checked", "agrees", "spike_count_changed", "finer_run_failed")
_COUNTS = ("spike_count", "rate")  # variables that differ if and only if the number of spikes does


def certified_rows(certify: Any, n: int, record: Sequence[Recorder]) -> np.ndarray | None:
    """The cells to check of n, in order; None where no certificate is wanted (see `simulate` for what it may be)."""
    if certify is False:
        return None
    check_counts(name for r in record for name in (_COUNTS if isinstance(r, Spikes) else getattr(r, "names", ())))
    if np.ndim(certify):
        chosen = np.asarray(certify)
        if chosen.dtype != bool or chosen.shape != (n,):
            raise InputError(
                f"certify: is a {chosen.dtype} array of shape {chosen.shape}; "
                f"give one truth value per cell ({n}), or a share of the cells"
            )
        return np.flatnonzero(chosen)
    return np.flatnonzero(drawn(check_share(certify), 0, 0, n))


def check_share(certify: Any) -> float:
    """`certify` as the share of the cells to check: True is 1. Raises `InputError` unless 0 < share <= 1."""
    if isinstance(certify, (bool, int, float)) and 0 < certify <= 1:
        return float(certify)
    raise InputError(f"certify: is {certify!r}; give true, false, or a share of the cells above 0 and up to 1")


def drawn(share: float, seed: int, start: int, stop: int) -> np.ndarray:
    """Whether each of cells start to stop is one of a random share: by its number and the seed alone."""
    return uniform(seed, "certify", start, stop) < share


def check_counts(names: Iterable[str]) -> None:
    """Refuse a certificate of results (of these names) in which a lost or additional spike would not show."""
    if not set(_COUNTS) & set(names):
        raise InputError("certify: compares numbers of spikes, which nothing records; record spike_count as well")


def error_factor(integrator: Integrator, moving: bool) -> float:
    """The error of a run over its difference to the finer run.

    Edges of stimuli that differ between cells fall inside steps and limit the order to 2.
    """
    if integrator.adaptive:  # the finer run has a tenth of the tolerances, and so about a tenth of the error
        return 1.0
    order = min(integrator.order, 2) if moving else integrator.order
    return 2.0**order / (2.0**order - 1.0)


def certified(result: Result, rows: np.ndarray, finer: Result, factor: float) -> Result:
    """A result with its certificate, from a finer run of some of its rows; what it held stays as it was."""
    counted = [name for name in _COUNTS if name in result]
    changed = np.any([result[name][rows] != finer[name] for name in counted], axis=0) | (result.status[rows] != OK)
    failed = finer.status != OK
    code = np.full(result.n_cells, NOT_CHECKED, np.uint8)
    code[rows] = np.where(failed, FAILED, np.where(changed, CHANGED, AGREES))

    def error(difference: np.ndarray, unit: str, of: str) -> Variable:
        values = np.full(result.n_cells, np.nan)
        values[rows] = np.where(failed, np.nan, difference)
        return Variable(values, ("cell",), unit, f"estimated error of {of}")

    found = {"certified": Variable(code, ("cell",), "1", "outcome of the finer run", CERTIFIED_MEANINGS)}
    for name, variable in result.variables.items():
        if name.endswith("_error") or f"{name}_error" in result.variables:
            continue  # period_error is a feature of its own
        if variable.dims == ("cell",) and (variable.values.dtype.kind == "f" or name in _COUNTS):
            scale = 1.0 if name in _COUNTS else factor
            difference = scale * np.abs(variable.values[rows].astype(np.float64) - finer[name])
            found[f"{name}_error"] = error(difference, variable.unit, variable.long_name or name)
        elif name == "spike_time":
            shift = factor * _largest_shift(result, rows, finer)
            found["spike_time_error"] = error(shift, "ms", "spike times, the largest")
    return Result(result.status, {**result.variables, **found}, result.attributes)


def _largest_shift(result: Result, rows: np.ndarray, finer: Result) -> np.ndarray:
    """(len(rows),) ms: how far the first, second, ... spikes of both are apart at most; NaN without spikes."""
    starts = np.cumsum(result.spike_count) - result.spike_count
    finer_starts = np.cumsum(finer.spike_count) - finer.spike_count
    matched = np.minimum(result.spike_count[rows], finer.spike_count)
    owner = np.repeat(np.arange(len(rows)), matched)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(matched) - matched, matched)
    shift = np.abs(result.spike_time[starts[rows][owner] + rank] - finer.spike_time[finer_starts[owner] + rank])
    largest = np.where(matched > 0, 0.0, np.nan)
    np.maximum.at(largest, owner, shift)
    return largest
