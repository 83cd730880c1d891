"""Running a sweep: what is missing is simulated batch by batch into shards, and at the end the shards are merged."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path

from hhfast.batch.cells import Cells
from hhfast.batch.fastest_rate import warn_of_coupled_states, warn_of_long_steps, warn_of_single_precision
from hhfast.batch.initial_states import initial_states
from hhfast.errors import InputError
from hhfast.inputs import check_writable
from hhfast.interrupts import safe_point, undisturbed
from hhfast.progress import Reporter
from hhfast.sweep.batch import Batch, FinishedBatch
from hhfast.sweep.batch_size import rows_per_batch
from hhfast.sweep.durable_files import DISK_FAULTS, make_directory, sync_directory
from hhfast.sweep.estimate import some_rows
from hhfast.sweep.executor import compute_here, compute_on
from hhfast.sweep.merge import Merge, complete_merge
from hhfast.sweep.output import check_name, check_room, is_finished
from hhfast.sweep.plan import MOST_BATCHES, Plan, RunPart
from hhfast.sweep.provenance import check_versions, global_attributes, versions
from hhfast.sweep.run_directory import RunDirectory, holds_run, locked, remove_run, run_directory
from hhfast.sweep.run_failures import explained
from hhfast.sweep.shards import DamagedShard
from hhfast.sweep.simulate_rows import cells_of
from hhfast.sweep.space import Rows
from hhfast.sweep.sweep import Sweep


@undisturbed()
def run_sweep(
    sweep: Sweep, out: Path, executor: Executor | None = None, *, fresh: bool = False, repair: bool = False,
    progress: bool = True, threads: int | None = None, part: RunPart | None = None,
) -> Path:  # fmt: skip
    """Simulate every row of a sweep (or those of one part, without merging) into `out`; see `Sweep.run`.

    Raises `InputError` before anything is touched, `Incomplete` or KeyboardInterrupt when what is finished is safe.
    """
    if fresh and part is not None:
        folder = run_directory(out)
        raise InputError(f"--fresh: would discard what the other parts have computed; delete {folder} if you want that")
    if is_finished(sweep, out, fresh):
        return out
    check_name(out)
    check_writable(out)
    check_room(sweep, out, 1 if part is None else part.count)
    with explained(out), _opened(sweep, out, fresh, part) as run, Merge(run, early=part is None) as merge:
        numbers = [number for number in range(run.plan.n_batches) if part is None or number in part]
        rows = sum(stop - start for start, stop in map(run.plan.rows, numbers))
        with Reporter(out.name, rows, "rows", show=progress) as reporter:

            def accept(batch: FinishedBatch) -> None:
                _accept(batch, run, reporter)

            def accept_and_merge(batch: FinishedBatch) -> None:
                accept(batch)
                merge.add_finished(batch.header.batch)

            missing = _check_shards(run, numbers, reporter, repair)
            if missing:
                _warn_of_rough_numbers(sweep)
            merge.finished.update(set(numbers) - set(missing))
            if executor is None:
                compute_here(_batches(sweep, run, missing, threads), merge.add_finished, accept)
            else:
                compute_on(executor, _batches(sweep, run, missing, threads or 1), accept_and_merge, reporter.say)
        if part is None:
            complete_merge(merge, progress)
            remove_run(run.folder)
    return out


def _warn_of_rough_numbers(sweep: Sweep) -> None:
    """Warn, once, of a precision too low for the model, and of steps too long for rows from all over the space."""
    warn_of_single_precision(sweep.model, sweep.dtype)
    if sweep.scheme.adaptive:
        return
    warn_of_coupled_states(sweep.model, sweep.scheme)
    parameters, stimulus = cells_of(sweep, some_rows(sweep))
    cells = Cells.of(sweep.model, parameters, stimulus)
    warn_of_long_steps(cells, initial_states(cells, "model"), sweep.scheme, sweep.dt)


@contextlib.contextmanager
def _opened(sweep: Sweep, out: Path, fresh: bool, part: RunPart | None = None) -> Iterator[RunDirectory]:
    """The directory of a run, found or made, and locked; if it ends up empty, it is removed."""
    folder = run_directory(out)
    if holds_run(folder) and not fresh:
        _check_same(RunDirectory.open(folder), sweep)
    try:
        make_directory(folder)
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        raise InputError(f"{folder}: cannot be made ({error.strerror}); choose another output with -o") from None
    try:
        with locked(folder, part):
            if fresh:
                _discard(out)
            run = RunDirectory.open(folder) if holds_run(folder) else RunDirectory.create(folder, _plan(sweep))
            if part is None:  # with parts, they may be those of another machine
                run.remove_temporaries()
            try:
                yield run
            except InputError:
                if not run.finished():  # a mistake that only the first simulation could find
                    remove_run(folder)
                raise
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _discard(out: Path) -> None:
    """Remove a result and its unfinished run; for the one who holds the lock."""
    folder = run_directory(out)
    if holds_run(folder):
        RunDirectory.open(folder)  # refuses a directory that is not recognisably ours
        remove_run(folder)
    out.unlink(missing_ok=True)
    sync_directory(out.parent)  # else it might be back after power loss, and be taken for the new one


def _plan(sweep: Sweep) -> Plan:
    model, now = sweep.model.to_toml(), versions(sweep)
    attributes = global_attributes(sweep, now)
    plan = Plan(sweep.text, sweep.sha256, model, sweep.space.n_rows, rows_per_batch(sweep), now, attributes)
    if plan.n_batches > MOST_BATCHES:
        raise InputError(f"{plan.n_rows:,} rows make {plan.n_batches:,} batches; at most {MOST_BATCHES:,} are possible")
    return plan


def _check_same(run: RunDirectory, sweep: Sweep) -> None:
    if run.plan.spec_sha256 != sweep.sha256:
        raise InputError(
            f"{run.folder}: holds an unfinished run of another sweep ({_difference(run.plan.spec, sweep.text)}); "
            "finish that one, choose another output with -o, or start again with --fresh"
        )
    check_versions(run.plan.versions, sweep, str(run.folder))


def _difference(old: str, new: str) -> str:
    """The keys in which two canonical specs differ."""
    a, b = json.loads(old), json.loads(new)
    return ", ".join(sorted(key for key in a.keys() | b.keys() if a.get(key) != b.get(key))) + " differ"


def _check_shards(run: RunDirectory, numbers: list[int], reporter: Reporter, repair: bool) -> list[int]:
    """Check every shard of some batches in full; the numbers of those still to be computed.

    Shards are written so that no crash can leave a damaged one: something else did, and the user should know. With
    `repair` it is set aside and its batch computed again.
    """
    for batch in sorted(set(numbers) & set(run.finished())):
        try:
            header, _ = run.read(batch)
        except DamagedShard as damage:
            if not repair:
                raise InputError(
                    f"{run.path(batch)}: a damaged shard ({damage}); nothing was changed; with --repair "
                    "it is set aside and its rows are computed again"
                ) from None
            kept = run.set_aside(batch)
            reporter.say(f"batch {batch}: its shard is damaged ({damage}); kept as {kept}, computing its rows again")
        else:
            reporter.advance(header.stop - header.start)
        safe_point()
    if reporter.done:
        reporter.say(f"resuming {run.out}: {reporter.done:,} of {reporter.total:,} rows are done")
    missing = set(run.missing())
    return [batch for batch in numbers if batch in missing]


def _batches(sweep: Sweep, run: RunDirectory, numbers: Iterable[int], threads: int | None) -> Iterator[Batch]:
    """The batches of these numbers, made one by one as they are needed."""
    folder, size = str(run.folder.resolve()), run.plan.rows_per_batch
    # A table is on this machine's disk, and too large to travel whole with each task: its rows go, a batch each.
    sent = sweep if sweep.space.formula else sweep.with_space(Rows(sweep.space.columns(0, 1)))
    for number in numbers:
        start, stop = run.plan.rows(number)
        columns = None if sweep.space.formula else sweep.space.columns(start, stop)
        began = run.plan.versions.get("arithmetic", "")
        yield Batch(sent, sweep.sha256, number, start, stop, size, threads, columns, folder, arithmetic=began)


def _accept(batch: FinishedBatch, run: RunDirectory, reporter: Reporter) -> None:
    """Count a finished batch, and store its shard if the worker does not see the directory of the run."""
    if batch.shard is not None:
        run.copy_in(batch.header.batch, batch.shard)
    reporter.advance(batch.header.stop - batch.header.start)
