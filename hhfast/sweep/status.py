"""What a run is doing, as any process can see it from the files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hhfast.batch.result import STATUS_MEANINGS
from hhfast.errors import InputError
from hhfast.inputs import exists
from hhfast.sweep.lock import LockHolder, live_holder
from hhfast.sweep.run_directory import RunDirectory, holds_run, run_directory
from hhfast.sweep.shards import DamagedShard


@dataclass(frozen=True)
class RunStatus:
    """The state of one output.

    finished : the result file is there. holders : the processes at work on it.
    rows_done, n_rows : rows in finished batches, and all. counts : finished rows by status code.
    rows_per_second : by the processes now at work (None: not known yet).
    damaged : shards whose header cannot be read.
    """

    out: Path
    finished: bool
    rows_done: int
    n_rows: int
    counts: tuple[int, ...]
    holders: tuple[LockHolder, ...] = ()
    rows_per_second: float | None = None
    damaged: tuple[Path, ...] = ()

    @property
    def seconds_left(self) -> float | None:
        if not self.rows_per_second:
            return None
        return (self.n_rows - self.rows_done) / self.rows_per_second

    @property
    def flagged(self) -> dict[str, int]:
        """Rows that are not "ok", by the meaning of their status."""
        return {m: n for m, n in zip(STATUS_MEANINGS[1:], self.counts[1:], strict=False) if n}


def run_status(out: Path) -> RunStatus:
    """The state of an output; `InputError` if there is neither a result nor an unfinished run."""
    folder = run_directory(out)
    if holds_run(folder):
        return _unfinished(out, RunDirectory.open(folder))
    if not exists(out):
        raise InputError(f"{out}: neither it nor {folder} exists; check the path")
    from hhfast.sweep.store import ResultFile

    with ResultFile(out) as result:
        counts = np.bincount(result.read("status"), minlength=len(STATUS_MEANINGS)).tolist()
        return RunStatus(out, True, result.n_rows, result.n_rows, tuple(counts))


def _unfinished(out: Path, run: RunDirectory) -> RunStatus:
    holders = tuple(h for path in run.locks() if (h := live_holder(path)) is not None)
    began = min((h.started for h in holders), default=None)
    counts = [0] * len(STATUS_MEANINGS)
    done = recent = 0
    damaged = []
    for batch in run.finished():
        try:
            header = run.header(batch)
            written = run.path(batch).stat().st_mtime
        except (DamagedShard, OSError):
            damaged.append(run.path(batch))
            continue
        if len(header.status) != len(counts):
            damaged.append(run.path(batch))
            continue
        rows = header.stop - header.start
        done += rows
        recent += rows if began is not None and written >= began else 0
        counts = [a + b for a, b in zip(counts, header.status, strict=True)]
    rate = recent / max(time.time() - began, 1e-3) if began is not None and recent else None
    return RunStatus(out, False, done, run.plan.n_rows, tuple(counts), holders, rate, tuple(damaged))
