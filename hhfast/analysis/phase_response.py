"""Phase response curves: by how much a small displacement at each phase of a cycle advances all later spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.population import Population, constant, final_states
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.cycles import Cycles
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.own_durations import OwnDurations
from hhfast.batch.result import CAP_REACHED, OK, SPIKES_FULL
from hhfast.batch.simulate import simulate
from hhfast.errors import InputError
from hhfast.inputs import finite, one_of, per_cell, whole_number
from hhfast.model import Model
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder, levels_of
from hhfast.parts.recorders import Final
from hhfast.parts.variable import Variable
from hhfast.tables import one_line

_STARTS = ("model", "rest", "depolarised")
_PHASES = (8, 10_000)  # fewest and most


@dataclass(frozen=True)
class PhaseResponse:
    """Phase response curves of n cells at k phases of their cycles.

    phase : (k,) from 0 to 1; 0 is the first spike after the longest interval, or the maximum of V where there is no
    spike. response : (n, k) ms per mV: by how much later spikes come earlier for a small displacement of V at that
    phase; over the period it is in cycles, and over C_m it is the response to a short pulse of current, per its charge.
    adjoint : state -> (n, k) ms per its unit, the same for every state; the sum over states of adjoint times dx/dt is 1
    at all phases. states : state -> (n, k), the cycle itself; V is one of them. period : (n,) ms. spikes : (n,) in a
    period. floquet : (n,) size of the largest multiplier but the one that is 1: what is left, a period later, of a
    displacement from the cycle. error : (n,) that of the response, relative, estimated: by how much the sum above
    strays from 1 between two phases; about 1e-8, and more where formulas jump (an `if` whose sides differ). status :
    (n,) uint8, `AnalysisStatus` (OK, NOT_PERIODIC, DIVERGED); NaN where it is not OK.
    """

    phase: np.ndarray
    response: np.ndarray
    adjoint: Mapping[str, np.ndarray]
    states: Mapping[str, np.ndarray]
    period: np.ndarray
    spikes: np.ndarray
    floquet: np.ndarray
    error: np.ndarray
    status: np.ndarray

    __repr__ = one_line
    _repr_html_ = analysis_html

    @property
    def V(self) -> np.ndarray:
        """(n, k) mV, over the cycle."""
        return self.states["V"]

    @property
    def delayed(self) -> np.ndarray:
        """(n,) the share of the response that delays: about 0 in cells of type I, more in those of type II."""
        with np.errstate(invalid="ignore"):
            return np.asarray(-np.minimum(self.response, 0.0).sum(axis=1) / np.abs(self.response).sum(axis=1))


def phase_response(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    i_app: float | np.ndarray = 0.0,
    phases: int = 200,
    t_stop: float = 20_000.0,
    initial: str = "model",
    threshold: float = -20.0,
    rearm: float | None = None,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> PhaseResponse:
    """The infinitesimal phase response curve of every cell that is periodic under a constant current.

    Parameters
    ----------
    model, params, method, and its fields as keywords : as in `hhfast.simulate`; the method is that of the run that
        leads to the cycle. The cycle itself is found to high precision by Newton's method, and the response from its
        adjoint equations (Ermentrout & Kopell 1991, J Math Biol 29:195-217; Govaerts & Sautois 2006, Neural Comput
        18:817-847), by tsit5.
    i_app : the current, a number or one for each cell, in the model's unit.
    phases : at how many equal steps of the phase.
    t_stop : ms; a cell that is on no cycle by then is NOT_PERIODIC. initial : "model", "rest" or "depolarised", where
        runs start: of a cell with a rest beside its cycle, this decides.
    threshold, rearm : mV, of spikes; rearm: 10 mV below the threshold.

    Raises
    ------
    InputError : for unknown names, arrays that do not fit together, values out of range.
    """
    check_options(_OPTIONS, phases=phases, t_stop=t_stop, initial=initial, threshold=threshold)
    levels = levels_of(threshold, rearm)
    current = per_cell("i_app", i_app)
    own = Method.of(method, options)
    population = Population.of(model, params, own)
    if np.ndim(current):
        population = _one_per_current(population, len(current))
    current = np.broadcast_to(np.asarray(current, np.float64), population.n).copy()
    X, period, status, spikes = _settled(population, current, t_stop, initial, levels)
    names, n = population.model.states, population.n
    cycle, Z = np.full((2, len(names), n, phases + 1), np.nan)
    (floquet, error), rows = np.full((2, n), np.nan), np.flatnonzero(status == AnalysisStatus.OK)
    if len(rows):
        cells = OwnDurations.of(population.cells, current, own.threads).take(rows)
        cycles = Cycles.of(cells, X[:, rows], period[rows], levels)
        lost, kept = rows[~cycles.found], np.flatnonzero(cycles.found)
        status[lost], period[lost] = AnalysisStatus.NOT_PERIODIC, np.nan
        rows, cycles = rows[kept], cycles.take(kept)
        period[rows], floquet[rows] = cycles.period, cycles.multiplier
        if len(rows):
            cycle[:, rows] = cycles.states(phases)
            Z[:, rows], error[rows] = cycles.adjoint(phases)
    states, adjoint = (dict(zip(names, values, strict=True)) for values in (cycle, Z))
    phase = np.linspace(0.0, 1.0, phases + 1)
    return PhaseResponse(phase, adjoint["V"], adjoint, states, period, spikes, floquet, error, status)


def _one_per_current(population: Population, n: int) -> Population:
    """The population with as many cells as there are currents."""
    if population.n == n:
        return population
    if population.n > 1:
        raise InputError(f"i_app: has {n} values, and there are {population.n} cells; give one for each")
    return population.take(np.zeros(n, np.int64))


def _settled(
    population: Population, current: np.ndarray, t_stop: float, initial: str, levels: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where the cells end, (n_states, n); their periods, status and spikes per period."""
    record: list[Recorder] = [Features(("period", "spikes_per_period"), *levels), Final()]
    run = simulate(
        population.model, population.params, stimulus=constant(current), t_stop=t_stop, record=record, initial=initial,
        until="settled", method=population.method,
    )  # fmt: skip
    periodic = np.isfinite(run["period"]) & np.isin(run.status, (OK, SPIKES_FULL))
    status = np.where(periodic, AnalysisStatus.OK, AnalysisStatus.NOT_PERIODIC)
    status = np.where(np.isin(run.status, (OK, SPIKES_FULL, CAP_REACHED)), status, AnalysisStatus.DIVERGED)
    period = np.where(periodic, run["period"], np.nan)
    return final_states(population.model, run), period, status.astype(np.uint8), run["spikes_per_period"]


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: PhaseResponse) -> dict[str, Variable]:
    known = np.isfinite(found.response).all(axis=1)
    largest = np.where(known, found.response.argmax(axis=1), 0)
    of_largest = np.where(known, found.phase[largest], np.nan)
    return {
        "period": per_cell_number(found.period, "ms", "period"),
        "response_max": per_cell_number(found.response.max(axis=1), "ms/mV", "largest advance by a displacement of V"),
        "response_min": per_cell_number(found.response.min(axis=1), "ms/mV", "smallest advance, or largest delay"),
        "phase_of_max": per_cell_number(of_largest, "1", "phase of the largest advance"),
        "delayed": per_cell_number(found.delayed, "1", "share of the response that delays"),
        "floquet": per_cell_number(found.floquet, "1", "size of the largest Floquet multiplier but 1"),
        "response_error": per_cell_number(found.error, "1", "estimated relative error of the response"),
    }


_OPTIONS = {
    "i_app": Option("the current", "uA cm-2", finite),
    "phases": Option("at how many phases", "1", lambda name, value: whole_number(name, value, *_PHASES)),
    "t_stop": Option("a cell on no cycle by then is not periodic", "ms"),
    "initial": Option("where runs start: model, rest or depolarised", "1",
                      lambda name, value: one_of(name, value, _STARTS)),
    "threshold": Option("of a spike", "mV", finite),
    "rearm": Option("V must fall below it before the next spike; 10 mV below the threshold unless given", "mV", finite),
}  # fmt: skip

ANALYSIS = Analysis(
    name="phase_response",
    help="Phase response curve of each periodic cell: how a displacement shifts its later spikes.",
    function=phase_response,
    options=_OPTIONS,
    variables=_variables,
    picture=Picture("plot_phase_response", lambda found, model, cells, options: found),
)
