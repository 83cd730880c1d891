"""Reading results: variables with their units, by rows or whole, straight from the file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from hhfast.errors import InputError, understood, unknown
from hhfast.inputs import path_of
from hhfast.sweep.numbered_axes import INITIAL, state_name
from hhfast.sweep.store.layout import RUN, dims_of, is_dimension_only
from hhfast.sweep.store.seal import SEALED, check_seal
from hhfast.sweep.store.structure import check_dimensions, plain_attributes, plain_datasets

_BLOCK = 1 << 18  # rows read at once
_REQUIRED = (
    "title", "source", "references", "history", "hhfast_spec", "hhfast_spec_sha256", "hhfast_model",
    "hhfast_parameters", "hhfast_grid_dims",
)  # fmt: skip


class ResultFile:
    """A finished result, open for reading; use it in a `with` statement.

    Every byte is checked against the file's seal first (`sealed`: it has one; earlier versions made none), and the
    structure before anything is read. n_rows : its length.

    attributes : the global attributes (title, history, source, hhfast_spec, hhfast_model, ...).
    parameters : the varied parameters, name -> axis of the grid. grid : axis -> length ({"run": n} if it is no grid).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path_of("path", path)
        self.sealed = check_seal(self.path)
        with understood(f"{path}: a result"):
            self._file = _opened(self.path)
            try:
                self._datasets, self.n_rows = self._checked()
            except InputError as error:
                self._file.close()
                raise InputError(f"{path}: {error}") from None
            except OSError as error:
                self._file.close()
                raise InputError(f"{path}: is not readable as HDF5 ({_short(error)})") from None
            except BaseException:
                self._file.close()
                raise

    def _checked(self) -> tuple[dict[str, h5py.Dataset], int]:
        """The variables, once all that other methods rely on is there."""
        if "hhfast_spec_sha256" not in self._file.attrs:
            raise InputError("is not an hhfast result")
        attributes = plain_attributes(self._file)
        self.attributes: dict[str, str] = {k: v for k, v in attributes.items() if isinstance(v, str)}
        if SEALED in attributes and not self.sealed:
            raise InputError("has been changed or damaged: its seal, at its end, is gone; restore it or run it again")
        for name in _REQUIRED:
            if name not in self.attributes:
                raise InputError(f"has no attribute '{name}'")
        datasets = plain_datasets(self._file, self.path.stat().st_size)
        n_rows = check_dimensions(datasets)
        shape = np.asarray(attributes["hhfast_grid_shape"]).tolist()
        self.grid: dict[str, int] = dict(zip(self.attributes["hhfast_grid_dims"].split(), shape, strict=True))
        if math.prod(self.grid.values()) != n_rows or min(self.grid.values(), default=0) < 1:
            raise InputError(f"has {n_rows:,} rows, unlike its grid of {' x '.join(map(str, shape))}")
        spec = json.loads(self.attributes["hhfast_spec"])
        axes = spec["space"].get("axes", [])
        members = {member: axis for axis, entry in axes for member in entry.get("zip", [axis])}
        self.parameters: dict[str, str] = {p: members.get(p, RUN) for p in self.attributes["hhfast_parameters"].split()}
        for name, axis in self.parameters.items():
            if name not in datasets or dims_of(datasets[name]) != (RUN,) or (axis != RUN and axis not in self.grid):
                raise InputError(f"needs its parameter '{name}' over '{RUN}'")
        states = spec.get("initial", "model")
        self._initial_states = () if isinstance(states, str) else tuple(map(state_name, states))
        return datasets, n_rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def names(self) -> tuple[str, ...]:
        """All variables, in the order in which they were recorded."""
        return tuple(name for name, dataset in self._datasets.items() if not is_dimension_only(dataset))

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

    def error_of(self, name: str) -> str:
        """The variable whose estimated error this one is; "": none."""
        return str(self._dataset(name).attrs.get("error_of", ""))

    def codes(self, name: str) -> tuple[str, ...]:
        """What the codes 0, 1, ... of a variable mean: classes, or the initial states of a sweep; (): none."""
        if name == INITIAL and name in self.parameters:
            return self._initial_states
        return tuple(str(self._dataset(name).attrs.get("flag_meanings", "")).split())

    def labels(self, name: str, values: np.ndarray) -> np.ndarray:
        """The meanings of some values of a variable that has codes; of any other the values as they are."""
        meanings = self.codes(name)
        if not meanings:
            return values
        if not np.all((values >= 0) & (values < len(meanings))):
            raise InputError(f"{self.path}: '{name}' has codes beyond 0 to {len(meanings) - 1}, which have meanings")
        return np.asarray(np.array(meanings)[values.astype(int)])

    def read(self, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The values of a variable, or those from `start` to `stop` of its first dimension."""
        return np.asarray(self._dataset(name)[start:stop])

    def spans(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of one block of rows after another, so that memory does not grow with the file."""
        for start in range(0, self.n_rows, _BLOCK):
            yield start, min(start + _BLOCK, self.n_rows)

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
        return self._datasets[name]


def _opened(path: Path) -> h5py.File:
    try:
        # Best effort: read-only media and some network file systems have no locks.
        return h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise InputError(f"{path}: is not a readable HDF5 file ({_short(error)})") from None


def _short(error: OSError) -> str:
    text = str(error)
    if "truncated" in text:
        return "it is truncated"
    if "signature" in text:
        return "it has no HDF5 signature"
    return error.strerror or text
