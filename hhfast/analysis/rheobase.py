"""Rheobase: the weakest current pulse that makes a cell fire, for many cells at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.population import Population
from hhfast.analysis.spike_test import SpikeTest, regenerative_spikes, spike_test
from hhfast.analysis.threshold_search import lowest_firing, spontaneous
from hhfast.batch.analyses import Analysis, Option, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.inputs import finite, tolerance, truth
from hhfast.model import Model
from hhfast.parts.variable import Variable
from hhfast.tables import one_line


@dataclass(frozen=True)
class Rheobase:
    """Thresholds of n cells.

    amplitude : (n,) the smallest amplitude found to fire, NaN where status is not OK or NON_MONOTONE; in the
    model's unit of current (mV for a displacement). status : (n,) uint8, `AnalysisStatus`. width : of the pulse, ms.
    unit : of the amplitudes.
    """

    amplitude: np.ndarray
    status: np.ndarray
    width: float
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html

    @property
    def found(self) -> np.ndarray:
        """(n,) bool: there is an amplitude."""
        return np.isin(self.status, (AnalysisStatus.OK, AnalysisStatus.NON_MONOTONE))


def find_rheobase(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    width: float,
    tol: float = 1e-5,
    max_amplitude: float = 1e3,
    watch: float = 50.0,
    hyperpolarising: bool = False,
    threshold: float = -20.0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Rheobase:
    """The smallest amplitude of a rectangular current pulse, from rest, that makes each cell fire.

    Parameters
    ----------
    model, params, method, and its fields as keywords : as in `hhfast.simulate`.
    width : duration of the pulse, ms. watch : how long after the pulse a spike may still come, ms.
    tol : relative tolerance; the amplitude given fires, and the threshold lies less than tol below it.
    max_amplitude : the cap of the search, in the model's unit of current.
    hyperpolarising : search for a negative current instead, whose end makes the cell fire (anode break excitation;
        Hodgkin & Huxley 1952, J Physiol 117:500-544, fig. 22); the amplitudes are then negative.
    threshold : mV. A spike is an upward crossing after which the membrane drives itself further up (ionic current
        inward); a strong pulse that lifts a passive membrane over the threshold does not make a spike.

    Returns
    -------
    Rheobase: `.amplitude` (n_cells,) and `.status` (n_cells,). A cell's result does not depend on its neighbours.

    A cell is SPONTANEOUS if, started 1 mV above its rest, it fires without current within 500 ms; NON_MONOTONE if it
    fires at the amplitude found, but not at 1.5, 2 or 4 times that, or at a higher one tried on the way.

    Raises
    ------
    InputError : for unknown names, arrays that do not fit together, values out of range.
    """
    check_options(_OPTIONS, width=width, tol=tol, max_amplitude=max_amplitude, watch=watch,
                  hyperpolarising=hyperpolarising, threshold=threshold)  # fmt: skip
    population = Population.of(model, params, Method.of(method, options))
    spikes = regenerative_spikes(threshold)
    X = population.rest()
    sign = -1.0 if hyperpolarising else 1.0

    def fires(rows: np.ndarray, amplitude: np.ndarray) -> SpikeTest:
        return spike_test(population.take(rows), X[:, rows], sign * amplitude, width, watch, spikes)

    without = spontaneous(population, X, width + watch, spikes)
    cap = np.full(population.n, max_amplitude)
    amplitude, status = lowest_firing(fires, _guess(population, X, width), cap, tol, without)
    return Rheobase(sign * amplitude, status, float(width), population.current_unit)


def _guess(population: Population, X: np.ndarray, width: float) -> np.ndarray:
    """(n,) current that would lift V by some 6 mV in `width` against charge and leak, rounded to a power of two."""
    C_m = population.values("C_m")
    _, B = population.cells.rates(X)
    with np.errstate(invalid="ignore"):
        guess: np.ndarray = np.exp2(np.round(np.log2(6.0 * C_m * (1.0 / max(width, 1e-3) + B[0]))))
    return guess


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: Rheobase) -> dict[str, Variable]:
    name = f"threshold of a pulse of {found.width:g} ms"
    return {"rheobase": per_cell_number(found.amplitude, found.unit, name)}


def _columns(found: Rheobase) -> dict[str, np.ndarray]:
    return {f"threshold ({found.unit})": found.amplitude}


_OPTIONS = {
    "width": Option("duration of the pulse", "ms"),
    "tol": Option("relative tolerance of the amplitude", check=tolerance),
    "max_amplitude": Option("the largest amplitude tried", "uA cm-2"),
    "watch": Option("how long after the pulse a spike may still come", "ms"),
    "hyperpolarising": Option("search for a negative current, whose end makes the cell fire", "1", truth),
    "threshold": Option("of a spike", "mV", finite),
}

ANALYSIS = Analysis(
    name="rheobase",
    help="Threshold of a current pulse for each cell.",
    function=find_rheobase,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
)
