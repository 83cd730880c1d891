"""The command that shows one neuron, or a few: potential, currents, conductances and gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.cli.console import note, say
from hhfast.cli.options import ModelName, Parameters, broadcast, check_counts, current_step, numbers, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.batch.method import Method
    from hhfast.batch.result import Result
    from hhfast.model import Model

_MOST = 1000  # cells: more are a sweep, which stores no traces


@draws
def simulate(
    model: ModelName,
    current: Annotated[
        str,
        typer.Option(metavar="LIST", help="Applied current, in the unit of the model: 10; several give one cell each."),
    ] = "0",
    parameter: Parameters = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration.")] = 100.0,
    start: Annotated[float, typer.Option(metavar="MS", help="Start of the current.")] = 5.0,
    stop: Annotated[float | None, typer.Option(metavar="MS", help="End of the current.", show_default="never")] = None,
    stimulus: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Another stimulus, a conductance or a clamp, as 'alpha_synapse g=0.3 tau=1 start=5' or 'voltage_clamp "
            "holding=-70 levels=-100,-80:40 durations=5,10'; may be given again.",
        ),
    ] = None,
    integrator: Annotated[
        str | None, typer.Option("-i", "--integrator", metavar="NAME", help="The integrator.", show_default="tsit5")
    ] = None,
    initial: Annotated[str, typer.Option(metavar="WHERE", help="Where cells start: model (V_init) or rest.")] = "model",
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="MV", help="What a spike crosses upwards.", show_default="as the model's checks, else -20"
        ),
    ] = None,
    every: Annotated[
        float | None, typer.Option(metavar="MS", help="Time between samples.", show_default="4,000 of them")
    ] = None,
    sensitivity: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Parameters by which to differentiate, as g_Na,g_K: spike times, --csv V."),
    ] = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="With --sensitivity: features of the settled cell, t_stop at the latest.")
    ] = False,
    certify: Annotated[
        bool, typer.Option("--certify", help="Simulate again far more accurately, and say whether the numbers agree.")
    ] = False,
    certify_tolerance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARE|NAME=VALUE",
            help="Errors that --certify lets pass: 0.02 of the scale; time=0.5 (ms); V_max=2.",
        ),
    ] = None,
    channel_noise: Annotated[
        str | None,
        typer.Option(
            "--channel-noise",
            metavar="KIND",
            help="diffusion or markov: channels with -p count_NAME=N are noisy (default: -i exp_euler --dt 0.01).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the channel noise.")] = 0,
    dt: Annotated[
        float | None, typer.Option(metavar="MS", help="The step of integrators that keep one.", show_default="0.025")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the traces as CSV, a line for each time.")] = False,
    *,
    picture: PictureOptions,
) -> None:
    """Simulate one neuron or a few under a current or any stimulus: spikes; -o: V, currents, conductances, gates."""
    picture.check()
    params = broadcast({**parameters(parameter), "--current": numbers(current, "--current")})
    amplitude = params.pop("--current")
    if len(amplitude) > _MOST:
        raise InputError(f"{len(amplitude):,} cells: `simulate` keeps every trace; for so many, write a sweep file")
    names = [] if sensitivity is None else [name.strip() for name in sensitivity.split(",")]
    of_traces = {"--csv": csv, "-o": picture.wanted, "--every": every, "--certify": certify or certify_tolerance}
    if settled:
        _check_settled(names, channel_noise, of_traces)

    from hhfast.batch.membrane import membrane_traces, spike_levels
    from hhfast.batch.simulate import simulate as simulated
    from hhfast.cli.simulated import SETTLED, cells_text, settled_text, traces_csv
    from hhfast.model.resolve import find_model
    from hhfast.parts.channel_noise import ChannelNoise
    from hhfast.parts.features import Features
    from hhfast.parts.recorder import levels_of

    found = find_model(model)
    check_counts(found, params)
    step, varied = current_step(amplitude, start, stop), {**params, "i_app": amplitude}
    if stimulus:
        from hhfast.cli.stimulus_text import stimulus_of

        step = stimulus_of(stimulus) + step if amplitude.any() else stimulus_of(stimulus)
    levels = None if threshold is None else levels_of(threshold)
    method = _method(integrator, dt, is_noisy=channel_noise is not None)
    if settled:
        record = [Features(SETTLED, *(levels or spike_levels(found)))]
        result = simulated(found, params, stimulus=step, t_stop=t_stop, initial=initial, until="settled",
                           record=record, sensitivity=names, method=method)  # fmt: skip
        say(settled_text(result, varied, names, t_stop))
        return
    noise = None if channel_noise is None else ChannelNoise(channel_noise, seed=seed)
    result = membrane_traces(
        found, params, t_stop=t_stop, stimulus=step, every=every, initial=initial, method=method, channel_noise=noise,
        levels=levels, sensitivity=names, certify=certify or certify_tolerance is not None,
        certify_tolerance=_tolerance(certify_tolerance),
    )  # fmt: skip
    say(traces_csv(result) if csv else cells_text(result, varied, names))
    if picture.wanted:
        _draw(result, found, varied, picture)


def _check_settled(sensitivity: list[str], channel_noise: str | None, of_traces: Mapping[str, object]) -> None:
    """Refuse what does not go with --settled, which prints derivatives of features."""
    if channel_noise is not None:
        raise InputError("--settled: a noisy cell never settles; leave --channel-noise out")
    if not sensitivity:
        raise InputError("--settled: goes with --sensitivity; name parameters there, as g_Na,g_K")
    if given := ", ".join(option for option, value in of_traces.items() if value):
        raise InputError(f"--settled: prints features and keeps no trace; leave out {given}")


def _method(integrator: str | None, dt: float | None, *, is_noisy: bool) -> Method:
    """The method, as given or as usual: with channel noise that of fixed steps by which noise takes least time."""
    from hhfast.batch.method import Method
    from hhfast.parts.integrators import DEFAULT

    usual = ("exp_euler", 0.01) if is_noisy else (DEFAULT, 0.025)
    return Method(integrator or usual[0], usual[1] if dt is None else dt)


def _tolerance(given: list[str] | None) -> float | dict[str, float]:
    """What --certify-tolerance says: a number alone is the share."""
    from hhfast.batch.certify_tolerance import Tolerance

    found = {}
    for text in given or ():
        name, equals, value = text.rpartition("=")
        try:
            found[name if equals else "share"] = float(value)
        except ValueError:
            raise InputError(f"--certify-tolerance {text}: give SHARE, or NAME=VALUE, as 0.02 or time=0.5") from None
    return found or Tolerance.share


def _draw(result: Result, model: Model, varied: dict[str, np.ndarray], picture: PictureOptions) -> None:
    from hhfast.figures.text import cell_labels, plain
    from hhfast.figures.traces import MOST, plot_traces

    units = {name: p.unit for name, p in model.with_counts().parameters.items()} | {"i_app": model.variables["i_app"]}
    if result.n_cells > MOST:
        note(f"{result.n_cells} cells: the picture shows {MOST} of them")
    labels = cell_labels(varied, units)
    picture.save(plot_traces(result, labels=labels, title=plain(model.title or model.name)))
