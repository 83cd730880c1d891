"""How busy the lanes of an adaptive kernel are: the trial steps of cells over those of all lanes of its calls.

A lane takes a trial step in each turn, and the next cell when its own is done, so the numbers of steps say it; lanes
are idle where a call ends and none is left. With fixed steps only those of a last block that is not full are.
"""

from __future__ import annotations

import heapq

import numpy as np

import hhfast as hh
from hhfast.kernel.spec import ADAPTIVE_LANES


def trials_of(result: hh.Result) -> np.ndarray:
    """(n_cells,) the steps that each cell of an adaptive run has tried, the rejected ones too."""
    return np.asarray(result["n_steps"] + result["n_rejected"])


def occupancy(trials: np.ndarray, cells: int, dtype: str = "float64") -> float:
    """Of calls with so many cells each."""
    spent, lanes = 0, ADAPTIVE_LANES[dtype]
    for first in range(0, len(trials), cells):
        ends = [0] * lanes
        for n in trials[first : first + cells].tolist():
            heapq.heapreplace(ends, ends[0] + n)
        spent += lanes * max(ends)
    return float(trials.sum() / spent)
