"""A sweep as a function of its parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import samples, what, whole_number
from hhfast.sweep.batch import Batch, simulate_batch
from hhfast.sweep.space import Rows
from hhfast.sweep.sweep import Sweep


@dataclass(frozen=True)
class BatchedSimulator:
    """A sweep as a function theta (n, d) -> features (n, k): for sbi, SALib, or any optimiser.

    The columns of theta are the parameters that the sweep varies, in its order (`names`); those of the answer its
    features (`features`). A row that cannot be simulated (diverged, excluded by a constraint, C_m <= 0, not finite)
    is NaN. threads : None: all processors.
    """

    sweep: Sweep
    threads: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.sweep, Sweep):
            raise InputError(f"BatchedSimulator: sweep is {what(self.sweep)}; give a Sweep")
        if self.threads is not None:
            whole_number("BatchedSimulator: threads", self.threads, 1, 2**31)
        if not self.features:
            raise InputError("BatchedSimulator: the sweep records no features; name some")

    @property
    def names(self) -> tuple[str, ...]:
        return self.sweep.space.names

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(name for recorder in self.sweep.recorders for name in getattr(recorder, "names", ()))

    def __call__(self, theta: Any) -> np.ndarray:
        rows = np.atleast_2d(samples("theta", theta))
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
        result = simulate_batch(Batch(sweep, "", 0, 0, len(rows), len(rows), self.threads)).result
        values = np.column_stack([result[name].astype(np.float64) for name in self.features])
        values[result.status != 0] = np.nan
        return values
