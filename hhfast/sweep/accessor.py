"""What a result opened as an xarray Dataset offers beyond its variables: `dataset.hhfast`."""

from __future__ import annotations

import operator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError, shown, unknown

if TYPE_CHECKING:
    import xarray

    from hhfast.sweep.store import ResultFile


class ResultAccessor:
    """`dataset.hhfast` of a Dataset that `open_results` opened, or of what was selected from one."""

    def __init__(self, dataset: xarray.Dataset) -> None:
        self._dataset = dataset

    def spikes(self, row: int | None = None, **at: float | str) -> np.ndarray:
        """The spike times (ms) of one row of the file: `spikes(17)`, or in a grid `spikes(g_Na=120, g_K=36)`.

        row : its number, 0 to n_rows - 1, in the whole file, whatever part of it this Dataset is. at : instead, one
        value of each axis of the grid; names with dots as `**{"stimulus.amplitude": 10}`, states as `initial="rest"`.

        Raises `InputError` where there is no such row, or where the sweep recorded no spike times.
        """
        result = self._result
        if "spike_time" not in result.names:
            raise InputError(f"{result.path}: has no spike times; record them: spikes = true in [record]")
        if (row is None) == (not at):
            raise InputError("spikes: give the number of a row, or a value of every axis of the grid")
        number = _row_at(result, at) if row is None else _row_number(row)
        if not 0 <= number < result.n_rows:
            raise InputError(f"{result.path}: has no row {number}; the last is {result.n_rows - 1}")
        stop = int(self._ends[number])
        return result.read("spike_time", int(self._ends[number - 1]) if number else 0, stop)

    def ok(self) -> xarray.Dataset:
        """The same with every value missing (NaN) where a row's status is not 0 ("ok"): integers become floats.

        Rows that were given up have no `_FillValue` among integers: their `spike_count` is that until then.
        """
        fine = self._dataset["status"] == 0
        kept = {n: v for n, v in self._dataset.data_vars.items() if n == "status" or not set(fine.dims) <= set(v.dims)}
        return self._dataset.where(fine).assign(kept)

    def over(self, axis: str = "replicate") -> xarray.Dataset:
        """Means and spreads over an axis of the grid: for each feature NAME_mean and NAME_sd, and n_ok.

        Without rows whose status is not 0 ("ok"), and without NaN; n_ok : how many rows there are. NAME_sd : standard
        deviation (ddof = 1). Classes (`activity` ...) and traces are left out.

        Raises `InputError` where there is no such axis.
        """
        dataset = self._dataset
        if axis not in dataset.dims or axis in ("run", "time", "spike"):
            known = [str(d) for d in dataset.dims if d not in ("run", "time", "spike")]
            raise unknown("axis", axis, known, where="over")
        fine = dataset["status"] == 0
        found = {"n_ok": fine.sum(axis)}
        grid = set(dataset["status"].dims)
        for name, variable in dataset.data_vars.items():
            if set(variable.dims) != grid or name == "status" or "flag_meanings" in variable.attrs:
                continue
            values = variable.where(fine).astype(float)
            for what, reduced in (("mean", values.mean(axis)), ("sd", values.std(axis, ddof=1))):
                found[f"{name}_{what}"] = reduced.assign_attrs(variable.attrs)
        return dataset[[]].drop_dims(axis, errors="ignore").assign(found)

    @cached_property
    def _result(self) -> ResultFile:
        from hhfast.sweep.results import open_finished

        source = self._dataset.encoding.get("source")
        if source is None:
            raise InputError("hhfast: this Dataset does not come from open_results; open the file with that")
        return open_finished(source)

    @cached_property
    def _ends(self) -> np.ndarray:
        """Where the spikes of each row end."""
        return np.cumsum(self._result.read("spike_count"), dtype=np.int64)


def register_accessor() -> None:
    """Make `dataset.hhfast` known to xarray, once."""
    import xarray

    if not hasattr(xarray.Dataset, "hhfast"):
        register: Any = xarray.register_dataset_accessor
        register("hhfast")(ResultAccessor)


def _row_number(row: Any) -> int:
    try:
        return operator.index(row)
    except TypeError:
        raise InputError(f"row: {shown(row)} is no whole number") from None


def _row_at(result: ResultFile, at: dict[str, float | str]) -> int:
    """The row with these values along the axes of the grid."""
    axes = {name: axis for name, axis in result.parameters.items() if axis in result.grid and axis != "run"}
    if not axes:
        raise InputError(f"{result.path}: its rows are no grid; give the number of a row")
    place = {}
    for name, value in at.items():
        if name not in axes:
            raise unknown("axis", name, tuple(axes), where=str(result.path))
        place[axes[name]] = _place_along(result, name, value)
    if missing := [axis for axis in result.grid if axis not in place]:
        raise InputError(f"{result.path}: spikes: give a value of {', '.join(missing)}, too")
    return int(np.ravel_multi_index([place[axis] for axis in result.grid], list(result.grid.values())))


def _place_along(result: ResultFile, name: str, value: float | str) -> int:
    """Where along its axis a parameter has a value; of initial states their names are known, too."""
    along = result.axis_values(name)
    if isinstance(value, str):
        labels = result.labels(name, along).astype(str).tolist()
        if value not in labels:
            raise unknown(f"value of {name}", value, labels, where=str(result.path))
        return int(labels.index(value))
    found = np.flatnonzero(np.isclose(along, value, rtol=1e-9, atol=0.0))
    if not len(found):
        nearest = along[np.abs(along - value).argmin()]
        raise InputError(f"{result.path}: no row has {name} = {value:g}; the nearest value is {nearest:.17g}")
    return int(found[0])
