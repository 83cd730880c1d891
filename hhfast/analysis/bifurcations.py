"""The currents at which the equilibria of a cell lose or gain stability (Hopf) or vanish in pairs (saddle-node)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.analysis.criticality import CRITICALITIES, criticalities, lyapunov_coefficients
from hhfast.analysis.population import Population
from hhfast.batch.analyses import Analysis, Option, check_options, per_cell_code, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.linearisation import eigenvalues, free_jacobian, jacobian
from hhfast.batch.resting_state import equilibria_on_grid, roots, sign_changes
from hhfast.inputs import interval
from hhfast.model import Model
from hhfast.parts.variable import Variable
from hhfast.tables import one_line

Indicator = Callable[[np.ndarray], np.ndarray]

_AT_ONCE = 4096  # Jacobians


@dataclass(frozen=True)
class Bifurcations:
    """The bifurcations of the equilibria of n cells: for each cell arrays, in the order of the current.

    hopf, saddle_node : currents, in the model's unit. hopf_V, saddle_node_V : mV. hopf_frequency : Hz, of the
    oscillation that is born there. hopf_criticality : "supercritical" (the oscillation is stable and begins small),
    "subcritical" (it is unstable: firing begins large, beside a stable rest), or "unknown" (neither is sure).
    hopf_lyapunov : the first Lyapunov coefficient c, per ms per mV2, for the amplitude A of V, dA/dt = g A + c A**3
    with g the real part of the eigenvalue; near a supercritical point A = sqrt(-g / c).
    status : (n,) uint8, `AnalysisStatus`: OK, DIVERGED (NaN among the parameters), or UNSOLVED (the curve of
    equilibria has a gap or a jump, or none was found: points may be missing). unit : of the currents.
    """

    hopf: list[np.ndarray]
    hopf_V: list[np.ndarray]
    hopf_frequency: list[np.ndarray]
    hopf_criticality: list[np.ndarray]
    hopf_lyapunov: list[np.ndarray]
    saddle_node: list[np.ndarray]
    saddle_node_V: list[np.ndarray]
    status: np.ndarray
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html


def bifurcations(
    model: str | Path | Model,
    params: Mapping[str, Any] | None = None,
    *,
    i_app: tuple[float, float] = (0.0, 200.0),
) -> Bifurcations:
    """Hopf and saddle-node points of the equilibria of each cell, for currents in a range.

    model, params : as in `hhfast.simulate`. i_app : lowest and highest current, in the model's unit.
    A Hopf point is where the product of the sums of all pairs of eigenvalues changes its sign in a complex pair
    (Guckenheimer, Myers & Sturmfels 1997, SIAM J Numer Anal 34:1-21), a saddle-node where the determinant of the
    Jacobian does; both are bisected in V, to rounding. The criticality of a Hopf point is the sign of its first
    Lyapunov coefficient (Kuznetsov 2004, Elements of Applied Bifurcation Theory, section 5.4).
    Raises `InputError` as `simulate` does.
    """
    check_options(_OPTIONS, i_app=i_app)
    limits = interval("i_app", i_app)
    population = Population.of(model, params)
    current, (pair_sums, determinants) = _on_curves(population, limits, (_pair_sums, _determinant))
    hopf = _found(population, limits, current, pair_sums, _pair_sums)
    turns = _found(population, limits, current, determinants, _determinant)
    # A pair of real eigenvalues of opposite sign sums to zero as well: that is a neutral saddle.
    oscillating = hopf.pair.imag > 0
    frequency = 1e3 * hopf.pair.imag / (2 * np.pi)
    cell = hopf.cell[oscillating]
    lyapunov, sure = lyapunov_coefficients(population.take(cell).cells, hopf.X[:, oscillating])
    status = np.where(hopf.unsolved | turns.unsolved, AnalysisStatus.UNSOLVED, AnalysisStatus.OK)
    status[~np.isfinite(population.cells.P).all(axis=0)] = AnalysisStatus.DIVERGED
    return Bifurcations(
        hopf=_by_cell(population.n, cell, hopf.current[oscillating]),
        hopf_V=_by_cell(population.n, cell, hopf.V[oscillating]),
        hopf_frequency=_by_cell(population.n, cell, frequency[oscillating]),
        hopf_criticality=_by_cell(population.n, cell, criticalities(lyapunov, sure)),
        hopf_lyapunov=_by_cell(population.n, cell, lyapunov),
        saddle_node=_by_cell(population.n, turns.cell, turns.current),
        saddle_node_V=_by_cell(population.n, turns.cell, turns.V),
        status=status.astype(np.uint8),
        unit=population.current_unit,
    )


@dataclass(frozen=True)
class _CurvePoints:
    """Points on the curves, in the order of cell and current; pair : the imaginary eigenvalue there, or 0.

    X : (n_states, k) the states there.
    unsolved : (n,) of every cell, whether its curve has gaps or jumps, so that points may be missing.
    """

    cell: np.ndarray
    current: np.ndarray
    V: np.ndarray
    pair: np.ndarray
    X: np.ndarray
    unsolved: np.ndarray


def _pair_sums(J: np.ndarray) -> np.ndarray:
    """(n,) the sign of the product of the sums of all pairs of eigenvalues: it changes where a pair sums to zero."""
    values = eigenvalues(J)
    first, second = np.triu_indices(J.shape[1], 1)
    sums = values[:, first] + values[:, second]
    # Conjugate sums have a positive product: only the real ones have a sign.
    real = np.abs(sums.imag) <= 1e-9 * np.abs(values).max(axis=1, keepdims=True)
    return np.asarray(np.prod(np.where(real, np.sign(sums.real), 1.0), axis=1))


def _determinant(J: np.ndarray) -> np.ndarray:
    """(n,) the sign of the determinant."""
    with np.errstate(all="ignore"):  # NaN where the curve has a gap
        return np.asarray(np.linalg.slogdet(J)[0])


def _on_curves(
    population: Population, limits: tuple[float, float], indicators: Sequence[Indicator]
) -> tuple[np.ndarray, np.ndarray]:
    """((n_voltages, n), (n_indicators, n_voltages, n)): currents on the curves, and the indicators of the Jacobian;
    NaN for currents beyond the limits.
    """
    low, high = limits
    current, X = equilibria_on_grid(population.cells)
    near = (current >= low) & (current <= high)
    near[:-1] |= near[1:].copy()  # intervals that lie only partly within the limits count as well
    near[1:] |= near[:-1].copy()
    signs = np.full((len(indicators), *current.shape), np.nan)
    places, cells = np.nonzero(near)
    for first in range(0, len(places), _AT_ONCE):
        place, cell = places[first : first + _AT_ONCE], cells[first : first + _AT_ONCE]
        those = population.take(cell).cells
        J = free_jacobian(those.model, jacobian(those, X[:, place, cell]))
        signs[:, place, cell] = [indicator(J) for indicator in indicators]
    return current, signs


def _found(
    population: Population,
    limits: tuple[float, float],
    current: np.ndarray,
    signs: np.ndarray,
    indicator: Indicator,
) -> _CurvePoints:
    """Where the indicator of the Jacobian changes its sign, for currents within the limits."""
    low, high = limits
    cell, left, right = sign_changes(signs)
    those = population.take(cell).cells
    V, X, true = roots(those, lambda _, X: indicator(free_jacobian(those.model, jacobian(those, X))), left, right)
    A, B = those.rates(X)
    found = -those.values("C_m") * (A[0] - B[0] * V)
    values = eigenvalues(free_jacobian(those.model, jacobian(those, X)))
    order = np.lexsort((found, cell))
    within = order[(found[order] >= low) & (found[order] <= high)]
    order = within[true[within]]
    unsolved = np.zeros(population.n, bool)
    unsolved[cell[within[~true[within]]]] = True
    unsolved |= _broken(current)
    return _CurvePoints(cell[order], found[order], V[order], _imaginary(values)[order], X[:, order], unsolved)


def _broken(current: np.ndarray) -> np.ndarray:
    """(n,) whether the curve of equilibria (n_voltages, n) has a gap, or is not known at all."""
    known = np.isfinite(current)
    before = np.maximum.accumulate(known, axis=0)
    after = np.maximum.accumulate(known[::-1], axis=0)[::-1]
    return np.asarray((~known & before & after).any(axis=0) | ~known.any(axis=0))


def _imaginary(values: np.ndarray) -> np.ndarray:
    """(k,) of each row of eigenvalues (k, n_states) the one on the positive imaginary axis, or 0."""
    scale = np.abs(values).max(axis=1, keepdims=True)
    on_axis = (np.abs(values.real) < 1e-7 * scale) & (values.imag > 1e-7 * scale)
    return np.asarray(np.where(on_axis, values, 0.0).sum(axis=1))


def _by_cell(n: int, cell: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
    """The values of each cell; they come in the order of the cells."""
    return np.split(values, np.searchsorted(cell, np.arange(1, n)))


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: Bifurcations) -> dict[str, Variable]:
    unit = found.unit
    return {
        "n_hopf": per_cell_number(_counts(found.hopf), "1", "number of Hopf points"),
        "hopf_lowest": per_cell_number(_nth(found.hopf, 0), unit, "lowest current of a Hopf point"),
        "hopf_highest": per_cell_number(_nth(found.hopf, -1), unit, "highest current of a Hopf point"),
        "hopf_frequency": per_cell_number(_nth(found.hopf_frequency, 0), "Hz", "frequency at the lowest Hopf point"),
        "hopf_lowest_criticality": _criticality(found, 0, "lowest"),
        "hopf_highest_criticality": _criticality(found, -1, "highest"),
        "n_saddle_node": per_cell_number(_counts(found.saddle_node), "1", "number of saddle-node points"),
        "saddle_node_lowest": per_cell_number(_nth(found.saddle_node, 0), unit, "lowest current of a saddle-node"),
        "saddle_node_highest": per_cell_number(_nth(found.saddle_node, -1), unit, "highest current of a saddle-node"),
    }


def _columns(found: Bifurcations) -> dict[str, np.ndarray]:
    shown = {f"Hopf ({found.unit})": found.hopf, "frequency (Hz)": found.hopf_frequency,
             "criticality": found.hopf_criticality, f"saddle-node ({found.unit})": found.saddle_node}  # fmt: skip
    return {heading: np.array([", ".join(v if isinstance(v, str) else f"{v:.6g}" for v in values) or "-"
                               for values in cells])
            for heading, cells in shown.items()}  # fmt: skip


def _counts(cells: list[np.ndarray]) -> np.ndarray:
    return np.array([len(values) for values in cells], np.int32)


def _criticality(found: Bifurcations, k: int, which: str) -> Variable:
    names = [cell[k] if len(cell) else CRITICALITIES[0] for cell in found.hopf_criticality]
    codes = np.array([CRITICALITIES.index(name) for name in names], np.uint8)
    return per_cell_code(codes, CRITICALITIES, f"criticality of the Hopf point at the {which} current")


def _nth(cells: list[np.ndarray], k: int) -> np.ndarray:
    """(n,) the first (0) or the last (-1) value of each cell, NaN where it has none."""
    return np.array([values[k] if len(values) else np.nan for values in cells])


_OPTIONS = {"i_app": Option("lowest and highest current", "uA cm-2", interval)}

ANALYSIS = Analysis(
    name="bifurcations",
    help="Currents at which the equilibria of each cell lose or gain stability, or vanish.",
    function=bifurcations,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
)
