"""The smallest sudden displacement of V that makes a cell fire: the threshold of a very short shock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.population import Population
from hhfast.analysis.rheobase import Rheobase
from hhfast.analysis.spike_test import SpikeTest, regenerative_spikes, spike_test
from hhfast.analysis.threshold_search import lowest_firing, spontaneous
from hhfast.batch.analyses import Analysis, Option, check_options, per_cell_number
from hhfast.batch.method import Method, MethodOptions
from hhfast.inputs import finite, tolerance
from hhfast.model import Model
from hhfast.parts.variable import Variable


def displacement_threshold(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    tol: float = 1e-5,
    max_displacement: float = 200.0,
    watch: float = 50.0,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Rheobase:
    """The smallest sudden displacement of V from rest, mV, that makes each cell fire (a very short shock).

    As `find_rheobase`, with mV instead of current: tol is relative, max_displacement (mV) the largest that is tried. A
    displacement beyond `threshold` itself does not count. Raises `InputError` as `find_rheobase` does.
    """
    check_options(_OPTIONS, tol=tol, max_displacement=max_displacement, watch=watch, threshold=threshold)
    population = Population.of(model, params, Method.of(method, options))
    spikes = regenerative_spikes(threshold)
    X = population.rest()

    def fires(rows: np.ndarray, displacement: np.ndarray) -> SpikeTest:
        displaced = X[:, rows].copy()
        displaced[0] += displacement
        return spike_test(population.take(rows), displaced, np.zeros(len(rows)), 0.0, watch, spikes)

    without = spontaneous(population, X, watch, spikes)
    cap = np.clip(threshold - 0.5 - X[0], 0.0, max_displacement)
    amplitude, status = lowest_firing(fires, np.where(np.isfinite(X[0]), 4.0, np.nan), cap, tol, without)
    return Rheobase(amplitude, status, 0.0, "mV")


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: Rheobase) -> dict[str, Variable]:
    return {"displacement": per_cell_number(found.amplitude, found.unit, "threshold of a sudden displacement of V")}


_OPTIONS = {
    "tol": Option("relative tolerance of the displacement", check=tolerance),
    "max_displacement": Option("the largest displacement tried", "mV"),
    "watch": Option("how long after the displacement a spike may still come", "ms"),
    "threshold": Option("of a spike", "mV", finite),
}

ANALYSIS = Analysis(
    name="displacement_threshold",
    help="Sudden displacement of the membrane potential that makes each cell fire.",
    function=displacement_threshold,
    options=_OPTIONS,
    variables=_variables,
)
