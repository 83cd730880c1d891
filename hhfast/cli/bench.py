"""The command that measures which integrator to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.console import say
from hhfast.cli.options import Csv, Parameters, interval, numbers, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np


@draws
def bench(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="A model of the library, or a TOML file.", show_default="hodgkin_huxley"),
    ] = None,
    sweep: Annotated[
        Path | None, typer.Option(metavar="SPEC.toml", help="Take model, stimulus, duration and cells from a sweep.")
    ] = None,
    integrators: Annotated[
        str | None, typer.Option(metavar="LIST", help="Their names, as rk4,tsit5.", show_default="all")
    ] = None,
    dt: Annotated[str | None, typer.Option(metavar="LIST", help="Step sizes, ms, of fixed-step integrators.")] = None,
    rtol: Annotated[str | None, typer.Option(metavar="LIST", help="Tolerances of adaptive integrators.")] = None,
    parameter: Parameters = None,
    current: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH", help="Range of the constant currents.", show_default="from silence to fast firing"
        ),
    ] = None,
    t_stop: Annotated[float | None, typer.Option(metavar="MS", help="Duration.", show_default="200")] = None,
    cells: Annotated[
        int, typer.Option(min=1, help="Number of cells, if -p does not give them; or of rows of the sweep.")
    ] = 64,
    spread: Annotated[
        float | None, typer.Option(metavar="X", help="Fraction by which conductances differ.", show_default="0.1")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed with which the cells are drawn.")] = 1,
    accuracy: Annotated[
        str, typer.Option(metavar="LIST", help="Errors of spike times, ms, for which to recommend a setting.")
    ] = "1,0.1,0.01,0.001",
    rheobase: Annotated[bool, typer.Option(help="Measure errors of thresholds, too.")] = True,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Error against cost of the integrators on a model, and which to use; -o draws it."""
    from hhfast.analysis.work_precision.benchmark import benchmark_integrators
    from hhfast.analysis.work_precision.report import report

    accuracies = numbers(accuracy, "--accuracy").tolist()
    if not all(value > 0 for value in accuracies):
        raise InputError(f"--accuracy {accuracy}: each must be a positive number")
    picture.check()  # before the minute that the measurement takes
    steps = None if dt is None else numbers(dt, "--dt")
    tolerances = None if rtol is None else numbers(rtol, "--rtol")
    if sweep is None:
        problem = _cells_of_model(model or "hodgkin_huxley", parameter) | {
            "current": None if current is None else interval(current, "--current"),
            "t_stop": 200.0 if t_stop is None else t_stop, "spread": 0.1 if spread is None else spread,
            "dt": steps, "rtol": tolerances,
        }  # fmt: skip
    else:
        own = {"MODEL": model, "-p": parameter, "--current": current, "--t-stop": t_stop, "--spread": spread}
        if given := ", ".join(name for name, value in own.items() if value is not None):
            raise InputError(f"--sweep {sweep}: brings its own model, stimulus, duration and cells; leave out {given}")
        problem = problem_of_sweep(sweep, cells, seed, steps, tolerances)
    found = benchmark_integrators(
        **problem, cells=cells, seed=seed, rheobase=rheobase, progress=True,
        integrators=None if integrators is None else [name.strip() for name in integrators.split(",")],
    )  # fmt: skip
    if picture.wanted:
        from hhfast.figures.work_precision import plot_benchmark

        picture.save(plot_benchmark(found))
    say(found.to_csv().rstrip("\n") if csv else report(found, accuracies))


def _cells_of_model(name: str, given: list[str] | None) -> dict[str, Any]:
    """The model and its cells; a parameter with a single value is the same for all of the cells that are drawn."""
    from hhfast.model.resolve import find_model

    params = parameters(given)
    shared = {name: values if len(values) > 1 else float(values[0]) for name, values in params.items()}
    return {"model": find_model(name), "params": shared}


def problem_of_sweep(
    path: Path, cells: int, seed: int, dt: np.ndarray | None, rtol: np.ndarray | None
) -> dict[str, Any]:
    """What integrators are compared on: rows of a sweep, with its own step or tolerance among those that are tried."""
    from hhfast.analysis.work_precision.benchmark import STEPS, TOLERANCES
    from hhfast.sweep.random_rows import random_rows
    from hhfast.sweep.sweep import Sweep

    sweep = Sweep.from_toml(path)
    try:
        params, stimulus = random_rows(sweep, cells, seed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return {
        "model": sweep.model, "params": params, "stimulus": stimulus, "t_stop": sweep.t_stop, "initial": sweep.initial,
        "spread": 0.0, "dt": [*STEPS, sweep.dt] if dt is None else dt,
        "rtol": [*TOLERANCES, sweep.rtol or TOLERANCES[0]] if rtol is None else rtol,
    }  # fmt: skip
