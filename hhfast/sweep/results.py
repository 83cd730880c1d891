"""Results as xarray datasets: lazy, labelled, with a grid in its own shape."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import BROKEN, InputError, one_line, shown
from hhfast.inputs import exists, path_of
from hhfast.sweep.accessor import register_accessor

if TYPE_CHECKING:
    import xarray

    from hhfast.sweep.store import ResultFile


def check_finished(path: str | Path) -> None:
    """Raise `InputError` where a file is no finished result; of an unfinished run it says how far that is."""
    from hhfast.sweep.run_directory import holds_run, run_directory
    from hhfast.sweep.status import run_status

    out = path_of("path", path)
    if exists(out) or not holds_run(run_directory(out)):
        return
    state = run_status(out)
    share = f"{state.rows_done:,} of {state.n_rows:,} rows are done"
    remedy = "wait for it" if state.holders else "run the same command again to finish it"
    raise InputError(f"{out}: the run is not finished ({share}); {remedy} ('hhfast status {out}' shows how far it is)")


def open_finished(path: str | Path) -> ResultFile:
    """A finished result, open for reading; raises `InputError` as `check_finished`, or where it is no result."""
    from hhfast.sweep.store import ResultFile

    check_finished(path)
    return ResultFile(path)


def open_results(path: str | Path, chunks: Any = None) -> xarray.Dataset:
    """A result as an xarray Dataset: variables over the axes of the grid (over `run`, if there is no grid), with units.

    path : of a finished result. Nothing is read before it is used.

    chunks : as in `Dataset.chunk`, to get dask arrays; e.g. {"g_Na": 16} or "auto".
    Several initial states are an axis `initial` of their names: `dataset.sel(initial="rest")`.
    Where spike times were recorded, `dataset.hhfast.spikes(row)` gives those of one row.

    Raises `InputError` for a file that is no result, is damaged, or whose run is not finished.

    Needs the extra `xarray`; without it, the file is plain HDF5 for h5py, and netCDF-4 for everything else.
    """
    try:
        import xarray
    except ImportError:
        raise InputError("open_results needs xarray; install it with: pip install 'hhfast[xarray]'") from None
    result = open_finished(path)
    is_grid = list(result.grid) != ["run"]
    variables = {name: _variable(result, name, is_grid) for name in result.names if not (is_grid and name == "run")}
    coordinates = [name for name in variables if name in result.parameters or result.dims(name) == (name,)]
    dataset = xarray.Dataset(variables, attrs=result.attributes).set_coords(coordinates)
    dataset.set_close(result.close)
    dataset.encoding["source"] = str(path)  # for the accessor
    register_accessor()
    return dataset if chunks is None else _chunked(dataset, chunks)


def _chunked(dataset: xarray.Dataset, chunks: Any) -> xarray.Dataset:
    try:
        return dataset.chunk(chunks)
    except BROKEN as error:
        told = f"is {shown(chunks)}, which xarray refuses ({one_line(str(error), 100)})"
        raise InputError(f"chunks: {told}; give 'auto', or such as {{'run': 1000}}") from None


def _variable(result: ResultFile, name: str, is_grid: bool) -> xarray.Variable:
    import xarray
    from xarray.core.indexing import LazilyIndexedArray

    dims, attributes = result.dims(name), result.attributes_of(name)
    if is_grid and name in result.parameters:
        return xarray.Variable((result.parameters[name],), result.labels(name, result.axis_values(name)), attributes)
    grid = result.grid if is_grid and dims[0] == "run" else {dims[0]: result.shape(name)[0]}
    shape = (*grid.values(), *result.shape(name)[1:])
    lazy = LazilyIndexedArray(_file_array(result, name, len(grid), shape))
    return xarray.Variable((*grid, *dims[1:]), lazy, attributes)


def _file_array(result: ResultFile, name: str, n_axes: int, grid_shape: tuple[int, ...]) -> Any:
    """A variable of the file as an array of the grid's shape, of which only the needed slabs are read."""
    from xarray.backends import BackendArray
    from xarray.core.indexing import IndexingSupport, explicit_indexing_adapter

    class FileArray(BackendArray):
        shape = grid_shape
        dtype = result.dtype(name)

        def __getitem__(self, key: Any) -> np.ndarray:
            return np.asarray(explicit_indexing_adapter(key, self.shape, IndexingSupport.BASIC, self._read))

        def _read(self, key: tuple[Any, ...]) -> np.ndarray:
            at = range(self.shape[0])[key[0]]
            wanted = [at] if isinstance(at, int) else list(at)
            low, high = (min(wanted), max(wanted) + 1) if wanted else (0, 0)
            rows = math.prod(self.shape[1:n_axes])  # of the file in one step along the first axis
            slab = result.read(name, low * rows, high * rows).reshape(high - low, *self.shape[1:])
            return slab[(at - low if isinstance(at, int) else [k - low for k in wanted], *key[1:])]

    return FileArray()
