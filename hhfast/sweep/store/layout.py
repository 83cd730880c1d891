"""The layout of result files and shards: HDF5 that is also netCDF-4, with CF conventions.

A shard holds the rows of one batch laid out as in the whole file, so that merging copies compressed chunks as they are.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from hhfast.batch.result import Result, status_attributes
from hhfast.errors import InputError
from hhfast.sweep.shards import HEADER_BYTES

RUN, SPIKE = "run", "spike"
_CHUNK_BYTES = 1 << 20  # of a trace, before compression
_COMPRESSED = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
# The name that marks a dimension scale without a coordinate variable, from the netCDF-4 format specification.
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable.%10d"


@dataclass(frozen=True)
class Column:
    """One variable of a file: values over named dimensions, with CF attributes.

    repeats : few values, again and again, as of a parameter on a grid.
    """

    values: np.ndarray
    dims: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    repeats: bool = False

    @property
    def is_compressed(self) -> bool:
        """Numbers that vary at random hardly shrink, so features and samples are stored as they are."""
        return self.repeats or self.values.dtype.kind in "iu" or self.values.ndim > 1


def batch_columns(
    start: int, parameters: Mapping[str, np.ndarray], units: Mapping[str, str], result: Result, *, on_grid: bool = False
) -> dict[str, Column]:
    """The variables of rows `start`, start + 1, ... : row numbers, parameters, status, and what was recorded."""
    rows = np.arange(start, start + result.n_cells)
    columns = {RUN: Column(rows, (RUN,), {"long_name": "row of the parameter space"})}
    for name, values in parameters.items():
        attributes = {"units": units[name], "long_name": f"parameter {name}"}
        columns[name] = Column(values, (RUN,), attributes, repeats=on_grid)
    coordinates = {"coordinates": " ".join(parameters)}
    columns["status"] = Column(result.status, (RUN,), {**status_attributes(), **coordinates})
    for name, variable in result.variables.items():
        if name in columns:
            raise InputError(f"record: a recorder gives '{name}', and the result file has a variable of this name")
        dims = tuple(RUN if dim == "cell" else dim for dim in variable.dims)
        attributes = variable.attributes(name)
        values = variable.values
        if RUN in dims:
            attributes |= coordinates
        if dims[0] == RUN and len(dims) > 1 and values.dtype == np.float64:
            with np.errstate(over="ignore"):  # beyond 3e38 mV, a potential becomes infinite in float32
                values = values.astype(np.float32)
        if name == "spike_count" and any(SPIKE in v.dims for v in result.variables.values()):
            attributes["sample_dimension"] = SPIKE
        columns[name] = Column(values, dims, attributes)
    return columns


def shard_image(columns: Mapping[str, Column], rows_per_batch: int) -> bytes:
    """The rows of one batch as an HDF5 file in memory, with an empty user block in front."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=HEADER_BYTES, track_order=True) as file:
        for name, column in columns.items():
            options: dict[str, Any] = {}
            if column.dims[0] == RUN:
                # Unlimited, so that the last shard may be shorter than a chunk.
                shape = column.values.shape
                chunks = _chunks(shape, column.values.itemsize, rows_per_batch)
                options = {"maxshape": (None, *shape[1:]), "chunks": chunks}
                if column.is_compressed:
                    options |= _COMPRESSED
            dataset = file.create_dataset(name, data=column.values, **options)
            dataset.attrs.update(column.attributes)
        attach_dimensions(file, {name: column.dims for name, column in columns.items()})
    return buffer.getvalue()


def _chunks(shape: tuple[int, ...], itemsize: int, rows_per_batch: int) -> tuple[int, ...]:
    """Chunks of whole rows, a whole number of them in each batch."""
    wanted = max(1, _CHUNK_BYTES // max(1, itemsize * int(np.prod(shape[1:])))) if len(shape) > 1 else rows_per_batch
    rows = next(r for r in range(min(wanted, rows_per_batch), 0, -1) if rows_per_batch % r == 0)
    return (rows, *(max(1, n) for n in shape[1:]))


def is_dimension_only(dataset: h5py.Dataset) -> bool:
    """Whether a dataset only stands for a dimension that has no coordinate variable."""
    return bytes(dataset.attrs.get("NAME", b"")).startswith(_NO_VARIABLE[:53].encode())


def dims_of(dataset: h5py.Dataset) -> tuple[str, ...]:
    """The names of a variable's dimensions."""
    if dataset.is_scale:
        return (dataset.name.lstrip("/"),)
    return tuple(dataset.dims[k][0].name.lstrip("/") for k in range(dataset.ndim))


def attach_dimensions(file: h5py.File, dims: Mapping[str, tuple[str, ...]]) -> None:
    """Make dimension scales and attach them, as netCDF-4 wants it."""
    sizes = {dim: file[name].shape[k] for name, axes in dims.items() for k, dim in enumerate(axes)}
    for dim, size in sizes.items():
        if dim in file:
            file[dim].make_scale(dim)
        else:
            empty = {} if size else {"maxshape": (None,), "chunks": (1,)}
            file.create_dataset(dim, shape=(size,), dtype=">f4", **empty).make_scale(_NO_VARIABLE % size)
    for name, axes in dims.items():
        if axes != (name,):
            for k, dim in enumerate(axes):
                file[name].dims[k].attach_scale(file[dim])
