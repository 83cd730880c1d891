"""Tables of parameter sets in files, read by row index without holding the file in memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hhfast.errors import InputError
from hhfast.sweep.space import Space

_STRIDE = 4096  # rows between remembered byte offsets


@dataclass(frozen=True)
class Table:
    """A CSV file of parameter sets: one row per set, the header gives the parameter names.

    Opening reads the file once, checks every number, and remembers where each 4096th row begins.
    """

    kind: ClassVar[str] = "table"
    formula: ClassVar[bool] = False
    path: str
    names: tuple[str, ...]
    n_rows: int
    sha256: str
    offsets: tuple[int, ...]
    ranges: tuple[tuple[float, float], ...]

    @classmethod
    def open(cls, path: str | Path) -> Table:
        try:
            return _scan(Path(path))
        except UnicodeDecodeError:
            raise InputError(f"{path}: is not text; a table is a CSV file with a header line") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check the table's `file`") from None

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_rows,)

    @property
    def dims(self) -> tuple[str, ...]:
        return ("run",)

    @cached_property
    def _size(self) -> int:
        return Path(self.path).stat().st_size

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        first = start // _STRIDE
        with Path(self.path).open("rb") as file:
            file.seek(self.offsets[first])
            lines = list(islice(file, start - first * _STRIDE, stop - first * _STRIDE))
        values = _parse(lines, len(self.names), self.path, start + 2)
        if len(values) != stop - start:
            raise InputError(f"{self.path}: has become shorter since the sweep began; restore the table")
        return {name: np.ascontiguousarray(values[:, k]) for k, name in enumerate(self.names)}

    def limits(self, name: str) -> tuple[float, float]:
        return self.ranges[self.names.index(name)]

    def canonical(self) -> dict[str, Any]:
        return {"kind": "table", "names": list(self.names), "n_rows": self.n_rows, "sha256": self.sha256}


def open_table(path: Path) -> Space:
    """A table of parameter sets, read according to the ending of its file: HDF5 (.h5, .hdf5, .nc), else CSV."""
    if path.suffix not in (".h5", ".hdf5", ".nc"):
        return Table.open(path)
    from hhfast.sweep.store import HDF5Table

    return HDF5Table.open(path)


def read_waveform(path: Path) -> tuple[list[float], list[float]]:
    """The times and values of a CSV file with a header and two columns, as many as the file has rows."""
    table = Table.open(path)
    if len(table.names) != 2:
        raise InputError(f"{path}: has {len(table.names)} columns; give two, times (ms) and values")
    times, values = table.columns(0, table.n_rows).values()
    return times.tolist(), values.tolist()


def _scan(path: Path) -> Table:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        header = file.readline()
        digest.update(header)
        names = tuple(name.strip().strip('"') for name in header.decode("utf-8-sig").split(","))
        _check_names(names, path)
        offsets, n_rows = [], 0
        low, high = np.full(len(names), math.inf), np.full(len(names), -math.inf)
        position = file.tell()
        for lines in _groups(file, path):
            for line in lines:
                digest.update(line)
            values = _parse(lines, len(names), str(path), n_rows + 2)
            offsets.append(position)
            position += sum(map(len, lines))
            n_rows += len(lines)
            low, high = np.minimum(low, values.min(axis=0)), np.maximum(high, values.max(axis=0))
    if not n_rows:
        raise InputError(f"{path}: has no rows below its header; give at least one")
    ranges = tuple(zip(low.tolist(), high.tolist(), strict=True))
    return Table(str(path.resolve()), names, n_rows, digest.hexdigest(), tuple(offsets), ranges)


def _groups(file: Any, path: Path) -> Iterator[list[bytes]]:
    """The lines in groups of one stride; only the file's end may hold blank lines."""
    ended = False
    while lines := list(islice(file, _STRIDE)):
        n_lines = len(lines)
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and ended:
            raise InputError(f"{path}: has a blank line between its rows; remove it")
        ended = len(lines) < n_lines
        if lines:
            yield lines


def _check_names(names: tuple[str, ...], path: Path) -> None:
    for name in names:
        if not name:
            raise InputError(f"{path}: line 1: a column has no name; the header gives the parameter names")
        if names.count(name) > 1:
            raise InputError(f"{path}: line 1: column '{name}' appears twice; keep one")
        if _is_number(name):
            raise InputError(f"{path}: line 1: '{name}' is a number; begin with a header of parameter names")


def _parse(lines: list[bytes], width: int, path: str, first_line: int) -> np.ndarray:
    """The numbers of some lines, (n_lines, width); a bad one is named by line and column."""
    try:
        values = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
        if values.shape == (len(lines), width) and np.isfinite(values).all():
            return values
    except ValueError:
        pass
    for number, line in enumerate(lines, start=first_line):
        fields = line.decode().strip().split(",")
        if len(fields) != width:
            raise InputError(f"{path}: line {number}: has {len(fields)} fields, the header has {width}")
        for column, text in enumerate(fields, start=1):
            if not (_is_number(text) and math.isfinite(float(text))):
                raise InputError(f"{path}: line {number}, column {column}: '{text.strip()}' is not a finite number")
    return np.array([[float(text) for text in line.split(b",")] for line in lines])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
