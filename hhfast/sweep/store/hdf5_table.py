"""Tables of parameter sets in HDF5 files: one dataset per parameter, read by row index."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from hhfast.errors import InputError, understood
from hhfast.inputs import check_file
from hhfast.sweep.store.layout import is_dimension_only
from hhfast.sweep.store.structure import plain_datasets

_BLOCK = 1 << 18  # rows read at once while the file is checked
_STRIDE = 1 << 12  # rows of one checksum


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
    digests: tuple[tuple[bytes, ...], ...]  # of each column, by stride: rows that have changed since are noticed

    @classmethod
    def open(cls, path: Path) -> HDF5Table:
        """Read the file once, to check every number."""
        check_file(path)
        try:
            with understood(f"{path}: as a table"), h5py.File(path, "r", locking="best-effort") as file:
                return _scan(path, file)
        except OSError as error:
            raise InputError(f"{path}: is not a readable HDF5 file ({error})") from None

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        first, last = start // _STRIDE, -(-stop // _STRIDE)
        found = {}
        with h5py.File(self.path, "r", locking="best-effort") as file:
            for name, digests in zip(self.names, self.digests, strict=True):
                values = file[name][first * _STRIDE : last * _STRIDE].astype("<f8")
                for k in range(last - first):
                    if _digest(values[k * _STRIDE : (k + 1) * _STRIDE]) != digests[first + k]:
                        raise InputError(f"{self.path}: has changed since the sweep began; restore the table")
                found[name] = values[start - first * _STRIDE : stop - first * _STRIDE].astype(np.float64)
        return found

    def limits(self, name: str) -> tuple[float, float]:
        return self.ranges[self.names.index(name)]

    def canonical(self) -> dict[str, Any]:
        return {"kind": "table", "names": list(self.names), "n_rows": self.n_rows, "sha256": self.sha256}


def _scan(path: Path, file: h5py.File) -> HDF5Table:
    try:
        datasets = plain_datasets(file, path.stat().st_size)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    lengths = {name: data.shape for name, data in datasets.items() if not is_dimension_only(data)}
    names = tuple(lengths)
    if not names or len(set(lengths.values())) != 1 or len(lengths[names[0]]) != 1 or not lengths[names[0]][0]:
        found = ", ".join(f"{name} {shape}" for name, shape in lengths.items()) or "none"
        raise InputError(f"{path}: needs one dataset per parameter, one-dimensional and of one length; found: {found}")
    digest = hashlib.sha256()
    ranges, digests = [], []
    for name in names:
        digest.update(name.encode() + b"\0")
        low, high = np.inf, -np.inf
        strides: list[bytes] = []
        for start in range(0, lengths[name][0], _BLOCK):
            block = datasets[name][start : start + _BLOCK]
            if not np.isfinite(block).all():
                raise InputError(f"{path}: dataset '{name}' holds something that is not a finite number")
            values = block.astype("<f8")
            digest.update(values.tobytes())
            strides += [_digest(values[k : k + _STRIDE]) for k in range(0, len(values), _STRIDE)]
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        ranges.append((low, high))
        digests.append(tuple(strides))
    n_rows = lengths[names[0]][0]
    return HDF5Table(str(path.resolve()), names, n_rows, digest.hexdigest(), tuple(ranges), tuple(digests))


def _digest(values: np.ndarray) -> bytes:
    return hashlib.sha256(values.tobytes()).digest()


def write_table(path: Path, columns: Mapping[str, np.ndarray], attributes: Mapping[str, str]) -> None:
    """Write a table of parameter sets: one dataset per parameter, as `HDF5Table.open` reads it."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for name, values in columns.items():
            file.create_dataset(name, data=values)
