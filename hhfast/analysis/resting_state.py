"""Where a cell rests, and whether it is stable there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.equilibria import brackets, currents_on_scan, equilibrium, root
from hhfast.analysis.linearisation import eigenvalues, jacobian
from hhfast.analysis.population import Cohort
from hhfast.analysis.status import AnalysisStatus
from hhfast.errors import InputError
from hhfast.model import Model


@dataclass(frozen=True)
class Equilibria:
    """All equilibria of all cells, cell after cell and from low to high V.

    cell : (k,) row of the cell. V : (k,) mV. states : name -> (k,). eigenvalues : (k, n_states) complex, per ms, the
    one with the largest real part first. stable : (k,) all real parts are negative.
    """

    cell: np.ndarray
    V: np.ndarray
    states: Mapping[str, np.ndarray]
    eigenvalues: np.ndarray
    stable: np.ndarray


@dataclass(frozen=True)
class RestingState:
    """The resting state of n cells: of each the stable equilibrium of lowest V (the lowest one, if none is stable).

    V : (n,) mV, NaN where status is DIVERGED or NO_EQUILIBRIUM. states : name -> (n,), V included. eigenvalues :
    (n, n_states) complex, per ms. stable : (n,) bool. status : (n,) uint8, `AnalysisStatus`. equilibria : all of them.
    """

    V: np.ndarray
    states: Mapping[str, np.ndarray]
    eigenvalues: np.ndarray
    stable: np.ndarray
    status: np.ndarray
    equilibria: Equilibria


def resting_state(
    model: str | Path | Model, params: Mapping[str, Any] | None = None, *, i_app: float | np.ndarray = 0.0
) -> RestingState:
    """The resting state of each cell at a constant current, all its equilibria, and their linear stability.

    model, params : as in `hhfast.simulate`. i_app : the current (a number or one per cell), in the model's unit.
    Equilibria are found between -130 and 80 mV, to rounding; eigenvalues are those of the Jacobian, differentiated
    symbolically from the model's own expressions. Raises `InputError` as `simulate` does.
    """
    cohort = Cohort.of(model, params)
    if np.ndim(i_app) and cohort.n == 1:
        cohort = cohort.take(np.zeros(len(i_app), np.int64))  # type: ignore[arg-type]
    if np.ndim(i_app) > 1 or (np.ndim(i_app) and len(i_app) != cohort.n):  # type: ignore[arg-type]
        raise InputError(f"i_app: give a number or one per cell ({cohort.n})")
    current = np.broadcast_to(np.asarray(i_app, np.float64), cohort.n)
    found = _equilibria(cohort, current)
    return _resting(cohort, found)


def _equilibria(cohort: Cohort, current: np.ndarray) -> Equilibria:
    cell, low, high = brackets(currents_on_scan(cohort) - current)
    those = cohort.take(cell)
    V = root(lambda V: equilibrium(those, V)[0] - current[cell], low, high)
    _, X = equilibrium(those, V)
    values = eigenvalues(jacobian(those.cells, X))
    return Equilibria(cell, V, dict(zip(cohort.model.states, X, strict=True)), values, values[:, 0].real < 0)


def _resting(cohort: Cohort, found: Equilibria) -> RestingState:
    """The lowest stable equilibrium of each cell, else its lowest."""
    chosen = np.full(cohort.n, -1)
    for k in (*np.flatnonzero(~found.stable)[::-1], *np.flatnonzero(found.stable)[::-1]):
        chosen[found.cell[k]] = k
    there = chosen >= 0
    states = {name: np.full(cohort.n, np.nan) for name in cohort.model.states}
    for name, values in found.states.items():
        states[name][there] = values[chosen[there]]
    spectrum = np.full((cohort.n, len(states)), np.nan, np.complex128)
    spectrum[there] = found.eigenvalues[chosen[there]]
    stable = np.zeros(cohort.n, bool)
    stable[there] = found.stable[chosen[there]]
    status = np.where(stable, AnalysisStatus.OK, AnalysisStatus.UNSTABLE).astype(np.uint8)
    status[~there] = AnalysisStatus.NO_EQUILIBRIUM
    status[~np.isfinite(equilibrium(cohort, np.full(cohort.n, -65.0))[0])] = AnalysisStatus.DIVERGED
    return RestingState(states["V"], states, spectrum, stable, status, found)
