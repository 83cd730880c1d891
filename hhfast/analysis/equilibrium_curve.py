"""The curve on which all equilibria of a cell lie, whatever the current: i_app(V), and where it is stable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.population import Population
from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian
from hhfast.batch.resting_state import equilibrium
from hhfast.errors import InputError
from hhfast.inputs import numbers
from hhfast.model import Model
from hhfast.tables import html_of, one_line


@dataclass(frozen=True)
class EquilibriumCurve:
    """The equilibria of one cell by their potential.

    V : (k,) mV, ascending. current : (k,) that holds the cell there, in the model's unit. stable : (k,) whether it
    stays there. states : name -> (k,). unit : of the current.
    """

    V: np.ndarray
    current: np.ndarray
    stable: np.ndarray
    states: Mapping[str, np.ndarray]
    unit: str

    __repr__ = one_line
    _repr_html_ = html_of


def equilibrium_curve(
    model: str | Path | Model, params: Mapping[str, Any] | None = None, *, V: Any = None
) -> EquilibriumCurve:
    """The equilibria of one cell over the potentials V (mV; None: -120 to 60 in 721 steps), and their stability.

    model, params : as in `hhfast.simulate`, of one cell. Raises `InputError` as it does, and for several cells.
    """
    population = Population.of(model, params)
    if population.n != 1:
        raise InputError(f"params: have {population.n} cells; an equilibrium curve is that of one")
    at = np.sort(numbers("V", np.linspace(-120.0, 60.0, 721) if V is None else V))
    cells = population.take(np.zeros(len(at), np.int64)).cells
    current, X = equilibrium(cells, at)
    stable = eigenvalues(free_jacobian(cells.model, jacobian(cells, X)))[:, 0].real < 0
    states = dict(zip(population.model.states, X, strict=True))
    return EquilibriumCurve(at, current, stable, states, population.current_unit)
