"""Commands that work on the run of a sweep: run, status, merge."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.cli.console import Exit, fail, hint, note, say
from hhfast.cli.options import OutFile
from hhfast.errors import InputError

if TYPE_CHECKING:
    from hhfast.sweep import Sweep


def run(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The sweep file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="The result.", show_default="SPEC.h5 here")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Number of threads.", show_default="all processors")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start again: discard OUT.h5 and its unfinished run.")] = False,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS|local:N", help="Run on a Dask cluster, or on N processes of this machine."),
    ] = None,
    part: Annotated[
        str | None, typer.Option(metavar="I/N", help="Compute part I of N only; `hhfast merge` joins the parts.")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged shards of an unfinished run aside and compute them again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how long it will take and how large it is.")]
    = False,
) -> None:  # fmt: skip
    """Run a sweep into an HDF5 file; an interrupted run is resumed where it stopped."""
    from hhfast.inputs import check_writable
    from hhfast.sweep import Sweep
    from hhfast.sweep.output import check_name, is_finished
    from hhfast.sweep.plan import RunPart
    from hhfast.sweep.run import run_sweep
    from hhfast.sweep.run_failures import explained

    sweep = Sweep.from_toml(spec)
    out = output or Path(spec.with_suffix(".h5").name)
    share = None if part is None else RunPart.parse(part)
    if dry_run:
        check_name(out)
        check_writable(out)
        _print_estimate(sweep, out, threads)
    elif not fresh and is_finished(sweep, out):
        say(f"{out} already holds this sweep: nothing to do (--fresh runs it again)")
    else:
        with _interruptible(out), _executor(dask, sweep, threads) as executor:
            run_sweep(sweep, out, executor, fresh=fresh, repair=repair, threads=threads, part=share)
        with explained(out):
            finished = _print_status(out, part or "") and part is None
        if finished:
            hint(f"next: hhfast plot {out}, hhfast info {out}, or hhfast explore {out}")


def status(out: OutFile) -> None:
    """Show how far a run is; works while it is running, from any machine that sees its files."""
    if not _print_status(out):
        raise typer.Exit(Exit.INCOMPLETE)


def merge(
    out: OutFile,
    parts: Annotated[
        list[Path] | None, typer.Argument(metavar="PARTS", help="Directories OUT.h5.parts of other machines.")
    ] = None,
) -> None:
    """Join what `hhfast run --part` has computed, here and on other machines, into one result."""
    from hhfast.sweep.merge import merge_parts
    from hhfast.sweep.run_failures import explained

    with explained(out):
        missing = merge_parts(out, parts or [])
    if missing:
        fail(f"incomplete: {out}: {missing:,} rows are missing; run their parts, then merge again", Exit.INCOMPLETE)
    with explained(out):
        _print_status(out)


@contextlib.contextmanager
def _interruptible(out: Path) -> Iterator[None]:
    """Answer Ctrl-C and SIGTERM alike: stop cleanly, and say how to go on."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        from hhfast.sweep.status import run_status

        try:
            state = run_status(out)
        except InputError:  # stopped before there was anything to keep
            fail(f"interrupted: nothing was kept of {out}", Exit.INTERRUPTED)
        done = f"{state.rows_done:,} of {state.n_rows:,} rows are safe"
        fail(f"interrupted: {done}; run the same command again to resume", Exit.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _executor(dask: str | None, sweep: Sweep, threads: int | None) -> Iterator[Executor | None]:
    """The Dask cluster that was asked for, or none."""
    if dask is None:
        yield None
        return
    from hhfast.sweep.executor import dask_executor

    with dask_executor(dask, sweep, threads or 1) as (executor, text):
        note(text)
        yield executor


def _print_status(out: Path, part: str = "") -> bool:
    """Print the state of an output; whether it is finished or being worked on."""
    from hhfast.cli.summary import summary_lines
    from hhfast.cli.text import certificate_text, status_text
    from hhfast.sweep.status import run_status
    from hhfast.sweep.store import ResultFile

    state = run_status(out)
    say(status_text(state, part))
    if state.finished:
        with ResultFile(out) as result:
            for line in summary_lines(result):
                say(line)
            if certificate := certificate_text(result):
                say(f"  certified: {certificate}")
    return state.finished or bool(state.holders)


def _print_estimate(sweep: Sweep, out: Path, threads: int | None) -> None:
    from hhfast.cli.text import estimate_text
    from hhfast.sweep.estimate import estimate

    say(f"{out} (dry run)\n{estimate_text(estimate(sweep, threads))}")
