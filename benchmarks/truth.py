"""What cells really do, as far as it can be known, and how wrong a run is about them.

The truth is a run by `rodas4` at rtol 1e-11 (1e-10 where rounding is in the way), seconded by one by `tsit5` at 1e-12:
methods of two families. Where the two differ by more than a tenth of what matters the cell is undecided (its dynamics
amplify 1e-11 to what counts), and left out. `scipy_differs` calls a third, for a few cells: SciPy's DOP853, without
hhfast's kernels and spike detection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import hhfast as hh
from hhfast.analysis.population import Population
from hhfast.analysis.work_precision.independent import solve
from hhfast.analysis.work_precision.problem import Problem
from hhfast.batch.result import STEP_LIMIT

EXACT = ("spike_count", "rate")  # counts: right or wrong
LIMITS = {"ms": 0.1, "mV": 1.0, "1": 0.01}  # what matters, the defaults of certify_tolerance, by unit
FEATURES = ("rate", "latency", "isi_mean", "isi_cv", "V_max", "V_min", "V_mean")


@dataclass(frozen=True)
class Cells:
    """Cells of a model, and how they are run."""

    model: hh.Model
    params: Mapping[str, np.ndarray]
    stimulus: Any
    t_stop: float
    threshold: float = -20.0
    rearm: float = -30.0

    @property
    def n(self) -> int:
        return len(next(iter(self.params.values())))

    def take(self, rows: np.ndarray) -> Cells:
        """Some of them, by number."""
        params = {name: values[rows] for name, values in self.params.items()}
        return replace(self, params=params, stimulus=self.stimulus.take(rows))

    def run(self, **options: Any) -> hh.Result:
        levels = {"threshold": self.threshold, "rearm": self.rearm}
        record = [hh.Spikes(**levels), hh.Features(FEATURES, **levels)]
        return hh.simulate(
            self.model, self.params, stimulus=self.stimulus, t_stop=self.t_stop, record=record, **options
        )


@dataclass(frozen=True)
class Truth:
    """decided : (n,) the cells of which both witnesses say the same. unknown : those of which they say what differs."""

    result: hh.Result
    decided: np.ndarray
    unknown: np.ndarray


def truth_of(cells: Cells) -> Truth:
    """Run the witnesses; a cell that one of them gives up is undecided."""
    # Below this atol the error estimate of rodas4 is the rounding of V, and its steps become ever smaller.
    first = cells.run(integrator="rodas4", rtol=1e-11, atol=1e-11, max_steps=50_000_000)
    if len(left := np.flatnonzero(first.status == STEP_LIMIT)):
        first = first.with_rows(left, cells.take(left).run(integrator="rodas4", rtol=1e-10, max_steps=50_000_000))
    second = cells.run(integrator="tsit5", rtol=1e-12, max_steps=50_000_000)
    both = (first.status == 0) & (second.status == 0)
    return Truth(first, both & ~beyond(second, first, 0.1), both & beyond(second, first, 1.0))


def beyond(result: hh.Result, true: hh.Result, margin: float) -> np.ndarray:
    """(n,) which cells have another count, or a feature or spike time off by more than `margin` of what matters."""
    wrong = result.spike_count != true.spike_count
    for name in FEATURES:
        if name in EXACT:
            continue
        ours, theirs = result[name], true[name]
        with np.errstate(invalid="ignore"):
            wrong |= np.abs(ours - theirs) > margin * LIMITS[result.variables[name].unit]
        wrong |= np.isnan(ours) != np.isnan(theirs)
    return wrong | (largest_shift(result, true) > margin * LIMITS["ms"])


def largest_shift(result: hh.Result, true: hh.Result) -> np.ndarray:
    """(n,) ms: by how much the spike that is most displaced is, of cells with the right count; else NaN."""
    pairs = zip(result.spike_times, true.spike_times, strict=True)
    return np.array([np.abs(a - b).max(initial=0.0) if len(a) == len(b) else np.nan for a, b in pairs])


def scipy_differs(cells: Cells, true: hh.Result, numbers: np.ndarray) -> int:
    """Of how many of these cells SciPy's DOP853 finds another count, or a spike time more than 0.01 ms away."""
    problem = Problem(Population.of(cells.model, cells.params), cells.stimulus, cells.t_stop)
    differ = 0
    for k in numbers.tolist():
        ours, theirs = true.spike_times[k], solve(problem, k).train
        differ += len(ours) != len(theirs) or np.abs(ours - theirs).max(initial=0.0) > 0.01
    return int(differ)
