"""Tables of parameter sets in files, read by row index without holding the file in memory."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hhfast.errors import InputError, understood
from hhfast.inputs import check_file
from hhfast.sweep.space import Space

_STRIDE = 4096  # rows between remembered byte offsets
_MOST_COLUMNS = 1000
_MOST_HEADER = 1 << 20  # bytes
_MOST_FIELD = 1000  # bytes of a number, on average over a line


@dataclass(frozen=True)
class Stride:
    """Where 4096 rows (or the last ones) are in a file, in bytes, and their checksum."""

    offset: int
    length: int
    sha256: bytes


@dataclass(frozen=True)
class Table:
    """A CSV file of parameter sets: one row per set, the header gives the parameter names.

    Opening reads the file once, checks every number, and remembers where each 4096th row begins, with a checksum of the
    rows from there to the next: rows that have changed since are noticed when they are read.

    path : of the file. names : of its columns. n_rows : how many rows. sha256 : of the whole file. strides : where the
    checked pieces begin. ranges : (lowest, highest) of each column. `Table.open(path)` finds all of these.
    """

    kind: ClassVar[str] = "table"
    formula: ClassVar[bool] = False
    path: str
    names: tuple[str, ...]
    n_rows: int
    sha256: str
    strides: tuple[Stride, ...]
    ranges: tuple[tuple[float, float], ...]

    @classmethod
    def open(cls, path: str | Path) -> Table:
        check_file(Path(path))
        with understood(f"{path}: as a table"):
            try:
                return _scan(Path(path))
            except UnicodeDecodeError:
                raise InputError(f"{path}: is not text; a table is a CSV file with a header line") from None
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({error.strerror}); check the table's `file`") from None

    def columns(self, start: int, stop: int) -> dict[str, np.ndarray]:
        first = start // _STRIDE
        lines: list[bytes] = []
        with Path(self.path).open("rb") as file:
            for stride in self.strides[first : -(-stop // _STRIDE)]:
                file.seek(stride.offset)
                block = file.read(stride.length)
                if hashlib.sha256(block).digest() != stride.sha256:
                    raise InputError(f"{self.path}: has changed since the sweep began; restore the table")
                lines += io.BytesIO(block)
        chosen = lines[start - first * _STRIDE : stop - first * _STRIDE]
        values = _parse(chosen, len(self.names), self.path, start + 2)
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
        header = file.readline(_MOST_HEADER)
        digest.update(header)
        names = tuple(_unquoted(name.strip()) for name in header.decode("utf-8-sig").split(","))
        _check_names(names, path)
        strides, n_rows = [], 0
        low, high = np.full(len(names), math.inf), np.full(len(names), -math.inf)
        position = file.tell()
        for lines in _groups(file, path, len(names) * _MOST_FIELD):
            block = b"".join(lines)
            digest.update(block)
            values = _parse(lines, len(names), str(path), n_rows + 2)
            strides.append(Stride(position, len(block), hashlib.sha256(block).digest()))
            position += len(block)
            n_rows += len(lines)
            low, high = np.minimum(low, values.min(axis=0)), np.maximum(high, values.max(axis=0))
    if not n_rows:
        raise InputError(f"{path}: has no rows below its header; give at least one")
    ranges = tuple(zip(low.tolist(), high.tolist(), strict=True))
    return Table(str(path.resolve()), names, n_rows, digest.hexdigest(), tuple(strides), ranges)


def _groups(file: Any, path: Path, longest: int) -> Iterator[list[bytes]]:
    """The lines in groups of one stride; only the file's end may hold blank lines."""
    ended = False
    all_lines = iter(lambda: file.readline(longest), b"")
    while lines := list(islice(all_lines, _STRIDE)):
        if max(map(len, lines)) == longest:
            raise InputError(f"{path}: has a line of more than {longest:,} bytes; this is no table")
        n_lines = len(lines)
        while lines and not lines[-1].strip():
            lines.pop()
        if lines and ended:
            raise InputError(f"{path}: has a blank line between its rows; remove it")
        ended = len(lines) < n_lines
        if lines:
            yield lines


def _unquoted(name: str) -> str:
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name


def _check_names(names: tuple[str, ...], path: Path) -> None:
    if len(names) > _MOST_COLUMNS:
        raise InputError(f"{path}: line 1: has {len(names):,} columns; at most {_MOST_COLUMNS:,} can be")
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
    return text.isascii() and "_" not in text  # Python reads more than other programs do
