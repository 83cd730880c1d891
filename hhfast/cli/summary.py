"""What a finished result says of its rows: why some diverged, which fire before the stimulus, which are stiff."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from hhfast.batch.result import BEYOND_RATES, CAP_REACHED, OK, REASON_MEANINGS, STIFF, limited_by_stability
from hhfast.tables import shares_text

if TYPE_CHECKING:
    from hhfast.sweep.store import ResultFile

_MOST = 10_000_000  # rows that are looked at


def summary_lines(result: ResultFile) -> list[str]:
    """One line for each thing that is worth knowing, with what to do about it."""
    if result.n_rows > _MOST:
        return []
    found = [_activities(result), _reasons(result), _beyond_rates(result), _early_spikes(result), _stiff(result)]
    return [f"  {line}" for line in found if line]


def _activities(result: ResultFile) -> str:
    if "activity" not in result:
        return ""
    settled = np.isin(result.read("status"), (OK, CAP_REACHED))  # of the others it is not known
    told = shares_text(result.read("activity")[settled], result.codes("activity"))
    return f"activity: {told}" if told else ""


def _reasons(result: ResultFile) -> str:
    if "reason" not in result:
        return ""
    counts = np.bincount(result.read("reason"), minlength=len(REASON_MEANINGS)).tolist()
    diverged = zip(REASON_MEANINGS[1:BEYOND_RATES], counts[1:], strict=False)
    told = [f"{n:,} {name.replace('_', ' ')}" for name, n in diverged if n]
    return f"diverged because: {', '.join(told)}" if told else ""


def _beyond_rates(result: ResultFile) -> str:
    if "reason" not in result or not (beyond := result.read("reason") == BEYOND_RATES).any():
        return ""
    return (
        f"{_rows(beyond)} {'reach' if beyond.sum() > 1 else 'reaches'} potentials at which exponentials of rates are "
        "held constant: gates that move there are only about right"
    )


def _early_spikes(result: ResultFile) -> str:
    if not {"latency", "spike_count"} <= set(result.names):
        return ""
    early = (result.read("spike_count") > 0) & np.isnan(result.read("latency")) & (result.read("status") == OK)
    if not early.any():
        return ""
    spec = json.loads(result.attributes["hhfast_spec"])
    remedy = "" if spec["initial"] == "rest" else "; initial = 'rest' lets each row start where it rests"
    return f"{_rows(early)} fire before the stimulus begins, so that they have no latency{remedy}"


def _stiff(result: ResultFile) -> str:
    if "n_steps" not in result:
        return ""
    spec = json.loads(result.attributes["hhfast_spec"])
    steps, status = result.read("n_steps"), result.read("status")
    stiff = limited_by_stability(steps, status, spec["t_stop"], spec["integrator"])
    if not stiff.any():
        return ""
    return f"{_rows(stiff)} took over {STIFF:g} steps per ms: stability limits them; integrator = 'rodas4' is for such"


def _rows(which: np.ndarray) -> str:
    return f"{which.sum():,} row{'s' if which.sum() > 1 else ''}"
