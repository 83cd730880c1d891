"""Cells: the parameters of a batch, checked and laid out for the kernels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hhfast.batch.unknown_parameter import unknown_parameter
from hhfast.errors import InputError
from hhfast.inputs import per_cell
from hhfast.kernel.jit.compile import compiled_rates
from hhfast.model import Model
from hhfast.parts.channel_noise import ChannelNoise
from hhfast.parts.stimuli import Stimulus


@dataclass(frozen=True)
class Cells:
    """n cells of a model.

    p0 : one value for all cells of each parameter: the model's, those of channel noise, the stimulus's. col : for each
    parameter its row in P, or -1 where p0 holds. P : (n_varied, n) the values that differ between cells. points :
    arrays of the stimulus.
    """

    model: Model
    n: int
    p0: np.ndarray
    col: np.ndarray
    P: np.ndarray
    points: tuple[np.ndarray, ...] = ()

    @classmethod
    def of(
        cls,
        model: Model,
        params: Mapping[str, Any],
        stimulus: Stimulus | None = None,
        initial: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] = "model",
        noise: ChannelNoise | None = None,
    ) -> Cells:
        """Check and lay out; arrays in params, stimulus and initial must have one length.

        Raises `InputError` for unknown names, NaN, arrays that do not fit, a capacitance that is not positive.
        """
        for name in params:
            if name not in model.parameters:
                if noise is None and name in model.with_counts().counts:
                    raise InputError(f"{name}: has a meaning only where channels are noisy; give channel_noise, too")
                raise unknown_parameter(model, name, model.parameters, f"model {model.name}")
        values = [(name, per_cell(name, params.get(name, p.value))) for name, p in model.parameters.items()]
        _check_counts(values, model.counts)
        values += noise.parameters if noise is not None else ()
        for kind, given in stimulus.parts if stimulus is not None else ():
            values += [(f"stimulus.{kind.name}.{name}", given[name]) for name in kind.parameters]
        states: list[tuple[str, Any]] = []
        if isinstance(initial, Mapping):
            states = [(n, per_cell(n, v)) for n, v in initial.items()]
        elif not isinstance(initial, str):
            states = [("initial", np.zeros(len(initial)))]
        n = _common_length([*values, *states])
        # A number is never NaN where it is given; of the parameters left, one is the number of the cell.
        columns = [v if _is_array(v) or not math.isnan(v) else np.arange(n) for _, v in values]
        p0 = np.array([math.nan if _is_array(v) else v for v in columns], np.float64)
        arrays = [v for v in columns if _is_array(v)]
        col = np.full(len(columns), -1, np.int64)
        col[[k for k, v in enumerate(columns) if _is_array(v)]] = np.arange(len(arrays))
        P = np.array(arrays, np.float64).reshape(len(arrays), n)
        _check_capacitance(place_of(model)["C_m"], p0, col, P)
        return cls(model, n, p0, col, P, stimulus.arrays if stimulus is not None else ())

    @property
    def of_all(self) -> dict[str, np.ndarray]:
        """Parameter of the model -> its values."""
        return {name: self.values(name) for name in self.model.parameters}

    def values(self, name: str) -> np.ndarray:
        """(n,) values of a parameter of the model."""
        found = self.value(name)
        return found if _is_array(found) else np.full(self.n, found)

    def value(self, name: str) -> Any:
        """A parameter of the model: one number where all cells have the same, else (n,) values."""
        k = place_of(self.model)[name]
        return self.P[self.col[k]] if self.col[k] >= 0 else self.p0[k]

    def changed(self, name: str, by: np.ndarray) -> Cells:
        """The same cells with a parameter of the model changed by (n,) numbers."""
        k = place_of(self.model)[name]
        values = self.values(name) + by
        if self.col[k] < 0:
            col = self.col.copy()
            col[k] = len(self.P)
            return Cells(self.model, self.n, self.p0, col, np.vstack([self.P, values]), self.points)
        P = self.P.copy()
        P[self.col[k]] = values
        return Cells(self.model, self.n, self.p0, self.col, P, self.points)

    def at(self, rows: np.ndarray) -> Cells:
        """Some of the cells, by number."""
        return Cells(self.model, len(rows), self.p0, self.col, np.take(self.P, rows, axis=1), self.points)

    def repeated(self, times: int) -> Cells:
        """All cells, several times over."""
        return Cells(self.model, self.n * times, self.p0, self.col, np.tile(self.P, times), self.points)

    def rates(self, X: np.ndarray, i_app: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """(A, B), each (n_states, n): the coefficients of x' = a - b x at the states X (n_states, n)."""
        X = np.ascontiguousarray(X)
        A, B = np.empty_like(X), np.empty_like(X)
        current = np.full(self.n, i_app, np.float64)
        compiled_rates(self.model)(0, self.n, self.p0, self.col, self.P, X, current, A, B)
        return A, B


@lru_cache(maxsize=256)
def place_of(model: Model) -> Mapping[str, int]:
    """The place of each parameter of a model among its columns."""
    return {name: k for k, name in enumerate(model.parameters)}


def _is_array(value: Any) -> bool:
    """Whether a value differs between cells; of what `per_cell` returns, which is a float otherwise."""
    return isinstance(value, np.ndarray)


def _common_length(values: Iterable[tuple[str, Any]]) -> int:
    lengths = [(name, len(v)) for name, v in values if _is_array(v)]
    if len({n for _, n in lengths}) > 1:
        listed = ", ".join(f"{name}: {n}" for name, n in lengths)
        raise InputError(f"arrays of different lengths, but each has one value per cell ({listed})")
    name, n = lengths[0] if lengths else ("", 1)
    if n == 0:
        raise InputError(f"{name} is empty: there is no cell to simulate")
    return n


def _check_counts(values: Iterable[tuple[str, Any]], counts: frozenset[str]) -> None:
    """A single count that is no number of channels is refused; among many cells its own row alone is flagged."""
    for name, value in values:
        if name in counts and not _is_array(value) and not value > 0:
            raise InputError(f"{name} = {value:g}: the number of channels must be above 0 (inf: no noise)")


def _check_capacitance(k: int, p0: np.ndarray, col: np.ndarray, P: np.ndarray) -> None:
    """A single C_m <= 0 is refused; among many cells it becomes NaN, so that its own row alone is flagged."""
    if col[k] < 0:
        if p0[k] <= 0:
            raise InputError(f"C_m = {p0[k]:g}: the capacitance must be positive")
    else:
        P[col[k]][~(P[col[k]] > 0)] = np.nan
