"""The comparison of a run with a far more accurate one: errors of all numbers, and a verdict on each cell."""

from __future__ import annotations

import numpy as np

from hhfast.batch.certify import AGREES, CERTIFIED_MEANINGS, DIFFERS, FAILED, NOT_CHECKED
from hhfast.batch.certify_tolerance import Tolerance
from hhfast.batch.result import CAP_REACHED, OK, Result
from hhfast.parts.variable import Variable


def certified(result: Result, rows: np.ndarray, finer: Result, tolerance: Tolerance) -> Result:
    """A result with its certificate, from a finer run of some of its rows; what it held stays as it was.

    A cell differs where its status does, where one run has a number and the other NaN, and where an error is above
    the tolerance. Traces are not compared.
    """
    failed = ~np.isin(finer.status, (OK, CAP_REACHED))
    differs = result.status[rows] != finer.status
    errors: dict[str, Variable] = {}
    for name, variable in result.variables.items():
        kind = variable.judged_as
        if name == "spike_time":
            error, size = _largest_shift(result, rows, finer), np.zeros(len(rows))
        elif variable.dims == ("cell",) and name in finer:
            ours, theirs = (np.asarray(v, np.float64) for v in (variable.values[rows], finer[name]))
            with np.errstate(invalid="ignore"):
                error, size = np.abs(ours - theirs), np.fmax(np.abs(ours), np.abs(theirs))
            if kind != "incidental":
                differs |= np.isnan(ours) != np.isnan(theirs)
        else:
            continue
        if kind != "incidental":
            differs |= error > tolerance.allowed(name, kind, size)
        whole = variable.values.dtype.kind != "f"
        known = variable.error_of or f"{name}_error" in result.variables  # that of period is a feature of its own
        if not (known or kind == "code" or (whole and kind == "incidental")):
            values = np.full(result.n_cells, np.nan)
            values[rows] = np.where(failed, np.nan, error)
            of = "spike times, the largest" if name == "spike_time" else variable.long_name or name
            errors[f"{name}_error"] = Variable(
                values, ("cell",), variable.unit, f"estimated error of {of}", error_of=name
            )
    code = np.full(result.n_cells, NOT_CHECKED, np.uint8)
    code[rows] = np.where(failed, FAILED, np.where(differs, DIFFERS, AGREES))
    verdict = Variable(code, ("cell",), "1", "outcome of the finer run", CERTIFIED_MEANINGS)
    return Result(result.status, {**result.variables, "certified": verdict, **errors}, result.attributes)


def _largest_shift(result: Result, rows: np.ndarray, finer: Result) -> np.ndarray:
    """(len(rows),) ms: how far the first, second, ... spikes of both are apart at most; NaN without spikes."""
    starts = np.cumsum(result.spike_count) - result.spike_count
    finer_starts = np.cumsum(finer.spike_count) - finer.spike_count
    matched = np.minimum(result.spike_count[rows], finer.spike_count)
    owner = np.repeat(np.arange(len(rows)), matched)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(matched) - matched, matched)
    shift = np.abs(result.spike_time[starts[rows][owner] + rank] - finer.spike_time[finer_starts[owner] + rank])
    largest = np.where(matched > 0, 0.0, np.nan)
    with np.errstate(invalid="ignore"):
        np.maximum.at(largest, owner, shift)
    return largest
