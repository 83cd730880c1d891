"""The command that shows one neuron, or a few: potential, currents, conductances and gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.console import note, say
from hhfast.cli.options import ModelName, Parameters, broadcast, current_step, numbers, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.batch.result import Result
    from hhfast.model import Model
    from hhfast.parts.stimuli import Stimulus

_SETTLED = ("rate", "period", "V_peak", "V_trough", "burst_duration", "duty_cycle", "V_rest")
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
    """Simulate one neuron or a few under a current step: spikes, and with -o V, currents, conductances, gates."""
    picture.check()
    params = broadcast({**parameters(parameter), "--current": numbers(current, "--current")})
    amplitude = params.pop("--current")
    if len(amplitude) > _MOST:
        raise InputError(f"{len(amplitude):,} cells: `simulate` keeps every trace; for so many, write a sweep file")

    from hhfast.batch.membrane import membrane_traces
    from hhfast.batch.method import Method
    from hhfast.model.resolve import find_model
    from hhfast.parts.channel_noise import ChannelNoise
    from hhfast.parts.integrators import DEFAULT
    from hhfast.parts.recorder import levels_of

    found = find_model(model)
    step = current_step(amplitude, start, stop)
    noise = None if channel_noise is None else ChannelNoise(channel_noise, seed=seed)
    usual = (DEFAULT, 0.025) if noise is None else ("exp_euler", 0.01)
    method = Method(integrator or usual[0], usual[1] if dt is None else dt)
    names = [] if sensitivity is None else [name.strip() for name in sensitivity.split(",")]
    if settled and noise is not None:
        raise InputError("--settled: a noisy cell never settles; leave --channel-noise out")
    if settled:
        if not names:
            raise InputError("--settled: goes with --sensitivity; name parameters there, as g_Na,g_K")
        say(_settled(found, params, step, amplitude, t_stop, integrator or DEFAULT, initial, threshold, names))
        return
    result = membrane_traces(
        found, params, t_stop=t_stop, stimulus=step, every=every, initial=initial, method=method, channel_noise=noise,
        levels=None if threshold is None else levels_of(threshold), sensitivity=names,
        certify=certify or certify_tolerance is not None, certify_tolerance=_tolerance(certify_tolerance),
    )  # fmt: skip
    varied = {**params, "i_app": amplitude}
    say(_csv(result) if csv else _table(result, varied, names))
    if picture.wanted:
        _draw(result, found, varied, picture)


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


def _table(result: Result, given: dict[str, np.ndarray], derived: list[str]) -> str:
    """A line for each cell; of a single one its spike times, too."""
    from hhfast.batch.certify import CERTIFIED_MEANINGS
    from hhfast.batch.membrane import FEATURES
    from hhfast.batch.result import STATUS_MEANINGS
    from hhfast.tables import number_text, table

    columns: dict[str, Any] = {**given, "spikes": result.spike_count}
    columns |= {f"{name} ({result.variables[name].unit})": result[name] for name in FEATURES}
    if "certified" in result:
        columns |= {"spikes shift (ms)": result["spike_time_error"]}
        columns["certified"] = [CERTIFIED_MEANINGS[code].replace("_", " ") for code in result["certified"]]
    columns["status"] = [STATUS_MEANINGS[code] for code in result.status]
    rows = zip(*([number_text(v) for v in values] for values in columns.values()), strict=True)
    text = table(rows, headings=tuple(columns), align="r")
    if result.n_cells == 1 and result.spike_count[0]:
        text += "\nspike times (ms): " + ", ".join(f"{t:.3f}" for t in result.spike_times[0])
        for name in (f"spike_time_d{p}" for p in derived):
            values = ", ".join(f"{v:.4g}" for v in result[name])
            text += f"\n{name} ({result.variables[name].unit}): {values}"
    return text


def _settled(
    model: Model, params: dict[str, np.ndarray], step: Stimulus, amplitude: np.ndarray, t_stop: float,
    integrator: str, initial: str, threshold: float | None, names: list[str],
) -> str:  # fmt: skip
    """A line for each cell and feature: its value once the cell has settled, and its derivatives."""
    import numpy as np

    from hhfast.batch.membrane import spike_levels
    from hhfast.batch.simulate import simulate as run
    from hhfast.parts.features import Features
    from hhfast.parts.recorder import levels_of
    from hhfast.tables import number_text, table

    levels = spike_levels(model) if threshold is None else levels_of(threshold)
    found = run(
        model, params, stimulus=step, t_stop=t_stop, integrator=integrator, initial=initial, until="settled",
        record=[Features(_SETTLED, *levels)], sensitivity=names,
    )  # fmt: skip
    varied = {**params, "i_app": amplitude}
    rows = [
        [*(number_text(np.broadcast_to(v, found.n_cells)[k]) for v in varied.values()),
         f"{feature} ({found.variables[feature].unit})",
         *(number_text(found[name][k]) for name in (feature, *(f"{feature}_d{p}" for p in names)))]
        for k in range(found.n_cells) for feature in _SETTLED if np.isfinite(found[feature][k])
    ]  # fmt: skip
    if not rows:
        return f"no cell has settled by {t_stop:g} ms; give a longer --t-stop"
    return table(rows, headings=(*varied, "feature", "value", *(f"by {p}" for p in names)), align="r")


def _csv(result: Result) -> str:
    """cell, time and every trace, as a spreadsheet reads it."""
    import csv
    import io

    names = [name for name, v in result.variables.items() if v.dims == ("cell", "time")]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["cell", "time", *names])
    for cell in range(result.n_cells):
        columns = [result[name][cell].tolist() for name in names]
        writer.writerows([cell, *row] for row in zip(result.time.tolist(), *columns, strict=True))
    return file.getvalue().rstrip("\n")


def _draw(result: Result, model: Model, varied: dict[str, np.ndarray], picture: PictureOptions) -> None:
    from hhfast.figures.text import cell_labels, plain
    from hhfast.figures.traces import MOST, plot_traces

    units = {name: p.unit for name, p in model.with_counts().parameters.items()} | {"i_app": model.variables["i_app"]}
    if result.n_cells > MOST:
        note(f"{result.n_cells} cells: the picture shows {MOST} of them")
    labels = cell_labels(varied, units)
    picture.save(plot_traces(result, labels=labels, title=plain(model.title or model.name)))
