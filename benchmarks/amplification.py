"""By how much a cell amplifies a small error: chaotic cells, and those on the brink of something, have no right count.

At some times of its run V is displaced by 1e-6 mV, and the run is continued with and without; `amplification` is the
largest difference of V that comes of it, over the displacement. Where firing is regular it is ten thousand at most,
since a shifted spike rises by hundreds of mV/ms; above SENSITIVE an error of 1e-4 mV becomes one of 10 mV.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from truth import Cells

import hhfast as hh

DISPLACED = 1e-6  # mV
SENSITIVE = 1e5
_OPTIONS: dict[str, Any] = {"rtol": 1e-11, "max_steps": 50_000_000}


def amplification(cell: Cells, times: int = 12) -> float:
    """The largest, of one cell, over displacements at `times` equidistant times of its run."""
    return max(_amplified_from(cell, cell.t_stop * k / (times + 1)) for k in range(1, times + 1))


def _amplified_from(cell: Cells, t: float) -> float:
    """How much a displacement at a time has grown at most by the end."""
    ((kind, values),) = cell.stimulus.parts
    before = hh.simulate(cell.model, cell.params, stimulus=cell.stimulus, t_stop=t, record=hh.Final(), **_OPTIONS)
    reached = {name: np.repeat(before[f"{name}_final"], 2) for name in cell.model.states}
    reached["V"] = reached["V"] + np.array([0.0, DISPLACED])
    later = {**values, **{edge: np.asarray(values[edge]) - t for edge in ("start", "stop")}}
    twice = replace(cell, params={name: np.repeat(v, 2) for name, v in cell.params.items()})
    left = cell.t_stop - t
    trace = hh.simulate(
        twice.model, twice.params, stimulus=kind(**later).take(np.array([0, 0])), t_stop=left, initial=reached,
        record=hh.Trace("V", every=left / 2000), **_OPTIONS,
    )["V"]  # fmt: skip
    return float(np.abs(trace[1] - trace[0]).max() / DISPLACED)
