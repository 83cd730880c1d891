"""Tables of parameter sets in HDF5 files: one dataset per parameter, read by row index."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from hhfast.errors import InputError

_BLOCK = 1 << 18  # rows read at once while the file is checked


@dataclass(frozen=True)
class HDF5Table:
    """The one-dimensional numeric datasets of an HDF5 file, all of one length: a column for each parameter."""

    kind: ClassVar[str] = "table"
    formula: ClassVar[bool] = False
    path: str
    names: tuple[str, ...]
    n_rows: int
    sha256: str
    ranges: tuple[tuple[float, float], ...]

    @classmethod
    def open(cls, path: Path) -> HDF5Table:
        """Read the file once, to check every number."""
        try:
            with h5py.File(path, "r", locking="best-effort") as file:
                return _scan(path, file)
        except FileNotFoundError:
            raise InputError(f"{path}: cannot be read (No such file or directory); check the table's `file`") from None
        except OSError as error:
            raise InputError(f"{path}: is not a readable HDF5 file ({error})") from None

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_rows,)

    @property
    def dims(self) -> tuple[str, ...]:
        return ("run",)

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        with h5py.File(self.path, "r", locking="best-effort") as file:
            return {name: file[name][start:stop].astype(np.float64) for name in self.names}

    def limits(self, name: str) -> tuple[float, float]:
        return self.ranges[self.names.index(name)]

    def canonical(self) -> dict[str, Any]:
        return {"kind": "table", "names": list(self.names), "n_rows": self.n_rows, "sha256": self.sha256}


def _scan(path: Path, file: h5py.File) -> HDF5Table:
    lengths = {name: data.shape for name, data in file.items() if isinstance(data, h5py.Dataset)}
    names = tuple(lengths)
    if not names or len(set(lengths.values())) != 1 or len(lengths[names[0]]) != 1 or not lengths[names[0]][0]:
        found = ", ".join(f"{name} {shape}" for name, shape in lengths.items()) or "none"
        raise InputError(f"{path}: needs one dataset per parameter, one-dimensional and of one length; found: {found}")
    digest = hashlib.sha256()
    ranges = []
    for name in names:
        digest.update(name.encode() + b"\0")
        low, high = np.inf, -np.inf
        for start in range(0, lengths[name][0], _BLOCK):
            block = file[name][start : start + _BLOCK]
            if block.dtype.kind not in "iuf" or not np.isfinite(block).all():
                raise InputError(f"{path}: dataset '{name}' holds something that is not a finite number")
            values = block.astype("<f8")
            digest.update(values.tobytes())
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        ranges.append((low, high))
    return HDF5Table(str(path.resolve()), names, lengths[names[0]][0], digest.hexdigest(), tuple(ranges))


def write_table(path: Path, columns: Mapping[str, np.ndarray], attributes: Mapping[str, str]) -> None:
    """Write a table of parameter sets: one dataset per parameter, as `HDF5Table.open` reads it."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for name, values in columns.items():
            file.create_dataset(name, data=values)
