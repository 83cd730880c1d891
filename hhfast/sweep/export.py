"""Results for other tools: pandas, CSV, Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import what, whole_number
from hhfast.sweep.durable_files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

    from hhfast.sweep.store import ResultFile

_BLOCK = 65536  # rows held in memory while a file is written
_KEPT = ("title", "source", "history", "hhfast_spec", "hhfast_spec_sha256", "hhfast_model")  # attributes in Parquet


def to_pandas(path: str | Path, start: int = 0, stop: int | None = None) -> pd.DataFrame:
    """Rows of a result as a DataFrame: parameters, status and features, indexed by `run`. Needs pandas.

    path : of a result. start, stop : the rows, as in a slice. Raises `InputError` for a file that is no result.

    The units are in `frame.attrs["units"]`.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InputError("to_pandas needs pandas; install it with: pip install pandas") from None
    from hhfast.sweep.store import ResultFile

    with ResultFile(path) as result:
        start = whole_number("start", start, -result.n_rows, result.n_rows)
        stop = result.n_rows if stop is None else whole_number("stop", stop, -result.n_rows, 2**63)
        names = [*result.parameters, "status", *result.features]
        frame = pd.DataFrame({name: result.read(name, start, stop) for name in names})
        frame.index = pd.Index(result.read("run", start, stop), name="run")
        frame.attrs["units"] = {name: result.unit(name) for name in names}
    return frame


def to_csv(path: str | Path, out: str | Path, rows: Sequence[int] | None = None) -> Path:
    """Write parameters, status and features of all rows (or of some) as CSV, with full precision.

    path : of a result. out : the file to write. rows : their numbers; None: all. Raises `InputError` for a file that is
    no result, rows that it has not, and where `out` cannot be written.

    The header gives the names. Such a file can be the [table] of another sweep, once the columns that are no
    parameters are removed.
    """
    from hhfast.sweep.store import ResultFile

    with (
        ResultFile(path) as result,
        atomic_file(out) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        blocks = _blocks(result, rows)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_columns(result))
        for block in blocks:
            writer.writerows(zip(*(column.tolist() for column in block.values()), strict=True))
    return Path(out)


def to_parquet(path: str | Path, out: str | Path, rows: Sequence[int] | None = None) -> Path:
    """Write parameters, status and features of all rows (or of some) as Parquet. Needs the extra `export`.

    path, out, rows, errors (`InputError`) : as in `to_csv`.

    Each column has its unit as metadata ("units"), and the file has the spec and the model of the sweep.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow; install it with: pip install 'hhfast[export]'") from None
    from hhfast.sweep.store import ResultFile

    with ResultFile(path) as result, atomic_file(out) as temporary:
        blocks = _blocks(result, rows)
        types = {name: pa.from_numpy_dtype(result.dtype(name)) for name in _columns(result)}
        fields = [pa.field(n, t, nullable=False, metadata={"units": result.unit(n)}) for n, t in types.items()]
        kept = {key: result.attributes[key] for key in _KEPT if key in result.attributes}
        schema = pa.schema(fields, metadata=kept)
        with parquet.ParquetWriter(temporary, schema) as writer:
            for block in blocks:
                writer.write_table(pa.table(block, schema=schema))
    return Path(out)


def _columns(result: ResultFile) -> list[str]:
    return ["run", *result.parameters, "status", *result.features]


def _blocks(result: ResultFile, rows: Sequence[int] | None) -> Iterator[dict[str, np.ndarray]]:
    """The columns of all rows, or of the chosen ones, in blocks of bounded size; the choice is checked at once."""
    names = _columns(result)
    if rows is None:
        ranges = [(start, start + _BLOCK) for start in range(0, result.n_rows, _BLOCK)]
        return ({name: result.read(name, *limits) for name in names} for limits in ranges)
    rows = check_rows(result, rows)
    chosen = ([result.read(name, row, row + 1) for row in rows] for name in names)
    return iter([dict(zip(names, map(np.concatenate, chosen), strict=True))])


def check_rows(result: ResultFile, rows: Sequence[int]) -> list[int]:
    """The numbers of rows; refuse those that a result does not have, and no rows at all."""
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise InputError(f"rows: is {what(rows)}; give the numbers of rows, as [0, 1]")
    numbers = [whole_number("rows", row, -(2**63), 2**63) for row in rows]
    for row in numbers:
        if not 0 <= row < result.n_rows:
            raise InputError(f"{result.path}: has no row {row}; the last is {result.n_rows - 1}")
    if not numbers:
        raise InputError(f"{result.path}: no rows are chosen; name at least one")
    return numbers
