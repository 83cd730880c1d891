"""Means and spreads of a result over one axis of its grid: of replicates, above all."""

from __future__ import annotations

import warnings

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.sweep.store import ResultFile


class AveragedResult(ResultFile):
    """A result seen as a grid without one of its axes, over which values are averaged: for pictures of it.

    It shares the open file with the result it is made of.
    """

    def __init__(self, result: ResultFile, over: str) -> None:
        axis = result.parameters.get(over, over)
        if axis not in result.grid or axis == "run":
            raise unknown("axis", over, [a for a in result.grid if a != "run"], where="over")
        if all(n == 1 for a, n in result.grid.items() if a != axis):
            raise InputError(f"over: besides {over} nothing varies; a picture of means needs another axis")
        self.__dict__.update(result.__dict__)
        self.whole, self.over = result, axis
        self.grid = {a: n for a, n in result.grid.items() if a != axis}
        self.parameters = {p: a for p, a in result.parameters.items() if a != axis}
        self.n_rows = result.n_rows // result.grid[axis]

    def axis_values(self, parameter: str) -> np.ndarray:
        return self.whole.axis_values(parameter)

    def mean_and_spread(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n_rows,) mean and standard deviation of (whole.n_rows,) values, without those that are NaN."""
        shaped = np.asarray(values, np.float64).reshape(tuple(self.whole.grid.values()))
        axis = list(self.whole.grid).index(self.over)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of no values: NaN
            return np.nanmean(shaped, axis).ravel(), np.nanstd(shaped, axis, ddof=1).ravel()
