"""Results for other tools: pandas, CSV, Parquet, and a sweep as a function of its parameters."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError
from hhfast.sweep.batch import Job, simulate_job
from hhfast.sweep.durable import publish, temporary_name
from hhfast.sweep.space import Rows
from hhfast.sweep.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

    from hhfast.sweep.store import ResultFile

_BLOCK = 65536  # rows held in memory while a file is written
_KEPT = ("title", "source", "history", "hhfast_spec", "hhfast_spec_sha256", "hhfast_model")  # attributes in Parquet


def to_pandas(path: str | Path, start: int = 0, stop: int | None = None) -> pd.DataFrame:
    """Rows of a result as a DataFrame: parameters, status and features, indexed by `run`. Needs pandas.

    The units are in `frame.attrs["units"]`.
    """
    try:
        import pandas as pd
    except ImportError:
        raise InputError("to_pandas needs pandas; install it with: pip install pandas") from None
    from hhfast.sweep.store import ResultFile

    with ResultFile(path) as result:
        names = [*result.parameters, "status", *result.features]
        frame = pd.DataFrame({name: result.read(name, start, stop) for name in names})
        frame.index = pd.Index(result.read("run", start, stop), name="run")
        frame.attrs["units"] = {name: result.unit(name) for name in names}
    return frame


def to_csv(path: str | Path, out: str | Path, rows: Sequence[int] | None = None) -> Path:
    """Write parameters, status and features of all rows (or of some) as CSV, with full precision.

    The header gives the names. Such a file can be the [table] of another sweep, once the columns that are no
    parameters are removed.
    """
    from hhfast.sweep.store import ResultFile

    with (
        ResultFile(path) as result,
        written(out) as temporary,
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

    Each column has its unit as metadata ("units"), and the file has the spec and the model of the sweep.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InputError("Parquet needs pyarrow; install it with: pip install 'hhfast[export]'") from None
    from hhfast.sweep.store import ResultFile

    with ResultFile(path) as result, written(out) as temporary:
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
    check_rows(result, rows)
    chosen = ([result.read(name, row, row + 1) for row in rows] for name in names)
    return iter([dict(zip(names, map(np.concatenate, chosen), strict=True))])


def check_rows(result: ResultFile, rows: Sequence[int]) -> None:
    """Refuse rows that a result does not have, and no rows at all."""
    for row in rows:
        if not 0 <= row < result.n_rows:
            raise InputError(f"{result.path}: has no row {row}; the last is {result.n_rows - 1}")
    if not rows:
        raise InputError(f"{result.path}: no rows are chosen; name at least one")


@contextlib.contextmanager
def written(out: str | Path, suffix: str = "") -> Iterator[Path]:
    """A temporary file (ending in `suffix`) that takes the name `out` when it is complete and synced, or vanishes."""
    out = Path(out)
    temporary = temporary_name(out)
    temporary = temporary.with_name(temporary.name + suffix)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        publish(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class BatchedSimulator:
    """A sweep as a function theta (n, d) -> features (n, k): for sbi, SALib, or any optimiser.

    The columns of theta are the parameters that the sweep varies, in its order (`names`); those of the answer its
    features (`features`). A row that cannot be simulated (diverged, excluded by a constraint, C_m <= 0, not finite)
    is NaN.
    """

    sweep: Sweep
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.sweep.record.features:
            raise InputError("BatchedSimulator: the sweep records no features; name some")

    @property
    def names(self) -> tuple[str, ...]:
        return self.sweep.space.names

    @property
    def features(self) -> tuple[str, ...]:
        return self.sweep.record.features

    def __call__(self, theta: Any) -> np.ndarray:
        rows = np.atleast_2d(np.asarray(theta, dtype=np.float64))
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            wanted = f"(n, {len(self.names)}): {', '.join(self.names)}"
            raise InputError(f"theta has shape {rows.shape}; it must be {wanted}")
        result = np.full((len(rows), len(self.features)), np.nan)
        sound = np.isfinite(rows).all(axis=1)
        for k, name in enumerate(self.names):
            if name == "C_m":
                sound &= rows[:, k] > 0
        if sound.any():
            result[sound] = self._simulate(rows[sound])
        return result

    def _simulate(self, rows: np.ndarray) -> np.ndarray:
        space = Rows({name: rows[:, k] for k, name in enumerate(self.names)})
        sweep = replace(self.sweep, space=space, certify=False)
        outcome = simulate_job(Job(sweep, "", 0, 0, len(rows), len(rows), self.threads)).result
        values = np.column_stack([outcome[name].astype(np.float64) for name in self.features])
        values[outcome.status != 0] = np.nan
        return values
