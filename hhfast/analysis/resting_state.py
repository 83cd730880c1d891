"""Where a cell rests, and whether it is stable there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.population import Population
from hhfast.batch.analyses import Analysis, Option, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian
from hhfast.batch.resting_state import VOLTAGES, equilibrium_currents, roots, sign_changes
from hhfast.errors import InputError
from hhfast.inputs import per_cell
from hhfast.model import Model
from hhfast.parts.variable import Variable
from hhfast.tables import html_of, one_line


@dataclass(frozen=True)
class Equilibria:
    """All equilibria of all cells, cell after cell and from low to high V.

    cell : (k,) row of the cell. V : (k,) mV. states : name -> (k,). eigenvalues : (k, n_states) complex, per ms, the
    one with the largest real part first (NaN last, one for each sum of states that the equations conserve). stable :
    (k,) all real parts are negative.
    """

    cell: np.ndarray
    V: np.ndarray
    states: Mapping[str, np.ndarray]
    eigenvalues: np.ndarray
    stable: np.ndarray

    __repr__ = one_line
    _repr_html_ = html_of


@dataclass(frozen=True)
class RestingState:
    """The resting state of n cells: of each the stable equilibrium of lowest V (the lowest one, if none is stable).

    V : (n,) mV, NaN where status is DIVERGED, NO_EQUILIBRIUM or UNSOLVED. states : name -> (n,), V included.
    eigenvalues : (n, n_states) complex, per ms. stable : (n,) bool. status : (n,) uint8, `AnalysisStatus`.
    equilibria : all of them.
    """

    V: np.ndarray
    states: Mapping[str, np.ndarray]
    eigenvalues: np.ndarray
    stable: np.ndarray
    status: np.ndarray
    equilibria: Equilibria

    __repr__ = one_line
    _repr_html_ = analysis_html


def resting_state(
    model: str | Path | Model, params: Mapping[str, Any] | None = None, *, i_app: float | np.ndarray = 0.0
) -> RestingState:
    """The resting state of each cell at a constant current, all its equilibria, and their linear stability.

    model, params : as in `hhfast.simulate`. i_app : the current (a number or one per cell), in the model's unit.
    Equilibria are found between -130 and 80 mV, to rounding; eigenvalues are those of the Jacobian, differentiated
    symbolically from the model's own expressions. Raises `InputError` as `simulate` does.
    """
    check_options(_OPTIONS, i_app=i_app)
    population = Population.of(model, params)
    current = np.atleast_1d(np.asarray(i_app, np.float64))
    if not len(current):
        raise InputError("i_app: holds no number; give one, or one per cell")
    if population.n == 1:
        population = population.take(np.zeros(len(current), np.int64))
    if len(current) not in (1, population.n):
        raise InputError(f"i_app: has {len(current)} values; give a number or one per cell ({population.n})")
    curves = equilibrium_currents(population.cells)
    found = _equilibria(population, np.broadcast_to(current, population.n), curves)
    return _resting(population, found, np.isfinite(curves).any(axis=0))


def _equilibria(population: Population, current: np.ndarray, curves: np.ndarray) -> Equilibria:
    missing = curves - current
    cell, low, high = sign_changes(missing)
    those = population.take(cell).cells
    wanted = current[cell]
    V, X, true = roots(those, lambda found, _: found - wanted, low, high)
    A, B = those.rates(X, wanted)
    nearby = np.abs(missing[np.searchsorted(VOLTAGES, [low, high]), cell]).sum(axis=0) / those.values("C_m")
    # Where the curve jumps there is none.
    true &= np.abs(A[0] - B[0] * V) <= 1e-7 * (np.abs(A[0]) + np.abs(B[0] * V) + nearby)
    cell, V, X, those = cell[true], V[true], X[:, true], those.at(np.flatnonzero(true))
    values = np.full((len(cell), len(X)), np.nan, np.complex128)
    free = eigenvalues(free_jacobian(those.model, jacobian(those, X)))
    values[:, : free.shape[1]] = free
    return Equilibria(cell, V, dict(zip(population.model.states, X, strict=True)), values, values[:, 0].real < 0)


def _resting(population: Population, found: Equilibria, known: np.ndarray) -> RestingState:
    """The lowest stable equilibrium of each cell, else its lowest; known : (n,) whether its curve is, anywhere."""
    chosen = np.full(population.n, -1)
    for k in (*np.flatnonzero(~found.stable)[::-1], *np.flatnonzero(found.stable)[::-1]):
        chosen[found.cell[k]] = k
    there = chosen >= 0
    states = {name: np.full(population.n, np.nan) for name in population.model.states}
    for name, values in found.states.items():
        states[name][there] = values[chosen[there]]
    spectrum = np.full((population.n, len(states)), np.nan, np.complex128)
    spectrum[there] = found.eigenvalues[chosen[there]]
    stable = np.zeros(population.n, bool)
    stable[there] = found.stable[chosen[there]]
    status = np.where(stable, AnalysisStatus.OK, AnalysisStatus.UNSTABLE).astype(np.uint8)
    status[~there] = np.where(known[~there], AnalysisStatus.NO_EQUILIBRIUM, AnalysisStatus.UNSOLVED)
    status[~np.isfinite(population.cells.P).all(axis=0)] = AnalysisStatus.DIVERGED
    return RestingState(states["V"], states, spectrum, stable, status, found)


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: RestingState) -> dict[str, Variable]:
    n = np.bincount(found.equilibria.cell, minlength=len(found.V)).astype(np.int32)
    growth = found.eigenvalues[:, 0].real
    return {
        "V_rest": per_cell_number(found.V, "mV", "resting potential"),
        "stable": per_cell_number(found.stable.astype(np.uint8), "1", "whether the resting state is stable"),
        "growth_rate": per_cell_number(growth, "ms-1", "largest real part of an eigenvalue at rest"),
        "n_equilibria": per_cell_number(n, "1", "number of equilibria"),
    }


def _columns(found: RestingState) -> dict[str, np.ndarray]:
    n = np.bincount(found.equilibria.cell, minlength=len(found.V))
    return {"V (mV)": found.V, "stable": found.stable, "growth (1/ms)": found.eigenvalues[:, 0].real, "equilibria": n}


_OPTIONS = {"i_app": Option("constant current", "uA cm-2", per_cell)}

ANALYSIS = Analysis(
    name="resting_state",
    help="Resting potential of each cell at a constant current, and whether it is stable.",
    function=resting_state,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
)
