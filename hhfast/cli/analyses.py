"""Commands that ask what a model does: fi, bifurcations, rheobase, refractory, trials, prc, clamp.

A line per cell, and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.cell_table import say_cells
from hhfast.cli.console import say
from hhfast.cli.options import Csv, ModelName, Parameters, interval, numbers, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.cli.run_analysis import run_analysis, say_analysis
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.analysis.voltage_clamp import VoltageClampFamily


@draws
def fi(
    model: ModelName,
    currents: Annotated[
        str, typer.Option(metavar="LIST", help="Currents, in the unit of the model: 0,5,10 or start:stop:step.")
    ] = "0:20:1",
    parameter: Parameters = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration of each run.")] = 1000.0,
    until: Annotated[
        str, typer.Option(metavar="WHEN", help="t_stop, or settled: at a rest or on a cycle, t_stop at the latest.")
    ] = "t_stop",
    threshold: Annotated[float, typer.Option(metavar="MV", help="What a spike crosses upwards.")] = -20.0,
    rearm: Annotated[
        float | None,
        typer.Option(
            metavar="MV",
            help="Below which V must have been before the next spike.",
            show_default="10 below the threshold",
        ),
    ] = None,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Firing rate against current: onset, gain, block and class of each cell; -o draws both branches."""
    options = {"currents": numbers(currents, "--currents"), "t_stop": t_stop, "until": until, "threshold": threshold}
    options |= {} if rearm is None else {"rearm": rearm}
    say_analysis("fi_curve", model, parameter, picture, options, csv)


@draws
def bifurcations(
    model: ModelName,
    currents: Annotated[
        str, typer.Option(metavar="LOW,HIGH", help="Lowest and highest current, in the unit of the model.")
    ] = "0,200",
    parameter: Parameters = None,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Hopf points, sub- or supercritical, and saddle-nodes of each cell; -o draws the bifurcation diagram of one."""
    limits = interval(currents, "--currents")
    picture.check()
    if picture.wanted and any(len(values) > 1 for values in parameters(parameter).values()):
        raise InputError("-o: a bifurcation diagram is that of one cell; give each parameter one value")
    found, params, table = run_analysis("bifurcations", model, parameter, None, {"i_app": limits})
    say_cells(table, found.status, csv)
    if picture.wanted:
        from hhfast.figures.bifurcation_diagram import plot_bifurcation_diagram
        from hhfast.figures.canvas import figure_of

        cell = {name: float(values[0]) for name, values in params.items()}
        picture.save(figure_of(plot_bifurcation_diagram(model, cell, i_app=limits)))


@draws
def rheobase(
    model: ModelName,
    width: Annotated[
        str, typer.Option(metavar="LIST", help="Widths of the pulse, ms: 1, or 0.1,1,10, or log:0.05:20:15.")
    ] = "500",
    parameter: Parameters = None,
    tol: Annotated[float, typer.Option(metavar="X", help="Relative tolerance of thresholds.")] = 1e-5,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Threshold of a current pulse for each cell; -o draws the strength-duration curve of several widths."""
    widths = numbers(width, "--width")
    if len(widths) == 1 and not picture.wanted:
        say_analysis("rheobase", model, parameter, picture, {"width": float(widths[0]), "tol": tol}, csv)
    else:
        say_analysis("strength_duration", model, parameter, picture, {"widths": widths, "tol": tol}, csv)


@draws
def refractory(
    model: ModelName,
    width: Annotated[float, typer.Option(metavar="MS", help="Width of both pulses.")] = 1.0,
    second: Annotated[
        str, typer.Option(metavar="LIST", help="Amplitudes of the second pulse, in thresholds: 2 or 1.5,2,5.")
    ] = "2",
    parameter: Parameters = None,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """How soon each cell can fire again: refractory periods; -o draws the recovery curve."""
    say_analysis(
        "refractory_period",
        model,
        parameter,
        picture,
        {"second": tuple(numbers(second, "--second")), "width": width},
        csv,
    )


@draws
def trials(
    model: ModelName,
    parameter: Parameters = None,
    trials: Annotated[int, typer.Option("--trials", metavar="N", help="How often each cell is simulated.")] = 100,
    current: Annotated[float, typer.Option(metavar="X", help="Amplitude of a pulse, in the unit of the model.")] = 0.0,
    start: Annotated[float, typer.Option(metavar="MS", help="Start of the pulse; spikes count from here on.")] = 0.0,
    width: Annotated[
        float | None, typer.Option(metavar="MS", help="Duration of the pulse.", show_default="up to the end")
    ] = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration of each trial.")] = 100.0,
    channel_noise: Annotated[str, typer.Option(metavar="KIND", help="diffusion or markov.")] = "diffusion",
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the channel noise.")] = 0,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Trials with channel noise (-p count_Na=6000): efficiency, jitter, rate, reliability; -o draws their spikes."""
    from hhfast.model.resolve import find_model

    cell = find_model(model)
    counted = any(channel.count is not None for channel in cell.every_channel)
    if not counted and cell.with_counts().counts.isdisjoint(t.partition("=")[0].strip() for t in parameter or ()):
        raise InputError("trials: no channel is counted, so that all trials are alike; give -p count_Na=6000")
    options: dict[str, Any] = {"trials": trials, "amplitude": current, "start": start, "t_stop": t_stop}
    options |= {"channel_noise": {"kind": channel_noise, "seed": seed}} | ({} if width is None else {"width": width})
    # Of fixed steps, by which noise takes least time.
    how = {"integrator": "exp_euler", "dt": 0.01}
    say_analysis("repeated_trials", model, parameter, picture, options | how, csv)


@draws
def prc(
    model: ModelName,
    current: Annotated[float, typer.Option(metavar="X", help="Constant current, in the unit of the model.")] = 0.0,
    phases: Annotated[int, typer.Option(metavar="N", help="At how many phases.")] = 200,
    initial: Annotated[
        str, typer.Option(metavar="WHERE", help="Where runs start: model, rest or depolarised.")
    ] = "model",
    threshold: Annotated[float, typer.Option(metavar="MV", help="What a spike crosses upwards.")] = -20.0,
    parameter: Parameters = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the curves as CSV, a line for each phase.")] = False,
    *,
    picture: PictureOptions,
) -> None:
    """Phase response curve of each periodic cell: how much a displacement of V advances its later spikes."""
    options = {"i_app": current, "phases": phases, "initial": initial, "threshold": threshold}
    found, params, table = run_analysis("phase_response", model, parameter, picture, options)
    if not csv:
        say_cells(table, found.status, csv=False)
        return
    import numpy as np

    n, k = found.response.shape
    columns = {name: np.repeat(values, k) for name, values in params.items()} | {"phase": np.tile(found.phase, n)}
    columns |= {"V (mV)": found.V.ravel(), "response (ms/mV)": found.response.ravel()}
    say_cells(columns, np.repeat(found.status, k), csv=True)


@draws
def clamp(
    model: ModelName,
    levels: Annotated[
        str, typer.Option(metavar="LIST", help="Levels of the test step, mV: -40,0,40 or start:stop:step.")
    ] = "-90:60:10",
    holding: Annotated[float, typer.Option(metavar="MV", help="Potential before and after.")] = -70.0,
    duration: Annotated[float, typer.Option(metavar="MS", help="Duration of the test step.")] = 20.0,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Measure the current of this channel alone.")
    ] = None,
    prepulse: Annotated[
        str | None, typer.Option(metavar="MV,MS", help="A step before the test: level and duration.")
    ] = None,
    tail: Annotated[
        str | None, typer.Option(metavar="MV,MS", help="A step after the test: level and duration.")
    ] = None,
    series_resistance: Annotated[
        float, typer.Option(metavar="R", help="Resistance of the electrode, kOhm cm2 (GOhm).")
    ] = 0.0,
    leak_subtraction: Annotated[int, typer.Option(metavar="N", help="n of the P/n protocol; 0: none.")] = 0,
    parameter: Parameters = None,
    csv: Csv = False,
    *,
    picture: PictureOptions,
) -> None:
    """Voltage clamp: currents at several levels, I-V, activation, inactivation; of several cells the fits alone."""
    options: dict[str, Any] = {
        "levels": numbers(levels, "--levels"), "holding": holding, "duration": duration, "channel": channel,
        "recording": {"series_resistance": series_resistance, "leak_subtraction": leak_subtraction},
    }  # fmt: skip
    options |= {
        name: tuple(numbers(step, f"--{name}")) for name, step in (("prepulse", prepulse), ("tail", tail)) if step
    }
    found, params, table = run_analysis("voltage_clamp", model, parameter, picture, options)
    if not csv and len(found.status) > 1:
        say_cells(table, found.status, csv=False)
        return
    import numpy as np

    from hhfast.tables import heading_text, number_text

    by_level, status = _by_level(found, params), np.repeat(found.status, len(found.level))
    say_cells(by_level, status, csv)
    if not csv:
        fitted = {heading_text(name): values[0] for name, values in table.items() if name not in params}
        say("\n".join(f"{name}: {number_text(value)}" for name, value in fitted.items()))
        if channel is None and any(values[0] != values[0] for values in table.values()):  # NaN
            say("- : no such curve fits the current of the whole membrane; --channel NAME measures one channel alone")


def _by_level(found: VoltageClampFamily, params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Heading -> values: a line for each level of each cell."""
    import numpy as np

    n, k = found.peak.shape
    columns = {name: np.repeat(values, k) for name, values in params.items()}
    columns["level (mV)"] = np.tile(found.level, n)
    for name, unit in (("peak", found.unit), ("peak_time", "ms"), ("steady", found.unit), ("tau", "ms")):
        columns[f"{name.replace('_', ' ')} ({unit})"] = getattr(found, name).ravel()
    return columns
