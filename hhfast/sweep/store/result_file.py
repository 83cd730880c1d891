"""Reading results: variables with their units, by rows or whole, straight from the file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.sweep.store.layout import RUN, dims_of, is_dimension_only


class ResultFile:
    """A finished result, open for reading; use it in a `with` statement.

    attributes : the global attributes (title, history, source, hhfast_spec, hhfast_model, ...).
    parameters : the varied parameters, name -> axis of the grid. grid : axis -> length ({"run": n} if it is no grid).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            # Best effort: read-only media and some network file systems have no locks.
            self._file = h5py.File(self.path, "r", locking="best-effort")
        except FileNotFoundError:
            raise InputError(f"{path}: does not exist") from None
        except OSError as error:
            raise InputError(f"{path}: is not a readable HDF5 file ({_short(error)})") from None
        if "hhfast_spec_sha256" not in self._file.attrs:
            self._file.close()
            raise InputError(f"{path}: is not an hhfast result")
        self.attributes: dict[str, str] = {k: v for k, v in self._file.attrs.items() if isinstance(v, str)}
        shape = np.atleast_1d(self._file.attrs["hhfast_grid_shape"]).tolist()
        self.grid: dict[str, int] = dict(zip(self.attributes["hhfast_grid_dims"].split(), shape, strict=True))
        axes = json.loads(self.attributes["hhfast_spec"])["space"].get("axes", [])
        members = {member: axis for axis, entry in axes for member in entry.get("zip", [axis])}
        self.parameters: dict[str, str] = {p: members.get(p, RUN) for p in self.attributes["hhfast_parameters"].split()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def n_rows(self) -> int:
        return int(self._file[RUN].shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """All variables, in the order in which they were recorded."""
        return tuple(name for name, dataset in self._file.items() if not is_dimension_only(dataset))

    @property
    def features(self) -> tuple[str, ...]:
        """The variables with one value per row that were recorded."""
        skipped = {RUN, "status", *self.parameters}
        return tuple(name for name in self.names if name not in skipped and self.dims(name) == (RUN,))

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def dims(self, name: str) -> tuple[str, ...]:
        return dims_of(self._dataset(name))

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self._dataset(name).shape)

    def dtype(self, name: str) -> np.dtype:
        dtype: np.dtype = self._dataset(name).dtype
        return dtype

    def unit(self, name: str) -> str:
        return str(self._dataset(name).attrs.get("units", "1"))

    def long_name(self, name: str) -> str:
        return str(self._dataset(name).attrs.get("long_name", name))

    def read(self, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The values of a variable, or those from `start` to `stop` of its first dimension."""
        return np.asarray(self._dataset(name)[start:stop])

    def axis_values(self, parameter: str) -> np.ndarray:
        """The values of a parameter along its axis of the grid."""
        axis = self.parameters[parameter]
        later = list(self.grid)[list(self.grid).index(axis) + 1 :]
        stride = math.prod(self.grid[name] for name in later)
        return np.asarray(self._dataset(parameter)[0 : stride * self.grid[axis] : stride])

    def attributes_of(self, name: str) -> dict[str, Any]:
        """The CF attributes of a variable."""
        hidden = ("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "coordinates", "hhfast_sha256")
        return {k: v for k, v in self._dataset(name).attrs.items() if k not in hidden}

    def has_digest(self, name: str) -> bool:
        """Whether a variable was written with a checksum."""
        return "hhfast_sha256" in self._dataset(name).attrs

    def close(self) -> None:
        self._file.close()

    def spike_times(self, row: int) -> np.ndarray:
        """The spike times of one row, ms."""
        counts = self.read("spike_count", 0, row + 1)
        stop = int(counts.sum(dtype=np.int64))
        return self.read("spike_time", stop - int(counts[-1]), stop)

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self.names:
            raise unknown("variable", name, self.names, where=str(self.path))
        return self._file[name]


def _short(error: OSError) -> str:
    text = str(error)
    if "truncated" in text:
        return "it is truncated"
    if "signature" in text:
        return "it has no HDF5 signature"
    return error.strerror or text
