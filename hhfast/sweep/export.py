"""Results for other tools: pandas, CSV, and a sweep as a function of its parameters for inference and sensitivity."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError
from hhfast.sweep.batch import Job, simulate_job
from hhfast.sweep.durable import publish, temporary_name
from hhfast.sweep.space import Rows
from hhfast.sweep.spec import Sweep

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 65536  # rows held in memory while a CSV file is written


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


def to_csv(path: str | Path, out: str | Path) -> Path:
    """Write parameters, status and features of every row as CSV, with full precision; the header gives the names.

    Such a file can be the [table] of another sweep, once the columns that are no parameters are removed.
    """
    from hhfast.sweep.store import ResultFile

    out = Path(out)
    temporary = temporary_name(out)
    try:
        with ResultFile(path) as result, temporary.open("w", newline="", encoding="utf-8") as file:
            names = ["run", *result.parameters, "status", *result.features]
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            for start in range(0, result.n_rows, _BLOCK):
                columns = [result.read(name, start, start + _BLOCK).tolist() for name in names]
                writer.writerows(zip(*columns, strict=True))
        publish(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)
    return out


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
        sweep = self.sweep.with_space(space)
        outcome = simulate_job(Job(sweep, "", 0, 0, len(rows), len(rows), self.threads)).result
        values = np.column_stack([outcome[name].astype(np.float64) for name in self.features])
        values[outcome.status != 0] = np.nan
        return values
