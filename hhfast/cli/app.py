"""The command line. Everything heavy is imported by the command that needs it, so that help is immediate.

Exit codes: 0 done, 2 usage or bad input, 3 incomplete but resumable, 130 interrupted (resumable as well).
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from enum import IntEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import hhfast
from hhfast.errors import InputError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)
_output = Console(highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """What the exit codes mean."""

    BAD_INPUT = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


OutFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A result file.")]
Figure = Annotated[Path | None, typer.Option("-o", "--output", metavar="FIG.png", help="Where to save the figure.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A library model, or the path of a TOML file.")]


def main() -> None:
    """The `hhfast` command."""
    app()


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn what a user can mend into one line and an exit code; anything else is our mistake and shows its trace."""
    from hhfast.sweep.run import Incomplete

    try:
        yield
    except BrokenPipeError:  # the reader of our output has gone, as in `hhfast source MODEL | head`
        sys.stderr.close()
        raise typer.Exit(0) from None
    except (InputError, OSError) as error:
        _fail(f"error: {error}", Exit.BAD_INPUT)
    except KeyboardInterrupt:
        _fail("interrupted", Exit.INTERRUPTED)
    except Incomplete as error:
        _fail(f"incomplete: {error}", Exit.INCOMPLETE)


def _fail(message: str, code: Exit) -> None:
    _errors.print(" ".join(message.split()), markup=False)
    raise typer.Exit(code)


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
            _fail(f"interrupted: nothing was kept of {out}", Exit.INTERRUPTED)
        else:
            done = f"{state.rows_done:,} of {state.n_rows:,} rows are safe"
            _fail(f"interrupted: {done}; run the same command again to resume", Exit.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hhfast {hhfast.__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")] = False,
) -> None:
    """Simulate very many Hodgkin-Huxley neurons."""


@app.command()
def run(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The sweep file.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.h5", help="The result.", show_default="SPEC.h5 here")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.", show_default="all processors")] = None,
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it will take.")] = False,
) -> None:
    """Run a sweep into an HDF5 file; resumes by itself what an interrupted run left."""
    with _answering():
        from hhfast.sweep import Sweep
        from hhfast.sweep.outputs import Part, is_finished
        from hhfast.sweep.run import run_sweep

        sweep = Sweep.from_toml(spec)
        out = output or Path(spec.with_suffix(".h5").name)
        share = None if part is None else Part.parse(part)
        if dry_run:
            _print_estimate(sweep, out, threads)
        elif not fresh and is_finished(sweep, out):
            _output.print(f"{out} already holds this sweep: nothing to do (--fresh runs it again)", markup=False)
        else:
            with _interruptible(out), _executor(dask, sweep, threads) as executor:
                run_sweep(sweep, out, executor, fresh=fresh, repair=repair, threads=threads, part=share)
            _print_status(out)


@app.command()
def status(out: OutFile) -> None:
    """Show how far a run is; works while it is running, from anywhere that sees its files."""
    with _answering():
        if not _print_status(out):
            raise typer.Exit(Exit.INCOMPLETE)


@app.command()
def merge(
    out: OutFile,
    parts: Annotated[
        list[Path] | None, typer.Argument(metavar="[PARTS]...", help="Directories OUT.h5.parts of other machines.")
    ] = None,
) -> None:
    """Join what `hhfast run --part` has computed, here and elsewhere, into one result."""
    with _answering():
        from hhfast.sweep.joining import collect
        from hhfast.sweep.run import explained

        with explained(out):
            missing = collect(out, parts or [])
        if missing:
            remedy = "run their parts, then merge again"
            _fail(f"incomplete: {out}: {missing:,} rows are missing; {remedy}", Exit.INCOMPLETE)
        _print_status(out)


@app.command()
def verify(out: OutFile) -> None:
    """Check a result, or what there is of an unfinished run, against its checksums, bit for bit."""
    with _answering():
        from hhfast.sweep.verify import verify_output

        found = verify_output(out)
        _output.print(found.text, markup=False)
        if found.problems:
            raise typer.Exit(Exit.BAD_INPUT)


@app.command()
def export(
    out: OutFile,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: a .csv, .parquet or .nwb file.")],
    row: Annotated[
        list[int] | None, typer.Option(min=0, help="Only this row; may be given again. NWB needs at least one.")
    ] = None,
) -> None:
    """Write the parameters and features of rows as CSV or Parquet, or the potential and spikes of some as NWB."""
    with _answering():
        from hhfast.sweep import to_csv, to_nwb, to_parquet

        match file.suffix.lower():
            case ".csv":
                to_csv(out, file, row)
            case ".parquet":
                to_parquet(out, file, row)
            case ".nwb" if row:
                to_nwb(out, file, row)
            case ".nwb":
                raise InputError("NWB files hold traces of single rows; name them with --row")
            case _:
                raise InputError(f"{file}: must end in .csv, .parquet or .nwb")
        _output.print(f"{file}", markup=False)


@app.command()
def trace(
    out: OutFile,
    row: Annotated[int, typer.Option(min=0, help="The row.")],
    figure: Figure = None,
) -> None:
    """Simulate one row of a result again, from the file alone, with full traces, and draw it."""
    with _answering():
        from hhfast.figures.sweeps import plot_trace
        from hhfast.sweep.resimulate import resimulate

        again = resimulate(out, row)
        figure = figure or out.with_name(f"{out.stem}_row{row}.png")
        plot_trace(again, figure)
        _output.print(f"{again.text}\n{figure}", markup=False)


@app.command()
def info(out: OutFile) -> None:
    """Show what a result holds, and where it comes from."""
    with _answering():
        from hhfast.cli.text import result_text
        from hhfast.sweep.store import ResultFile

        with ResultFile(out) as result:
            _output.print(result_text(result), markup=False)


@app.command()
def plot(
    out: OutFile,
    figure: Figure = None,
    x: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along x.")] = None,
    y: Annotated[str | None, typer.Option(metavar="AXIS", help="The parameter along y.")] = None,
    value: Annotated[str | None, typer.Option(metavar="FEATURE", help="What to show.", show_default="the rate")] = None,
) -> None:
    """Draw a feature over the parameters: a line, a heat map, or several."""
    with _answering():
        from hhfast.figures.sweeps import plot_result
        from hhfast.sweep.store import ResultFile

        figure = figure or out.with_suffix(".png")
        with ResultFile(out) as result:
            plot_result(result, figure, x=x, y=y, value=value)
        _output.print(f"{figure}", markup=False)


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model, or the path of a TOML file.")] = None,
    cell: Annotated[str, typer.Option(help="List those of a kind of cell.")] = "",
    current: Annotated[str, typer.Option(help="List those that have a current.")] = "",
    species: Annotated[str, typer.Option(help="List those of a species.")] = "",
    toml: Annotated[bool, typer.Option("--toml", help="Print the model's file.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with the spike times that its file lists.")] = False,
) -> None:
    """List the models, or show one: its equations, its parameters and where it was published."""
    with _answering():
        from hhfast.cli.text import model_check_text, model_list_text
        from hhfast.sweep.sweep import find_model

        if name is None:
            _output.print(model_list_text(cell, current, species), markup=False, soft_wrap=True)
        elif toml:
            typer.echo(find_model(name).to_toml())
        elif check:
            text, passed = model_check_text(find_model(name))
            _output.print(text, markup=False)
            if not passed:
                raise typer.Exit(1)
        else:
            _output.print(find_model(name).equations(), markup=False)


@app.command()
def source(
    model: Model,
    integrator: Annotated[str, typer.Option("-i", "--integrator", help="The integrator.")] = "rk4",
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
) -> None:
    """Print the kernel that is generated for a model: readable Python."""
    with _answering():
        from hhfast.kernel.build.kernel import kernel_source
        from hhfast.parts.recorders import Spikes
        from hhfast.parts.stimuli import Step
        from hhfast.sweep.sweep import find_model

        typer.echo(kernel_source(find_model(model), integrator, Step(amplitude=0.0), [Spikes()], dtype))


Cells = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", "--set", metavar="NAME=VALUES", help="A parameter; or several, one cell each."),
]


@app.command()
def fi(
    model: Model,
    currents: Annotated[str, typer.Option(metavar="LIST", help="As 0,5,10 or start:stop:step.")] = "0:20:1",
    parameter: Cells = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration of each current.")] = 1000.0,
    figure: Figure = None,
) -> None:
    """Firing rate against current: onset, gain, block and class of each cell; -o draws both branches."""
    with _answering():
        from hhfast.cli.analyses import ask_fi, numbers, parameters
        from hhfast.sweep.sweep import find_model

        answer = ask_fi(find_model(model), parameters(parameter or ()), numbers(currents), figure, t_stop=t_stop)
        _output.print(answer, markup=False)


@app.command()
def rheobase(
    model: Model,
    width: Annotated[str, typer.Option(metavar="LIST", help="Widths of the pulse, ms: 1 or 0.1,1,10.")] = "500",
    parameter: Cells = None,
    tol: Annotated[float, typer.Option(metavar="X", help="Relative tolerance.")] = 1e-5,
    figure: Figure = None,
) -> None:
    """Threshold of a current pulse for each cell; -o draws the strength-duration curve of several widths."""
    with _answering():
        from hhfast.cli.analyses import ask_rheobase, numbers, parameters
        from hhfast.sweep.sweep import find_model

        answer = ask_rheobase(find_model(model), parameters(parameter or ()), numbers(width), figure, tol=tol)
        _output.print(answer, markup=False)


@app.command()
def refractory(
    model: Model,
    width: Annotated[float, typer.Option(metavar="MS", help="Width of both pulses.")] = 1.0,
    second: Annotated[str, typer.Option(metavar="LIST", help="Second pulses, in thresholds: 2 or 1.5,2,5.")] = "2",
    parameter: Cells = None,
    figure: Figure = None,
) -> None:
    """How soon each cell can fire again: refractory periods; -o draws the recovery curve."""
    with _answering():
        from hhfast.cli.analyses import ask_refractory, numbers, parameters
        from hhfast.sweep.sweep import find_model

        answer = ask_refractory(find_model(model), parameters(parameter or ()), numbers(second), figure, width=width)
        _output.print(answer, markup=False)


@app.command()
def bench(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="A library model, or a TOML file.", show_default="hodgkin_huxley"),
    ] = None,
    sweep: Annotated[
        Path | None, typer.Option(metavar="SPEC.toml", help="Take model, stimulus, duration and cells from a sweep.")
    ] = None,
    integrators: Annotated[str | None, typer.Option(metavar="LIST", help="Integrators.", show_default="all")] = None,
    dt: Annotated[str | None, typer.Option(metavar="LIST", help="Steps, ms, of those with fixed steps.")] = None,
    rtol: Annotated[str | None, typer.Option(metavar="LIST", help="Tolerances of those that choose steps.")] = None,
    parameter: Cells = None,
    current: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Constant currents.", show_default="from silence to fast firing"),
    ] = None,
    t_stop: Annotated[float | None, typer.Option(metavar="MS", help="Duration.", show_default="200")] = None,
    cells: Annotated[int, typer.Option(min=1, help="Cells, where -p does not give them; or rows of the sweep.")] = 64,
    spread: Annotated[
        float | None, typer.Option(metavar="X", help="By which fraction conductances differ.", show_default="0.1")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the cells.")] = 1,
    accuracy: Annotated[
        str, typer.Option(metavar="LIST", help="Errors of spike times, ms, for which to recommend a setting.")
    ] = "1,0.1,0.01,0.001",
    rheobase: Annotated[bool, typer.Option(help="Measure errors of thresholds, too.")] = True,
    csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    figure: Figure = None,
) -> None:
    """Error against cost of the integrators on a model, and which to use; -o draws it."""
    with _answering():
        from hhfast.cli.analyses import ask_benchmark, interval, numbers, of_model, of_sweep, parameters
        from hhfast.sweep.sweep import find_model

        steps, tolerances = (None if text is None else numbers(text) for text in (dt, rtol))
        if sweep is not None:
            alone = {"MODEL": model, "-p": parameter, "--current": current, "--t-stop": t_stop, "--spread": spread}
            problem = of_sweep(sweep, cells, seed, steps, tolerances, **alone)
        else:
            problem = of_model(
                find_model(model or "hodgkin_huxley"), parameters(parameter or ()), dt=steps, rtol=tolerances,
                current=None if current is None else interval(current), t_stop=200.0 if t_stop is None else t_stop,
                spread=0.1 if spread is None else spread,
            )  # fmt: skip
        answer = ask_benchmark(
            problem, figure, csv=csv, accuracies=numbers(accuracy).tolist(), cells=cells, seed=seed, rheobase=rheobase,
            integrators=None if integrators is None else [name.strip() for name in integrators.split(",")],
        )  # fmt: skip
        _output.print(answer, markup=False)


@contextlib.contextmanager
def _executor(dask: str | None, sweep: hhfast.Sweep, threads: int | None) -> Iterator[Executor | None]:
    """The Dask cluster that was asked for, or none."""
    if dask is None:
        yield None
        return
    from hhfast.sweep.cluster import dask_executor

    with dask_executor(dask, sweep, threads or 1) as (executor, text):
        _errors.print(text, markup=False)
        yield executor


def _print_status(out: Path) -> bool:
    """Print the state of an output; whether it is finished or at work."""
    from hhfast.cli.text import certificate_text, status_text
    from hhfast.sweep.status import run_status
    from hhfast.sweep.store import ResultFile

    state = run_status(out)
    _output.print(status_text(state), markup=False)
    if state.finished:
        with ResultFile(out) as result:
            if certificate := certificate_text(result):
                _output.print(f"  certified: {certificate}", markup=False)
    return state.finished or bool(state.holders)


def _print_estimate(sweep: hhfast.Sweep, out: Path, threads: int | None) -> None:
    from hhfast.cli.text import estimate_text
    from hhfast.sweep.estimate import estimate

    _output.print(f"{out} (dry run)\n{estimate_text(estimate(sweep, threads))}", markup=False)
